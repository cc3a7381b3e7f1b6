//! Jobs that run by the clock, in UTC (docs/adr/0025).
//!
//! A slot is an instant of a schedule. It is marked as begun, durably, before its job runs, so it
//! never runs twice; when slots were missed, the newest of them runs, and only that one.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;

use composition::{Cron, Schedule};
use kernel::Timestamp;

use crate::cells::Cells;
use crate::moment::Moment;
use crate::store::Store;
use crate::world::{Connection, StoreError};

/// A job that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Names the lease.
    pub(crate) lease: String,
    /// What the component is told to do.
    pub(crate) job: String,
    /// The instant of the schedule.
    pub(crate) at: Timestamp,
}

/// Takes the newest missed slot of a job that is not under way. A job that nobody knew has begun
/// everything up to now.
pub(crate) fn next_slot<C: Connection>(
    store: &Store<C>,
    component: &str,
    crons: &[Cron],
    moment: &Moment,
) -> Result<Option<Slot>, StoreError> {
    if !store.read(|connection| has_due(connection, component, crons, moment.now))? {
        return Ok(None);
    }
    store.write(|connection| {
        let marks = marks(connection, component)?;
        for cron in crons {
            let job = || [component.into(), cron.job.as_str().into()];
            let Some(mark) = marks.get(&cron.job) else {
                let ([component, job], now) = (job(), moment.ms().into());
                let sql = "insert into edge_slots (consumer, job, slot) values (?1, ?2, ?3)";
                connection.execute(sql, &[component, job, now])?;
                continue;
            };
            let Some(slot) = mark.due(cron, moment.now) else { continue };
            let lease = format!("{JOB}{}", moment.name());
            let until = moment.now.plus_ms(RUN_MAX_MS).as_ms();
            let ([component, job], named) = (job(), lease.as_str().into());
            let sql = "update edge_slots set slot = ?3, lease = ?4, leased_until = ?5 \
                where consumer = ?1 and job = ?2";
            connection.execute(sql, &[component, job, slot.into(), named, until.into()])?;
            let at = Timestamp::from_ms(slot);
            return Ok(Some(Slot { lease, job: cron.job.clone(), at }));
        }
        Ok(None)
    })
}

/// Ends a run; nothing happens when its lease ran out and another run has begun.
pub(crate) fn settle<C: Connection>(store: &Store<C>, lease: &str) -> Result<(), StoreError> {
    let sql = "update edge_slots set lease = null, leased_until = null where lease = ?1";
    store.write(|connection| connection.execute(sql, &[lease.into()]).map(drop))
}

/// Does a lease name a run?
pub(crate) fn is_run(lease: &str) -> bool {
    lease.starts_with(JOB)
}

/// Is a slot to be run, or a job to be seen for the first time?
pub(crate) fn has_due<C: Connection>(
    connection: &C,
    component: &str,
    crons: &[Cron],
    now: Timestamp,
) -> Result<bool, StoreError> {
    if crons.is_empty() {
        return Ok(false);
    }
    let marks = marks(connection, component)?;
    let is_due =
        |cron: &Cron| marks.get(&cron.job).is_none_or(|mark| mark.due(cron, now).is_some());
    Ok(crons.iter().any(is_due))
}

/// The first slot that is still to come of any job, or when the lease of a run ends that may be
/// broken. In the past where a job was never seen.
pub(crate) fn next_at<C: Connection>(
    connection: &C,
    component: &str,
    crons: &[Cron],
) -> Result<Option<i64>, StoreError> {
    if crons.is_empty() {
        return Ok(None);
    }
    let marks = marks(connection, component)?;
    let of = |cron: &Cron| match marks.get(&cron.job) {
        None => Some(0),
        Some(mark) => with_schedule(cron, |schedule| schedule.next(mark.slot))
            .map(|slot| slot.max(mark.leased_until)),
    };
    Ok(crons.iter().filter_map(of).min())
}

/// How far a job has come.
struct Mark {
    slot: i64,
    leased_until: i64,
}

impl Mark {
    fn due(&self, cron: &Cron, now: Timestamp) -> Option<i64> {
        let is_free = self.leased_until <= now.as_ms();
        latest(cron, self.slot, now.as_ms()).filter(|_| is_free)
    }
}

/// The newest slot behind `after`.
fn latest(cron: &Cron, after: i64, now: i64) -> Option<i64> {
    with_schedule(cron, |schedule| schedule.latest(after, now))
}

/// Every look asks for it, so what a text means is remembered.
fn with_schedule<T>(cron: &Cron, ask: impl FnOnce(&Schedule) -> Option<T>) -> Option<T> {
    thread_local! {
        static PARSED: RefCell<BTreeMap<String, Option<Schedule>>> = RefCell::default();
    }
    PARSED.with_borrow_mut(|parsed| {
        if !parsed.contains_key(&cron.schedule) {
            // The manifest was checked when it was read.
            parsed.insert(cron.schedule.clone(), Schedule::parse(&cron.schedule).ok());
        }
        ask(parsed.get(&cron.schedule)?.as_ref()?)
    })
}

fn marks<C: Connection>(
    connection: &C,
    component: &str,
) -> Result<BTreeMap<String, Mark>, StoreError> {
    let sql = "select job, slot, coalesce(leased_until, 0) from edge_slots where consumer = ?1";
    let found = connection.execute(sql, &[component.into()])?;
    let mark = |row| {
        let mut cells = Cells::of(row);
        Ok((cells.text()?, Mark { slot: cells.integer()?, leased_until: cells.integer()? }))
    };
    found.rows.into_iter().map(mark).collect()
}

/// How the leases of runs begin.
const JOB: &str = "job-";
/// A run that takes longer is taken for broken: the next slot runs.
const RUN_MAX_MS: i64 = 5 * 60 * 1_000;
