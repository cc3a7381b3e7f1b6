//! What connections do: the same request again, views of many auctions, bids.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auction_machine::ladder::Ladder;
use kernel::Minor;
use serde::Deserialize;

use crate::generator::{Script, Verdict};

/// The same request again and again.
pub(crate) struct Same {
    /// The request.
    pub(crate) request: Vec<u8>,
    /// The expected status.
    pub(crate) status: u16,
}

impl Script for Same {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.request);
        true
    }

    fn reply(&mut self, status: u16, _body: &[u8]) -> Verdict {
        expected(status == self.status)
    }
}

/// Views of many auctions in turn.
pub(crate) struct Views {
    /// Ids of the auctions.
    pub(crate) ids: Arc<Vec<String>>,
    /// Where this connection is.
    pub(crate) at: usize,
}

impl Script for Views {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(id) = self.ids.get(self.at % self.ids.len().max(1)) else { return false };
        self.at += 1;
        write!(out, "GET /v1/auctions/{id} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n")
            .is_ok()
    }

    fn reply(&mut self, status: u16, _body: &[u8]) -> Verdict {
        expected(status == 200)
    }
}

/// Lists auctions and remembers their ids.
pub(crate) struct Listings {
    /// The seller's access token.
    pub(crate) token: String,
    /// Makes idempotency keys.
    pub(crate) keys: Keys,
    /// How many to list.
    pub(crate) wanted: usize,
    /// What was listed.
    pub(crate) ids: Vec<String>,
}

impl Script for Listings {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        let Self { token, keys, ids, .. } = self;
        if ids.len() >= self.wanted {
            return false;
        }
        let key = keys.next();
        write!(
            out,
            "POST /v1/auctions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\nidempotency-key: {key}\r\n\
             content-length: {}\r\n\r\n{LISTING}",
            LISTING.len()
        )
        .is_ok()
    }

    fn reply(&mut self, status: u16, body: &[u8]) -> Verdict {
        #[derive(Deserialize)]
        struct Listed {
            id: String,
        }
        match serde_json::from_slice::<Listed>(body) {
            Ok(Listed { id }) if status == 201 => {
                self.ids.push(id);
                Verdict::Done
            }
            Ok(_) | Err(_) => Verdict::Wrong,
        }
    }
}

/// Two bidders who outbid each other on auctions that nobody else bids on: every bid stands.
pub(crate) struct Rivals {
    /// Their access tokens.
    pub(crate) tokens: [String; 2],
    /// Makes idempotency keys.
    pub(crate) keys: Keys,
    /// The auctions.
    pub(crate) lots: Vec<Lot>,
    /// Where this connection is.
    pub(crate) at: usize,
    /// Bids left to place; none for no end.
    pub(crate) left: Option<usize>,
    /// Where requests go: `/v1/auctions/{id}/bids` of the platform, or anywhere on the raw server.
    pub(crate) to: To,
    /// The ladder of the auctions.
    pub(crate) ladder: Arc<Ladder>,
}

/// Where and how rivals send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// To the platform, each bid one step above the last.
    Platform,
    /// To the platform, always too low.
    PlatformTooLow,
    /// To the raw server, which echoes.
    Echo,
}

/// An auction as far as its rivals know it.
#[derive(Debug, Clone)]
pub(crate) struct Lot {
    id: String,
    next: Minor,
    turn: usize,
}

impl Lot {
    /// A listed auction without bids.
    pub(crate) fn fresh(id: String) -> Self {
        Self { id, next: minor(START_PRICE), turn: 0 }
    }
}

impl Script for Rivals {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        match &mut self.left {
            Some(0) => return false,
            Some(left) => *left -= 1,
            None => {}
        }
        let count = self.lots.len().max(1);
        let Some(lot) = self.lots.get_mut(self.at % count) else { return false };
        self.at += 1;
        let [first, second] = &self.tokens;
        let token = if lot.turn.is_multiple_of(2) { first } else { second };
        let amount = if self.to == To::PlatformTooLow { 1 } else { lot.next.get() };
        lot.turn += 1;
        // The next minimum after two rivals' bids that are one step apart (rules.md B2.4).
        lot.next = lot.next.plus(self.ladder.step_at(lot.next));
        write_bid(out, &lot.id, token, &self.keys.next(), amount)
    }

    fn reply(&mut self, status: u16, _body: &[u8]) -> Verdict {
        expected(match self.to {
            To::Platform => status == 201,
            To::PlatformTooLow => status == 422,
            To::Echo => status == 200,
        })
    }
}

