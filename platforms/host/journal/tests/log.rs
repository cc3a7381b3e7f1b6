//! Order, group commit, reopening, reading.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod sample;

use journal::{Committed, Journal, JournalError, Options, Position, RECORD_BYTES_MAX};
use parking_lot::Mutex;
use sample::{all, put, record};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

#[test]
fn order_of_appends_is_the_order_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let appended = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (journal, appended) = (&journal, &appended);
            scope.spawn(move || {
                for number in 0..200 {
                    // The lock stands for the shard: what is appended under it is ordered by it.
                    let mut appended = appended.lock();
                    let record = record(writer, number);
                    let at = journal.append(journal.epoch(), record.clone()).unwrap();
                    appended.push((at, record));
                    drop(appended);
                    journal.wait_blocking(at).unwrap();
                }
            });
        }
    });
    let appended = appended.into_inner();
    assert!(appended.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(all(&journal).unwrap(), appended);
}

#[test]
fn one_commit_releases_every_waiter_of_its_batch() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let before = journal.stats();
    let positions: Vec<Position> = (0..1_000)
        .map(|number| journal.append(journal.epoch(), record(1, number)).unwrap())
        .collect();
    for position in &positions {
        journal.wait_blocking(*position).unwrap();
    }
    let after = journal.stats();
    assert_eq!(after.records - before.records, 1_000);
    assert!(after.batches - before.batches < 500, "{after:?}");
    assert_eq!(after.batches, after.commits.iter().sum::<u64>());
    assert_eq!((after.queued_records, after.queued_bytes), (0, 0));
    assert_eq!(journal.durable(), positions[999]);
}

#[test]
fn reopening_returns_everything_and_goes_on_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for round in 0..4 {
        let options = Options { row_records_max: 3, ..Options::default() };
        let journal = Journal::open(dir.path(), options).unwrap();
        assert_eq!(all(&journal).unwrap(), expected);
        for number in 0..10 {
            let record = record(round, number);
            let at = journal.append(journal.epoch(), record.clone()).unwrap();
            assert!(expected.last().is_none_or(|(last, _)| *last < at));
            expected.push((at, record));
        }
        // Closing writes what waits; nobody waited here.
    }
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!(all(&journal).unwrap(), expected);
}

#[test]
fn reading_one_gives_what_the_scan_gives() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { row_records_max: 7, ..Options::default() };
    let journal = Journal::open(dir.path(), options).unwrap();
    let last = (0..100)
        .map(|number| journal.append(journal.epoch(), record(number, number)).unwrap())
        .last()
        .unwrap();
    journal.wait_blocking(last).unwrap();
    let scanned = all(&journal).unwrap();
    assert_eq!(scanned.len(), 100);
    for (index, (at, expected)) in scanned.iter().enumerate() {
        assert_eq!(&journal.read(*at).unwrap(), expected);
        let mut rest = Vec::new();
        journal
            .scan(*at, |at, record| {
                rest.push((at, record));
                Ok::<_, JournalError>(())
            })
            .unwrap();
        assert_eq!(rest, scanned[index + 1..]);
    }
}

#[test]
fn positions_that_were_never_given_out_are_missing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let missing = |raw| {
        let at = Position::from_raw(raw);
        assert_eq!(journal.read(at), Err(JournalError::Missing(at)));
    };
    missing(0);
    let at = put(&journal, record(1, 1)).unwrap();
    missing(0);
    missing(at.get() - 1);
    missing(at.get() + 1);
    missing(at.get() + (1 << 24));
    missing(u64::MAX);
    let nothing = journal.scan(Position::from_raw(u64::MAX), |_, _| Ok::<_, JournalError>(()));
    assert_eq!(nothing, Ok(()));
}

#[test]
fn what_the_visitor_says_ends_the_scan() {
    #[derive(Debug, PartialEq)]
    enum Stop {
        Here(Position),
        Fault(JournalError),
    }
    impl From<JournalError> for Stop {
        fn from(error: JournalError) -> Self {
            Self::Fault(error)
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let first = put(&journal, record(1, 1)).unwrap();
    put(&journal, record(1, 2)).unwrap();
    let stopped = journal.scan(Position::START, |at, _| Err(Stop::Here(at)));
    assert_eq!(stopped, Err(Stop::Here(first)));
}

#[test]
fn subscriber_gets_every_record_once_and_in_order_after_it_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let seen: Arc<Mutex<Vec<Committed>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let journal = Journal::open_subscribed(dir.path(), Options::default(), move |batch| {
        sink.lock().extend(batch);
    })
    .unwrap();
    for number in 0..300 {
        journal.append(journal.epoch(), record(1, number)).unwrap();
    }
    journal.close();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let seen: Vec<_> = seen.lock().iter().map(|c| (c.position, c.record.clone())).collect();
    assert_eq!(all(&journal).unwrap(), seen);
}

#[test]
fn a_subscriber_that_panics_leaves_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open_subscribed(dir.path(), Options::default(), |_| {
        std::panic::resume_unwind(Box::new("a bug of the subscriber"));
    })
    .unwrap();
    put(&journal, record(1, 1)).unwrap();
    let outcomes: Vec<_> = (0..1_000).map(|n| put(&journal, record(1, n))).collect();
    assert_eq!(outcomes.last(), Some(&Err(JournalError::Closed)));
}

