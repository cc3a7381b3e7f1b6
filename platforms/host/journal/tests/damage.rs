//! Changed, lost and misplaced bytes are reported and never served.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod sample;

use journal::{Journal, JournalError, Options, Position, Record};
use parking_lot::Mutex;
use rusqlite::{Connection, params};
use sample::{all, put, record, small};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A log of several rows, two small records in each but the first, and a second way to its
/// file.
struct Log {
    dir: TempDir,
    journal: Journal,
    file: Connection,
    records: Vec<(Position, Record)>,
}

impl Log {
    fn with_rows(rows: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { row_records_max: 2, ..Options::default() };
        // The writer stands in the subscriber while the records are appended, so that it finds
        // them all at once.
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock();
        let inner = Arc::clone(&gate);
        let stand = move |_| drop(inner.lock());
        let journal = Journal::open_subscribed(dir.path(), options, stand).unwrap();
        let mut records = vec![(put(&journal, small(0)).unwrap(), small(0))];
        records.extend(
            (1..2 * rows - 1)
                .map(|n| (journal.append(journal.epoch(), small(n)).unwrap(), small(n))),
        );
        drop(held);
        journal.wait_blocking(records[records.len() - 1].0).unwrap();
        let file = Connection::open(dir.path().join("journal.sqlite")).unwrap();
        file.pragma_update(None, "synchronous", "off").unwrap();
        let log = Self { dir, journal, file, records };
        assert_eq!(all(&log.journal).unwrap(), log.records);
        assert_eq!(log.ids().len() as u64, rows);
        log
    }

