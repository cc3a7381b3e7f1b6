//! One auction from its listing to its end and beyond, under whatever commands somebody sends.
//!
//! The input is a script: [`draw`] reads it, [`make`] and [`terms`] turn it into commands that mean
//! something. After each command [`laws`] judges the log, [`book`] and [`outcome`] judge leader,
//! price, end and winners by the rules, [`replays`] what comes twice, [`secrets`] who is told what.
//! Laws that cost most are judged at drawn steps and, always, at the end of the script.

mod book;
pub mod draw;
mod laws;
pub mod make;
mod outcome;
mod replays;
mod secrets;
mod terms;

use auction_machine::Auction;
use auction_machine::contract::{Command, Reply, RetractionReason};
use auction_machine::event::Event;
use kernel::machine::Position;
use kernel::{ChainHead, Decision, Digest, Entity, Envelope, Minor, Timestamp, Wake};

use book::Book;
use draw::Draw;
use laws::Ledger;
use make::Scene;
use replays::Replays;
use secrets::Secrets;

/// Plays the script and judges it.
pub(crate) fn run(script: &[u8]) {
    let mut draw = Draw::new(script);
    let mut stage = Stage::new(draw.below(8) == 0);
    for step in 0..STEPS_MAX {
        if draw.is_empty() {
            break;
        }
        let sent = stage.next(&mut draw, step);
        stage.play(sent);
        match draw.below(32) {
            0 => stage.restart(),
            1 | 2 => stage.ask_around(),
            3 => stage.without_them(),
            _ => {}
        }
    }
    stage.end();
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

/// A fact as the log keeps it, behind its version.
type Fact = (u64, Timestamp, ChainHead, Event);

struct Stage {
    subject: Entity<Auction>,
    /// Fed with facts alone.
    replica: Entity<Auction>,
    /// Decides everything again from a snapshot of before; not in every script.
    twin: Option<Entity<Auction>>,
    ledger: Ledger,
    /// None before the listing.
    book: Option<Book>,
    replays: Replays,
    secrets: Secrets,
    now: Timestamp,
    earlier: Vec<Sent>,
}

impl Stage {
    fn new(has_twin: bool) -> Self {
        Self {
            subject: Entity::new(KEY),
            replica: Entity::new(KEY),
            twin: has_twin.then(|| Entity::new(KEY)),
            ledger: Ledger::new(KEY),
            book: None,
            replays: Replays::default(),
            secrets: Secrets::default(),
            now: Timestamp::from_ms(START_MS),
            earlier: Vec::new(),
        }
    }

    fn play(&mut self, sent: Sent) {
        let before = (self.subject.position(), self.subject.next_wake());
        let decision = self.subject.handle(&sent.envelope());
        let said = self.ledger.judge(&sent, &decision);
        if decision.events.is_empty() {
            assert_eq!((self.subject.position(), self.subject.next_wake()), before);
            assert!(decision.effects.is_empty());
        }
        let is_refused = decision.reply.starts_with(b"{\"refused\"");
        assert!(!is_refused || decision.events.is_empty(), "refused, with events");
        for (event, said) in decision.events.iter().zip(said) {
            self.replica.apply(&event.fact).expect("a fact that follows");
            self.follow(&event.fact);
            let book = self.book.as_ref().expect("a listing first");
            self.secrets.publish(said, (self.replica.state(), book));
        }
        assert_eq!(self.replica.position(), self.subject.position());
        assert_eq!(self.subject.next_wake(), decision.wake);
        assert_eq!(self.replica.next_wake(), decision.wake);
        if let (Some(book), Some(lot)) = (&self.book, self.subject.state().lot()) {
            book.judge(lot);
        }
        if is_refused {
            self.refused_rightly(before.0, &sent, &decision.reply);
        }
        does_what_is_due(before, &sent, &decision);
        self.replays.judge(&sent, &decision);
        if let Some(twin) = &mut self.twin {
            *twin = Entity::restore(KEY, &twin.snapshot()).expect("its own snapshot");
            let again = twin.handle(&sent.envelope());
            assert_eq!(again, decision, "decided otherwise from a snapshot");
        }
        if let Some(book) = &self.book {
            let listener = (sent.principal.as_deref(), sent.body.as_slice());
            self.secrets.hear((self.subject.state(), book), listener, &decision.reply);
        }
        self.earlier.push(sent);
    }

    /// Notes a fact by the rules.
    fn follow(&mut self, fact: &[u8]) {
        let (_, time, _, event) = read(fact);
        match &event {
            Event::Scheduled(listing) | Event::Opened(Some(listing)) => {
                self.book = Some(Book::open(listing));
            }
            event => self.book.as_mut().expect("a listing first").follow(time, event),
        }
        if let (Event::Closed { closing, awards }, Some(book)) = (&event, &self.book) {
            let lot = self.replica.state().lot().expect("listed");
            outcome::judge(book, lot, *closing, awards);
        }
    }

    /// An amount is refused only where the rules ask for another.
    fn refused_rightly(&self, at: Position, sent: &Sent, reply: &[u8]) {
        let reply: Reply = serde_json::from_slice(reply).expect("a reply");
        let (Some(book), Reply::Refused(refused)) = (&self.book, reply) else { return };
        if !matches!(refused.code.as_str(), "bid_too_low" | "own_max_not_raised" | "ask_too_high") {
            return;
        }
        let Ok(Command::PlaceBid(bid)) = serde_json::from_slice(&sent.body) else { return };
        let now = at.time.map_or(sent.now, |last| last.max(sent.now));
        let user = sent.principal.as_ref().and_then(|user| user.parse().ok());
        let amount = bid.amount.amount;
        assert!(!book.takes(user, amount.get(), now), "{} of {amount:?}", refused.code);
    }

    /// The subject as it comes back from its snapshot.
    fn restart(&mut self) {
        let snapshot = self.subject.snapshot();
        let restored = Entity::<Auction>::restore(KEY, &snapshot).expect("its own snapshot");
        assert!(restored.state() == self.subject.state(), "a snapshot loses something");
        assert_eq!(restored.snapshot(), snapshot);
        self.subject = restored;
    }

    fn ask_around(&self) {
        if let Some(book) = &self.book {
            self.secrets.ask_around(&self.subject, book, self.now);
        }
    }

    /// What if the seller took away one bidder after the other? A refold finds what a fold hides.
    fn without_them(&self) {
        let (Some(book), Some(lot)) = (&self.book, self.subject.state().lot()) else { return };
        let mut book = book.clone();
        let mut subject = Entity::<Auction>::restore(KEY, &self.subject.snapshot()).unwrap();
        for bid in lot.live_bids() {
            let reason = RetractionReason::CancelledBySeller;
            let command = Command::Retract { bid_id: bid.id, reason };
            let sent = Sent {
                command_id: String::new(),
                principal: Some(make::user(0)),
                now: self.now,
                seed: seed(0),
                body: serde_json::to_vec(&command).unwrap(),
            };
            for event in subject.handle(&sent.envelope()).events {
                let (_, time, _, event) = read(&event.fact);
                book.follow(time, &event);
            }
            book.judge(subject.state().lot().unwrap());
        }
    }

    /// What must hold of every script: it comes to an end, and all ways lead to the same state.
    fn end(&mut self) {
        for step in STEPS_MAX..STEPS_MAX + WAKES_MAX {
            let Some(Wake { at, reason }) = self.subject.next_wake() else { break };
            if reason == "close" {
                self.without_them();
                self.ask_around();
            }
            self.now = self.now.max(at);
            self.play(Sent {
                command_id: format!("{step}"),
                principal: None,
                now: self.now,
                seed: seed(step),
                body: b"\"wake\"".to_vec(),
            });
        }
        assert_eq!(self.subject.next_wake(), None, "something is due for ever");
        self.ask_around();
        self.restart();
        assert!(self.replica.state() == self.subject.state(), "facts lead elsewhere");
        assert_eq!(self.replica.snapshot(), self.subject.snapshot());
        if let Some(book) = &self.book {
            book.judge_refold();
        }
    }

    /// The command that comes next, new or one that came before.
    fn next(&mut self, draw: &mut Draw<'_>, step: u32) -> Sent {
        self.now = make::later(draw, &self.subject, self.now);
        let scene = Scene { auction: &self.subject, now: self.now };
        let choice = draw.below(16);
        if choice == 0 && !self.earlier.is_empty() {
            let mut again = draw.pick(&self.earlier).clone();
            (again.now, again.seed) = (self.now, seed(step));
            match draw.below(8) {
                0 => again.body = make::body(draw, &scene),
                1 => again.principal = Some(make::user(draw.below(5))),
                2 => again.body = with_other_amount(&again.body),
                _ => {}
            }
            return again;
        }
        let command_id = if choice == 1 { "same".to_owned() } else { format!("{step}") };
        let (principal, body) = make::command(draw, &scene);
        Sent { command_id, principal, now: self.now, seed: seed(step), body }
    }
}

/// Nothing happens by itself before it is due; a wake leaves nothing due behind.
fn does_what_is_due((at, due): (Position, Option<Wake>), sent: &Sent, decision: &Decision) {
    if sent.body != b"\"wake\"" {
        return;
    }
    let now = at.time.map_or(sent.now, |last| last.max(sent.now));
    let is_due = due.is_some_and(|wake| wake.at <= now);
    assert_eq!(!decision.events.is_empty(), is_due, "woken at {now}, due was {due:?}");
    let left = decision.wake.filter(|wake| wake.at <= now);
    assert_eq!(left, None, "woken at {now}, and that is still due");
}

fn read(fact: &[u8]) -> Fact {
    postcard::from_bytes(&fact[1..]).expect("a fact")
}

/// The same bid with another amount; anything else as it was.
fn with_other_amount(body: &[u8]) -> Vec<u8> {
    let Ok(Command::PlaceBid(mut bid)) = serde_json::from_slice(body) else { return body.to_vec() };
    let one = Minor::new(1).unwrap();
    bid.amount.amount = bid.amount.amount.plus(one);
    serde_json::to_vec(&Command::PlaceBid(bid)).unwrap()
}

fn seed(step: u32) -> [u8; 32] {
    *Digest::of(&[b"seed", &step.to_be_bytes()]).as_bytes()
}

/// The auction that everything happens to.
pub const KEY: &str = "auc_01jd0000000000000000000000";
const START_MS: i64 = 1_800_000_000_000;
const STEPS_MAX: u32 = 48;
/// The opening, the close, and offers that lapse one after the other.
const WAKES_MAX: u32 = 2 + STEPS_MAX;
