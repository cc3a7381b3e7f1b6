//! An auction under test: virtual time, users by name, and checks that hold after every command.

use auction_machine::Auction;
use auction_machine::contract::{Command, Own, Query, Reply, Terms, View};
use kernel::{ChainHead, Decision, Effect, Entity, Envelope, Message, Recorded, canonical};
use serde::de::DeserializeOwned;

pub(crate) use auction_player::{KEY, START, user};

/// An auction, its log, and a replica that only applies the log.
pub(crate) struct Bench {
    pub(crate) entity: Entity<Auction>,
    pub(crate) log: Vec<Recorded>,
    /// Every message, in order.
    pub(crate) told: Vec<Message>,
    /// Milliseconds after [`START`] at which questions are asked: when the last command came.
    pub(crate) now: i64,
    replica: Entity<Auction>,
    commands: u64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let (entity, replica) = (Entity::new(KEY), Entity::new(KEY));
        Self { entity, log: Vec::new(), told: Vec::new(), now: 0, replica, commands: 0 }
    }

    /// An auction that sam listed at [`START`].
    pub(crate) fn listed(terms: Terms) -> Self {
        let mut bench = Self::new();
        let reply = bench.send(0, Some("sam"), "create", &Command::Create(terms));
        assert!(matches!(reply, Reply::Created { replayed: false, .. }), "{reply:?}");
        bench
    }

    /// Sends a command `ms` after [`START`] and checks what must hold after any command.
    pub(crate) fn send(
        &mut self,
        ms: i64,
        who: Option<&str>,
        command_id: &str,
        command: &Command,
    ) -> Reply {
        let body = serde_json::to_vec(command).unwrap();
        serde_json::from_slice(&self.send_raw(ms, who, command_id, &body).reply).unwrap()
    }

    /// Sends bytes.
    pub(crate) fn send_raw(
        &mut self,
        ms: i64,
        who: Option<&str>,
        command_id: &str,
        body: &[u8],
    ) -> Decision {
        self.commands += 1;
        self.now = ms;
        let mut seed = [0x5a; 32];
        seed[..8].copy_from_slice(&self.commands.to_be_bytes());
        seed[22..30].copy_from_slice(&self.commands.to_be_bytes());
        let principal = who.map(|name| user(name).to_string());
        let envelope = Envelope {
            command_id,
            principal: principal.as_deref(),
            now: START.plus_ms(ms),
            seed: &seed,
            body,
        };
        let before = self.entity.snapshot();
        let decision = self.entity.handle(&envelope);
        self.check(&before, &decision);
        let told = decision.effects.iter().map(|Effect::Send(message)| message.clone());
        self.told.extend(told);
        decision
    }

    /// Asks as a user or anonymously.
    pub(crate) fn ask<T: DeserializeOwned>(&self, who: Option<&str>, query: &Query) -> T {
        serde_json::from_slice(&self.ask_raw(who, &serde_json::to_vec(query).unwrap())).unwrap()
    }

    /// Asks with bytes.
    pub(crate) fn ask_raw(&self, who: Option<&str>, body: &[u8]) -> Vec<u8> {
        let principal = who.map(|name| user(name).to_string());
        let principal = principal.as_deref();
        let now = START.plus_ms(self.now);
        self.entity.query(&Envelope { command_id: "", principal, now, seed: &[], body })
    }

    pub(crate) fn view(&self) -> View {
        self.ask(None, &Query::View)
    }

    pub(crate) fn own(&self, who: &str) -> Own {
        self.ask(Some(who), &Query::Own)
    }

    /// The names of a decision's events.
    pub(crate) fn names(decision: &Decision) -> Vec<String> {
        let name = |event: &Recorded| {
            let body: serde_json::Value = serde_json::from_slice(&event.public).unwrap();
            body["event"].as_str().unwrap().to_owned()
        };
        decision.events.iter().map(name).collect()
    }

    /// Chain, canonical form, durability of the state in a snapshot and in the log.
    fn check(&mut self, before: &[u8], decision: &Decision) {
        let snapshot = self.entity.snapshot();
        if decision.events.is_empty() {
            assert_eq!(before, snapshot, "a decision without events changes nothing");
            assert!(decision.effects.is_empty());
        } else {
            assert!(!decision.effects.is_empty());
        }
        assert_eq!(decision.wake, self.entity.next_wake());
        for event in &decision.events {
            let last = self.log.last();
            assert_eq!(event.seq, last.map_or(1, |last| last.seq + 1));
            assert_eq!(event.prev, last.map_or(ChainHead::genesis(KEY), |last| last.head));
            assert_eq!(event.head, event.prev.extend(&event.public));
            let sorted = canonical::canonicalize(&event.public);
            assert_eq!(sorted.as_deref(), Some(event.public.as_slice()), "RFC 8785");
            self.replica.apply(&event.fact).unwrap();
            self.log.push(event.clone());
        }
        assert_eq!(self.replica.snapshot(), snapshot, "the log gives the same state");
        assert_eq!(self.replica.position(), self.entity.position());
        let restored = Entity::<Auction>::restore(KEY, &snapshot).unwrap();
        assert!(restored.state() == self.entity.state(), "a snapshot gives the same state");
        assert_eq!(restored.snapshot(), snapshot);
    }
}
