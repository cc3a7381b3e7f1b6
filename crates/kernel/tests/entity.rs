//! The runner with the smallest machine that shows all of it: a counter that keeps every step.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use kernel::machine::CommandKey;
use kernel::{
    ChainHead, Context, Decision, Effect, Entity, Envelope, Machine, Message, Misfit, Place,
    Timestamp, Wake, canonical,
};
use serde::{Deserialize, Serialize};

/// Counts up to a limit; wakes when it has counted.
#[derive(Default, Serialize, Deserialize)]
struct Counter {
    total: u64,
    taken: Vec<(CommandKey, u64)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Add(u64),
    Twice,
    Wake,
}

#[derive(Serialize, Deserialize)]
struct Added {
    by: u64,
    command: CommandKey,
}

#[derive(Serialize)]
struct PublicAdded {
    by: u64,
    total: u64,
}

impl Machine for Counter {
    const SNAPSHOT_VERSION: u8 = 3;
    const FACT_VERSION: u8 = 4;
    type Command = Command;
    type Query = String;
    type Event = Added;
    type Reply = String;
    type Refusal = &'static str;
    type Answer = u64;

    fn recall(
        &self,
        context: &Context<'_>,
        command: &Command,
    ) -> Option<Result<String, &'static str>> {
        let (_, by) = self.taken.iter().find(|(key, _)| *key == context.command_key)?;
        Some(match command {
            Command::Add(again) if again != by => Err("reused"),
            _ => Ok("again".to_owned()),
        })
    }

    fn decide(&self, context: &Context<'_>, command: &Command) -> Result<Vec<Added>, &'static str> {
        let added = |by| Added { by, command: context.command_key };
        match command {
            Command::Add(by) if self.total + by > 100 => Err("too much"),
            Command::Add(by) => Ok(vec![added(*by)]),
            Command::Twice => Ok(vec![added(1), added(2)]),
            Command::Wake => Ok(Vec::new()),
        }
    }

    fn describe(
        &self,
        seq: u64,
        time: Timestamp,
        event: &Added,
        body: &mut Vec<u8>,
    ) -> Result<(), Misfit> {
        let total = self.total.checked_add(event.by).ok_or(Misfit("overflow"))?;
        canonical::write_event(&PublicAdded { by: event.by, total }, "added", seq, time, body);
        Ok(())
    }

    fn evolve(&mut self, _: &Place, event: &Added) {
        self.total = self.total.saturating_add(event.by);
        self.taken.push((event.command, event.by));
    }

    fn effects(&self, key: &str, seq: u64, events: &[Added]) -> Vec<Effect> {
        let body = format!("{}/{seq}", events.len()).into_bytes();
        vec![Effect::Send(Message { topic: "counted", key: key.to_owned(), body })]
    }

    fn reply(&self, context: &Context<'_>, _: &Command) -> String {
        format!("{} at {}", self.total, context.at.seq)
    }

    fn refuse(&self, _: &Context<'_>, refusal: &'static str) -> String {
        refusal.to_owned()
    }

    fn malformed(&self, _: &Context<'_>, detail: String) -> String {
        format!("malformed: {detail}")
    }

    fn query(&self, _: &Context<'_>, _: &String) -> u64 {
        self.total
    }

    fn wake(&self) -> Option<Wake> {
        (self.total > 0).then(|| Wake { at: Timestamp::from_ms(9), reason: "counted" })
    }

    fn revive(&mut self) -> Result<(), Misfit> {
        let sum: u64 = self.taken.iter().map(|(_, by)| *by).sum();
        if sum == self.total { Ok(()) } else { Err(Misfit("the sum is wrong")) }
    }
}

fn handle(entity: &mut Entity<Counter>, ms: i64, command_id: &str, body: &str) -> Decision {
    entity.handle(&Envelope {
        command_id,
        principal: None,
        now: Timestamp::from_ms(ms),
        seed: &[7; 32],
        body: body.as_bytes(),
    })
}

fn reply(decision: &Decision) -> String {
    serde_json::from_slice(&decision.reply).unwrap()
}

#[test]
fn a_decision_holds_chained_events_reply_effects_and_wake() {
    let mut entity = Entity::<Counter>::new("k");
    let decision = handle(&mut entity, 5, "a", "\"twice\"");
    assert_eq!(reply(&decision), "3 at 2");
    let [first, second] = decision.events.as_slice() else { panic!() };
    assert_eq!((first.seq, second.seq), (1, 2));
    assert_eq!((first.prev, second.prev), (ChainHead::genesis("k"), first.head));
    assert_eq!(second.head, second.prev.extend(&second.public));
    let text =
        r#"{"data":{"by":2,"total":3},"event":"added","seq":2,"time":"1970-01-01T00:00:00.005Z"}"#;
    assert_eq!(second.public, text.as_bytes());
    assert_eq!(second.fact.first(), Some(&4));
    let Some(Effect::Send(message)) = decision.effects.first() else { panic!() };
    assert_eq!((message.key.as_str(), message.body.as_slice()), ("k", &b"2/2"[..]));
    assert_eq!(decision.wake.unwrap().reason, "counted");
}

