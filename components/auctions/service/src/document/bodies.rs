//! Request bodies as the document shows them; what is read is in [`crate::wire`].
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use serde_json::{Value, json};
use utoipa::ToSchema;
use web::document::{Minor, Moment, Money};

/// What a seller offers.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateAuction {
    /// Not only white space.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    title: String,
    #[serde(default)]
    #[schema(max_length = 20_000)]
    description: String,
    #[serde(default)]
    #[schema(max_length = 64)]
    category: String,
    format: Format,
    /// At least one minor unit. The first bid's minimum.
    start_price: Money,
    /// Hidden; at least the start price, in its currency.
    reserve_price: Option<Money>,
    /// Not offered yet: null.
    #[schema(schema_with = nothing)]
    buy_now_price: Option<Money>,
    increments: Increments,
    /// Null: now.
    starts_at: Option<Moment>,
    /// 5 seconds to 90 days after the start.
    ends_at: Option<Moment>,
    /// The run, in the place of `ends_at`.
    #[schema(minimum = 5, maximum = 7_776_000)]
    duration_seconds: Option<i64>,
    /// Null: `reset`, 120 s, 120 s.
    soft_close: Option<SoftClose>,
    /// `none`, `ebay` or `until(h)` with h hours, at most 2160. Null: `ebay`.
    #[schema(
        pattern = r"^(none|ebay|until\(([0-9]{1,3}|1[0-9]{3}|20[0-9]{2}|21[0-5][0-9]|2160)\))$"
    )]
    retraction: Option<String>,
    /// Units.
    #[schema(minimum = 1, maximum = 1)]
    quantity: Option<u32>,
}

/// Formats that can be listed.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    English,
}

/// By how much bids must rise; pinned at creation. Presets are for currencies with two decimals.
#[derive(ToSchema)]
#[serde(untagged)]
enum Increments {
    Preset(Preset),
    Bands(Bands),
}

/// Ascending; the first begins at or below the start price.
#[derive(ToSchema)]
#[schema(min_items = 1, max_items = 64)]
struct Bands(Vec<Band>);

/// A ladder by name.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Preset {
    EbayUs,
    EbayUk,
    TradeMe,
    GunBroker,
    Copart,
}

/// From this price on, up to the next band.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Band {
    from: Minor,
    /// At least 1.
    step: Minor,
}

/// How late bids move the end.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct SoftClose {
    mode: Mode,
    /// How long before the end a bid is late. Null: 120.
    #[schema(minimum = 1, maximum = 86_400)]
    window_seconds: Option<i64>,
    /// By how much the end moves. Null: 120.
    #[schema(minimum = 1, maximum = 86_400)]
    extension_seconds: Option<i64>,
    /// The end never moves beyond it; not before the end.
    hard_stop_at: Option<Moment>,
}

/// `reset`: the end is at least the extension after the bid. `add`: it moves by the extension.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Reset,
    Add,
    Off,
}

/// An offer.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bid {
    amount: Money,
    /// Units; only 1 where a format sells one.
    #[schema(minimum = 1, maximum = 4_294_967_295_u32)]
    quantity: Option<u32>,
    /// Fewest units that the bidder takes.
    #[schema(minimum = 1, maximum = 4_294_967_295_u32)]
    min_quantity: Option<u32>,
    /// The bidder has confirmed an unusually high amount.
    confirm: Option<bool>,
}

/// A listing that is accepted at any time.
pub(super) fn listing() -> Value {
    json!({
        "title": "A watch",
        "description": "Runs.",
        "category": "watches",
        "format": "english",
        "start_price": {"amount": 1_000, "currency": "USD"},
        "reserve_price": null,
        "buy_now_price": null,
        "increments": "ebay_us",
        "starts_at": null,
        "duration_seconds": 3_600,
        "soft_close": {"mode": "reset", "window_seconds": 120, "extension_seconds": 120},
        "retraction": "ebay",
        "quantity": 1,
    })
}

/// `ends_at` or `duration_seconds`, one of the two.
pub(super) fn one_end() -> Value {
    let either = |given: &str, kind: &str, absent: &str| {
        json!({"required": [given],
            "properties": {given: {"type": kind}, absent: {"type": "null"}}})
    };
    json!({"oneOf": [
        either("ends_at", "string", "duration_seconds"),
        either("duration_seconds", "integer", "ends_at"),
    ]})
}

fn nothing() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    serde_json::from_value(json!({"type": "null", "description": "Not offered yet."}))
        .unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;
    use utoipa::PartialSchema;
    use web::json::Object;

    use super::*;
    use crate::wire;

    /// Names that a body may have, from the words of serde about one that it may not have.
    fn read<T: DeserializeOwned>() -> BTreeSet<String> {
        let error = serde_json::from_str::<Object<T>>("{\"?\": 0}").err().unwrap().to_string();
        let (_, expected) = error.split_once("expected").unwrap();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn documented<T: PartialSchema>() -> BTreeSet<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{schema}");
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_document_names_the_members_that_are_read() {
        assert_eq!(documented::<CreateAuction>(), read::<wire::CreateAuction>());
        assert_eq!(documented::<Bid>(), read::<wire::Bid>());
    }

    #[test]
    fn the_examples_are_read() {
        let listing = listing().to_string();
        serde_json::from_str::<Object<wire::CreateAuction>>(&listing).unwrap();
    }
}
