//! What a power cut, a failing sync and a full disk leave behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod rig;
mod sample;

use journal::{JournalError, Position};
use powercut::Survival;
use rig::{
    Rig, cut_at_random, cut_before, cut_while_mending, put_when_it_recovers, speaks_before_the_sync,
};
use rusqlite::{Connection, OpenFlags};
use sample::{all, put, record};

#[test]
fn everything_confirmed_survives_a_power_cut_and_the_rest_is_a_prefix() {
    for seed in 0..240 {
        let outcome = cut_at_random(seed, &mut Rig::new());
        assert_eq!(outcome, Ok(()), "seed {seed}");
    }
}

#[test]
fn a_power_cut_before_any_operation_loses_nothing_confirmed() {
    for kind in 0..3 {
        let mut n = 0;
        while cut_before(n, kind, &mut Rig::new()).unwrap_or_else(|violation| {
            panic!("survival {kind}, cut before operation {n}: {violation:?}")
        }) {
            n += 1;
        }
        assert!(n > 60, "only {n} operations");
    }
}

#[test]
fn nobody_is_released_while_the_sync_is_held() {
    assert!(!speaks_before_the_sync(&Rig::new()));
}

#[test]
fn a_failed_sync_is_an_error_and_nothing_of_it_is_believed() {
    let rig = Rig::new();
    let journal = rig.open().unwrap();
    let epoch = journal.epoch();
    let first = put(&journal, record(1, 1)).unwrap();
    rig.disk.set_sync_gate(true);
    let lost = journal.append(epoch, record(1, 2)).unwrap();
    rig.disk.wait_for_held_sync();
    // Decided on top of what is about to be lost.
    let on_top = journal.append(epoch, record(1, 3)).unwrap();
    rig.disk.fail_syncs(1);
    rig.disk.set_sync_gate(false);
    for at in [lost, on_top] {
        assert!(matches!(journal.wait_blocking(at), Err(JournalError::Io(_))));
        assert_eq!(journal.read(at), Err(JournalError::Missing(at)));
    }
    let later = put_when_it_recovers(&journal, &record(1, 4));
    assert!(journal.epoch() > epoch);
    let stale = journal.append(epoch, record(1, 5));
    assert_eq!(stale, Err(JournalError::Stale { seen: epoch, current: journal.epoch() }));
    // The failure is remembered although later records are durable.
    assert!(later > on_top);
    assert!(matches!(journal.wait_blocking(on_top), Err(JournalError::Io(_))));
    assert_eq!([first, on_top, later].map(|at| journal.is_durable(at)), [true, false, true]);
    let expected = vec![(first, record(1, 1)), (later, record(1, 4))];
    assert_eq!(all(&journal).unwrap(), expected);
    rig.disk.cut();
    drop(journal);
    rig.disk.restore(Survival::Synced);
    assert_eq!(all(&rig.open().unwrap()).unwrap(), expected);
}

#[test]
fn syncs_that_fail_at_any_time_lose_nothing_that_was_confirmed_later() {
    for seed in 0..120 {
        let rig = Rig::new();
        let journal = rig.open().unwrap();
        let mut confirmed: Vec<(Position, _)> = Vec::new();
        for number in 0..30 {
            if number % 7 == seed % 7 {
                rig.disk.fail_syncs(1 + (seed / 7 % 3) as u32);
            }
            let record = record(1, number);
            match put(&journal, record.clone()) {
                Ok(at) => confirmed.push((at, record)),
                Err(_) => confirmed.push((put_when_it_recovers(&journal, &record), record)),
            }
        }
        assert_eq!(all(&journal).unwrap(), confirmed, "seed {seed}");
        rig.disk.cut();
        drop(journal);
        rig.disk.restore(rig::survival(seed % 3, seed));
        let journal = rig.open().unwrap();
        assert_eq!(all(&journal).unwrap(), confirmed, "seed {seed} after the cut");
    }
}

#[test]
fn a_power_cut_before_any_operation_after_a_failed_sync_loses_nothing_confirmed() {
    for (kind, commits, killed) in (0..3)
        .flat_map(|kind| [0, 1, 2, 6].map(|commits| (kind, commits)))
        .flat_map(|(kind, commits)| [(kind, commits, false), (kind, commits, true)])
    {
        let mut n = 0;
        while cut_while_mending(n, kind, commits, killed).unwrap_or_else(|violation| {
            panic!("survival {kind}, {commits} commits, killed {killed}, cut {n}: {violation:?}")
        }) {
            n += 1;
        }
        assert!(n > 8, "only {n} operations");
    }
}

