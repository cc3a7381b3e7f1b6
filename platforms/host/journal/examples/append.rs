//! How fast the journal is: `append [directory]` prints appends with 1 to 256 clients for several
//! layouts, then scans and reads.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measuring tool"
)]

use journal::{EntityKey, Envelope, Event, Journal, JournalError, Options, Position, Record, Wake};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn main() {
    let base = std::env::args().nth(1).unwrap_or_else(|| "/tmp".to_owned());
    let only: Option<String> = std::env::args().nth(2);
    let plain = Options::default;
    let layouts = [
        ("default", plain()),
        ("row per record", Options { row_records_max: 1, ..plain() }),
        ("pages of 4 KiB", Options { page_bytes: 4_096, ..plain() }),
        ("pages of 8 KiB", Options { page_bytes: 8_192, ..plain() }),
        ("pages of 32 KiB", Options { page_bytes: 32_768, ..plain() }),
        ("pages of 64 KiB", Options { page_bytes: 65_536, ..plain() }),
        ("checkpoint at 4 MiB", Options { checkpoint_bytes: 4 << 20, ..plain() }),
        ("checkpoint at 64 MiB", Options { checkpoint_bytes: 64 << 20, ..plain() }),
    ];
    println!("a record has {} bytes", record(1, 1).encode().unwrap().len());
    println!(
        "layout                clients  records/s  CPU us/record  p50 us  p99 us  max us  batch"
    );
    for (name, options) in layouts {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        for clients in [1, 16, 64, 256] {
            appends(Path::new(&base), name, options.clone(), clients);
        }
    }
    calls(Path::new(&base));
    reading(Path::new(&base));
}

/// What a call costs the thread that holds an entity's lock.
fn calls(base: &Path) {
    let records: Vec<_> = (0..CALLS).map(|number| record(1, number)).collect();
    let mut buffer = 0;
    let start = Instant::now();
    for record in &records {
        buffer += record.encode().unwrap().len();
    }
    let each = |start: Instant| start.elapsed().as_nanos() as f64 / CALLS as f64;
    println!("encode: {:.0} ns each ({buffer} bytes)", each(start));
    let dir = tempfile::tempdir_in(base).unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let epoch = journal.epoch();
    let start = Instant::now();
    for record in records {
        journal.append(epoch, record).unwrap();
    }
    println!("append: {:.0} ns each", each(start));
}

fn appends(base: &Path, name: &str, options: Options, clients: u64) {
    let dir = tempfile::tempdir_in(base).unwrap();
    let journal = Arc::new(Journal::open(dir.path(), options).unwrap());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let (journal, stop) = (Arc::clone(&journal), Arc::clone(&stop));
            runtime.spawn(async move { client_loop(&journal, client, &stop).await })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let (cpu, stats, start) = (cpu_ns(), journal.stats(), Instant::now());
    std::thread::sleep(Duration::from_millis(2_000));
    let (cpu, after, took) = (cpu_ns() - cpu, journal.stats(), start.elapsed());
    stop.store(true, Ordering::Relaxed);
    let mut waits: Vec<u32> = Vec::new();
    for task in tasks {
        waits.extend(runtime.block_on(task).unwrap());
    }
    waits.sort_unstable();
    let records = (after.records - stats.records) as f64;
    println!(
        "{name:21} {clients:7}  {:9.0}  {:13.2}  {:6}  {:6}  {:6}  {:5.1}",
        records / took.as_secs_f64(),
        cpu as f64 / 1_000.0 / records,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
        waits[waits.len() - 1],
        records / (after.batches - stats.batches) as f64,
    );
}

async fn client_loop(journal: &Journal, client: u64, stop: &AtomicBool) -> Vec<u32> {
    let mut waits = Vec::with_capacity(1 << 16);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let record = record(client, number);
        let start = Instant::now();
        let at = journal.append(journal.epoch(), record).unwrap();
        journal.wait(at).await.unwrap();
        waits.push(u32::try_from(start.elapsed().as_micros()).unwrap());
        number += 1;
    }
    waits
}

fn reading(base: &Path) {
    let dir = tempfile::tempdir_in(base).unwrap();
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    let mut positions = Vec::new();
    for number in 0..RECORDS {
        positions.push(journal.append(journal.epoch(), record(number % 100, number)).unwrap());
        if number % 64 == 0 {
            journal.wait_blocking(positions[positions.len() - 1]).unwrap();
        }
    }
    drop(journal);
    let journal = Journal::open(dir.path(), Options::default()).unwrap();
    for _ in 0..2 {
        let start = Instant::now();
        let mut count = 0u64;
        journal
            .scan(Position::START, |_, record| {
                count += u64::from(!record.events.is_empty());
                Ok::<_, JournalError>(())
            })
            .unwrap();
        let rate = count as f64 / start.elapsed().as_secs_f64();
        println!("scan of {count} records: {rate:.0}/s");
    }
    let start = Instant::now();
    let mut reads = 0;
    for step in 0..20_000 {
        journal.read(positions[(step * 7_919) % positions.len()]).unwrap();
        reads += 1;
    }
    println!("read: {:.1} us each", start.elapsed().as_secs_f64() * 1e6 / f64::from(reads));
}

/// About 700 bytes: what a bid weighs.
fn record(client: u64, number: u64) -> Record {
    Record {
        entity: EntityKey { machine: "auction".into(), key: format!("auc_01JD{client:022}") },
        envelope: Envelope {
            command_id: format!("cmd_{number:026}"),
            principal: Some(format!("usr_01JD{client:022}")),
            now: 1_767_225_600_000,
            seed: [7; 32],
            body: vec![b'c'; 80],
        },
        events: vec![Event {
            seq: number,
            prev: [1; 32],
            head: [2; 32],
            public: vec![b'p'; 220],
            fact: vec![3; 100],
        }],
        reply: Some(vec![b'r'; 60]),
        effects: vec![],
        wake: Some(Wake { at: 1_767_225_700_000, reason: "close".into() }),
    }
}

/// CPU time of all threads of the process so far, in nanoseconds.
fn cpu_ns() -> u64 {
    let mut total = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let Ok(text) = std::fs::read_to_string(task.unwrap().path().join("schedstat")) else {
            continue;
        };
        total += text.split(' ').next().unwrap().parse::<u64>().unwrap();
    }
    total
}

const RECORDS: u64 = 400_000;

const CALLS: u64 = 50_000;
