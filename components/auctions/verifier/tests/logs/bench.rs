//! A machine that keeps its public log, and saved logs of it.

use auction_machine::Auction;
use auction_player::{Answered, START, Stage};
use kernel::{Entity, Envelope, Recorded};
use serde_json::{Value, json};

/// Id of the auction.
pub(crate) const ID: &str = auction_player::KEY;

/// One auction and what it has told.
pub(crate) struct Bench {
    entity: Entity<Auction>,
    now: i64,
    seeds: u64,
    pub(crate) log: Vec<Recorded>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { entity: Entity::new(ID), now: 0, seeds: 0, log: Vec::new() }
    }

    /// What somebody may see of its own bidding.
    pub(crate) fn own(&self, who: &str) -> Value {
        serde_json::from_slice(&self.question(Some(who), br#""own""#)).unwrap()
    }

    fn question(&self, who: Option<&str>, body: &[u8]) -> Vec<u8> {
        let who = who.map(|name| auction_player::user(name).to_string());
        let now = START.plus_ms(self.now);
        let principal = who.as_deref();
        let seed = [0; 32];
        self.entity.query(&Envelope { command_id: "", principal, now, seed: &seed, body })
    }

    /// The log as the platform shows it.
    pub(crate) fn items(&self) -> Vec<String> {
        self.log.iter().map(shown).collect()
    }
}

/// An item of the log.
pub(crate) fn shown(event: &Recorded) -> String {
    let body = std::str::from_utf8(&event.public).unwrap().strip_suffix('}').unwrap();
    let (prev, hash) = (event.prev.digest(), event.head.digest());
    format!(r#"{body},"prev":"{prev}","hash":"{hash}"}}"#)
}

/// A saved log.
pub(crate) fn saved(items: &[String]) -> String {
    format!(r#"{{"auction_id":"{ID}","events":[{}]}}"#, items.join(","))
}

/// Checks a request.
pub(crate) fn report(request: &[u8]) -> Value {
    serde_json::from_slice(&auction_verifier::verify(request)).unwrap()
}

/// The same events with another chain through them: what a platform could show that lies from the
/// start.
pub(crate) fn chained(bodies: &[Value]) -> Vec<String> {
    let mut head = kernel::ChainHead::genesis(ID);
    let items = (1..).zip(bodies).map(|(seq, body)| {
        let mut body = body.clone();
        body["seq"] = json!(seq);
        let text = kernel::canonical::canonicalize(body.to_string().as_bytes()).unwrap();
        let (prev, hash) = (head, head.extend(&text));
        head = hash;
        body["prev"] = json!(prev.digest());
        body["hash"] = json!(hash.digest());
        body.to_string()
    });
    items.collect()
}

impl Stage for Bench {
    fn send(&mut self, ms: i64, who: Option<&str>, command_id: &str, command: &[u8]) -> Answered {
        self.now = ms;
        self.seeds += 1;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seeds.to_be_bytes());
        seed[22..30].copy_from_slice(&self.seeds.to_be_bytes());
        let who = who.map(|name| auction_player::user(name).to_string());
        let decision = self.entity.handle(&Envelope {
            command_id,
            principal: who.as_deref(),
            now: START.plus_ms(ms),
            seed: &seed,
            body: command,
        });
        let name = |event: &Recorded| {
            let body: Value = serde_json::from_slice(&event.public).unwrap();
            body["event"].as_str().unwrap().to_owned()
        };
        let events = decision.events.iter().map(name).collect();
        self.log.extend(decision.events);
        Answered { reply: decision.reply, events }
    }

    fn ask(&mut self, ms: i64, who: Option<&str>, question: &[u8]) -> Vec<u8> {
        self.now = ms;
        self.question(who, question)
    }
}
