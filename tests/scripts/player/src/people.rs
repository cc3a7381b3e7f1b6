//! What people were told, and may name later.

use std::collections::HashMap;

use auction_machine::contract::Reply;
use auction_scripts::Nth;
use kernel::{Id, kind};

/// Ids of accepted bids by bidder, and of offers, in order.
#[derive(Default)]
pub(crate) struct People {
    bids: HashMap<String, Vec<Id<kind::Bid>>>,
    offers: Vec<Id<kind::Offer>>,
}

impl People {
    /// A reply reached its actor.
    pub(crate) fn told(&mut self, actor: &str, reply: &Reply) {
        match reply {
            Reply::Bid { replayed: false, bid, .. } => {
                self.bids.entry(actor.to_owned()).or_default().push(bid.bid_id);
            }
            Reply::Offer { replayed: false, offer, .. }
                if !self.offers.contains(&offer.offer_id) =>
            {
                self.offers.push(offer.offer_id);
            }
            _ => {}
        }
    }

    /// The id of somebody's N-th accepted bid; an id that no bid has when there is none.
    pub(crate) fn bid(&self, actor: &str, which: &Nth) -> Id<kind::Bid> {
        let bids = self.bids.get(which.name.as_deref().unwrap_or(actor));
        let bid = bids.and_then(|bids| bids.get(which.nth.checked_sub(1)?));
        bid.copied().unwrap_or(Id::from_u128(0))
    }

    /// The N-th offer, or the newest; an id that no offer has when there is none.
    pub(crate) fn offer(&self, which: Option<usize>) -> Id<kind::Offer> {
        let at = which.unwrap_or(self.offers.len()).checked_sub(1);
        at.and_then(|at| self.offers.get(at)).copied().unwrap_or(Id::from_u128(0))
    }
}
