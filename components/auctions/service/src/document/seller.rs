//! What only the seller does: change, take away, cancel, lower the reserve, block a bidder.

use serde_json::json;
use web::document::Description;

use super::parameters::{auction, bidder};
use super::{beside, bodies, listing, views};

pub(super) const TAG: &str = "Selling";

pub(super) fn change() -> Description {
    let notes = "Members that are given take the place of those terms, null takes one away. After \
        the first bid only `description_addition` is possible.";
    let example = json!({"title": "Two watches",
        "start_price": {"amount": 2_000, "currency": "USD"}});
    Description::new(TAG, "Change the terms, or add to the description")
        .notes(notes)
        .path(auction())
        .changes_what_was_seen()
        .takes::<bodies::ChangeAuction>(example)
        .where_holds(listing::change())
        .answers::<views::Auction>(200, "The auction as it is now.")
        .tagged()
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "frozen_after_bid"])
        .refuses_with::<views::Standing>(412, &[])
        .refuses_with::<views::Standing>(422, &["currency_mismatch", "increments_required"])
        .refuses_with::<views::Standing>(422, &["invalid_quantity", "validation_failed"])
}

pub(super) fn delete() -> Description {
    Description::new(TAG, "Take an auction without bids away")
        .notes("It is gone then. An auction with bids is cancelled instead.")
        .path(auction())
        .changes_what_was_seen()
        .answers_empty(204, "It is gone.")
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "has_bids"])
        .refuses_with::<views::Standing>(412, &[])
}

pub(super) fn cancel() -> Description {
    Description::new(TAG, "Call an auction off")
        .notes("Nobody buys, and hidden amounts stay hidden. The reason is public.")
        .path(auction())
        .takes::<bodies::Cancellation>(json!({"reason": "It broke."}))
        .answers::<views::Auction>(200, "The auction as it is now.")
        .tagged()
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed"])
        .refuses_with::<views::Standing>(422, &["validation_failed"])
}

pub(super) fn lower_reserve() -> Description {
    let notes = "Down to one increment above the price, until 12 h before the end (B3.4). Nobody \
        becomes the buyer by it without bidding again.";
    Description::new(TAG, "Lower the reserve")
        .notes(notes)
        .path(auction())
        .takes::<bodies::LowerReserve>(json!({"amount": {"amount": 5_000, "currency": "USD"}}))
        .answers::<views::Auction>(200, "The auction as it is now.")
        .tagged()
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "reserve_already_met"])
        .refuses_with::<views::Standing>(409, &["too_late"])
        .refuses_with::<views::Standing>(422, &["currency_mismatch", "reserve_not_lower"])
        .refuses_with::<views::Standing>(422, &["validation_failed"])
}

pub(super) fn block() -> Description {
    Description::new(TAG, "Keep a bidder from bidding here")
        .notes("Bids that stand go on to stand; `retractBid` cancels them.")
        .path(auction())
        .path(bidder())
        .answers_empty(204, "The bidder is blocked, as it may have been before.")
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed"])
        .refuses_with::<views::Standing>(422, &["validation_failed"])
}

pub(super) fn blocked() -> Description {
    Description::new(TAG, "Show who is kept from bidding here")
        .notes("By the names that `unblockBidder` takes. Also when the auction is over.")
        .path(auction())
        .answers::<beside::BlockedBidders>(200, "All of them.")
        .refuses_with::<views::Standing>(403, &["forbidden"])
}

pub(super) fn unblock() -> Description {
    Description::new(TAG, "Let a bidder bid again")
        .path(auction())
        .path(bidder())
        .answers_empty(204, "The bidder is not blocked, as it may have been before.")
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed"])
}
