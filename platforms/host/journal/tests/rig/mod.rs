//! A journal on a simulated disk, and the checker of what survived.

#![allow(dead_code, reason = "every test file is a crate of its own and uses what it needs")]

use journal::{Files, Journal, JournalError, Options, Position, Record};
use parking_lot::Mutex;
use powercut::{Disk, Survival};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tempfile::TempDir;

use crate::sample::{all, record};

/// A disk and what the clients know about the log on it.
pub(crate) struct Rig {
    pub(crate) disk: Disk,
    pub(crate) dir: TempDir,
    pub(crate) options: Options,
    /// In the order of the log.
    appended: Vec<(Position, Record)>,
    confirmed: Vec<Position>,
}

/// What must never be seen after a power cut.
#[derive(Debug, PartialEq)]
pub(crate) enum Violation {
    /// The log does not open or cannot be read.
    Refused(JournalError),
    /// A confirmed record is gone.
    Lost(Position),
    /// The log is no prefix of what was appended.
    NotAPrefix { at: usize },
}

impl Rig {
    /// Small rows and frequent checkpoints, so that a short run has everything in it.
    pub(crate) fn new() -> Self {
        let disk = Disk::register();
        let opener = disk.clone();
        let options = Options {
            vfs: Some(disk.vfs().to_owned()),
            files: Files::new(move |path| Ok(Box::new(opener.open(path)?))),
            page_bytes: 4_096,
            row_records_max: 4,
            checkpoint_bytes: 8 * 1_024,
            retry_every: Duration::from_millis(1),
            ..Options::default()
        };
        let dir = tempfile::tempdir().unwrap();
        Self { disk, dir, options, appended: Vec::new(), confirmed: Vec::new() }
    }

    pub(crate) fn open(&self) -> Result<Journal, JournalError> {
        Journal::open(self.dir.path(), self.options.clone())
    }

    pub(crate) fn open_stepped(&self) -> Result<Journal, JournalError> {
        Journal::open_stepped(self.dir.path(), self.options.clone())
    }

    /// Several clients append and wait until the power goes or they have done their share.
    pub(crate) fn load(&mut self, journal: &Journal, clients: u64, share: u64, round: u64) {
        let (appended, confirmed) =
            (Mutex::new(&mut self.appended), Mutex::new(&mut self.confirmed));
        std::thread::scope(|scope| {
            for client in 0..clients {
                let (appended, confirmed) = (&appended, &confirmed);
                scope.spawn(move || {
                    for number in 0..share {
                        let record = record(client, round * 1_000 + number);
                        let mut log = appended.lock();
                        let Ok(at) = journal.append(journal.epoch(), record.clone()) else {
                            return;
                        };
                        log.push((at, record));
                        drop(log);
                        if journal.wait_blocking(at).is_err() {
                            return;
                        }
                        confirmed.lock().push(at);
                    }
                });
            }
        });
    }

    /// Brings the power back, and checks what survived. Only that is the log from now on.
    pub(crate) fn check_after(&mut self, survival: Survival) -> Result<Journal, Violation> {
        self.disk.restore(survival);
        let journal = self.open().map_err(Violation::Refused)?;
        let found = all(&journal).map_err(Violation::Refused)?;
        for (at, pair) in found.iter().enumerate() {
            if self.appended.get(at) != Some(pair) {
                return Err(Violation::NotAPrefix { at });
            }
        }
        let last = found.last().map_or(Position::START, |(last, _)| *last);
        if let Some(lost) = self.confirmed.iter().find(|confirmed| **confirmed > last) {
            return Err(Violation::Lost(*lost));
        }
        self.appended = found;
        Ok(journal)
    }
}

