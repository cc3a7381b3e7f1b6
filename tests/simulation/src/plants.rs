//! Planted bugs, each in a double around the real thing. The product knows none of them.

use auction_machine::Auction;
use host::stepped::contract::{Decision, Envelope, Event};
use kernel::{Digest, Entity, Timestamp};
use serde_json::Value;

/// A bug that the simulation must catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Replies leave as soon as they are decided.
    ReplyBeforeSync,
    /// Messages leave as soon as they are decided.
    MessageBeforeSync,
    /// From some time on the disk says that it has synced, and has not.
    LyingDisk,
    /// A start forgets every wake.
    TimersLostAtRestart,
    /// A message that its consumer refused counts as delivered.
    OutboxForgetsRefused,
    /// Bids are accepted until three seconds after the end.
    AcceptsAtEnd,
    /// The close gives two results.
    TwoResults,
    /// A seq is left out.
    SkipsSeq,
    /// The machine does not remember command ids.
    ForgetsCommandIds,
    /// Events carry the clock's time even when the clock went back.
    ClockGoesBack,
    /// Loading takes the snapshot and leaves the tail out.
    RecoveryWithoutTail,
    /// A failed commit does not void the state in memory.
    StateSurvivesFailedCommit,
    /// A bid is recorded twice.
    DoubledBid,
    /// The price is shown one minor unit too high.
    WrongPrice,
    /// Answers are kept and given again.
    StaleAnswers,
    /// Answers show a price one minor unit below the log's.
    ShowsOtherPrice,
    /// Pages of events end one event early.
    ShortPages,
    /// After a failed commit no command is taken any more.
    StaysDown,
}

impl Plant {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::ReplyBeforeSync,
        Self::MessageBeforeSync,
        Self::LyingDisk,
        Self::TimersLostAtRestart,
        Self::OutboxForgetsRefused,
        Self::AcceptsAtEnd,
        Self::TwoResults,
        Self::SkipsSeq,
        Self::ForgetsCommandIds,
        Self::ClockGoesBack,
        Self::RecoveryWithoutTail,
        Self::StateSurvivesFailedCommit,
        Self::DoubledBid,
        Self::WrongPrice,
        Self::StaleAnswers,
        Self::ShowsOtherPrice,
        Self::ShortPages,
        Self::StaysDown,
    ];

    pub(crate) fn forgets_the_tail(self) -> bool {
        matches!(self, Self::RecoveryWithoutTail | Self::StateSurvivesFailedCommit)
    }
}

/// What the planted bugs of a machine remember of an entity.
#[derive(Default)]
pub(crate) struct Twist {
    accepted: Vec<String>,
    asked: String,
    last: Option<i64>,
    answers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A command as the machine gets it.
pub(crate) struct Asked {
    pub(crate) command_id: String,
    pub(crate) now: i64,
    pub(crate) body: Vec<u8>,
}

impl Twist {
    pub(crate) fn command(
        &mut self,
        plant: Option<Plant>,
        entity: &Entity<Auction>,
        envelope: Envelope<'_>,
    ) -> Asked {
        envelope.command_id.clone_into(&mut self.asked);
        self.last = entity.position().time.map(Timestamp::as_ms);
        let (command_id, body) = (envelope.command_id.to_owned(), envelope.body.to_vec());
        let mut asked = Asked { command_id, now: envelope.now, body };
        match plant {
            Some(Plant::ForgetsCommandIds) if self.accepted.contains(&self.asked) => {
                asked.command_id.push_str(", forgotten");
            }
            Some(Plant::AcceptsAtEnd) => {
                if let Some(end) = end(entity)
                    && (end..end + 3_000).contains(&asked.now)
                {
                    asked.now = end - 1;
                }
            }
            _ => {}
        }
        asked
    }