/// One of many bidders on one auction. Amounts come from a counter that all share, so a bid is too
/// low when later ones overtook it on the way.
pub(crate) struct Crowd {
    /// The auction.
    pub(crate) id: String,
    /// This bidder's access token.
    pub(crate) token: String,
    /// Makes idempotency keys.
    pub(crate) keys: Keys,
    /// The amount that is offered next, by whoever.
    pub(crate) next: Arc<AtomicI64>,
}

impl Script for Crowd {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        let amount = self.next.fetch_add(CROWD_STEP, Ordering::Relaxed);
        write_bid(out, &self.id, &self.token, &self.keys.next(), amount)
    }

    fn reply(&mut self, status: u16, body: &[u8]) -> Verdict {
        #[derive(Deserialize)]
        struct Problem<'a> {
            code: &'a str,
        }
        match status {
            201 => Verdict::Done,
            422 => match serde_json::from_slice(body) {
                Ok(Problem { code: "bid_too_low" }) => Verdict::Refused,
                Ok(_) | Err(_) => Verdict::Wrong,
            },
            _ => Verdict::Wrong,
        }
    }
}

/// Makes idempotency keys that no other connection and no other run makes.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    series: u32,
    made: u64,
}

impl Keys {
    /// Keys of one series.
    pub(crate) fn of(series: u32) -> Self {
        Self { series, made: 0 }
    }

    fn next(&mut self) -> String {
        self.made += 1;
        format!("{:08x}-0000-4000-8000-{:012x}", self.series, self.made)
    }
}

fn write_bid(out: &mut Vec<u8>, id: &str, token: &str, key: &str, amount: i64) -> bool {
    let digits = amount.max(1).ilog10() as usize + 1;
    let length = BID_OPEN.len() + digits + BID_CLOSE.len();
    write!(
        out,
        "POST /v1/auctions/{id}/bids HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         idempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n{BID_OPEN}{amount}{BID_CLOSE}"
    )
    .is_ok()
}

fn expected(is_expected: bool) -> Verdict {
    if is_expected { Verdict::Done } else { Verdict::Wrong }
}

fn minor(units: i64) -> Minor {
    Minor::new(units).unwrap_or_default()
}

const BID_OPEN: &str = r#"{"amount":{"amount":"#;
const BID_CLOSE: &str = r#","currency":"USD"}}"#;
const START_PRICE: i64 = 1_000;
/// Above every step of the ladder; the bids of all connections at once still stay below what asks
/// for a confirmation.
const CROWD_STEP: i64 = 10_100;
const LISTING: &str = r#"{
"title":"Chronograph, steel, 1968","category":"watches","format":"english",
"description":"Hand-wound, serviced last year, box and papers. Two hairlines in the crystal.",
"start_price":{"amount":1000,"currency":"USD"},"increments":"ebay_us","duration_seconds":604800}"#;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn rivals(to: To) -> Rivals {
        Rivals {
            tokens: ["a".to_owned(), "b".to_owned()],
            keys: Keys::of(7),
            lots: vec![Lot::fresh("auc_1".to_owned())],
            at: 0,
            left: Some(3),
            to,
            ladder: Arc::new(Ladder::preset("ebay_us").unwrap()),
        }
    }

    fn requests(mut rivals: Rivals) -> Vec<String> {
        let mut all = Vec::new();
        let mut out = Vec::new();
        while rivals.request(&mut out) {
            all.push(String::from_utf8(std::mem::take(&mut out)).unwrap());
        }
        all
    }

    #[test]
    fn rivals_take_turns_and_climb_the_ladder() {
        let sent = requests(rivals(To::Platform));
        let amount = |at: usize| sent[at].rsplit_once("\r\n\r\n").unwrap().1.to_owned();
        assert_eq!(amount(0), r#"{"amount":{"amount":1000,"currency":"USD"}}"#);
        assert_eq!(amount(1), r#"{"amount":{"amount":1050,"currency":"USD"}}"#);
        assert_eq!(amount(2), r#"{"amount":{"amount":1100,"currency":"USD"}}"#);
        assert!(sent[0].contains("Bearer a\r\n") && sent[1].contains("Bearer b\r\n"));
        assert_eq!(sent.len(), 3);
    }

    #[test]
    fn a_bid_says_its_length() {
        let sent = requests(rivals(To::PlatformTooLow));
        let (head, body) = sent[0].split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
    }

    #[test]
    fn keys_never_repeat() {
        let (mut one, mut other) = (Keys::of(1), Keys::of(2));
        let keys = [one.next(), one.next(), other.next()];
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    }
}
