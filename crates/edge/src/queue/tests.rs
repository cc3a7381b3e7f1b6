//! What a queue promises.

mod model;

use std::collections::BTreeSet;
use std::sync::Barrier;

use composition::Composition;

use super::*;
use crate::bench::{Bench, File};
use crate::dead::{self, DeadLetter, Which};
use crate::outbox::{Outbox as _, Sent, Subscriptions};
use crate::work::{self, Task};

/// A component `shop` with these consumers, and one instance of it.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    pub(super) bench: Bench,
    pub(super) store: Store<File>,
    composition: Composition,
}

impl Stage {
    pub(super) fn new(consumers: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::over(folder.path());
        let store = bench.store();
        let text = format!(
            "[component.shop.tool.ecomauction]\nconsumers = [{consumers}]\n
             [component.stall.tool.ecomauction]\n
             consumers = [{{ topic = \"t\", filter = {{ of = [\"stall\"] }} }}]"
        );
        Self { folder, bench, store, composition: Composition::parse(&text).unwrap() }
    }

    fn try_send(&self, messages: Vec<Sent>, fails: bool) -> Result<(), StoreError> {
        let subscriptions = Subscriptions::of(&self.composition);
        self.store.write(|connection| {
            subscriptions.send(connection, messages, self.bench.moment().now)?;
            if fails { Err(StoreError("no".to_owned())) } else { Ok(()) }
        })
    }

    pub(super) fn send(&self, messages: &[(&str, &str, &str)]) {
        let sent = messages.iter().map(|(topic, id, key)| sent(topic, id, key, "{}"));
        self.try_send(sent.collect(), false).unwrap();
    }

    /// Ids of what can be taken, and the lease.
    pub(super) fn next(&self) -> (String, Vec<String>) {
        let moment = self.bench.moment();
        let lease = work::next(&self.store, &self.composition, "shop", &moment).unwrap();
        let Some(lease) = lease else { return (String::new(), Vec::new()) };
        let Task::Consume(messages) = lease.task else { panic!("no messages") };
        (lease.id, messages.into_iter().map(|message| message.id).collect())
    }

    pub(super) fn settle(&self, lease: &str, outcomes: &[Delivery]) -> Vec<String> {
        let (store, moment) = (&self.store, self.bench.moment());
        work::settle(store, &self.composition, "shop", (lease, outcomes), &moment).unwrap()
    }

    pub(super) fn dead(&self) -> Vec<DeadLetter> {
        dead::letters(&self.store, ("shop", "t"), 0, 100).unwrap()
    }

    pub(super) fn redrive(&self, which: &Which) -> usize {
        dead::redrive(&self.store, ("shop", "t"), which, self.bench.moment().now).unwrap()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        let sql = "select message_id from edge_messages where consumer = 'shop' order by id";
        let found = self.store.read(|connection| connection.execute(sql, &[])).unwrap();
        found.rows.into_iter().map(|row| Cells::of(row).text().unwrap()).collect()
    }
}

pub(super) fn retry() -> Delivery {
    Delivery::Retry("not today".to_owned())
}

fn sent(topic: &str, id: &str, key: &str, body: &str) -> Sent {
    Sent {
        id: id.to_owned(),
        source: "/components/stall".to_owned(),
        topic: topic.to_owned(),
        key: key.to_owned(),
        body: body.into(),
        time: None,
    }
}

const NOBODY: [&str; 0] = [];

#[test]
fn a_taken_message_is_hidden_and_gone_when_it_is_acknowledged() {
    let stage = Stage::new("{ topic = \"t\" }");
    stage.send(&[("t", "1", "a"), ("t", "2", "b"), ("unheard", "3", "a")]);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["1", "2"]);
    assert_eq!(stage.next().1, NOBODY);
    assert_eq!(stage.settle(&lease, &[Delivery::Ack, Delivery::Ack]), NOBODY);
    stage.bench.pass(60_000);
    assert_eq!(stage.next().1, NOBODY);
    assert_eq!(stage.ids(), NOBODY, "what nobody takes is dropped");
}

#[test]
fn a_key_keeps_its_order_over_retries_and_delays_no_other() {
    let stage = Stage::new("{ topic = \"t\" }");
    stage.send(&[("t", "1", "a"), ("t", "2", "a"), ("t", "3", "b"), ("t", "4", "b")]);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["1", "3"], "one of each key");
    stage.settle(&lease, &[retry(), Delivery::Ack]);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["4"], "2 waits for 1, which waits for its time");
    stage.settle(&lease, &[Delivery::Ack]);
    assert_eq!(stage.next().1, NOBODY);
    stage.bench.pass(1_000);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["1"]);
    stage.settle(&lease, &[Delivery::Ack]);
    assert_eq!(stage.next().1, ["2"]);
}

