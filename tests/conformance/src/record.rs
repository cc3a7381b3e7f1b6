//! What clients were told, compared with what the log says (reliability.md I1, I2).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::chain::Log;
use crate::{Reply, amount_of};

/// A bid that was answered 201.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// Its auction.
    pub auction: String,
    /// What was offered, minor units.
    pub amount: i64,
    /// Idempotency key.
    pub key: String,
    /// `bid_…` of the answer.
    pub bid_id: String,
    /// `seq` of the answer.
    pub seq: u64,
    /// `price` of the answer.
    pub price: i64,
    /// The answer's bytes, for replays.
    pub body: String,
}

/// Something that was seen at some time; it must stay true.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The auction.
    pub auction: String,
    /// `seq` of the view.
    pub seq: u64,
    /// `price` of the view.
    pub price: Option<i64>,
    /// `bid_count` of the view.
    pub bid_count: u64,
}

impl Acknowledged {
    /// Reads a 201.
    ///
    /// # Panics
    /// When it is no bid reply.
    pub fn read(auction: &str, amount: i64, key: &str, reply: &Reply) -> Self {
        let bid = reply.json();
        Self {
            auction: auction.to_owned(),
            amount,
            key: key.to_owned(),
            bid_id: bid["bid_id"].as_str().expect("a bid id").to_owned(),
            seq: bid["seq"].as_u64().expect("a seq"),
            price: amount_of(&bid["price"]).expect("a price"),
            body: reply.text(),
        }
    }
}

impl Seen {
    /// Reads a public view.
    ///
    /// # Panics
    /// When it is none.
    pub fn read(view: &Value) -> Self {
        Self {
            auction: view["id"].as_str().expect("an id").to_owned(),
            seq: view["seq"].as_u64().expect("a seq"),
            price: amount_of(&view["price"]),
            bid_count: view["bid_count"].as_u64().expect("a bid count"),
        }
    }
}

/// The set checker: every acknowledged bid is in the log once and as it was told; nothing is in the
/// log that nobody was told of, but for at most `unknown` bids whose answer never came.
pub fn bids_against(log: &Log, acknowledged: &[Acknowledged], unknown: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut told: BTreeMap<&str, &Acknowledged> = BTreeMap::new();
    for bid in acknowledged {
        if let Some(twin) = told.insert(&bid.bid_id, bid)
            && twin.key != bid.key
        {
            wrong.push(format!("{} answers both {} and {}", bid.bid_id, twin.key, bid.key));
        }
        let Some(placed) = log.bids.get(&bid.bid_id) else {
            wrong.push(format!("{} of {} was acknowledged and is lost", bid.bid_id, bid.key));
            continue;
        };
        if (placed.seq, placed.price) != (bid.seq, bid.price) {
            let (seq, price) = (placed.seq, placed.price);
            wrong.push(format!(
                "{} was acknowledged as seq {} at {}, the log says seq {seq} at {price}",
                bid.bid_id, bid.seq, bid.price
            ));
        }
        if placed.amount.is_some_and(|amount| amount != bid.amount) {
            let amount = placed.amount;
            wrong.push(format!("{} offered {}, not {amount:?}", bid.bid_id, bid.amount));
        }
    }
    let strange: Vec<_> = log.bids.keys().filter(|id| !told.contains_key(id.as_str())).collect();
    if strange.len() > unknown {
        let count = strange.len();
        wrong.push(format!("{count} bids that nobody was told of, {unknown} allowed: {strange:?}"));
    }
    wrong
}

/// What was seen must still be true of the log: nobody was shown what is not durable (I15).
pub fn views_against(log: &Log, seen: &[Seen]) -> Vec<String> {
    let is_wrong = |seen: &&Seen| {
        let standing = log.standing.get(&seen.seq);
        standing.is_none_or(|now| (now.price, now.bid_count) != (seen.price, seen.bid_count))
    };
    let wrong = seen.iter().filter(is_wrong);
    wrong.map(|seen| format!("shown and not durable: {seen:?}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Placed, Standing};

    fn log() -> Log {
        let mut log = Log::default();
        for (seq, id) in [(2_u64, "bid_a"), (3, "bid_b")] {
            let placed = Placed::at(seq, 1_000, Some(5_000));
            log.bids.insert(id.to_owned(), placed);
            log.standing.insert(seq, Standing { price: Some(1_000), bid_count: seq - 1 });
        }
        log
    }

    fn told(bid_id: &str, seq: u64) -> Acknowledged {
        Acknowledged {
            auction: "auc".to_owned(),
            amount: 5_000,
            key: format!("key of {bid_id}"),
            bid_id: bid_id.to_owned(),
            seq,
            price: 1_000,
            body: String::new(),
        }
    }

    #[test]
    fn equal_sets_are_fine() {
        let none: Vec<String> = Vec::new();
        assert_eq!(bids_against(&log(), &[told("bid_a", 2), told("bid_b", 3)], 0), none);
        assert_eq!(bids_against(&log(), &[told("bid_a", 2)], 1), none);
    }

    #[test]
    fn a_lost_bid_is_found() {
        let told = [told("bid_a", 2), told("bid_b", 3), told("bid_c", 4)];
        assert!(bids_against(&log(), &told, 0)[0].contains("is lost"));
    }

    #[test]
    fn a_bid_that_moved_or_changed_is_found() {
        let mut changed = told("bid_b", 3);
        changed.amount = 4_999;
        let wrong = bids_against(&log(), &[told("bid_a", 3), changed], 0);
        assert!(wrong[0].contains("as seq 3"), "{wrong:?}");
        assert!(wrong[1].contains("offered 4999"), "{wrong:?}");
    }

    #[test]
    fn a_bid_that_acted_twice_is_found() {
        assert!(bids_against(&log(), &[told("bid_a", 2)], 0)[0].contains("nobody was told"));
    }

    #[test]
    fn two_commands_with_one_bid_are_found() {
        let mut other = told("bid_b", 3);
        other.key = "another".to_owned();
        let told = [told("bid_a", 2), told("bid_b", 3), other];
        assert!(bids_against(&log(), &told, 0)[0].contains("answers both"));
    }

    #[test]
    fn a_view_of_something_that_never_became_durable_is_found() {
        let seen = |seq, price, bid_count| Seen {
            auction: "auc".to_owned(),
            seq,
            price: Some(price),
            bid_count,
        };
        assert!(views_against(&log(), &[seen(2, 1_000, 1), seen(3, 1_000, 2)]).is_empty());
        let lies = [seen(4, 1_000, 2), seen(3, 1_001, 2), seen(3, 1_000, 3)];
        assert_eq!(views_against(&log(), &lies).len(), 3);
    }
}