    pub(crate) fn decision(&mut self, plant: Option<Plant>, now: i64, decided: &mut Decision) {
        let named = |event: &Event, name: &str| {
            serde_json::from_slice::<Value>(&event.public)
                .is_ok_and(|body| body.get("event").and_then(Value::as_str) == Some(name))
        };
        if !decided.events.is_empty() {
            self.accepted.push(self.asked.clone());
        }
        match plant {
            Some(Plant::WrongPrice) => {
                for event in decided.events.iter_mut().filter(|event| named(event, "bid_placed")) {
                    change(event, |body| {
                        if let Some(price) = body.pointer_mut("/data/price/amount") {
                            *price = (price.as_i64().unwrap_or(0) + 1).into();
                        }
                    });
                }
            }
            Some(Plant::TwoResults) => {
                let closed = decided.events.last().filter(|last| named(last, "auction_closed"));
                let second = closed.map(|closed| after(closed, closed));
                decided.events.extend(second);
            }
            Some(Plant::DoubledBid) => {
                let placed = decided.events.last().filter(|last| named(last, "bid_placed"));
                let second = placed.map(|placed| after(placed, placed));
                decided.events.extend(second);
            }
            Some(Plant::SkipsSeq) => {
                for event in decided.events.iter_mut().filter(|event| event.seq >= 3) {
                    event.seq += 1;
                }
            }
            Some(Plant::ClockGoesBack) if self.last.is_some_and(|last| now < last) => {
                for event in &mut decided.events {
                    set(event, "time", Timestamp::from_ms(now).to_string().into());
                }
            }
            _ => {}
        }
    }

    pub(crate) fn answer(
        &mut self,
        plant: Option<Plant>,
        question: &[u8],
        answer: Vec<u8>,
    ) -> Vec<u8> {
        match plant {
            Some(Plant::StaleAnswers) => self.kept(question, answer),
            Some(Plant::ShowsOtherPrice) => with_other_price(&answer).unwrap_or(answer),
            _ => answer,
        }
    }

    /// The answer that was given before, if there was one.
    fn kept(&mut self, question: &[u8], answer: Vec<u8>) -> Vec<u8> {
        if let Some((_, kept)) = self.answers.iter().find(|(asked, _)| asked == question) {
            return kept.clone();
        }
        if answer != b"null" {
            self.answers.push((question.to_vec(), answer.clone()));
        }
        answer
    }
}

/// The end of an auction that takes bids.
fn end(entity: &Entity<Auction>) -> Option<i64> {
    let question = kernel::Envelope {
        command_id: "",
        principal: None,
        now: Timestamp::from_ms(0),
        seed: &[],
        body: b"\"view\"",
    };
    let view: Value = serde_json::from_slice(&entity.query(&question)).ok()?;
    let row = view.get("row")?;
    if row.get("status")?.as_str()? != "open" {
        return None;
    }
    let end = row.get("ends_at")?.as_str()?;
    end.parse::<Timestamp>().ok().map(Timestamp::as_ms)
}

/// A view with another price, if it shows one.
fn with_other_price(answer: &[u8]) -> Option<Vec<u8>> {
    let mut view: Value = serde_json::from_slice(answer).ok()?;
    let price = view.pointer_mut("/row/price/amount")?;
    *price = (price.as_i64()? - 1).into();
    serde_json::to_vec(&view).ok()
}

/// The event once more, in the next place of the chain.
fn after(last: &Event, again: &Event) -> Event {
    let mut event = again.clone();
    let seq = last.seq + 1;
    event.seq = seq;
    event.prev.clone_from(&last.head);
    set(&mut event, "seq", seq.into());
    event
}

fn set(event: &mut Event, field: &str, value: Value) {
    change(event, |body| {
        if let Some(slot) = body.get_mut(field) {
            *slot = value;
        }
    });
}

/// Changes the public form and the head after it.
fn change(event: &mut Event, change: impl FnOnce(&mut Value)) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&event.public) else { return };
    change(&mut body);
    event.public = serde_json::to_vec(&body).unwrap_or_default();
    event.head = Digest::of(&[&event.prev, &event.public]).as_bytes().to_vec();
}