#[test]
fn pauses_double_with_every_refusal() {
    let stage = Stage::new("{ topic = \"t\", retry_first_ms = 8000 }");
    stage.send(&[("t", "1", "a")]);
    for pause in [8_000, 16_000, 32_000] {
        let (lease, _) = stage.next();
        stage.settle(&lease, &[retry()]);
        stage.bench.pass(pause / 2 - 1);
        assert_eq!(stage.next().1, NOBODY, "half of {pause} is for sure");
        stage.bench.pass(pause / 2 + 1);
    }
    assert_eq!(stage.next().1, ["1"]);
}

#[test]
fn poison_becomes_a_dead_letter_and_delays_no_neighbour() {
    let stage = Stage::new("{ topic = \"t\", max_receives = 3 }");
    stage.send(&[("t", "bad", "a"), ("t", "next", "a"), ("t", "other", "b")]);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["bad", "other"]);
    stage.settle(&lease, &[retry(), Delivery::Ack]);
    for fate in ["received 2, comes again: not today", "received 3, is a dead letter: not today"] {
        stage.bench.pass(5_000);
        let (lease, ids) = stage.next();
        assert_eq!(ids, ["bad"]);
        assert_eq!(stage.settle(&lease, &[retry()]), [format!("shop/t: message bad, {fate}")]);
    }
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["next"], "the next of its key is free");
    stage.settle(&lease, &[Delivery::Ack]);
    let dead = stage.dead();
    assert_eq!((dead.len(), dead[0].message.id.as_str(), dead[0].receives), (1, "bad", 3));
    assert_eq!((dead[0].why.as_str(), dead[0].died_at), ("not today", stage.bench.moment().now));
}

#[test]
fn a_crashed_consumers_messages_come_back_alone_and_the_one_that_broke_it_dies() {
    let stage = Stage::new("{ topic = \"t\", max_receives = 2, visibility_seconds = 30 }");
    stage.send(&[("t", "1", "a"), ("t", "bomb", "b"), ("t", "3", "c")]);
    let (crashed, ids) = stage.next();
    assert_eq!(ids, ["1", "bomb", "3"]);
    stage.bench.pass(29_999);
    assert_eq!(stage.next().1, NOBODY);
    stage.bench.pass(1);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["1"], "each alone: nobody knows which one broke it");
    assert_eq!(stage.settle(&crashed, &[Delivery::Ack, Delivery::Ack, Delivery::Ack]), NOBODY);
    assert_eq!(stage.ids(), ["1"], "what another lease has stays; the rest was still its own");
    stage.settle(&lease, &[Delivery::Ack]);
    assert_eq!(stage.ids(), NOBODY);

    stage.send(&[("t", "bomb", "b"), ("t", "after", "b")]);
    for _ in 0..2 {
        assert_eq!(stage.next().1, ["bomb"]);
        stage.bench.pass(30_000);
    }
    assert_eq!(stage.next().1, ["after"]);
    let why: Vec<String> = stage.dead().into_iter().map(|letter| letter.why).collect();
    assert_eq!(why, [NO_ANSWER]);
}

