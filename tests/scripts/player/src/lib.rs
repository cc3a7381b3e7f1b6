//! Plays the scenarios of `tests/scripts` against whatever takes the machine's commands and
//! questions at instants of its own: a machine alone, or a host around it.
//!
//! A player knows no more than people do: bids and offers by what their answers said, aliases and
//! maxima by asking as their owner.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "for tests; a scenario that cannot be played ends the test"
)]

mod people;
mod shown;

use auction_machine::contract::{
    Change, Command, Offer, OfferStatus, PlaceBid, Preview, PreviewOutcome, Query, Refused, Reply,
    RetractionReason,
};
use auction_scripts::{Action, Observed, Scenario, Step, offset};
use kernel::{ChainHead, Id, Minor, Money, Timestamp, kind};
use serde_json::{Value, json};

use people::People;
use shown::{facts, outcome, price, reserve, status};

pub use shown::terms;

/// One auction with a clock of its own, not listed yet.
pub trait Stage {
    /// Sends a command of somebody, or of the platform, at milliseconds after [`START`].
    fn send(&mut self, ms: i64, who: Option<&str>, command_id: &str, command: &[u8]) -> Answered;

    /// Asks as somebody, or as nobody.
    fn ask(&mut self, ms: i64, who: Option<&str>, question: &[u8]) -> Vec<u8>;

    /// False once the stage did something that no row says, so that the rest is another story.
    fn follows(&self) -> bool {
        true
    }
}

/// How it went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Played {
    /// Rows that were compared.
    pub rows: usize,
    /// Those that did not hold, with what was seen.
    pub wrong: Vec<String>,
}

/// What a command led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The reply.
    pub reply: Vec<u8>,
    /// Names of the new events.
    pub events: Vec<String>,
}

/// Lists the auction and takes every step that the stage follows.
///
/// # Panics
/// When the stage answers what the contract does not know.
pub fn play(stage: &mut impl Stage, scenario: &Scenario) -> Played {
    let mut played = Played::default();
    let create = Command::Create(terms(&scenario.terms));
    let command = serde_json::to_vec(&create).unwrap();
    let listed = stage.send(0, Some(&scenario.terms.seller), "create", &command);
    if !matches!(read(&listed.reply), Reply::Created { replayed: false, .. }) {
        let said = String::from_utf8_lossy(&listed.reply).into_owned();
        played.wrong.push(format!("{}: not listed: {said}", scenario.line));
        return played;
    }
    let mut playing = Playing { stage, scenario, people: People::default(), now: 0 };
    for step in &scenario.steps {
        let seen = playing.perform(step);
        if !playing.stage.follows() {
            break;
        }
        played.rows += 1;
        let missing = step.expected.missing_in(&seen);
        if !missing.is_empty() {
            let missing = missing.join(" ");
            played.wrong.push(format!("{}: wanted {missing}, saw {seen}", step.line));
        }
    }
    played
}

/// A scenario under way.
struct Playing<'s, S> {
    stage: &'s mut S,
    scenario: &'s Scenario,
    people: People,
    /// When the step is taken.
    now: i64,
}

