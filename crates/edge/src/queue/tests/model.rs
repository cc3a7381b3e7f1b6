//! The store against a dumb model: lists in memory, searched from the front.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Send { key: u8 },
    Take,
    Settle { nth: usize, acks: Vec<bool> },
    Pass { ms: i64 },
    Redrive,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0_u8..4).prop_map(|key| Step::Send { key }),
        6 => Just(Step::Take),
        5 => (0_usize..9, proptest::collection::vec(any::<bool>(), 3))
            .prop_map(|(nth, acks)| Step::Settle { nth, acks }),
        3 => prop_oneof![0_i64..150, Just(1_000)].prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Redrive),
    ]
}

#[derive(Debug, Clone)]
struct Waiting {
    id: String,
    key: u8,
    receives: u32,
    due_at: i64,
    lease: Option<String>,
    suspect: bool,
}

#[derive(Default)]
struct Model {
    waiting: Vec<Waiting>,
    dead: Vec<Waiting>,
    now: i64,
}

impl Model {
    fn can_go(&self, at: usize) -> bool {
        let one = &self.waiting[at];
        one.due_at <= self.now && self.waiting[..at].iter().all(|older| older.key != one.key)
    }

    /// What a batch may be: the places of its messages.
    fn take(&mut self) -> Vec<usize> {
        let spent = |one: &Waiting| one.lease.is_some() && one.suspect && one.receives >= MOST;
        // The next of its key is free to go, but was never alone.
        while let Some(at) =
            (0..self.waiting.len()).find(|at| self.can_go(*at) && spent(&self.waiting[*at]))
        {
            self.dead.push(self.waiting.remove(at));
        }
        let mut ways: Vec<_> = self.waiting.iter().filter(|one| one.due_at > self.now).collect();
        ways.retain(|one| one.lease.is_some());
        let leases = |ways: &[&Waiting]| {
            ways.iter().filter_map(|one| one.lease.clone()).collect::<BTreeSet<_>>().len()
        };
        let count = leases(&ways);
        ways.retain(|one| one.suspect);
        let suspects = leases(&ways) < 1;
        if count >= 2 {
            return Vec::new();
        }
        let is_suspect = |one: &Waiting| one.suspect || one.lease.is_some();
        let mut ready: Vec<usize> = (0..self.waiting.len())
            .filter(|at| self.can_go(*at))
            .filter(|at| suspects || !is_suspect(&self.waiting[*at]))
            .collect();
        ready.sort_by_key(|at| (self.waiting[*at].due_at, *at));
        ready.truncate(3);
        match ready.first() {
            Some(first) if is_suspect(&self.waiting[*first]) => ready.truncate(1),
            _ => ready.retain(|at| !is_suspect(&self.waiting[*at])),
        }
        ready
    }
}

/// The store and the model, side by side. Pauses are read from the store, within their bounds.
struct Pair {
    stage: Stage,
    model: Model,
    sent: usize,
    leases: Vec<(String, Vec<String>)>,
}

impl Pair {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Send { key } => {
                self.sent += 1;
                let (id, due_at) = (self.sent.to_string(), self.model.now);
                self.stage.send(&[("t", &id, &key.to_string())]);
                let (key, lease) = (*key, None);
                let new = Waiting { id, key, receives: 0, due_at, lease, suspect: false };
                self.model.waiting.push(new);
            }
            Step::Take => self.take(),
            Step::Settle { nth, acks } if !self.leases.is_empty() => {
                let (lease, ids) = self.leases.remove(nth % self.leases.len());
                self.settle(&lease, &ids, acks);
            }
            Step::Settle { .. } => {}
            Step::Pass { ms } => {
                self.stage.bench.pass(*ms);
                self.model.now += ms;
            }
            Step::Redrive => {
                let dead = std::mem::take(&mut self.model.dead);
                assert_eq!(self.stage.redrive(&Which::All), dead.len());
                let due_at = self.model.now;
                let back =
                    |one| Waiting { receives: 0, due_at, lease: None, suspect: false, ..one };
                self.model.waiting.extend(dead.into_iter().map(back));
            }
        }
    }

    fn take(&mut self) {
        let (lease, ids) = self.stage.next();
        let places = self.model.take();
        let expected: Vec<&str> =
            places.iter().map(|at| self.model.waiting[*at].id.as_str()).collect();
        assert_eq!(ids, expected);
        for at in places {
            let one = &mut self.model.waiting[at];
            one.suspect |= one.lease.is_some();
            one.lease = Some(lease.clone());
            one.receives += 1;
            one.due_at = self.model.now + 1_000;
        }
        if !ids.is_empty() {
            self.leases.push((lease, ids));
        }
    }

    fn settle(&mut self, lease: &str, ids: &[String], acks: &[bool]) {
        let outcome = |ack: &bool| if *ack { Delivery::Ack } else { retry() };
        let outcomes: Vec<Delivery> = acks.iter().take(ids.len()).map(outcome).collect();
        self.stage.settle(lease, &outcomes);
        for (id, ack) in ids.iter().zip(acks) {
            let held = |one: &Waiting| one.id == *id && one.lease.as_deref() == Some(lease);
            let Some(at) = self.model.waiting.iter().position(held) else { continue };
            if *ack {
                self.model.waiting.remove(at);
            } else if self.model.waiting[at].receives >= MOST {
                let dead = self.model.waiting.remove(at);
                self.model.dead.push(dead);
            } else {
                let one = &mut self.model.waiting[at];
                let pause = self.stage.due_at(id) - self.stage.bench.now_ms.get();
                let most = 100 << (one.receives - 1);
                assert!((most / 2..=most).contains(&pause), "{pause} of {most}");
                (one.lease, one.suspect, one.due_at) = (None, false, self.model.now + pause);
            }
        }
    }

    fn compare(&self) {
        let ids = |list: &[Waiting]| list.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        assert_eq!(self.stage.ids(), ids(&self.model.waiting));
        let dead: Vec<String> =
            self.stage.dead().into_iter().map(|letter| letter.message.id).collect();
        assert_eq!(dead, ids(&self.model.dead));
    }
}

impl Stage {
    fn due_at(&self, id: &str) -> i64 {
        let sql = "select due_at from edge_messages where message_id = ?1";
        let found = self.store.read(|connection| connection.execute(sql, &[id.into()])).unwrap();
        Cells::of(found.rows[0].clone()).integer().unwrap()
    }
}

const MOST: u32 = 3;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..60)) {
        let stage = Stage::new(
            "{ topic = \"t\", batch_size = 3, max_receives = 3, visibility_seconds = 1, \
             retry_first_ms = 100 }",
        );
        let model = Model::default();
        let mut pair = Pair { stage, model, sent: 0, leases: Vec::new() };
        for step in &steps {
            pair.step(step);
            pair.compare();
        }
    }
}
