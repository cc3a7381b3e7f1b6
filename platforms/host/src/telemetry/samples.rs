//! How the last hour went: what was counted, once every ten seconds.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::spread::Counts;

/// What is counted since the start.
#[derive(Debug, Clone)]
pub(crate) struct Totals {
    /// Requests by how long they took.
    pub(crate) requests: Counts,
    /// Requests that the platform failed.
    pub(crate) errors: u64,
    /// Commits of the journal.
    pub(crate) commits: u64,
    /// Entities in memory now.
    pub(crate) entities: u64,
}

/// What came between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// How long that was.
    pub(crate) span_ms: u64,
    /// Requests.
    pub(crate) requests: u64,
    /// Of these, the ones that the platform failed.
    pub(crate) errors: u64,
    /// Half of them took at most this long.
    pub(crate) median_us: Option<u64>,
    /// All but one of a hundred took at most this long.
    pub(crate) slow_us: Option<u64>,
    /// Commits of the journal.
    pub(crate) commits: u64,
    /// Entities in memory at its end.
    pub(crate) entities: u64,
}

impl Sample {
    fn between(before: &Totals, after: &Totals, span: Duration) -> Self {
        let requests = after.requests.since(&before.requests);
        Self {
            span_ms: u64::try_from(span.as_millis()).unwrap_or(u64::MAX),
            requests: requests.total(),
            errors: after.errors.saturating_sub(before.errors),
            median_us: requests.within(500),
            slow_us: requests.within(990),
            commits: after.commits.saturating_sub(before.commits),
            entities: after.entities,
        }
    }
}

/// The samples of the last hour.
#[derive(Default)]
pub(crate) struct Samples(Mutex<VecDeque<Sample>>);

impl Samples {
    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<Sample> {
        self.0.lock().iter().copied().collect()
    }

    fn keep(&self, sample: Sample) {
        let mut kept = self.0.lock();
        while kept.len() >= SAMPLES_MAX {
            kept.pop_front();
        }
        kept.push_back(sample);
    }

    /// Takes a sample every so often until `stop` resolves.
    pub(crate) async fn take(
        &self,
        every: Duration,
        look: impl Fn() -> Totals,
        stop: impl Future<Output = ()>,
    ) {
        let mut stop = pin!(stop);
        let (mut before, mut since) = (look(), Instant::now());
        while tokio::time::timeout(every, &mut stop).await.is_err() {
            let (after, span) = (look(), since.elapsed());
            since = Instant::now();
            self.keep(Sample::between(&before, &after, span));
            before = after;
        }
    }
}

/// An hour of them.
pub(crate) const SAMPLES_MAX: usize = 360;
/// How often they are taken.
pub(crate) const SAMPLES_EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use http::StatusCode;

    use super::*;
    use crate::telemetry::Meters;

    #[test]
    fn a_sample_is_what_came_since_the_one_before() {
        let meters = Meters::default();
        let answer = |status, ms| meters.request(status, Duration::from_millis(ms));
        answer(StatusCode::INTERNAL_SERVER_ERROR, 900);
        let before = meters.totals(7, 100);
        assert_eq!((before.errors, before.requests.total()), (1, 1));
        answer(StatusCode::OK, 3);
        answer(StatusCode::NOT_FOUND, 3);
        answer(StatusCode::SERVICE_UNAVAILABLE, 60);
        let after = meters.totals(5, 130);
        let sample = Sample::between(&before, &after, Duration::from_secs(10));
        let (median, slow) = (sample.median_us.unwrap(), sample.slow_us.unwrap());
        assert!((3_000..3_400).contains(&median) && (60_000..67_600).contains(&slow), "{sample:?}");
        let Sample { span_ms, requests, errors, commits, entities, .. } = sample;
        assert_eq!((span_ms, requests, errors, commits, entities), (10_000, 3, 1, 30, 5));
        let quiet = Sample::between(&after, &after, Duration::from_secs(10));
        assert_eq!((quiet.requests, quiet.median_us, quiet.slow_us), (0, None, None));
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let samples = Samples::default();
        for entities in 0..1_000 {
            samples.keep(Sample { entities, ..Sample::default() });
        }
        let kept = samples.all();
        assert_eq!(kept.len(), SAMPLES_MAX);
        assert_eq!(kept.first().unwrap().entities, 640);
        assert_eq!(kept.last().unwrap().entities, 999);
    }

    #[tokio::test]
    async fn samples_are_taken_until_the_host_stops() {
        let (meters, samples) = (Meters::default(), Samples::default());
        let (looks, enough) = (AtomicU64::new(0), tokio::sync::Notify::new());
        let look = || {
            if looks.fetch_add(1, Ordering::Relaxed) == 3 {
                enough.notify_one();
            }
            meters.totals(1, 0)
        };
        samples.take(Duration::from_millis(1), look, enough.notified()).await;
        assert_eq!(samples.all().len(), 3);
    }
}
