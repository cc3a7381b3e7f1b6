//! Second-chance offers: make, accept, decline.

use serde_json::json;
use web::document::{Description, Keys};

use super::parameters::{auction, offer};
use super::{beside, bodies, views};

pub(super) const TAG: &str = "Second chances";

pub(super) fn make() -> Description {
    let notes = "After the end, within 60 days, as many as there are units (B7). The price is the \
        beaten bidder's own highest bid; nobody needs to accept.";
    Description::new(TAG, "Offer a unit to a beaten bidder")
        .notes(notes)
        .path(auction())
        .keyed(Keys::Entity)
        .takes::<bodies::SecondChance>(json!({"bidder": "bidder-1", "days": 3}))
        .answers::<beside::Offer>(201, "The offer waits for an answer.")
        .leads_to(&["acceptOffer", "declineOffer"], OF_AN_OFFER)
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["offer_unavailable", "too_late"])
        .refuses_with::<views::Standing>(422, &["validation_failed"])
}

pub(super) fn accept() -> Description {
    answer("Accept an offer", "The caller has bought at the price of the offer.")
}

pub(super) fn decline() -> Description {
    answer("Decline an offer", "The offer is turned down; the seller may make another.")
}

fn answer(summary: &'static str, text: &'static str) -> Description {
    Description::new(TAG, summary)
        .notes("Answering in the same way again changes nothing.")
        .path(auction())
        .path(offer())
        .may_take::<bodies::Nothing>(json!({}))
        .answers::<beside::Offer>(200, text)
        .refuses_with::<views::Standing>(403, &["forbidden"])
        .refuses_with::<views::Standing>(409, &["offer_closed"])
}

const OF_AN_OFFER: &[(&str, &str)] =
    &[("id", "$request.path.id"), ("offer_id", "$response.body#/offer_id")];
