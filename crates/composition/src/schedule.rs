//! When jobs run, in UTC (docs/adr/0025).

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::parser::{CronParser, Year};
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

/// When a job runs.
#[derive(Debug, Clone)]
pub struct Schedule(croner::Cron);

impl Schedule {
    /// Reads five fields, or six that begin with seconds.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let parser = CronParser::builder().year(Year::Disallowed).build();
        let cron = parser.parse(text);
        let schedule = Self(cron.map_err(|error| ScheduleError(format!("{text:?}: {error}")))?);
        // 30 February: nobody means never.
        let comes = schedule.next(0).is_some();
        if comes { Ok(schedule) } else { Err(ScheduleError(format!("{text:?} never comes"))) }
    }

    /// The newest slot that is behind `after` and not behind `now`.
    pub fn latest(&self, after: i64, now: i64) -> Option<i64> {
        let slot = self.0.find_previous_occurrence(&Utc::at(now)?, true).ok()?.ms()?;
        (slot > after).then_some(slot)
    }

    /// The first slot behind `after`.
    pub fn next(&self, after: i64) -> Option<i64> {
        self.0.find_next_occurrence(&Utc::at(after)?, false).ok()?.ms()
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
