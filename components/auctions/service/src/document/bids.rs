//! Bids: place them, see them, see one's own.

use serde_json::json;
use web::document::{Description, Keys};

use super::parameters::auction;
use super::{bodies, views};

pub(super) const TAG: &str = "Bids";

pub(super) fn place() -> Description {
    let notes = "`amount` is the most that the bidder will pay; the platform bids for them, as far \
        as it must.";
    Description::new(TAG, "Bid")
        .notes(notes)
        .path(auction())
        .keyed(Keys::Entity)
        .takes::<bodies::Bid>(json!({"amount": {"amount": 1_500, "currency": "USD"}}))
        .answers::<views::BidReply>(201, "The bid stands; whether it leads is in `outcome`.")
        .refuses_with::<views::Standing>(403, &["seller_cannot_bid"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "auction_not_started"])
        .refuses_with::<views::Standing>(422, &["bid_too_low", "currency_mismatch"])
        .refuses_with::<views::Standing>(422, &["invalid_quantity", "own_max_not_raised"])
}

pub(super) fn list() -> Description {
    Description::new(TAG, "Page through the bids")
        .notes("Bidders are shown by alias, the leading maximum never.")
        .path(auction())
        .answers_page::<views::PastBid>("Bids by `seq`, oldest first.")
}

pub(super) fn own() -> Description {
    Description::new(TAG, "Show the caller's own bidding")
        .notes("404 for somebody who neither bids nor sells here.")
        .path(auction())
        .answers::<views::Bidding>(200, "What the caller alone may see.")
}
