//! What jobs promise.

use std::sync::Barrier;

use super::*;
use crate::bench::{Bench, File};

/// An instance of a component with a job every ten minutes. The tests begin at a slot.
struct Stage {
    bench: Bench,
    store: Store<File>,
}

fn crons() -> Vec<Cron> {
    let cron = |job: &str| Cron { job: job.to_owned(), schedule: "*/10 * * * *".to_owned() };
    vec![cron("sweep")]
}

impl Stage {
    fn over(folder: &tempfile::TempDir, number: u64) -> Self {
        let bench = Bench::over(folder.path()).with_chances(number << 32);
        let store = bench.store();
        Self { bench, store }
    }

    /// Minutes from the beginning to the slot that is to be run.
    fn next(&self) -> Option<(String, i64)> {
        let slot = next_slot(&self.store, "shop", &crons(), &self.bench.moment()).unwrap()?;
        assert_eq!(slot.job, "sweep");
        Some((slot.lease, slot.at.ms_since(BEGIN) / MINUTE_MS))
    }

    fn pass(&self, minutes: i64) {
        self.bench.pass(minutes * MINUTE_MS);
    }

    fn settle(&self, lease: &str) {
        assert!(is_run(lease));
        settle(&self.store, lease).unwrap();
    }
}

const MINUTE_MS: i64 = 60_000;
const BEGIN: Timestamp = Timestamp::from_ms(1_795_651_200_000);

#[test]
fn a_job_that_is_new_has_no_past() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::over(&folder, 1);
    stage.pass(5);
    assert_eq!(stage.next(), None);
    stage.pass(4);
    assert_eq!(stage.next(), None);
    stage.pass(1);
    assert_eq!(stage.next().unwrap().1, 10);
}

#[test]
fn slots_that_were_missed_run_once_and_the_newest_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::over(&folder, 1);
    stage.next();
    stage.pass(125);
    let (lease, slot) = stage.next().unwrap();
    assert_eq!(slot, 120);
    stage.settle(&lease);
    assert_eq!(stage.next(), None);
    stage.pass(-60);
    assert_eq!(stage.next(), None, "the clock was turned back");
}

#[test]
fn a_job_under_way_is_not_begun_again_until_its_lease_runs_out() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::over(&folder, 1);
    stage.next();
    stage.pass(19);
    let (lost, slot) = stage.next().unwrap();
    assert_eq!(slot, 10);
    stage.pass(2);
    assert_eq!(stage.next(), None, "the next slot has come, and the last run is not over");
    stage.pass(3);
    let (lease, slot) = stage.next().unwrap();
    assert_eq!(slot, 20, "five minutes are over: it broke");
    stage.settle(&lost);
    stage.bench.pass(4 * MINUTE_MS);
    assert_eq!(stage.next(), None);
    stage.settle(&lease);
    stage.pass(2);
    assert_eq!(stage.next().unwrap().1, 30);
}

#[test]
fn a_late_word_about_a_lost_run_does_not_free_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::over(&folder, 1);
    stage.next();
    stage.pass(18);
    let (lost, _) = stage.next().unwrap();
    stage.pass(10);
    assert_eq!(stage.next().unwrap().1, 20);
    stage.settle(&lost);
    stage.pass(3);
    assert_eq!(stage.next(), None, "the run of 20 is still under way");
}

#[test]
fn instances_that_look_at_once_run_a_slot_once() {
    let folder = tempfile::tempdir().unwrap();
    Stage::over(&folder, 9).next();
    let start = Barrier::new(4);
    let instance = |number: u64| {
        let stage = Stage::over(&folder, number);
        stage.pass(10);
        start.wait();
        let run = stage.next();
        run.iter().for_each(|(lease, _)| stage.settle(lease));
        usize::from(run.is_some())
    };
    let runs: usize = std::thread::scope(|scope| {
        let running: Vec<_> = (1..5).map(|number| scope.spawn(move || instance(number))).collect();
        running.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(runs, 1);
}
