//! Bids: place them, see them, take them back.

use serde_json::{Value, json};
use web::document::{Description, Keys};

use super::parameters::{auction, bid, bids_sort};
use super::{beside, bodies, views};

pub(super) const TAG: &str = "Bids";

pub(super) fn place() -> Description {
    let notes = "What `amount` means is the format's business: the most that the bidder pays in \
        `english`, `dutch` and `vickrey`, the bid itself in `open_outcry` and \
        `sealed_first_price`, the ask in `reverse`, the price of a unit in `uniform_price`. One \
        that is unusually high is asked for twice (`confirm`).";
    Description::new(TAG, "Bid")
        .notes(notes)
        .path(auction())
        .keyed(Keys::Entity)
        .takes::<bodies::Bid>(example())
        .answers::<views::BidReply>(201, "The bid stands; whether it leads is in `outcome`.")
        .leads_to(&["retractBid", "withdrawBid"], OF_A_BID)
        .refuses_with::<views::Standing>(403, &["bidder_blocked", "seller_cannot_bid"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "auction_not_started"])
        .refuses_with::<views::Standing>(409, &["confirmation_required"])
        .refuses_with::<views::Standing>(422, &["ask_too_high", "bid_too_low"])
        .refuses_with::<views::Standing>(422, &["currency_mismatch", "invalid_quantity"])
        .refuses_with::<views::Standing>(422, &["own_max_not_raised"])
}

pub(super) fn buy_now() -> Description {
    let notes = "Ends the auction at `buy_now_price` (B4). Keys are those of the bidder's bids \
        here: one key is for one of both.";
    Description::new(TAG, "Buy at once")
        .notes(notes)
        .path(auction())
        .keyed(Keys::Entity)
        .may_take::<bodies::Nothing>(json!({}))
        .answers::<views::BidReply>(201, "The caller has bought; `outcome` is `won`.")
        .refuses_with::<views::Standing>(403, &["bidder_blocked", "seller_cannot_bid"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "auction_not_started"])
        .refuses_with::<views::Standing>(409, &["buy_now_unavailable"])
}

pub(super) fn preview() -> Description {
    let notes = "A dry run from public data: hidden maxima, the reserve and the caller's own \
        bidding are not asked. Nothing changes.";
    Description::new(TAG, "Say what a bid would lead to")
        .notes(notes)
        .path(auction())
        .takes::<bodies::Bid>(example())
        .answers::<beside::Preview>(200, "What would become of it.")
        .refuses_with::<views::Standing>(422, &["currency_mismatch", "invalid_quantity"])
}

pub(super) fn list() -> Description {
    let notes = "Bidders are shown by alias. A leading maximum is never shown, a sealed amount \
        not before the close. Bids that come while one pages from the newest on are on none of the \
        further pages.";
    Description::new(TAG, "Page through the bids")
        .notes(notes)
        .path(auction())
        .query([bids_sort()])
        .answers_page::<views::PastBid>("Bids by `seq`.")
}

pub(super) fn own() -> Description {
    Description::new(TAG, "Show the caller's own bidding")
        .notes("404 for somebody who neither bids nor sells here.")
        .path(auction())
        .answers::<beside::Bidding>(200, "What the caller alone may see.")
}

pub(super) fn retract() -> Description {
    let notes = "With 12 h or more left, or under `until(h)`, all of the bidder's bids go; later \
        only the last one, within 60 minutes (B5). With `cancelled_by_seller` the seller cancels \
        all bids of that bidder at any time. Sealed bids are withdrawn instead (`withdrawBid`).";
    Description::new(TAG, "Retract a bid")
        .notes(notes)
        .path(auction())
        .path(bid())
        .takes::<bodies::Retraction>(json!({"reason": "wrong_amount"}))
        .answers::<views::Auction>(200, "The auction as if those bids had never been placed.")
        .tagged()
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "retraction_not_allowed"])
}

pub(super) fn withdraw() -> Description {
    Description::new(TAG, "Withdraw a sealed bid")
        .notes("Possible until the close, for the bidder's newest bid.")
        .path(auction())
        .path(bid())
        .answers_empty(204, "It is withdrawn, as it may have been before.")
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["auction_closed", "retraction_not_allowed"])
}

fn example() -> Value {
    json!({"amount": {"amount": 1_500, "currency": "USD"}})
}

const OF_A_BID: &[(&str, &str)] =
    &[("id", "$request.path.id"), ("bid_id", "$response.body#/bid_id")];