#[test]
fn one_way_stays_free_of_what_may_break_the_consumer() {
    let stage = Stage::new("{ topic = \"t\" }");
    stage.send(&[("t", "1", "a"), ("t", "2", "b")]);
    stage.next();
    stage.bench.pass(30_000);
    assert_eq!(stage.next().1, ["1"]);
    assert_eq!(stage.next().1, NOBODY, "2 waits for the one way of suspects");
    stage.send(&[("t", "3", "c")]);
    assert_eq!(stage.next().1, ["3"]);
    stage.send(&[("t", "4", "d")]);
    assert_eq!(stage.next().1, NOBODY, "two ways at once");
    stage.bench.pass(30_000);
    assert_ne!(stage.next().1, NOBODY);
}

#[test]
fn a_wrong_number_of_outcomes_acknowledges_nothing() {
    let stage = Stage::new("{ topic = \"t\" }");
    stage.send(&[("t", "1", "a"), ("t", "2", "b")]);
    let (lease, _) = stage.next();
    assert_eq!(stage.settle(&lease, &[Delivery::Ack]), ["shop/t: 1 outcomes for 2 messages"]);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["1"], "each alone");
    let notes = stage.settle(&lease, &[]);
    assert!(notes[0].ends_with("comes again: not one outcome for one message"), "{notes:?}");
    assert_eq!(stage.ids(), ["1", "2"]);
}

#[test]
fn a_redrive_brings_each_back_once_behind_its_key() {
    let stage = Stage::new("{ topic = \"t\", max_receives = 1 }");
    stage.send(&[("t", "1", "a"), ("t", "2", "b"), ("t", "3", "c")]);
    let (lease, _) = stage.next();
    stage.settle(&lease, &[retry(), retry(), retry()]);
    stage.send(&[("t", "younger", "a")]);
    let chosen = Which::Ids(vec!["2".to_owned(), "2".to_owned(), "unknown".to_owned()]);
    assert_eq!([stage.redrive(&chosen), stage.redrive(&chosen)], [1, 0]);
    assert_eq!([stage.redrive(&Which::All), stage.redrive(&Which::All)], [2, 0]);
    assert_eq!(stage.dead(), []);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["younger", "2", "3"]);
    stage.settle(&lease, &[Delivery::Ack, retry(), Delivery::Ack]);
    assert_eq!(stage.next().1, ["1"]);
    let dead = stage.dead();
    assert_eq!((dead[0].message.id.as_str(), dead[0].receives), ("2", 1), "it began anew");
    assert_eq!(dead::purge(&stage.store, ("shop", "t"), &Which::All).unwrap(), 1);
    assert_eq!(stage.dead(), []);
}

#[test]
fn instances_that_take_at_once_never_have_the_same_message() {
    let stage = Stage::new("{ topic = \"t\", batch_size = 1, concurrency = 64 }");
    let ids: Vec<String> = (0..40).map(|id| id.to_string()).collect();
    let keyed: Vec<(&str, &str, &str)> =
        ids.iter().map(|id| ("t", id.as_str(), id.as_str())).collect();
    stage.send(&keyed);
    let (folder, composition) = (stage.folder.path(), &stage.composition);
    let start = Barrier::new(4);
    let instance = |number: u64| {
        let bench = Bench::over(folder).with_chances(number << 32);
        let store = bench.store();
        start.wait();
        let mut taken = Vec::new();
        for _ in 0..10 {
            let lease = work::next(&store, composition, "shop", &bench.moment()).unwrap();
            let Some(Task::Consume(messages)) = lease.map(|lease| lease.task) else { break };
            taken.extend(messages.into_iter().map(|message| message.id));
        }
        taken
    };
    let taken: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (1..5).map(|number| scope.spawn(move || instance(number))).collect();
        running.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(taken.len(), 40);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 40);
}

#[test]
fn compaction_keeps_the_newest_and_its_earlier_time() {
    let stage = Stage::new("{ topic = \"t\", compact = true, linger_ms = 100 }");
    stage.send(&[("t", "1", "a"), ("t", "2", "b")]);
    stage.bench.pass(60);
    stage.send(&[("t", "3", "a")]);
    assert_eq!(stage.ids(), ["3", "2"]);
    stage.bench.pass(40);
    let (lease, ids) = stage.next();
    assert_eq!(ids, ["3", "2"], "a newer one does not put the key off");
    stage.send(&[("t", "4", "a"), ("t", "5", "a")]);
    assert_eq!(stage.ids(), ["3", "2", "5"], "what somebody has stays");
    stage.settle(&lease, &[Delivery::Ack, Delivery::Ack]);
    stage.bench.pass(100);
    assert_eq!(stage.next().1, ["5"]);
}

