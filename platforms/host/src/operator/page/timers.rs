//! Planned wakes of entities.

use kernel::Timestamp;

use super::words::age;
use crate::timers::Alarm;

/// Planned wakes.
pub(in crate::operator) struct Plans {
    /// How many there are.
    pub(in crate::operator) count: usize,
    /// The next ones.
    pub(in crate::operator) next: Vec<Alarm>,
}

/// The wakes on the page.
pub(super) struct Shown<'a> {
    pub(super) count: usize,
    pub(super) next: Vec<Wake<'a>>,
}

/// One of them.
pub(super) struct Wake<'a> {
    pub(super) machine: &'a str,
    pub(super) key: &'a str,
    pub(super) at: Timestamp,
    pub(super) when: String,
    pub(super) is_late: bool,
}

pub(super) fn shown(plans: &Plans, now: i64) -> Shown<'_> {
    let next = plans.next.iter().map(|alarm| wake(alarm, now));
    Shown { count: plans.count, next: next.collect() }
}

fn wake(alarm: &Alarm, now: i64) -> Wake<'_> {
    let Alarm { at, machine, key } = alarm;
    let (is_late, late) = (*at < now, now.saturating_sub(*at));
    let when = if is_late {
        format!("overdue by {}", age(late))
    } else {
        format!("in {}", age(late.saturating_neg()))
    };
    Wake { machine, key, at: Timestamp::from_ms(*at), when, is_late }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_is_told_by_when_it_comes_or_how_late_it_is() {
        let told = |at: i64| {
            let alarm = Alarm { at, machine: "m".into(), key: "k".into() };
            let wake = wake(&alarm, 1_000_000);
            (wake.when, wake.is_late)
        };
        assert_eq!(told(1_000_000), ("in 0 s".to_owned(), false));
        assert_eq!(told(1_180_000), ("in 3 min".to_owned(), false));
        assert_eq!(told(995_000), ("overdue by 5 s".to_owned(), true));
        assert_eq!(told(i64::MIN), (format!("overdue by {}", age(i64::MAX)), true));
    }
}