#[test]
fn what_a_failed_checkpoint_should_have_synced_is_written_again() {
    for (before, reads) in (0..40).flat_map(|before| [(before, false), (before, true)]) {
        let mut rig = Rig::new();
        rig.options.checkpoint_bytes = 16 * 1_024;
        let journal = rig.open_stepped().unwrap();
        // SQLite's memory of the write-ahead log lives as long as any connection does.
        if reads {
            assert_eq!(all(&journal).unwrap(), []);
        }
        let mut confirmed = Vec::new();
        let mut put_some = |count| {
            for _ in 0..count {
                if !journal.is_open() {
                    assert!(journal.step(), "it does not recover");
                }
                let record = record(1, confirmed.len() as u64);
                confirmed.push((put(&journal, record.clone()).unwrap(), record));
            }
        };
        put_some(before);
        // What stands in the way of a checkpoint: what that copies is not synced.
        let path = rig.dir.path().join("journal.sqlite");
        let flags = OpenFlags::default();
        let reader = Connection::open_with_flags_and_vfs(path, flags, rig.disk.vfs()).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM batches").unwrap();
        put_some(40);
        drop(reader);
        rig.disk.fail_syncs_of("journal.sqlite", 1);
        put_some(40);
        assert_eq!(journal.stats().failures, 1);
        rig.disk.cut();
        drop(journal);
        rig.disk.restore(Survival::Synced);
        assert_eq!(all(&rig.open().unwrap()).unwrap(), confirmed, "{before} before");
    }
}

#[test]
fn a_checkpoint_that_fails_behind_the_writer_is_a_failure_of_the_journal() {
    for seed in 0..20 {
        let rig = Rig::new();
        let journal = rig.open().unwrap();
        let mut confirmed = Vec::new();
        let mut put_until = |done: &dyn Fn() -> bool| {
            while !done() {
                let record = record(1, confirmed.len() as u64);
                confirmed.push((put_when_it_recovers(&journal, &record), record));
                assert!(confirmed.len() < 2_000, "it does not come");
            }
        };
        put_until(&|| (journal.durable().get() >> 24) > seed);
        let epoch = journal.epoch();
        rig.disk.fail_syncs_of("journal.sqlite", 1);
        put_until(&|| journal.epoch() > epoch && journal.is_open());
        let stats = journal.stats();
        assert_eq!((stats.failures, stats.checkpoint_failures), (1, 1), "seed {seed}");
        let end = (journal.durable().get() >> 24) + 30;
        put_until(&|| (journal.durable().get() >> 24) > end);
        rig.disk.cut();
        drop(journal);
        rig.disk.restore(rig::survival(seed % 3, seed));
        assert_eq!(all(&rig.open().unwrap()).unwrap(), confirmed, "seed {seed}");
    }
}

#[test]
fn a_log_whose_making_met_a_failed_sync_keeps_what_it_confirms() {
    for ending in ["journal.sqlite", "journal.sqlite-journal", "journal.sqlite-wal"] {
        for kind in [Survival::Killed, Survival::Synced] {
            let rig = Rig::new();
            rig.disk.fail_syncs_of(ending, 1);
            let refused = rig.open().err();
            assert!(matches!(refused, Some(JournalError::Io(_))), "{ending}: {refused:?}");
            rig.disk.cut();
            rig.disk.restore(kind);
            let journal = rig.open().unwrap();
            let confirmed = vec![(put(&journal, record(1, 1)).unwrap(), record(1, 1))];
            rig.disk.cut();
            drop(journal);
            rig.disk.restore(Survival::Synced);
            let found = all(&rig.open().unwrap()).unwrap();
            assert_eq!(found, confirmed, "{ending}, {kind:?}");
        }
    }
}

#[test]
fn a_full_disk_refuses_appends_serves_reads_and_recovers() {
    let rig = Rig::new();
    let journal = rig.open().unwrap();
    let mut expected = Vec::new();
    for number in 0..20 {
        expected.push((put(&journal, record(1, number)).unwrap(), record(1, number)));
    }
    let epoch = journal.epoch();
    rig.disk.set_full(true);
    assert!(matches!(put(&journal, record(1, 20)), Err(JournalError::Full(_))));
    for _ in 0..20 {
        rig::let_time_pass(2);
        let refused = journal.append(journal.epoch(), record(1, 21));
        assert!(matches!(refused, Err(JournalError::Full(_))), "{refused:?}");
        assert_eq!(journal.read(expected[7].0).unwrap(), expected[7].1);
        assert_eq!(all(&journal).unwrap(), expected);
    }
    rig.disk.set_full(false);
    let record = record(1, 22);
    expected.push((put_when_it_recovers(&journal, &record), record));
    assert_eq!(journal.epoch().get(), epoch.get() + 1);
    assert_eq!(journal.stats().failures, 1);
    assert_eq!(all(&journal).unwrap(), expected);
    drop(journal);
    assert_eq!(all(&rig.open().unwrap()).unwrap(), expected);
}

#[test]
fn closing_in_the_middle_of_a_failure_ends() {
    let rig = Rig::new();
    let journal = rig.open().unwrap();
    put(&journal, record(1, 1)).unwrap();
    rig.disk.set_full(true);
    let lost = journal.append(journal.epoch(), record(1, 2)).unwrap();
    assert!(journal.wait_blocking(lost).is_err());
    journal.close();
    assert_eq!(journal.append(journal.epoch(), record(1, 3)), Err(JournalError::Closed));
    assert!(journal.wait_blocking(lost).is_err());
}