    fn ids(&self) -> Vec<i64> {
        let mut select = self.file.prepare("SELECT id FROM batches ORDER BY id").unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn body(&self, id: i64) -> Vec<u8> {
        let sql = "SELECT body FROM batches WHERE id = ?1";
        self.file.query_row(sql, [id], |row| row.get(0)).unwrap()
    }

    fn set_body(&self, id: i64, body: &[u8]) {
        let sql = "UPDATE batches SET body = ?2 WHERE id = ?1";
        assert_eq!(self.file.execute(sql, params![id, body]).unwrap(), 1);
    }

    /// What is read is right or an error, and the scan ends with damage within the row.
    fn assert_detected(&self, id: i64, what: &str) {
        let mut served = Vec::new();
        let outcome = self.journal.scan(Position::START, |at, record| {
            served.push((at, record));
            Ok::<_, JournalError>(())
        });
        let Err(JournalError::Damaged { at, .. }) = outcome else {
            panic!("{what}: {outcome:?}");
        };
        assert_eq!(at.get() >> 24, id as u64, "{what}");
        assert_eq!(served, self.records[..served.len()], "{what}");
        assert!(served.iter().all(|(served, _)| *served < at), "{what}");
        for (at, expected) in &self.records {
            match self.journal.read(*at) {
                Ok(read) => assert_eq!(&read, expected, "{what}"),
                Err(JournalError::Damaged { at: damaged, .. }) => assert_eq!(damaged, *at),
                Err(JournalError::Missing(missing)) => assert_eq!(missing, *at),
                Err(other) => panic!("{what}: {other}"),
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_row_is_detected() {
    let log = Log::with_rows(3);
    let id = log.ids()[1];
    let body = log.body(id);
    for byte in 0..body.len() {
        for bit in if byte < 64 { 0..8 } else { byte % 8..byte % 8 + 1 } {
            let mut flipped = body.clone();
            flipped[byte] ^= 1 << bit;
            log.set_body(id, &flipped);
            log.assert_detected(id, &format!("byte {byte}, bit {bit}"));
        }
    }
    log.set_body(id, &body);
    assert_eq!(all(&log.journal).unwrap(), log.records);
}

#[test]
fn a_damaged_record_is_not_read_alone_either() {
    let log = Log::with_rows(2);
    let id = log.ids()[1];
    let body = log.body(id);
    let (first, second) = (log.records[1].0, log.records[2].0);
    let start = usize::try_from(first.get() & 0xFF_FFFF).unwrap();
    let end = usize::try_from(second.get() & 0xFF_FFFF).unwrap();
    for byte in start..end {
        let mut flipped = body.clone();
        flipped[byte] ^= 0x10;
        log.set_body(id, &flipped);
        let read = log.journal.read(first);
        assert!(matches!(read, Err(JournalError::Damaged { at, .. }) if at == first), "{read:?}");
        assert_eq!(log.journal.read(second).unwrap(), log.records[2].1);
    }
}

#[test]
fn a_row_cut_short_or_grown_is_detected() {
    let log = Log::with_rows(3);
    let id = log.ids()[1];
    let body = log.body(id);
    for bytes in 0..body.len() {
        log.set_body(id, &body[..bytes]);
        log.assert_detected(id, &format!("cut at {bytes}"));
    }
    let grown = [&body[..], &body[24..]].concat();
    log.set_body(id, &grown);
    log.assert_detected(id, "grown");
}

#[test]
fn a_row_in_a_wrong_place_is_detected() {
    let log = Log::with_rows(3);
    let ids = log.ids();
    let (one, two) = (log.body(ids[0]), log.body(ids[1]));
    log.set_body(ids[0], &two);
    log.set_body(ids[1], &one);
    log.assert_detected(ids[0], "swapped");
}

#[test]
fn a_lost_row_is_detected() {
    let log = Log::with_rows(3);
    let ids = log.ids();
    log.file.execute("DELETE FROM batches WHERE id = ?1", [ids[1]]).unwrap();
    log.assert_detected(ids[2], "the middle row is gone");
    log.file.execute("DELETE FROM batches WHERE id = ?1", [ids[0]]).unwrap();
    log.assert_detected(ids[2], "the first row is gone");
    let lost = log.records[0].0;
    let rest = log.journal.scan(lost, |_, _| Ok::<_, JournalError>(()));
    assert_eq!(rest, Err(JournalError::Missing(lost)));
    log.file.execute("DELETE FROM batches", []).unwrap();
    log.assert_detected(ids[2], "all rows are gone");
}

#[test]
fn a_log_with_a_damaged_end_does_not_open() {
    let log = Log::with_rows(2);
    let id = log.ids()[1];
    let mut body = log.body(id);
    let last = body.len() - 1;
    body[last] ^= 1;
    log.set_body(id, &body);
    log.journal.close();
    let outcome = Journal::open(log.dir.path(), Options::default());
    assert!(matches!(outcome.err(), Some(JournalError::Damaged { .. })));
}

#[test]
fn a_file_that_is_something_else_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("journal.sqlite"), vec![b'x'; 10_000]).unwrap();
    let outcome = Journal::open(dir.path(), Options::default());
    assert!(matches!(outcome.err(), Some(JournalError::Damaged { .. })));
    let dir = tempfile::tempdir().unwrap();
    let other = Connection::open(dir.path().join("journal.sqlite")).unwrap();
    other.execute_batch("PRAGMA application_id = 7; CREATE TABLE t (a)").unwrap();
    drop(other);
    let outcome = Journal::open(dir.path(), Options::default());
    assert!(matches!(outcome.err(), Some(JournalError::Damaged { .. })));
}

/// What a damaged copy of the files shows: a prefix, or an error.
fn assert_prefix_or_refusal(dir: &Path, records: &[(Position, Record)], what: &str) -> bool {
    let mut served = Vec::new();
    let outcome = Journal::open(dir, Options::default()).and_then(|journal| {
        journal.scan(Position::START, |at, record| {
            served.push((at, record));
            Ok::<_, JournalError>(())
        })
    });
    assert!(served.len() <= records.len(), "{what}");
    assert_eq!(served, records[..served.len()], "{what}");
    outcome.is_ok()
}

#[test]
fn a_file_damaged_below_sqlite_shows_a_prefix_or_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { page_bytes: 1_024, row_records_max: 3, ..Options::default() };
    let journal = Journal::open(dir.path(), options).unwrap();
    let records: Vec<_> =
        (0..30).map(|n| (put(&journal, record(1, n)).unwrap(), record(1, n))).collect();
    journal.close();
    let bytes = std::fs::read(dir.path().join("journal.sqlite")).unwrap();
    let (mut detected, mut tried) = (0, 0);
    for byte in (0..bytes.len()).step_by(97) {
        let copy = tempfile::tempdir().unwrap();
        let mut flipped = bytes.clone();
        flipped[byte] ^= 1 << (byte % 8);
        std::fs::write(copy.path().join("journal.sqlite"), flipped).unwrap();
        let what = format!("byte {byte} of the file");
        detected += u32::from(!assert_prefix_or_refusal(copy.path(), &records, &what));
        tried += 1;
    }
    assert!(detected > tried / 2, "{detected} of {tried}");
    for bytes_left in (0..bytes.len()).step_by(1_021) {
        let copy = tempfile::tempdir().unwrap();
        std::fs::write(copy.path().join("journal.sqlite"), &bytes[..bytes_left]).unwrap();
        assert_prefix_or_refusal(copy.path(), &records, &format!("file cut at {bytes_left}"));
    }
}

#[test]
fn a_write_ahead_log_damaged_anywhere_shows_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { page_bytes: 1_024, row_records_max: 3, ..Options::default() };
    let journal = Journal::open(dir.path(), options).unwrap();
    let records: Vec<_> =
        (0..20).map(|n| (put(&journal, record(1, n)).unwrap(), record(1, n))).collect();
    let file = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let (main, wal) = (file("journal.sqlite"), file("journal.sqlite-wal"));
    let open_with = |wal: &[u8], what: &str| {
        let copy = tempfile::tempdir().unwrap();
        std::fs::write(copy.path().join("journal.sqlite"), &main).unwrap();
        std::fs::write(copy.path().join("journal.sqlite-wal"), wal).unwrap();
        assert!(assert_prefix_or_refusal(copy.path(), &records, what), "{what}");
    };
    for bytes in (0..wal.len()).step_by(401) {
        open_with(&wal[..bytes], &format!("cut at {bytes}"));
        let mut flipped = wal.clone();
        flipped[bytes] ^= 1;
        open_with(&flipped, &format!("byte {bytes} of the write-ahead log"));
    }
}
