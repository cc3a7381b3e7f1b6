//! Jobs that run by the clock, in UTC (docs/adr/0025).
//!
//! A slot is an instant of a schedule. It is marked as begun, durably, before its job runs, so it
//! never runs twice; when slots were missed, the newest of them runs, and only that one.

use std::sync::Arc;
use std::time::Duration;

use composition::Schedule;
use tokio::sync::watch;

use crate::queues::{QueueError, Queues};
use crate::services::Service;
use crate::telemetry::Meters;

/// A job of a component.
pub(crate) struct Job {
    /// What the component is told to do.
    pub(crate) name: String,
    /// When.
    pub(crate) schedule: Schedule,
    /// The component.
    pub(crate) service: Arc<Service>,
}

/// Runs a job at its slots until `stop` turns true; a run that began ends first.
pub(crate) async fn run(
    job: Job,
    queues: Arc<Queues>,
    meters: Arc<Meters>,
    mut stop: watch::Receiver<bool>,
) {
    let component = job.service.platform().component.clone();
    let mut ahead = Ahead::default();
    while !*stop.borrow() {
        let pause = match turn(&job, &component, &queues, &meters, &mut ahead).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, component, job = job.name, "slots cannot be marked");
                CLOCK_CHECK
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Runs what is due; how long to wait then.
async fn turn(
    job: &Job,
    component: &str,
    queues: &Queues,
    meters: &Meters,
    ahead: &mut Ahead,
) -> Result<Duration, QueueError> {
    let last = queues.last_slot(component, &job.name).await?;
    let now = queues.world().now_ms();
    if ahead.is_news(last, now) {
        let last = kernel::Timestamp::from_ms(last);
        let why = "the last slot lies in the future, as the clock was wrong; the job waits for it";
        tracing::warn!(%last, component, job = job.name, "{why}");
    }
    let Some(slot) = job.schedule.latest(last, now) else {
        // Behind the slot that ran, also when the clock was turned back.
        let wait = job.schedule.next(now.max(last)).map_or(i64::MAX, |next| next - now);
        // A long sleep is cut so that a step of the wall clock is noticed.
        let wait = u64::try_from(wait.max(1)).unwrap_or(1);
        return Ok(Duration::from_millis(wait).min(CLOCK_CHECK));
    };
    if queues.begin_slot(component, &job.name, slot).await? {
        let late_ms = now - slot;
        let failure = match job.service.run_job(&job.name, slot).await {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(why),
            Err(error) => Some(error.to_string()),
        };
        meters.job(component, &job.name, failure.is_none());
        match failure {
            None => tracing::debug!(component, job = job.name, slot, late_ms, "job done"),
            Some(why) => {
                tracing::error!(why, component, job = job.name, slot, late_ms, "job failed");
            }
        }
    }
    Ok(Duration::ZERO)
}

/// A last slot in the future: how the clock was set wrong shows.
#[derive(Default)]
struct Ahead(Option<i64>);

impl Ahead {
    /// Is it ahead of the clock, and was nobody told yet?
    fn is_news(&mut self, last: i64, now: i64) -> bool {
        let ahead = (last > now.saturating_add(CLOCK_SLIP_MAX_MS)).then_some(last);
        let before = std::mem::replace(&mut self.0, ahead);
        ahead.is_some() && ahead != before
    }
}

/// Longest sleep.
const CLOCK_CHECK: Duration = Duration::from_secs(1);
/// Clocks that are kept in step go back by less.
const CLOCK_SLIP_MAX_MS: i64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_slot_in_the_future_is_told_once() {
        let mut ahead = Ahead::default();
        let mut is_news = |last, now| ahead.is_news(last, now);
        assert!(!is_news(5_000, 5_000) && !is_news(5_000, 4_000), "a clock that is kept in step");
        assert_eq!([is_news(5_000, 3_999), is_news(5_000, 4_500)], [true, false]);
        assert_eq!([is_news(9_000, 4_000), is_news(9_000, 4_001)], [true, false]);
        assert!(!is_news(9_000, 9_000) && is_news(9_000, 1_000), "turned back again");
    }
}