/// Three rounds of load, cut and check on one log.
pub(crate) fn cut_at_random(seed: u64, rig: &mut Rig) -> Result<(), Violation> {
    let mut chance = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let mut choose = |limit: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (chance >> 33) % limit
    };
    for round in 0..3 {
        let during_opening = choose(8) == 0;
        if during_opening {
            rig.disk.cut_after(choose(30));
        }
        if let Ok(journal) = rig.open() {
            if !during_opening {
                rig.disk.cut_after(choose(250));
            }
            rig.load(&journal, 1 + choose(6), 20, round);
            rig.disk.cut();
        }
        drop(rig.check_after(survival(choose(3), seed))?);
    }
    Ok(())
}

/// One client, and the power goes before the n-th operation. False when there are fewer.
pub(crate) fn cut_before(n: u64, kind: u64, rig: &mut Rig) -> Result<bool, Violation> {
    rig.disk.cut_after(n);
    if let Ok(journal) = rig.open() {
        rig.load(&journal, 1, 12, 0);
        journal.close();
    }
    let cut = !rig.disk.has_power();
    rig.disk.cut();
    drop(rig.check_after(survival(kind, n))?);
    Ok(cut)
}

/// A sync fails after some commits, and the power goes before the n-th operation of what mends it:
/// the journal's own attempt, or the start after a killed process. False when there are fewer.
pub(crate) fn cut_while_mending(
    n: u64,
    kind: u64,
    commits: u64,
    killed: bool,
) -> Result<bool, Violation> {
    let mut rig = Rig::new();
    rig.options.checkpoint_bytes = 2 * 1_024;
    let journal = rig.open_stepped().map_err(Violation::Refused)?;
    rig.load(&journal, 1, commits, 0);
    // As on a busy host, where readers have the log open too.
    all(&journal).map_err(Violation::Refused)?;
    rig.disk.fail_syncs(1);
    rig.load(&journal, 1, 1, 1);
    assert_eq!(rig.confirmed.len() as u64, commits);
    if killed {
        rig.disk.cut();
        drop(journal);
        rig.disk.restore(Survival::Killed);
        rig.disk.cut_after(n);
        drop(rig.open_stepped());
    } else {
        rig.disk.cut_after(n);
        journal.step();
        drop(journal);
    }
    let cut = !rig.disk.has_power();
    rig.disk.cut();
    drop(rig.check_after(survival(kind, n))?);
    Ok(cut)
}

pub(crate) fn survival(kind: u64, seed: u64) -> Survival {
    match kind {
        0 => Survival::Synced,
        1 => Survival::Prefix { seed },
        _ => Survival::Sectors { seed },
    }
}

/// Whether a waiter is released, or the record can be read, while its sync stands at the gate.
pub(crate) fn speaks_before_the_sync(rig: &Rig) -> bool {
    let journal = rig.open().unwrap();
    rig.disk.set_sync_gate(true);
    let at = journal.append(journal.epoch(), record(1, 1)).unwrap();
    let mut wait = std::pin::pin!(journal.wait(at));
    let mut context = Context::from_waker(Waker::noop());
    let mut released = wait.as_mut().poll(&mut context).is_ready();
    if !released {
        rig.disk.wait_for_held_sync();
        let_time_pass(20);
        released = wait.as_mut().poll(&mut context).is_ready();
    }
    let spoke = released || journal.durable() >= at || journal.read(at).is_ok();
    rig.disk.set_sync_gate(false);
    if !spoke {
        assert_eq!(journal.wait_blocking(at), Ok(()));
        assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert_eq!(journal.read(at), Ok(record(1, 1)));
    }
    spoke
}

/// Appends until the journal accepts it again.
pub(crate) fn put_when_it_recovers(journal: &Journal, record: &Record) -> Position {
    let start = Instant::now();
    loop {
        let outcome = crate::sample::put(journal, record.clone());
        match outcome {
            Ok(at) => return at,
            Err(error) if start.elapsed() > Duration::from_secs(10) => panic!("still {error}"),
            Err(_) => let_time_pass(1),
        }
    }
}

/// Gives the journal the chance to do what it must not do, or to try again.
#[allow(clippy::disallowed_methods, reason = "there is no condition for what must not happen")]
pub(crate) fn let_time_pass(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
