//! Wakes of entities, earliest first.
//!
//! The queue is memory: every wake is part of a journal record or a snapshot, so a start rebuilds
//! it and what was missed fires once. A wake may fire early, late or twice; the machine decides
//! what is due.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::World;

/// One planned wake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    /// Machine name.
    pub(crate) machine: Arc<str>,
    /// Entity key.
    pub(crate) key: Arc<str>,
}

/// All planned wakes.
#[derive(Default)]
pub(crate) struct Timers {
    alarms: Mutex<BTreeSet<Alarm>>,
    earlier: Notify,
}

impl Timers {
    /// Plans a wake.
    pub(crate) fn set(&self, alarm: Alarm) {
        let is_first = {
            let mut alarms = self.alarms.lock();
            let is_first = alarms.first().is_none_or(|first| alarm.at < first.at);
            alarms.insert(alarm);
            is_first
        };
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Forgets a planned wake that was replaced.
    pub(crate) fn cancel(&self, alarm: &Alarm) {
        self.alarms.lock().remove(alarm);
    }

    /// How many are planned.
    pub(crate) fn len(&self) -> usize {
        self.alarms.lock().len()
    }

    /// The next ones, earliest first.
    pub(crate) fn next(&self, limit: usize) -> Vec<Alarm> {
        self.alarms.lock().iter().take(limit).cloned().collect()
    }

    /// Takes at most `limit` of what is due at `now`, earliest first.
    pub(crate) fn take_due(&self, now: i64, limit: usize) -> Vec<Alarm> {
        let mut alarms = self.alarms.lock();
        let mut due = Vec::new();
        while due.len() < limit && alarms.first().is_some_and(|alarm| alarm.at <= now) {
            due.extend(alarms.pop_first());
        }
        due
    }

    /// Waits until something is due and takes at most `limit` of it.
    pub(crate) async fn due(&self, world: &dyn World, limit: usize) -> Vec<Alarm> {
        loop {
            let now = world.now_ms();
            let due = self.take_due(now, limit);
            if !due.is_empty() {
                return due;
            }
            let first = self.alarms.lock().first().map(|alarm| alarm.at.saturating_sub(now));
            // A long sleep is cut so that a step of the wall clock is noticed.
            let wait = first.unwrap_or(CLOCK_CHECK_MS).clamp(1, CLOCK_CHECK_MS);
            let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(1));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.earlier.notified() => {}
            }
        }
    }
}

const CLOCK_CHECK_MS: i64 = 1_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::clock::System;

    fn alarm(at: i64, key: &str) -> Alarm {
        Alarm { at, machine: "m".into(), key: key.into() }
    }

    #[tokio::test]
    async fn the_earliest_due_wake_comes_first_and_an_earlier_one_interrupts_the_wait() {
        let timers = Arc::new(Timers::default());
        let now = crate::clock::now_ms();
        timers.set(alarm(now + 3_600_000, "later"));
        let waiting = tokio::spawn({
            let timers = Arc::clone(&timers);
            async move { timers.due(&System, 10).await }
        });
        timers.set(alarm(now - 5, "second"));
        timers.set(alarm(now - 9, "first"));
        let mut due = waiting.await.unwrap();
        while due.len() < 2 {
            due.extend(timers.due(&System, 10).await);
        }
        due.sort();
        assert_eq!(due.iter().map(|alarm| &*alarm.key).collect::<Vec<_>>(), ["first", "second"]);
        assert_eq!(timers.len(), 1);
    }

    #[test]
    fn the_next_ones_are_told_and_stay() {
        let timers = Timers::default();
        (0..20).rev().for_each(|at| timers.set(alarm(at, "k")));
        let next: Vec<i64> = timers.next(3).iter().map(|alarm| alarm.at).collect();
        assert_eq!((next, timers.len()), (vec![0, 1, 2], 20));
    }
}
