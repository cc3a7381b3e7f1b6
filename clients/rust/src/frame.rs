//! Frames as they go over the wire. Members may be added to any of them, and frames of new types
//! may come: both are passed over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the server says.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Frame {
    /// Always first.
    Hello(Hello),
    /// Something happened to the auction.
    Event(Event),
    /// The one answer to a command.
    Reply(Reply),
    /// To the bidder who lost the lead, and nobody else.
    Outbid(Outbid),
    /// The server's clock.
    Time(Time),
    /// The server did not understand a frame.
    Error(Complaint),
    /// A type that this client does not know.
    #[serde(other)]
    Unknown,
}

/// Where the stream stands.
#[derive(Debug, Clone, Deserialize)]
pub struct Hello {
    /// Changes only when history was rewritten: numbers of another epoch mean nothing.
    pub epoch: String,
    /// The number after which events follow.
    pub seq: u64,
    /// True when events follow right after the number that was asked for; else `auction` replaces
    /// everything that was known.
    #[serde(default)]
    pub resumed: bool,
    /// The server's clock, RFC 3339.
    pub server_time: String,
    /// The public view of the auction.
    pub auction: Value,
}

/// One event of the public log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Event {
    /// Number, without gaps, the same for everybody.
    pub seq: u64,
    /// Name, for example `bid_placed`.
    pub event: String,
    /// When it was decided, RFC 3339.
    pub time: String,
    /// What the event says.
    pub data: Value,
}

/// What became of a command: status and body as over HTTP.
#[derive(Debug, Clone, Deserialize)]
pub struct Reply {
    /// As it was sent.
    pub command_id: String,
    /// HTTP status.
    pub status: u16,
    /// The bid reply, or a problem.
    pub body: Value,
}

/// The caller does not lead any more.
#[derive(Debug, Clone, Deserialize)]
pub struct Outbid {
    /// `auc_…`.
    pub auction_id: String,
    /// The price now.
    pub price: Option<Money>,
    /// The least that is accepted next.
    pub next_minimum: Option<Money>,
    /// The end now, RFC 3339.
    pub ends_at: String,
    /// Number of the event that did it.
    pub seq: u64,
}

/// A reading of the server's clock, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Time {
    /// What the client sent; none where the server speaks by itself.
    #[serde(default)]
    pub t0: Option<f64>,
    /// When the server read the question.
    #[serde(default)]
    pub t1: Option<f64>,
    /// When the server answered.
    #[serde(default)]
    pub t2: Option<f64>,
}

/// What was wrong with a frame of ours.
#[derive(Debug, Clone, Deserialize)]
pub struct Complaint {
    /// Stable code.
    #[serde(default)]
    pub code: String,
    /// A sentence.
    #[serde(default)]
    pub detail: String,
}

/// Minor units and a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
}

/// A bid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bid {
    /// The most that is paid, or what the format makes of it.
    pub amount: Money,
    /// Units; one when none is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The fewest units that are of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_quantity: Option<u32>,
    /// Yes to a bid that the server asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<bool>,
}

impl Bid {
    /// That amount for one unit.
    pub fn of(amount: u64, currency: &str) -> Self {
        let amount = Money { amount, currency: currency.to_owned() };
        Self { amount, quantity: None, min_quantity: None, confirm: None }
    }
}

/// The text of a bid's frame.
pub(crate) fn bid_text(command_id: &str, bid: &Bid) -> String {
    #[derive(Serialize)]
    struct BidFrame<'b> {
        r#type: &'static str,
        command_id: &'b str,
        #[serde(flatten)]
        bid: &'b Bid,
    }
    let frame = BidFrame { r#type: "bid", command_id, bid };
    // Infallible: strings and integers alone.
    serde_json::to_string(&frame).unwrap_or_default()
}

/// The text of a question for the time.
pub(crate) fn time_text(t0_ms: i64) -> String {
    format!("{{\"type\":\"time\",\"t0\":{t0_ms}}}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_passed_over() {
        let frame = json!({"type": "confetti", "seq": 9}).to_string();
        assert!(matches!(serde_json::from_str(&frame).unwrap(), Frame::Unknown));
        let event = json!({"type": "event", "seq": 8, "event": "fireworks", "time": "t",
            "data": {"new": [1]}, "prev": "00"});
        let Frame::Event(event) = serde_json::from_value(event).unwrap() else { panic!() };
        assert_eq!((event.seq, event.event.as_str()), (8, "fireworks"));
    }

    #[test]
    fn a_bid_says_nothing_that_was_not_asked() {
        let text = bid_text("id", &Bid::of(1_500, "USD"));
        let frame: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({"type": "bid", "command_id": "id",
            "amount": {"amount": 1_500, "currency": "USD"}});
        assert_eq!(frame, expected);
    }
}