#[test]
fn an_idle_waker_is_left_only_once_and_the_newest_is_woken() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let counts: Vec<_> = (0..3).map(|_| Arc::new(Count(AtomicUsize::new(0)))).collect();
    let last = put(&journal, record(1, 1)).unwrap();
    // Not given out yet, so it waits for the record that will come there.
    let next = Position::from_raw(last.get() + (1 << 24));
    let mut wait = std::pin::pin!(journal.wait(next));
    for count in &counts {
        let waker = Waker::from(Arc::clone(count));
        assert_eq!(wait.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    }
    assert_eq!(put(&journal, record(1, 2)).unwrap(), next);
    let woken: Vec<_> = counts.iter().map(|count| count.0.load(Ordering::SeqCst)).collect();
    assert_eq!(woken, [0, 0, 1]);
}

#[test]
fn a_directory_is_open_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let second = Journal::open(dir.path(), Options::default());
    assert_eq!(second.err(), Some(JournalError::Locked));
    drop(journal);
    Journal::open(dir.path(), Options::default()).unwrap();
}

#[test]
fn after_closing_appends_are_refused_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let at = journal.append(journal.epoch(), record(1, 1)).unwrap();
    journal.close();
    assert_eq!(journal.wait_blocking(at), Ok(()));
    let refused = journal.append(journal.epoch(), record(1, 2));
    assert_eq!(refused, Err(JournalError::Closed));
    let never = Position::from_raw(at.get() + 1);
    assert_eq!(journal.wait_blocking(never), Err(JournalError::Closed));
}

#[test]
fn large_records_are_kept_and_too_large_ones_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let sized = |bytes| {
        let mut large = record(1, 1);
        large.events[0].fact = vec![5; bytes];
        large
    };
    let refused = put(&journal, sized(RECORD_BYTES_MAX));
    assert!(matches!(refused, Err(JournalError::TooLarge(_))), "{refused:?}");
    let mut expected = Vec::new();
    for bytes in [RECORD_BYTES_MAX - 4_096, 10, 300_000, 10] {
        let record = sized(bytes);
        expected.push((journal.append(journal.epoch(), record.clone()).unwrap(), record));
        let refused = journal.append(journal.epoch(), sized(RECORD_BYTES_MAX));
        assert!(matches!(refused, Err(JournalError::TooLarge(_))), "{refused:?}");
    }
    journal.wait_blocking(expected[3].0).unwrap();
    assert!(all(&journal).unwrap() == expected);
    assert!(journal.read(expected[0].0).unwrap() == expected[0].1);
}

#[test]
fn a_full_queue_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { queue_bytes_max: 1, row_records_max: 1, ..Options::default() };
    let journal = Journal::open(dir.path(), options).unwrap();
    let outcomes: Vec<_> =
        (0..5_000).map(|n| journal.append(journal.epoch(), record(1, n))).collect();
    assert!(outcomes.contains(&Err(JournalError::Busy)));
    let last = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).next_back().unwrap();
    journal.wait_blocking(*last).unwrap();
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(all(&journal).unwrap().len(), accepted);
}

#[test]
fn reads_go_on_while_the_log_is_moved() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { checkpoint_bytes: 64 * 1024, ..Options::default() };
    let journal = Journal::open(dir.path(), options).unwrap();
    let mut expected = Vec::new();
    for number in 0..3_000 {
        let record = record(number % 7, number);
        expected.push((journal.append(journal.epoch(), record.clone()).unwrap(), record));
        if number % 10 == 0 {
            let (at, record) = &expected[usize::try_from(number / 2).unwrap()];
            journal.wait_blocking(*at).unwrap();
            assert_eq!(&journal.read(*at).unwrap(), record);
        }
    }
    journal.wait_blocking(expected[2_999].0).unwrap();
    assert_eq!(all(&journal).unwrap(), expected);
    assert_eq!(journal.stats().checkpoint_failures, 0);
}

#[test]
fn the_write_ahead_log_starts_over_while_commits_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { checkpoint_bytes: 32 * 1024, page_bytes: 4_096, ..Options::default() };
    let journal = Journal::open(dir.path(), options).unwrap();
    for number in 0..6_000 {
        let at = journal.append(journal.epoch(), record(number % 7, number)).unwrap();
        if number % 20 == 0 {
            journal.wait_blocking(at).unwrap();
        }
    }
    let written = journal.stats().bytes;
    let wal = std::fs::metadata(dir.path().join("journal.sqlite-wal")).unwrap().len();
    assert!(written > 2_000_000 && wal < written / 2, "{wal} of {written} bytes");
    assert_eq!(journal.stats().checkpoint_failures, 0);
}

#[test]
fn a_stepped_journal_writes_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open_stepped(dir.path(), Options::default()).unwrap();
    assert!(!journal.step());
    let at = journal.append(journal.epoch(), record(1, 1)).unwrap();
    assert!(journal.durable() < at);
    assert!(journal.step());
    assert_eq!(journal.durable(), at);
    let next = journal.append(journal.epoch(), record(1, 2)).unwrap();
    assert_eq!(journal.wait_blocking(next), Ok(()));
    let never = Position::from_raw(next.get() + 1);
    assert_eq!(journal.wait_blocking(never), Err(JournalError::Closed));
    journal.append(journal.epoch(), record(1, 3)).unwrap();
    drop(journal);
    assert_eq!(all(&Journal::open(dir.path(), Options::default()).unwrap()).unwrap().len(), 3);
}
