//! Jobs that run by the clock, in UTC (docs/adr/0025).
//!
//! A slot is an instant of a schedule. It is marked as begun, durably, before its job runs, so it
//! never runs twice; when slots were missed, the newest of them runs, and only that one.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use croner::errors::CronError;
use croner::parser::{CronParser, Year};
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::queues::{QueueError, Queues};
use crate::services::Service;
use crate::telemetry::Meters;

/// When a job runs.
#[derive(Debug, Clone)]
pub(crate) struct Schedule(croner::Cron);

impl Schedule {
    /// Reads five fields, or six that begin with seconds.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let parser = CronParser::builder().year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| anyhow::anyhow!("{text:?}: {error}"))?;
        let schedule = Self(cron);
        // 30 February: nobody means never.
        anyhow::ensure!(schedule.next(0).is_some(), "{text:?} never comes");
        Ok(schedule)
    }

    /// The newest slot that is behind `after` and not behind `now`.
    fn latest(&self, after: i64, now: i64) -> Option<i64> {
        let slot = self.0.find_previous_occurrence(&Utc::at(now)?, true).ok()?.ms()?;
        (slot > after).then_some(slot)
    }

    /// The first slot behind `after`.
    fn next(&self, after: i64) -> Option<i64> {
        self.0.find_next_occurrence(&Utc::at(after)?, false).ok()?.ms()
    }
}

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

/// A second of the wall clock, as the schedule's library wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Utc(DateTime);

impl Utc {
    fn at(ms: i64) -> Option<Self> {
        let instant = Timestamp::from_second(ms.div_euclid(1_000)).ok()?;
        Some(Self(jiff::tz::Offset::UTC.to_datetime(instant)))
    }

    fn ms(self) -> Option<i64> {
        let instant = TimeZone::UTC.to_timestamp(self.0).ok()?;
        Some(instant.as_second().saturating_mul(1_000))
    }
}

impl CronDateTime for Utc {
    fn to_civil(&self) -> CivilDateTime {
        let (part, at) = (|part: i8| u32::from(part.unsigned_abs()), self.0);
        let (year, month, day) = (i32::from(at.year()), part(at.month()), part(at.day()));
        let (hour, minute, second) = (part(at.hour()), part(at.minute()), part(at.second()));
        // They are parts of an instant that exists.
        let date = CivilDate::from_parts_unchecked(year, month, day);
        CivilDateTime::new(date, CivilTime::from_parts_unchecked(hour, minute, second))
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(days.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let part = |part: u32| i8::try_from(part).unwrap_or(i8::MAX);
        let (month, day) = (part(civil.month()), part(civil.day()));
        let (hour, minute, second) =
            (part(civil.hour()), part(civil.minute()), part(civil.second()));
        DateTime::new(year, month, day, hour, minute, second, 0)
            .map(|at| Resolution::Single(Self(at)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// Longest sleep.
const CLOCK_CHECK: Duration = Duration::from_secs(1);
/// Clocks that are kept in step go back by less.
const CLOCK_SLIP_MAX_MS: i64 = 1_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn the_newest_missed_slot_is_due_and_no_other() {
        let schedule = Schedule::parse("*/10 * * * *").unwrap();
        let now = ms("2026-11-26T05:07:30.500Z");
        let slot = ms("2026-11-26T05:00:00Z");
        assert_eq!(schedule.latest(ms("2026-11-20T00:00:00Z"), now), Some(slot));
        assert_eq!(schedule.latest(slot, now), None, "it ran");
        assert_eq!(schedule.latest(slot + 3_600_000, now), None, "the clock was turned back");
        assert_eq!(schedule.latest(slot - 1, slot), Some(slot), "at the instant itself");
        assert_eq!(schedule.latest(slot, slot + 599_999), None);
        assert_eq!(schedule.next(slot), Some(slot + 600_000));
        assert_eq!(schedule.next(slot + 599_999), Some(slot + 600_000));
    }

    #[test]
    fn a_last_slot_in_the_future_is_told_once() {
        let mut ahead = Ahead::default();
        let mut is_news = |last, now| ahead.is_news(last, now);
        assert!(!is_news(5_000, 5_000) && !is_news(5_000, 4_000), "a clock that is kept in step");
        assert_eq!([is_news(5_000, 3_999), is_news(5_000, 4_500)], [true, false]);
        assert_eq!([is_news(9_000, 4_000), is_news(9_000, 4_001)], [true, false]);
        assert!(!is_news(9_000, 9_000) && is_news(9_000, 1_000), "turned back again");
    }

    #[test]
    fn slots_follow_the_calendar_in_utc() {
        for (schedule, after, next) in [
            ("0 3 * * *", "2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z"),
            ("30 2 29 2 *", "2026-11-26T00:00:00Z", "2028-02-29T02:30:00Z"),
            ("0 9 * * MON", "2026-11-26T00:00:00Z", "2026-11-30T09:00:00Z"),
            ("15 0 1 1 *", "2026-12-31T23:59:59Z", "2027-01-01T00:15:00Z"),
            ("*/5 * * * * *", "2026-11-26T05:00:03.999Z", "2026-11-26T05:00:05Z"),
        ] {
            let next = Some(ms(next));
            assert_eq!(Schedule::parse(schedule).unwrap().next(ms(after)), next, "{schedule}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_an_error() {
        for text in ["", "often", "* * * *", "61 * * * *", "0 0 30 2 *", "* * * * * * 2030"] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }
}
