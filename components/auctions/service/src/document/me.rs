//! The caller's own lists: where it bids, what it sells, what it watches.

use web::document::Description;

use super::parameters::watched_auction;
use super::{beside, views};

pub(super) const TAG: &str = "Mine";

pub(super) fn bids() -> Description {
    Description::new(TAG, "Page through the auctions that the caller bids in")
        .answers_page::<beside::MyBid>("Auctions, newest first, and how the caller stands there.")
}

pub(super) fn auctions() -> Description {
    Description::new(TAG, "Page through the auctions that the caller sells")
        .answers_page::<views::Auction>("Auctions, newest first.")
}

pub(super) fn watches() -> Description {
    Description::new(TAG, "Page through the auctions that the caller watches")
        .answers_page::<views::Auction>("Auctions, newest first.")
}

pub(super) fn watched() -> Description {
    Description::new(TAG, "Say whether the caller watches an auction")
        .path(watched_auction())
        .answers::<beside::Watch>(200, "It is watched; 404 when it is not.")
        .tagged()
}

pub(super) fn watch() -> Description {
    Description::new(TAG, "Watch an auction")
        .path(watched_auction())
        .answers_empty(204, "It is watched, as it may have been before.")
        .refuses(409, &["too_many_watches"])
}

pub(super) fn unwatch() -> Description {
    Description::new(TAG, "Stop watching an auction")
        .path(watched_auction())
        .answers_empty(204, "It is not watched, as it may have been before.")
}