#[test]
fn refusals_replays_garbage_and_empty_acceptances_change_nothing() {
    let mut entity = Entity::<Counter>::new("k");
    let _ = handle(&mut entity, 5, "a", r#"{"add":60}"#);
    let before = entity.snapshot();
    for (id, body, expected) in [
        ("a", r#"{"add":60}"#, "again"),
        ("a", r#"{"add":61}"#, "reused"),
        ("b", r#"{"add":60}"#, "too much"),
        ("b", "\"wake\"", "60 at 1"),
    ] {
        let decision = handle(&mut entity, 6, id, body);
        assert_eq!((reply(&decision).as_str(), decision.events.len()), (expected, 0));
        assert!(decision.effects.is_empty() && decision.wake.is_some());
    }
    for garbage in ["", "{}", "\u{0}", "{\"add\":-1}", "{\"add\":1} x"] {
        assert!(reply(&handle(&mut entity, 6, "c", garbage)).starts_with("malformed"));
    }
    let short = Envelope {
        command_id: "d",
        principal: None,
        now: Timestamp::from_ms(6),
        seed: &[7; 31],
        body: b"\"twice\"",
    };
    assert!(entity.handle(&short).events.is_empty());
    assert_eq!(entity.snapshot(), before);
}

#[test]
fn time_never_runs_backwards() {
    let mut entity = Entity::<Counter>::new("k");
    for (now, decided) in [(50, 50), (20, 50), (51, 51)] {
        let decision = handle(&mut entity, now, &now.to_string(), r#"{"add":1}"#);
        assert_eq!(decision.events.len(), 1);
        assert_eq!(entity.position().time, Some(Timestamp::from_ms(decided)));
    }
}

#[test]
fn log_and_snapshot_give_the_same_entity() {
    let mut entity = Entity::<Counter>::new("k");
    let mut replica = Entity::<Counter>::new("k");
    for (id, body) in [("a", r#"{"add":7}"#), ("b", "\"twice\""), ("c", r#"{"add":90}"#)] {
        for event in handle(&mut entity, 5, id, body).events {
            replica.apply(&event.fact).unwrap();
            assert!(replica.apply(&event.fact).is_err(), "a fact applies once");
        }
        assert_eq!(replica.position(), entity.position());
        assert_eq!(replica.snapshot(), entity.snapshot());
        let restored = Entity::<Counter>::restore("k", &entity.snapshot()).unwrap();
        assert_eq!(restored.snapshot(), entity.snapshot());
        assert_eq!(restored.next_wake(), entity.next_wake());
    }
}

#[test]
fn what_does_not_follow_is_refused() {
    let mut entity = Entity::<Counter>::new("k");
    let event = handle(&mut entity, 5, "a", r#"{"add":7}"#).events.remove(0);
    let snapshot = entity.snapshot();
    assert!(Entity::<Counter>::restore("other", &snapshot).is_err());
    assert!(Entity::<Counter>::new("other").apply(&event.fact).is_err());
    for wrong in [vec![], vec![4], vec![3, 1, 2], [event.fact.as_slice(), &[0]].concat()] {
        assert!(Entity::<Counter>::new("k").apply(&wrong).is_err());
        assert!(Entity::<Counter>::restore("k", &wrong).is_err());
    }
    // The event says 7; saying 8 does not give the head that the log has.
    let tampered: Vec<u8> =
        event.fact.iter().map(|byte| if *byte == 7 { 8 } else { *byte }).collect();
    let error = Entity::<Counter>::new("k").apply(&tampered).unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[test]
fn a_snapshot_whose_state_does_not_hold_is_refused() {
    let mut entity = Entity::<Counter>::new("k");
    let _ = handle(&mut entity, 5, "a", r#"{"add":7}"#);
    let snapshot = entity.snapshot();
    let wrong: Vec<u8> = snapshot.iter().map(|byte| if *byte == 7 { 8 } else { *byte }).collect();
    let last = wrong.len() - 1;
    assert_eq!(snapshot.last(), Some(&7));
    let halved = [&snapshot[..last], &wrong[last..]].concat();
    let error = Entity::<Counter>::restore("k", &halved).err().unwrap();
    assert!(error.to_string().contains("the sum is wrong"), "{error}");
}
