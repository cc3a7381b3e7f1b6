//! The file against a dumb model: lists in memory, searched from the front.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rusqlite::Connection;

use super::front::{Front, Room};
use super::store::{self, Leased, Taking, Verdict};
use super::tests::event;
use super::{Which, dead};

#[derive(Debug, Clone)]
enum Step {
    Push { key: u8 },
    PushAgain { nth: usize },
    Take { limit: u32, suspects: bool },
    Settle { nth: usize, verdict: u8 },
    Pass { ms: i64 },
    Redrive { nth: Option<usize> },
    Undone { key: u8 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0_u8..4).prop_map(|key| Step::Push { key }),
        1 => (0_usize..50).prop_map(|nth| Step::PushAgain { nth }),
        6 => (1_u32..5, any::<bool>())
            .prop_map(|(limit, suspects)| Step::Take { limit, suspects }),
        8 => (0_usize..50, 0_u8..5).prop_map(|(nth, verdict)| Step::Settle { nth, verdict }),
        3 => (0_i64..150).prop_map(|ms| Step::Pass { ms }),
        1 => proptest::option::of(0_usize..10).prop_map(|nth| Step::Redrive { nth }),
        1 => (0_u8..4).prop_map(|key| Step::Undone { key }),
        1 => Just(Step::Restart),
    ]
}

/// None, some and enough for all messages and the whole log.
fn room() -> impl Strategy<Value = Room> {
    let bytes = || prop_oneof![Just(0_usize), Just(1_500), Just(1 << 20)];
    (bytes(), bytes()).prop_map(|(message_bytes, log_bytes)| Room { message_bytes, log_bytes })
}

#[derive(Debug, Clone)]
struct Waiting {
    id: String,
    key: String,
    receives: u32,
    forgiven: u32,
    visible_at: i64,
    lease: Option<i64>,
    suspect: bool,
}

#[derive(Default)]
struct Model {
    waiting: Vec<Waiting>,
    dead: Vec<Waiting>,
    done: BTreeSet<String>,
    now: i64,
}

impl Model {
    fn push(&mut self, id: &str, key: &str) {
        let has = |list: &[Waiting]| list.iter().any(|one| one.id == id);
        if !has(&self.waiting) && !has(&self.dead) {
            self.waiting.push(Waiting {
                id: id.to_owned(),
                key: key.to_owned(),
                receives: 0,
                forgiven: 0,
                visible_at: self.now,
                lease: None,
                suspect: false,
            });
        }
    }

    fn can_go(&self, at: usize) -> bool {
        let one = &self.waiting[at];
        one.visible_at <= self.now && self.waiting[..at].iter().all(|older| older.key != one.key)
    }

    fn take(&mut self, taking: &Taking, lease: i64) -> Vec<String> {
        while let Some(at) = (0..self.waiting.len()).find(|at| {
            let one = &self.waiting[*at];
            let spent = one.receives - one.forgiven >= taking.max_receives;
            self.can_go(*at) && one.lease.is_some() && one.suspect && spent
        }) {
            let buried = self.waiting.remove(at);
            self.dead.push(buried);
        }
        let is_suspect = |one: &Waiting| one.suspect || one.lease.is_some();
        let mut ready: Vec<usize> = (0..self.waiting.len())
            .filter(|at| self.can_go(*at))
            .filter(|at| taking.suspects || !is_suspect(&self.waiting[*at]))
            .collect();
        ready.sort_by_key(|at| (self.waiting[*at].visible_at, *at));
        ready.truncate(taking.limit as usize);
        match ready.first() {
            Some(first) if is_suspect(&self.waiting[*first]) => ready.truncate(1),
            _ => ready.retain(|at| !is_suspect(&self.waiting[*at])),
        }
        let mut ids = Vec::new();
        for at in ready {
            let one = &mut self.waiting[at];
            one.suspect |= one.lease.is_some();
            one.lease = Some(lease);
            one.receives += 1;
            one.visible_at = self.now + taking.visibility_ms;
            ids.push(one.id.clone());
        }
        ids
    }

