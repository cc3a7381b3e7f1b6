//! What the front does with the file.

use super::*;
use crate::queues::tests::{TAKING, event};

const ROOM: Room = Room { message_bytes: 1 << 20, log_bytes: 4_000 };

struct Bench {
    folder: tempfile::TempDir,
    file: Connection,
    front: Front,
    queue: i64,
}

fn opened(folder: &tempfile::TempDir) -> Connection {
    store::open(&folder.path().join("queues.db")).unwrap()
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = opened(&folder);
        let queue = store::queue(&file, "q").unwrap();
        let front = Front::load(&file, ROOM, 0).unwrap();
        Self { folder, file, front, queue }
    }

    fn push(&mut self, id: &str, key: &str) {
        self.front.push(&self.file, vec![(self.queue, event(id, key))], 1_000).unwrap();
        self.front.finish(&self.file).unwrap();
    }

    fn take(&mut self, limit: u32) -> Taken {
        let taking = Taking { limit, ..TAKING };
        let taken = self.front.take(&self.file, self.queue, &taking, 1_000).unwrap();
        self.front.finish(&self.file).unwrap();
        taken
    }

    fn settle(&mut self, taken: &Taken, verdict: &Verdict) {
        let verdicts = taken.messages.iter().map(|message| (message.seq, verdict.clone()));
        let verdicts: Vec<_> = verdicts.collect();
        self.front.settle(&self.file, self.queue, taken.lease, 3, &verdicts, 1_000).unwrap();
        self.front.finish(&self.file).unwrap();
    }

    fn count(&self, of: &str) -> i64 {
        self.file.query_row(&format!("SELECT {of}"), [], |row| row.get(0)).unwrap()
    }

    /// Ids of the table's rows, and how often each was received.
    fn rows(&self) -> Vec<(String, u32)> {
        let mut select =
            self.file.prepare("SELECT id, receives FROM messages ORDER BY seq").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }
}

#[test]
fn what_goes_well_is_never_a_row_and_leaves_no_log() {
    let mut bench = Bench::new();
    for n in 0..100 {
        bench.push(&n.to_string(), "a");
        bench.push(&format!("{n}+"), "a");
        for _ in 0..2 {
            let taken = bench.take(10);
            assert_eq!((taken.messages.len(), bench.rows().len()), (1, 0));
            bench.settle(&taken, &Verdict::Done);
        }
    }
    assert_eq!(bench.count("delivered FROM queues"), 200);
    assert!(bench.count("count(*) FROM front") <= FORGOTTEN_AT_ONCE);
    assert_eq!((bench.front.message_bytes, bench.front.rows.len()), (0, 0));
}

#[test]
fn what_is_refused_becomes_a_row_with_all_that_waits_of_its_key() {
    let mut bench = Bench::new();
    for (id, key) in [("1", "a"), ("2", "a"), ("3", "b")] {
        bench.push(id, key);
    }
    let taken = bench.take(1);
    bench.settle(&taken, &Verdict::Refused { why: "no".to_owned(), at: 2_000 });
    bench.push("4", "a");
    let row = |id: &str, receives| (id.to_owned(), receives);
    assert_eq!(bench.rows(), [row("1", 1), row("2", 0), row("4", 0)]);
    assert_eq!(bench.take(10).messages[0].event.id, "3");
}

#[test]
fn a_start_finds_what_was_not_acknowledged_and_how_often_it_was_received() {
    let mut bench = Bench::new();
    for (id, key) in [("1", "a"), ("2", "b"), ("3", "b"), ("4", "c")] {
        bench.push(id, key);
    }
    let done = bench.take(1);
    bench.take(1);
    bench.settle(&done, &Verdict::Done);
    bench.file = opened(&bench.folder);
    bench.front = Front::load(&bench.file, ROOM, 0).unwrap();
    let row = |id: &str, receives| (id.to_owned(), receives);
    assert_eq!(bench.rows(), [row("2", 1), row("3", 0), row("4", 0)]);
    assert_eq!(bench.count("count(*) FROM front"), 0);
    // What is new comes behind them.
    bench.push("5", "b");
    assert_eq!(bench.rows().last(), Some(&row("5", 0)));
}

#[test]
fn one_that_stays_does_not_keep_the_log() {
    let mut bench = Bench::new();
    bench.push("stays", "a");
    let held = bench.take(1);
    for n in 0..200 {
        bench.push(&n.to_string(), "b");
        let taken = bench.take(1);
        bench.settle(&taken, &Verdict::Done);
    }
    assert!(bench.count("sum(length(entries)) FROM front") < 6_000);
    assert_eq!(bench.rows(), [("stays".to_owned(), 1)]);
    bench.settle(&held, &Verdict::Done);
    assert_eq!(bench.rows(), [], "who holds it may still say so");
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_the_front_as_the_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.db");
    let world = std::sync::Arc::new(crate::clock::System);
    let queues = crate::queues::Queues::open(&path, ["q".to_owned()], world).unwrap();
    let push = async |id| {
        queues.push(vec![("q".to_owned(), event(id, "a"))], None).await.unwrap();
        queues.stats().await.unwrap()[0].depth
    };
    assert_eq!(push("1").await, 1);
    let failing = queues.writer.ask(|file, front| {
        front.push(file, vec![(1, event("2", "b"))], 0)?;
        Err::<(), _>(rusqlite::Error::InvalidQuery)
    });
    assert!(failing.await.is_err());
    assert_eq!(push("1").await, 1, "it is known");
    assert_eq!(push("2").await, 2, "that one is not");
}