#[test]
fn what_compacts_never_dies() {
    let stage = Stage::new("{ topic = \"t\", compact = true }");
    stage.send(&[("t", "1", "a")]);
    for _ in 0..12 {
        let (lease, ids) = stage.next();
        assert_eq!(ids, ["1"]);
        stage.settle(&lease, &[retry()]);
        stage.bench.pass(composition::PUT_OFF_MAX_MS);
    }
    assert_eq!(stage.dead(), []);
}

#[test]
fn a_filter_chooses_and_every_component_has_its_own() {
    let stage = Stage::new("{ topic = \"t\" }");
    let bodies = [("1", "{\"of\":\"stall\"}"), ("2", "{\"of\":\"shop\"}"), ("3", "no JSON")];
    let sent = bodies.map(|(id, body)| sent("t", id, id, body));
    stage.try_send(sent.to_vec(), false).unwrap();
    assert_eq!(stage.next().1, ["1", "2", "3"]);
    let moment = stage.bench.moment();
    let lease = work::next(&stage.store, &stage.composition, "stall", &moment).unwrap().unwrap();
    let Task::Consume(messages) = lease.task else { panic!("no messages") };
    assert_eq!(messages.len(), 1);
    let expected = Message {
        id: "1".to_owned(),
        source: "/components/stall".to_owned(),
        topic: "t".to_owned(),
        key: "1".to_owned(),
        time: stage.bench.now_ms.get(),
        body: b"{\"of\":\"stall\"}".to_vec(),
    };
    assert_eq!(messages[0], expected);
}

#[test]
fn a_write_that_is_undone_sends_nothing() {
    let stage = Stage::new("{ topic = \"t\" }");
    assert!(stage.try_send(vec![sent("t", "1", "a", "{}")], true).is_err());
    assert_eq!(stage.next().1, NOBODY);
    assert_eq!(stage.ids(), NOBODY);
}

#[test]
fn topics_take_turns() {
    let stage =
        Stage::new("{ topic = \"t\", batch_size = 1 }, { topic = \"u\" }, { topic = \"v\" }");
    stage.send(&[("t", "1", "a"), ("t", "2", "b"), ("t", "3", "c")]);
    stage.send(&[("u", "4", "a"), ("v", "5", "a"), ("v", "6", "b")]);
    let mut order = Vec::new();
    loop {
        let (lease, ids) = stage.next();
        if ids.is_empty() {
            break;
        }
        stage.settle(&lease, &vec![Delivery::Ack; ids.len()]);
        order.push(ids.concat());
    }
    assert_eq!(order, ["1", "4", "56", "2", "3"]);
}

#[test]
fn those_for_whom_something_is_due_are_found() {
    let stage = Stage::new("{ topic = \"t\", linger_ms = 10 }");
    let look = |of: &str| {
        let now = stage.bench.moment().now;
        let others = due::others(&stage.store, &stage.composition, of, now).unwrap();
        (due::has_due(&stage.store, &stage.composition, of, now).unwrap(), others)
    };
    assert_eq!(look("shop"), (false, vec![]));
    let both = sent("t", "1", "a", "{\"of\":\"stall\"}");
    stage.try_send(vec![both], false).unwrap();
    assert_eq!(look("shop"), (false, vec!["stall".to_owned()]), "shop gathers for a while");
    stage.bench.pass(10);
    assert_eq!(look("shop"), (true, vec!["stall".to_owned()]));
    assert_eq!(look("stall"), (true, vec!["shop".to_owned()]));
    let (lease, _) = stage.next();
    assert_eq!(look("stall").1, NOBODY, "what is under way is not due");
    stage.bench.pass(30_000);
    assert_eq!(look("stall").1, ["shop"], "until its lease runs out");
    stage.settle(&lease, &[Delivery::Ack]);
    assert_eq!(look("stall").1, NOBODY);
}