    fn settle(&mut self, id: &str, lease: i64, max_receives: u32, verdict: &Verdict) {
        let held = |one: &Waiting| one.id == id && one.lease == Some(lease);
        let Some(at) = self.waiting.iter().position(held) else { return };
        let one = &mut self.waiting[at];
        let spent = one.receives - one.forgiven >= max_receives;
        let (at_ms, suspect) = match verdict {
            Verdict::Done => {
                let done = self.waiting.remove(at);
                self.done.insert(done.id);
                return;
            }
            Verdict::Refused { .. } | Verdict::Broke { .. } if spent => {
                let buried = self.waiting.remove(at);
                self.dead.push(buried);
                return;
            }
            Verdict::Refused { at, .. } => (*at, false),
            Verdict::Broke { at, .. } => (*at, true),
            Verdict::Unclear { .. } => (self.now, true),
            Verdict::Spared { at, .. } => {
                one.forgiven += 1;
                (*at, false)
            }
        };
        (one.lease, one.visible_at, one.suspect) = (None, at_ms, suspect);
    }

    fn redrive(&mut self, id: Option<&str>) -> u64 {
        let chosen = |one: &Waiting| id.is_none_or(|id| one.id == id);
        let (moved, kept): (Vec<_>, Vec<_>) = self.dead.drain(..).partition(chosen);
        self.dead = kept;
        let count = moved.len() as u64;
        self.waiting.extend(moved.into_iter().map(|one| Waiting {
            forgiven: one.receives,
            visible_at: self.now,
            lease: None,
            suspect: false,
            ..one
        }));
        count
    }
}

/// The file and the model, side by side.
struct Pair {
    path: std::path::PathBuf,
    file: Connection,
    room: Room,
    front: Front,
    queue: i64,
    model: Model,
    pushed: Vec<(String, String)>,
    held: Vec<(i64, Leased)>,
}

fn opened(path: &std::path::Path) -> Connection {
    let file = store::open(path).unwrap();
    file.pragma_update(None, "synchronous", "off").unwrap();
    file
}