impl<S: Stage> Playing<'_, S> {
    fn perform(&mut self, step: &Step) -> Observed {
        self.now = step.at_ms;
        let actor = step.actor.as_str();
        let seen = match &step.action {
            Action::Look => {
                let view = self.view();
                Observed::of([view.map_or("gone", |view| status(view.row.status))])
            }
            Action::Own => {
                let own = self.own(actor);
                let word = if own.leading { "leading" } else { "not_leading" };
                Observed::of([word]).with("max", price(own.my_max, self.scenario))
            }
            Action::Preview(bid) => {
                let question = Query::Preview(asked(self.scenario, bid));
                previewed(self.scenario, &self.ask(Some(actor), &question))
            }
            _ => return self.command(step),
        };
        facts(self, seen)
    }

    fn command(&mut self, step: &Step) -> Observed {
        let actor = step.actor.as_str();
        let (command, key) = self.asked(step);
        let key = key.unwrap_or_else(|| format!("line {}", step.line));
        let who = (actor != "clock").then_some(actor);
        let body = serde_json::to_vec(&command).unwrap();
        let Answered { reply, events } = self.stage.send(self.now, who, &key, &body);
        let reply = read(&reply);
        self.people.told(actor, &reply);
        let seen = self.replied(reply, events.is_empty());
        facts(self, seen).with("events", events.join(","))
    }

    /// The command of a step, and its key when the script names one.
    fn asked(&mut self, step: &Step) -> (Command, Option<String>) {
        let (actor, scenario) = (step.actor.as_str(), self.scenario);
        match &step.action {
            Action::Bid(bid) => (Command::PlaceBid(asked(scenario, bid)), bid.key.clone()),
            Action::BuyNow { key } => (Command::BuyNow, key.clone()),
            Action::Retract { which, reason } => {
                let reason: RetractionReason = serde_json::from_value(json!(reason)).unwrap();
                (Command::Retract { bid_id: self.people.bid(actor, which), reason }, None)
            }
            Action::Withdraw { which } => {
                (Command::Withdraw { bid_id: self.people.bid(actor, which) }, None)
            }
            Action::Lower { amount, currency } => {
                let currency = currency.as_ref().unwrap_or(&scenario.terms.currency);
                (Command::LowerReserve { amount: money(*amount, currency) }, None)
            }
            Action::Cancel { reason } => (Command::Cancel { reason: reason.clone() }, None),
            Action::Delete { stale } => (Command::Delete { head: self.head(*stale) }, None),
            Action::Change { stale, patch } => {
                let mut patch: Value = serde_json::from_str(patch).unwrap();
                let addition = patch.as_object_mut().unwrap().remove("description_addition");
                let terms = patch.as_object().filter(|terms| !terms.is_empty()).cloned();
                let addition = addition.map(|text| text.as_str().unwrap().to_owned());
                let head = self.head(*stale);
                (Command::Change(Change { head, terms, description_addition: addition }), None)
            }
            Action::Block { name, blocked } => {
                (Command::Block { bidder: self.called(name), blocked: *blocked }, None)
            }
            Action::Offer { name, days, key } => {
                let bidder = self.called(name);
                (Command::OfferSecondChance { bidder, days: *days }, key.clone())
            }
            Action::Answer { which, accept } => {
                let offer_id = self.people.offer(*which);
                (Command::AnswerOffer { offer_id, accept: *accept }, None)
            }
            Action::Wake => (Command::Wake, None),
            Action::Preview(_) | Action::Look | Action::Own => {
                unreachable!("these are questions")
            }
        }
    }

    /// What a reply states. A replay shows the facts of its own time, not those of now.
    fn replied(&mut self, reply: Reply, is_quiet: bool) -> Observed {
        let scenario = self.scenario;
        let words = |word, replayed: bool| {
            Observed::of([word].into_iter().chain(replayed.then_some("replayed")))
        };
        match reply {
            Reply::Bid { replayed, bid, .. } => {
                let seen = words(outcome(bid.outcome), replayed)
                    .with("price", price(bid.price, scenario))
                    .with("next", price(bid.next_minimum, scenario))
                    .with("next_max", price(bid.next_maximum, scenario))
                    .with("ends", offset(bid.ends_at.ms_since(START)))
                    .with("reserve", reserve(bid.reserve))
                    .with("seq", bid.seq)
                    .with("rule", bid.explanation.rule);
                match bid.quantity {
                    Some(units) => seen.with("filled", units),
                    None => seen,
                }
            }
            Reply::Refused(refused) => refusal(&refused),
            Reply::Woken if is_quiet => Observed::of(["quiet"]),
            Reply::Woken => {
                Observed::of([self.view().map_or("gone", |view| status(view.row.status))])
            }
            Reply::Auction { view } => {
                Observed::of([view.map_or("gone", |view| status(view.row.status))])
            }
            Reply::Offer { replayed, offer, .. } => words(offer_word(&offer), replayed)
                .with("offer", price(Some(offer.price), scenario))
                .with("until", offset(offer.expires_at.ms_since(START))),
            Reply::Created { .. } => unreachable!("scripts list only once"),
        }
    }

    /// The alias of a bidder, the id of anybody else.
    fn called(&mut self, name: &str) -> String {
        self.own(name).alias.unwrap_or_else(|| user(name).to_string())
    }

    /// Where the log stands, or stood before anything was listed.
    fn head(&mut self, stale: bool) -> String {
        let view = self.view().filter(|_| !stale);
        view.map_or_else(|| ChainHead::genesis(KEY).digest().to_hex(), |view| view.head)
    }
}

fn refusal(refused: &Refused) -> Observed {
    let seen = Observed::of(["refused", refused.code.as_str()]);
    match refused.errors.first() {
        Some(error) => seen.with("fault", format!("{}:{}", error.pointer, error.code)),
        None => seen,
    }
}

fn previewed(scenario: &Scenario, answer: &[u8]) -> Observed {
    let Ok(preview) = serde_json::from_slice::<Preview>(answer) else {
        return refusal(&serde_json::from_slice(answer).unwrap());
    };
    let word = match preview.outcome {
        PreviewOutcome::WouldLeadOrBeOutbid => "would_lead_or_be_outbid",
        PreviewOutcome::WouldWin => "would_win",
        PreviewOutcome::TooLow => "too_low",
        PreviewOutcome::TooHigh => "too_high",
        PreviewOutcome::NotOpen => "not_open",
        PreviewOutcome::NotAllowed => "not_allowed",
    };
    Observed::of([word])
        .with("next", price(preview.next_minimum, scenario))
        .with("next_max", price(preview.next_maximum, scenario))
        .with("advised", if preview.confirmation_advised { "yes" } else { "no" })
        .with("rule", preview.explanation.rule)
}

fn offer_word(offer: &Offer) -> &'static str {
    match offer.status {
        OfferStatus::Open => "offered",
        OfferStatus::Accepted => "accepted",
        OfferStatus::Declined => "declined",
        OfferStatus::Expired => "expired",
    }
}

fn asked(scenario: &Scenario, bid: &auction_scripts::Bid) -> PlaceBid {
    let currency = bid.currency.as_ref().unwrap_or(&scenario.terms.currency);
    PlaceBid {
        amount: money(bid.amount, currency),
        quantity: bid.quantity,
        min_quantity: bid.min_quantity,
        confirm: bid.confirm.then_some(true),
    }
}

fn read(reply: &[u8]) -> Reply {
    serde_json::from_slice(reply).unwrap()
}

fn money(units: i64, currency: &str) -> Money {
    Money::new(Minor::new(units).unwrap(), currency.parse().unwrap())
}

/// A user's id, the same for the same name.
///
/// # Panics
/// Never: a digest is longer than an id.
pub fn user(name: &str) -> Id<kind::User> {
    let bytes = kernel::Digest::of(&[name.as_bytes()]);
    Id::from_u128(u128::from_be_bytes(*bytes.as_bytes().first_chunk().unwrap()))
}

/// When every auction is listed.
pub const START: Timestamp = Timestamp::from_ms(1_763_900_000_000);
/// The auction.
pub const KEY: &str = "auc_01jd0000000000000000000000";
