//! One auction from its listing to its end and beyond, under whatever commands somebody sends.
//!
//! The input is a script: [`draw`] reads it, [`make`] turns it into commands that mean something,
//! [`laws`] and [`secrets`] say what must hold after each of them.

pub mod draw;
mod laws;
pub mod make;
mod secrets;

use auction_machine::Auction;
use auction_machine::contract::Reply;
use kernel::{Decision, Digest, Entity, Envelope, Timestamp};

use draw::Draw;
use laws::Ledger;
use secrets::Secrets;

/// Plays the script and judges every step.
pub(crate) fn run(script: &[u8]) {
    let mut draw = Draw::new(script);
    let mut stage = Stage::new();
    for step in 0..STEPS_MAX {
        if draw.is_empty() {
            break;
        }
        stage.step(&mut draw, step);
    }
}

/// The entity after a script; for seeds of other targets.
pub fn played(script: &[u8]) -> Entity<Auction> {
    let mut draw = Draw::new(script);
    let mut stage = Stage::new();
    for step in 0..STEPS_MAX {
        if !draw.is_empty() {
            stage.step(&mut draw, step);
        }
    }
    stage.subject
}

/// A command as it is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Idempotency key.
    pub command_id: String,
    /// Who sends it.
    pub principal: Option<String>,
    /// The platform's clock.
    pub now: Timestamp,
    /// Randomness.
    pub seed: [u8; 32],
    /// JSON, or not.
    pub body: Vec<u8>,
}

impl Sent {
    /// As the machine takes it.
    pub fn envelope(&self) -> Envelope<'_> {
        Envelope {
            command_id: &self.command_id,
            principal: self.principal.as_deref(),
            now: self.now,
            seed: &self.seed,
            body: &self.body,
        }
    }
}

struct Stage {
    subject: Entity<Auction>,
    /// Fed with facts alone.
    replica: Entity<Auction>,
    ledger: Ledger,
    secrets: Secrets,
    now: Timestamp,
    earlier: Vec<Sent>,
}

impl Stage {
    fn new() -> Self {
        Self {
            subject: Entity::new(KEY),
            replica: Entity::new(KEY),
            ledger: Ledger::new(KEY),
            secrets: Secrets::default(),
            now: Timestamp::from_ms(START_MS),
            earlier: Vec::new(),
        }
    }

    fn step(&mut self, draw: &mut Draw<'_>, step: u32) {
        let sent = self.next(draw, step);
        let before = self.subject.snapshot();
        let decision = self.subject.handle(&sent.envelope());
        self.same_again(&before, &sent, &decision);
        self.ledger.judge(&sent, &decision);
        let after = self.subject.snapshot();
        if decision.events.is_empty() {
            assert_eq!(before, after, "no events, and yet something changed");
            assert!(decision.effects.is_empty());
        }
        for event in &decision.events {
            self.replica.apply(&event.fact).expect("a fact that follows");
            self.secrets.publish(&event.public, self.replica.state());
        }
        assert_eq!(self.replica.snapshot(), after, "facts lead elsewhere than the command");
        assert_eq!(self.replica.position().head, self.ledger.head());
        assert_eq!(self.subject.next_wake(), decision.wake);
        assert_eq!(self.replica.next_wake(), decision.wake);
        let restored = Entity::<Auction>::restore(KEY, &after).expect("its own snapshot");
        assert!(restored.state() == self.subject.state(), "a snapshot loses something");
        assert_eq!(restored.snapshot(), after);
        self.replica = restored;
        let listener = (sent.principal.as_deref(), sent.body.as_slice());
        self.secrets.hear(self.subject.state(), listener, &decision.reply);
        if !decision.events.is_empty() {
            self.secrets.ask_around(&self.subject, self.now);
        }
        self.earlier.push(sent);
    }

    /// The command that comes next, new or one that came before.
    fn next(&mut self, draw: &mut Draw<'_>, step: u32) -> Sent {
        self.now = make::later(draw, &self.subject, self.now);
        let seed = *Digest::of(&[b"seed", &step.to_be_bytes()]).as_bytes();
        if !self.earlier.is_empty() && draw.below(12) == 0 {
            let mut again = draw.pick(&self.earlier).clone();
            (again.now, again.seed) = (self.now, seed);
            if draw.below(4) == 0 {
                again.body = make::body(draw, &self.subject);
            }
            return again;
        }
        let command_id = if draw.below(16) == 0 { "same".to_owned() } else { format!("{step}") };
        let (principal, body) = make::command(draw, &self.subject, step == 0);
        Sent { command_id, principal, now: self.now, seed, body }
    }

    /// Decides the same twice: nothing but state and envelope counts.
    fn same_again(&self, before: &[u8], sent: &Sent, decision: &Decision) {
        let mut twin = Entity::<Auction>::restore(KEY, before).expect("its own snapshot");
        assert_eq!(&twin.handle(&sent.envelope()), decision, "decided otherwise the second time");
        let reply: Reply = serde_json::from_slice(&decision.reply).expect("a reply");
        if matches!(reply, Reply::Refused(_)) {
            assert!(decision.events.is_empty(), "refused, with events");
        }
    }
}

/// The auction that everything happens to.
pub const KEY: &str = "auc_01jd0000000000000000000000";
const START_MS: i64 = 1_800_000_000_000;
const STEPS_MAX: u32 = 48;
