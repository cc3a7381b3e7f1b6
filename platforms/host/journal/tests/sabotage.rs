//! The checks of the power cut tests catch the bugs that they are there for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod rig;
mod sample;

use journal::Sabotage;
use rig::{Rig, Violation, cut_at_random, cut_before, speaks_before_the_sync};

fn sabotaged(sabotage: Sabotage) -> Rig {
    let mut rig = Rig::new();
    rig.options.sabotage = Some(sabotage);
    rig
}

/// Seeds of the random test that report a violation, and a lost record among the reports.
fn caught(sabotage: Sabotage) -> (usize, bool) {
    let violations: Vec<_> =
        (0..60).filter_map(|seed| cut_at_random(seed, &mut sabotaged(sabotage)).err()).collect();
    let lost = violations.iter().any(|violation| matches!(violation, Violation::Lost(_)));
    (violations.len(), lost)
}

#[test]
fn commits_without_sync_are_caught() {
    let (seeds, lost) = caught(Sabotage::NoFsync);
    assert!(seeds > 30 && lost, "{seeds} of 60 seeds, lost {lost}");
}

#[test]
fn replies_before_the_sync_are_caught() {
    let (seeds, lost) = caught(Sabotage::ReplyBeforeFsync);
    assert!(seeds > 10 && lost, "{seeds} of 60 seeds, lost {lost}");
}

#[test]
fn replies_before_the_sync_are_caught_at_the_gate() {
    assert!(speaks_before_the_sync(&sabotaged(Sabotage::ReplyBeforeFsync)));
}

#[test]
fn the_cut_before_every_operation_catches_both() {
    for sabotage in [Sabotage::NoFsync, Sabotage::ReplyBeforeFsync] {
        let caught = (0..200).any(|n| cut_before(n, 0, &mut sabotaged(sabotage)).is_err());
        assert!(caught, "{sabotage:?}");
    }
}
