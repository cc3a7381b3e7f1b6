//! Auctions: list, find, read, follow.

use web::document::{Description, Keys};

use super::parameters::{auction, auction_filters, events_after};
use super::{beside, bodies, listing, views};

pub(super) const TAG: &str = "Auctions";

pub(super) fn create() -> Description {
    let notes = "The caller becomes its seller. The format's own numbers stand in the member of \
        its name. Terms may change until the first bid (`changeAuction`).";
    Description::new(TAG, "List an auction")
        .notes(notes)
        .keyed(Keys::Service)
        .takes::<bodies::CreateAuction>(listing::example())
        .where_holds(listing::by_format())
        .answers::<views::Auction>(201, "The auction, as its seller sees it.")
        .with_location()
        .leads_to(OF_AN_AUCTION, &[("id", "$response.body#/id")])
        .leads_to(OF_A_WATCH, &[("auction_id", "$response.body#/id")])
        .tagged()
        .refuses(422, &["currency_mismatch", "format_not_allowed", "increments_required"])
        .refuses(422, &["invalid_quantity", "validation_failed"])
}

pub(super) fn list() -> Description {
    Description::new(TAG, "Page through auctions")
        .notes("An auction whose end has passed is not listed as open.")
        .query(auction_filters())
        .answers_page::<views::Auction>("Auctions, as the public sees them.")
}

pub(super) fn read() -> Description {
    let notes = "The seller sees who won, once it is over, and each winner itself. The price of a \
        running clock is that of `server_time`.";
    Description::new(TAG, "Show one auction")
        .notes(notes)
        .path(auction())
        .answers::<views::Auction>(200, "The auction, as this caller may see it.")
        .tagged()
}

pub(super) fn rules() -> Description {
    let notes = "A page for people when `Accept` names `text/html` before `application/json`.";
    Description::new(TAG, "Show the rules in plain words")
        .notes(notes)
        .path(auction())
        .answers::<beside::AuctionRules>(200, "Every rule of this auction, with its number.")
        .or_text("text/html")
}

pub(super) fn events() -> Description {
    let notes = "Each event carries its place in the hash chain. Amounts that are still hidden are \
        in it as commitments.";
    Description::new(TAG, "Page through the public log")
        .notes(notes)
        .path(auction())
        .query([events_after()])
        .answers_page::<views::Event>("Events by `seq`, oldest first.")
}

/// What can be done with the caller's watching of it.
const OF_A_WATCH: &[&str] = &["watchAuction", "readWatch", "unwatchAuction"];
/// What can be done with an auction whose id is known.
const OF_AN_AUCTION: &[&str] = &[
    "readAuction",
    "readRules",
    "listEvents",
    "changeAuction",
    "deleteAuction",
    "cancelAuction",
    "lowerReserve",
    "blockBidder",
    "unblockBidder",
    "listBlockedBidders",
    "placeBid",
    "buyNow",
    "previewBid",
    "listBids",
    "readBidding",
    "offerSecondChance",
];
