//! The bids that a room shows: the newest, and those that its visitor can take back.

use ports::Ports;
use web::Problem;

use crate::api::{Api, Auction, Bidding, Items, PastBid};
use crate::browse;

/// Bids, as far back as the room has to know them.
pub(super) struct History {
    /// The newest first.
    bids: Vec<PastBid>,
    /// Who looks for bids to take back.
    seeker: Option<String>,
    /// There are some, further back than anybody looks.
    pub(super) is_cut: bool,
}

impl History {
    /// One page for most visitors. Who was outbid long ago is looked for further back: a bid that
    /// stands can be taken back, however many came after it.
    pub(super) async fn read<P: Ports>(
        api: &Api<'_, P>,
        auction: &Auction,
        bidding: Option<&Bidding>,
    ) -> Result<Self, Problem> {
        let standing = bidding.filter(|bidding| bidding.my_max.is_some());
        let seeker = standing.filter(|_| can_take_back(auction));
        let seeker = seeker.and_then(|bidding| bidding.alias.clone());
        let limit = if seeker.is_some() { PAGE_BIDS } else { SHOWN_MAX };
        let mut history = Self { bids: Vec::new(), seeker, is_cut: false };
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let id = &auction.id;
            let target = format!("/v1/auctions/{id}/bids?sort=newest&limit={limit}{cursor}");
            let page: Items<PastBid> = api.read(&target).await?;
            history.bids.extend(page.items);
            let is_enough = history.seeker.is_none() || !history.own().is_empty();
            let Some(next) = page.next_cursor.filter(|_| !is_enough) else { return Ok(history) };
            cursor = browse::cursor(&next);
        }
        history.is_cut = true;
        Ok(history)
    }

    /// The newest bids.
    pub(super) fn newest(&self) -> &[PastBid] {
        self.bids.get(..SHOWN_MAX).unwrap_or(&self.bids)
    }

    /// The visitor's bids that can be taken back.
    pub(super) fn own(&self) -> Vec<&PastBid> {
        let is_own = |bid: &&PastBid| !bid.retracted && self.seeker.as_ref() == Some(&bid.bidder);
        self.bids.iter().filter(is_own).take(SHOWN_MAX).collect()
    }
}

/// Is there a way back from a bid?
fn can_take_back(auction: &Auction) -> bool {
    let is_let_go = auction.retraction != "none" && auction.format != "dutch";
    auction.is_open() && (auction.is_sealed() || is_let_go)
}

/// Bids that a room shows.
const SHOWN_MAX: usize = 20;
/// Bids of a page where some are looked for.
const PAGE_BIDS: usize = 100;
/// Pages of them that are read.
const PAGES_MAX: usize = 20;