impl Pair {
    fn new(folder: &std::path::Path, room: Room) -> Self {
        let path = folder.join("queues.db");
        let file = opened(&path);
        let queue = store::queue(&file, "q").unwrap();
        let front = Front::load(&file, room, 0).unwrap();
        let model = Model { now: 1_000, ..Model::default() };
        let (pushed, held) = (Vec::new(), Vec::new());
        Self { path, file, room, front, queue, model, pushed, held }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Push { key } => {
                self.pushed.push((self.pushed.len().to_string(), format!("k{key}")));
                self.push(self.pushed.len() - 1);
            }
            Step::PushAgain { nth } => self.push(*nth),
            Step::Take { limit, suspects } => self.take(*limit, *suspects),
            Step::Settle { nth, verdict } if !self.held.is_empty() => {
                self.settle(nth % self.held.len(), *verdict);
            }
            Step::Settle { .. } => {}
            Step::Pass { ms } => self.model.now += ms,
            Step::Redrive { nth } => self.redrive(*nth),
            Step::Undone { key } => self.undo(*key),
            Step::Restart => self.restart(),
        }
        self.front.finish(&self.file).unwrap();
    }

    /// A transaction that pushes, takes and is undone.
    fn undo(&mut self, key: u8) {
        let now = self.model.now;
        let taking = Taking { limit: 3, visibility_ms: 100, max_receives: 3, suspects: true };
        self.file.execute_batch("BEGIN").unwrap();
        let lost = event("lost", &format!("k{key}"));
        self.front.push(&self.file, vec![(self.queue, lost)], now).unwrap();
        let taken = self.front.take(&self.file, self.queue, &taking, now).unwrap();
        let done: Vec<_> = taken.messages.iter().map(|one| (one.seq, Verdict::Done)).collect();
        self.front.settle(&self.file, self.queue, taken.lease, 3, &done, now).unwrap();
        self.front.finish(&self.file).unwrap();
        self.file.execute_batch("ROLLBACK").unwrap();
        self.front.load_again(&self.file).unwrap();
    }

    fn push(&mut self, nth: usize) {
        // What was done with may come again: at least once.
        let pushed = self.pushed.get(nth).filter(|(id, _)| !self.model.done.contains(id));
        let Some((id, key)) = pushed.cloned() else { return };
        let batch = vec![(self.queue, event(&id, &key))];
        self.front.push(&self.file, batch, self.model.now).unwrap();
        self.model.push(&id, &key);
    }

    fn take(&mut self, limit: u32, suspects: bool) {
        let taking = Taking { limit, visibility_ms: 100, max_receives: 3, suspects };
        let taken = self.front.take(&self.file, self.queue, &taking, self.model.now).unwrap();
        let ids: Vec<&str> =
            taken.messages.iter().map(|message| message.event.id.as_str()).collect();
        assert_eq!(ids, self.model.take(&taking, taken.lease));
        self.held.extend(taken.messages.iter().map(|one| (taken.lease, one.clone())));
    }

    fn settle(&mut self, nth: usize, verdict: u8) {
        let (lease, message) = self.held.swap_remove(nth);
        let (why, at) = ("why".to_owned(), self.model.now + 50);
        let verdict = match verdict {
            0 => Verdict::Done,
            1 => Verdict::Refused { why, at },
            2 => Verdict::Broke { why, at },
            3 => Verdict::Spared { why, at },
            _ => Verdict::Unclear { why },
        };
        let verdicts = [(message.seq, verdict)];
        let now = self.model.now;
        self.front.settle(&self.file, self.queue, lease, 3, &verdicts, now).unwrap();
        self.model.settle(&message.event.id, lease, 3, &verdicts[0].1);
    }

    fn redrive(&mut self, nth: Option<usize>) {
        let letters = dead::letters(&self.file, self.queue, 0, 100).unwrap();
        let one = nth.and_then(|nth| letters.get(nth));
        let id = one.map(|letter| letter.event.id.clone());
        let which = id.clone().map_or(Which::All, |id| Which::Ids(vec![id]));
        let now = self.model.now;
        let moved = self.front.redrive(&self.file, self.queue, &which, now).unwrap();
        assert_eq!(moved, self.model.redrive(id.as_deref()));
    }

    fn restart(&mut self) {
        self.file = opened(&self.path);
        self.front = Front::load(&self.file, self.room, 0).unwrap();
        store::end_leases(&self.file, self.model.now).unwrap();
        self.held.clear();
        let leased = self.model.waiting.iter_mut().filter(|one| one.lease.is_some());
        leased.for_each(|one| one.visible_at = self.model.now);
    }

    fn compare(&self) {
        let mut select = self.file.prepare("SELECT seq, id FROM messages").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let mut rows: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>().unwrap();
        rows.extend(self.front.places(self.queue));
        rows.sort();
        let rows: Vec<String> = rows.into_iter().map(|(_, id)| id).collect();
        let waiting: Vec<&str> = self.model.waiting.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(rows, waiting);
        let letters = dead::letters(&self.file, self.queue, 0, 1_000).unwrap();
        let letters = letters.iter().map(|letter| (letter.event.id.clone(), letter.receives));
        let dead = self.model.dead.iter().map(|one| (one.id.clone(), one.receives));
        assert_eq!(letters.collect::<Vec<_>>(), dead.collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_file_does_what_the_model_does(
        room in room(),
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut pair = Pair::new(folder.path(), room);
        for step in &steps {
            pair.step(step);
            pair.compare();
        }
    }
}
