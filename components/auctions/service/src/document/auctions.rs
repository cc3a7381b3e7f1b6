//! Auctions: list, find, read, follow.

use web::document::{Description, Keys};

use super::parameters::{auction, auction_filters, events_after};
use super::{bodies, views};

pub(super) const TAG: &str = "Auctions";

pub(super) fn create() -> Description {
    Description::new(TAG, "List an auction")
        .notes("The caller becomes its seller. The terms are pinned from here on.")
        .keyed(Keys::Service)
        .takes::<bodies::CreateAuction>(bodies::listing())
        .where_holds(bodies::one_end())
        .answers::<views::Auction>(201, "The auction, as its seller sees it.")
        .with_location()
        .leads_to(&["readAuction", "listEvents", "placeBid", "listBids", "readBidding"])
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
    Description::new(TAG, "Show one auction")
        .notes("The seller and the winner see who won, once it is over.")
        .path(auction())
        .answers::<views::Auction>(200, "The auction, as this caller may see it.")
        .tagged()
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
