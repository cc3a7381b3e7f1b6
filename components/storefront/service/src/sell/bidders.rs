//! Who bids on an auction, as far as its seller knows: counted from the newest bids back, a stretch
//! at a time.

use kernel::Money;
use ports::Ports;
use web::Problem;

use crate::api::{Api, Items, PastBid};
use crate::browse;

/// The bidders of a stretch of bids, who bid last first.
pub(super) struct Bidders {
    pub(super) all: Vec<Bidder>,
    /// How many bids the stretch has.
    pub(super) bids: usize,
    /// It is not the one of the newest bids.
    pub(super) is_older: bool,
    /// The page with the stretch before it.
    pub(super) older: Option<String>,
}

/// Somebody who bids here.
pub(super) struct Bidder {
    pub(super) alias: String,
    /// The newest bid that stands; none where all are taken back.
    pub(super) bid: Option<String>,
    pub(super) bids: u32,
    /// The most that is seen of what it bid.
    pub(super) most: Option<Money>,
}

impl Bidders {
    /// From a cursor on; from the newest bid on where it is empty.
    pub(super) async fn read<P: Ports>(
        api: &Api<'_, P>,
        id: &str,
        from: &str,
    ) -> Result<Self, Problem> {
        let is_older = !from.is_empty();
        let mut bidders = Self { all: Vec::new(), bids: 0, is_older, older: None };
        let mut cursor = browse::cursor(from);
        for _ in 0..PAGES_MAX {
            let target = format!("/v1/auctions/{id}/bids?sort=newest&limit=100{cursor}");
            let page: Items<PastBid> = api.read(&target).await?;
            page.items.iter().for_each(|bid| bidders.note(bid));
            let Some(next) = page.next_cursor else { return Ok(bidders) };
            cursor = browse::cursor(&next);
        }
        bidders.older = Some(format!("/sell/{id}?{}#bidders", cursor.trim_start_matches('&')));
        Ok(bidders)
    }

    /// Are there others?
    pub(super) fn is_part(&self) -> bool {
        self.is_older || self.older.is_some()
    }

    fn note(&mut self, bid: &PastBid) {
        self.bids = self.bids.saturating_add(1);
        let at = self.all.iter().position(|known| known.alias == bid.bidder);
        let at = at.unwrap_or_else(|| {
            let alias = bid.bidder.clone();
            self.all.push(Bidder { alias, bid: None, bids: 0, most: None });
            self.all.len().saturating_sub(1)
        });
        let Some(bidder) = self.all.get_mut(at) else { return };
        bidder.bids = bidder.bids.saturating_add(1);
        if bid.retracted {
            return;
        }
        bidder.bid.get_or_insert_with(|| bid.bid_id.clone());
        let is_more = |amount: &Money| bidder.most.is_none_or(|most| amount.amount > most.amount);
        if let Some(amount) = bid.amount.filter(is_more) {
            bidder.most = Some(amount);
        }
    }
}

/// A stretch has so many hundreds of bids.
const PAGES_MAX: usize = 5;
