//! Bytes that claim to be a snapshot or facts of an auction.
//!
//! The first byte says what the rest claims to be; 16 more choose what is done with what loads.

use auction_machine::Auction;
use auction_machine::event::Event;
use kernel::{ChainHead, Entity, Envelope, Machine as _, Timestamp};

use crate::commands::KEY;
use crate::commands::draw::Draw;
use crate::commands::make::{self, Scene};

/// Loads the bytes in every way there is.
pub(crate) fn run(bytes: &[u8]) {
    let Some((mode, rest)) = bytes.split_first() else { return };
    let Some((choices, rest)) = rest.split_first_chunk::<16>() else { return };
    match mode % 4 {
        0 => restored(rest, choices),
        1 => restored(&with_key(rest), choices),
        2 => facts(rest),
        _ => events(rest, choices),
    }
}

fn restored(snapshot: &[u8], choices: &[u8]) {
    let Ok(entity) = Entity::<Auction>::restore(KEY, snapshot) else { return };
    let own = entity.snapshot();
    let again = Entity::<Auction>::restore(KEY, &own).expect("its own snapshot");
    assert_eq!(again.snapshot(), own);
    assert!(again.state() == entity.state());
    assert_eq!(again.position(), entity.position());
    for wrong in [&own[..own.len() - 1], &[&own[..], &[0]].concat()] {
        assert!(Entity::<Auction>::restore(KEY, wrong).is_err(), "a snapshot of another length");
    }
    assert!(Entity::<Auction>::restore("auc_other", &own).is_err(), "the snapshot of another");
    lives(&own, choices);
}

/// A snapshot of [`KEY`], so that its 30 characters need not be guessed.
fn with_key(rest: &[u8]) -> Vec<u8> {
    let mut snapshot = vec![Auction::SNAPSHOT_VERSION, u8::try_from(KEY.len()).unwrap()];
    snapshot.extend_from_slice(KEY.as_bytes());
    snapshot.extend_from_slice(rest);
    snapshot
}

/// Whatever loaded answers every question and takes every command.
fn lives(snapshot: &[u8], choices: &[u8]) {
    let entity = Entity::<Auction>::restore(KEY, snapshot).expect("restored before");
    let now = entity.position().time.unwrap_or_default();
    let user = make::user(choices[0] % 5);
    let bid = br#"{"preview":{"amount":{"amount":30000000,"currency":"USD"}}}"#;
    for body in [
        &b"\"view\""[..],
        br#"{"view_unless":{"head":""}}"#,
        b"\"own\"",
        br#"{"history":{"after":0,"limit":100}}"#,
        bid,
        b"\"rules\"",
        br#"{"bidders":{"after":0}}"#,
    ] {
        let answer = entity.query(&sent(&user, now, body));
        assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok());
    }
    assert_eq!(entity.snapshot(), snapshot, "a question changed something");
    for (name, make) in make::COMMANDS {
        let mut entity = Entity::<Auction>::restore(KEY, snapshot).expect("restored before");
        let mut draw = Draw::new(choices);
        let now = make::later(&mut draw, &entity, now);
        let made = make(&mut draw, &Scene { auction: &entity, now });
        let user = made.sender.unwrap_or_else(|| user.clone());
        let body = make::body_of(name, made.content);
        let decision = entity.handle(&sent(&user, now, &body));
        let mut replica = Entity::<Auction>::restore(KEY, snapshot).expect("restored before");
        for event in &decision.events {
            replica.apply(&event.fact).expect("a fact that follows");
        }
        assert_eq!(replica.snapshot(), entity.snapshot());
    }
}

/// Facts with their lengths in front. One that does not follow leaves everything as it was.
fn facts(mut rest: &[u8]) {
    let mut entity = Entity::<Auction>::new(KEY);
    while let Some((len, tail)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len)).min(tail.len());
        let (fact, tail) = tail.split_at(len);
        let before = entity.snapshot();
        match entity.apply(fact) {
            Ok(()) => assert_ne!(entity.snapshot(), before),
            Err(_) => assert_eq!(entity.snapshot(), before),
        }
        rest = tail;
    }
}

/// Any events at all, with the chain heads that they need to be taken.
fn events(mut rest: &[u8], choices: &[u8]) {
    let mut entity = Entity::<Auction>::new(KEY);
    while let Ok((event, tail)) = postcard::take_from_bytes::<Event>(rest) {
        let Some((gap, tail)) = tail.split_first() else { break };
        let at = entity.position();
        let time = at.time.unwrap_or_default().plus_ms(i64::from(*gap) * 1_000);
        let mut public = Vec::new();
        let described = entity.state().describe(at.seq + 1, time, &event, &mut public);
        let before = entity.snapshot();
        let head = at.head.extend(&public);
        if described.is_ok() {
            refuses_what_does_not_follow(&mut entity, time, &event);
        }
        let fact = fact(at.seq + 1, time, head, &event);
        assert!(entity.apply(&[&fact[..], &[0]].concat()).is_err(), "bytes behind a fact");
        assert!(entity.snapshot() == before, "a refused fact left a trace");
        assert_eq!(entity.apply(&fact).is_ok(), described.is_ok());
        if described.is_err() {
            assert_eq!(entity.snapshot(), before);
        }
        rest = tail;
    }
    restored(&entity.snapshot(), choices);
}

/// The event at another place, at an earlier time or with another head is no fact that follows.
fn refuses_what_does_not_follow(entity: &mut Entity<Auction>, time: Timestamp, event: &Event) {
    let at = entity.position();
    let mut places = vec![(at.seq, time), (at.seq + 2, time)];
    places.extend(at.time.map(|last| (at.seq + 1, last.plus_ms(-1))));
    for (seq, time) in places {
        let mut public = Vec::new();
        if entity.state().describe(seq, time, event, &mut public).is_ok() {
            let wrong = fact(seq, time, at.head.extend(&public), event);
            assert!(entity.apply(&wrong).is_err(), "fact {seq} of {time} after {at:?}");
        }
    }
    let wrong = fact(at.seq + 1, time, at.head, event);
    assert!(entity.apply(&wrong).is_err(), "a fact with the head of the one before");
}

fn sent<'a>(user: &'a str, now: Timestamp, body: &'a [u8]) -> Envelope<'a> {
    Envelope { command_id: "new", principal: Some(user), now, seed: &[7; 32], body }
}

fn fact(seq: u64, time: Timestamp, head: ChainHead, event: &Event) -> Vec<u8> {
    let mut fact = vec![Auction::FACT_VERSION];
    fact.extend(postcard::to_allocvec(&(seq, time, head, event)).unwrap());
    fact
}
