//! Parameters of paths and queries.

use kernel::limits::{AMOUNT_MAX_MINOR, CATEGORY_MAX_CHARS};
use serde_json::{Value, json};
use web::document::{AuctionId, BidId, Moment, OfferId, Parameter, UserId, schema};

use crate::bids;
use crate::list::{FORMATS, Q_MAX_CHARS, SORTS, STATUSES};

/// `{id}`.
pub(super) fn auction() -> Parameter {
    Parameter::new("id", "The auction.", schema::<AuctionId>())
}

/// `{bid_id}`.
pub(super) fn bid() -> Parameter {
    Parameter::new("bid_id", "A bid in it.", schema::<BidId>())
}

/// `{offer_id}`.
pub(super) fn offer() -> Parameter {
    Parameter::new("offer_id", "An offer in it.", schema::<OfferId>())
}

/// `{auction_id}`.
pub(super) fn watched_auction() -> Parameter {
    Parameter::new("auction_id", "The auction.", schema::<AuctionId>())
}

/// `{bidder}`.
pub(super) fn bidder() -> Parameter {
    let text = "The alias of a bidder, or the id of a user who has not bid.";
    let alias = json!({"type": "string", "pattern": ALIAS, "examples": ["bidder-1"]});
    Parameter::new("bidder", text, json!({"anyOf": [alias, schema::<UserId>()]}))
}

/// Aliases of bidders.
pub(super) const ALIAS: &str = "^bidder-[1-9][0-9]{0,9}$";

/// `?after=`.
pub(super) fn events_after() -> Parameter {
    let text = "Only events with a greater `seq`; a cursor says more and wins.";
    Parameter::new("after", text, json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}))
}

/// `?sort=` of bids.
pub(super) fn bids_sort() -> Parameter {
    let schema = json!({"type": "string", "enum": bids::SORTS});
    Parameter::new("sort", "Order; oldest first when absent.", schema)
}

/// What auctions can be listed by.
pub(super) fn auction_filters() -> Vec<Parameter> {
    let among = |known: &[&str]| json!({"type": "string", "enum": known});
    let text = |chars_max: usize| json!({"type": "string", "maxLength": chars_max});
    vec![
        Parameter::new("status", "Where in its life.", among(STATUSES)),
        Parameter::new("category", "Exactly this category.", text(CATEGORY_MAX_CHARS)),
        Parameter::new("seller", "Sold by this user.", schema::<UserId>()),
        Parameter::new("format", "Of this format.", among(FORMATS)),
        Parameter::new("q", "Title or description contain this text.", text(Q_MAX_CHARS)),
        Parameter::new("ending_before", "Ends before this instant.", schema::<Moment>()),
        Parameter::new("min_price", "Price at least, in minor units of any currency.", minor()),
        Parameter::new("max_price", "Price at most, in minor units of any currency.", minor()),
        Parameter::new("sort", "Order; newest first when absent.", among(SORTS)),
    ]
}

fn minor() -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": AMOUNT_MAX_MINOR})
}
