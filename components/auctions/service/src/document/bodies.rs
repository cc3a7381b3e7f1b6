//! Request bodies as the document shows them; what is read is in [`crate::wire`].
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use serde_json::json;
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
    /// At least one minor unit. The first bid's minimum; the ceiling in `reverse`.
    start_price: Money,
    /// Hidden; at least the start price, in its currency. Neither in `dutch` nor in `reverse`.
    reserve_price: Option<Money>,
    /// At least 1.3 times the start price, and at least the reserve (B4.1). `english` and
    /// `open_outcry` only.
    buy_now_price: Option<Money>,
    /// Needed in `english` and `open_outcry`, of no meaning elsewhere.
    increments: Option<Increments>,
    /// Null: now.
    starts_at: Option<Moment>,
    /// 5 seconds to 90 days after the start. Not in `dutch`: its clock says when it ends.
    ends_at: Option<Moment>,
    /// The run, in the place of `ends_at`.
    #[schema(minimum = 5, maximum = 7_776_000)]
    duration_seconds: Option<i64>,
    /// Null: `reset`, 120 s, 120 s. Of no meaning in `dutch` and where bids are sealed.
    soft_close: Option<SoftClose>,
    /// `none`, `ebay` or `until(h)` with h hours, at most 2160. Null: `ebay`.
    #[schema(
        pattern = r"^(none|ebay|until\(([0-9]{1,3}|1[0-9]{3}|20[0-9]{2}|21[0-5][0-9]|2160)\))$"
    )]
    retraction: Option<String>,
    /// Units: 2 or more in `uniform_price`, 1 or more in `dutch`, else 1. Null: 1.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<u32>,
    /// The numbers of `dutch`.
    dutch: Option<FallingClock>,
    /// The numbers of `reverse`.
    reverse: Option<Decrement>,
    /// The numbers of `uniform_price`.
    uniform_price: Option<OnePrice>,
}

/// Other terms, or an addition to the description.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeAuction {
    /// Not only white space.
    #[schema(nullable = false, min_length = 1, max_length = 200, pattern = r"\S")]
    title: Option<String>,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    #[schema(max_length = 64)]
    category: Option<String>,
    #[schema(nullable = false)]
    start_price: Option<Money>,
    reserve_price: Option<Money>,
    buy_now_price: Option<Money>,
    increments: Option<Increments>,
    starts_at: Option<Moment>,
    ends_at: Option<Moment>,
    #[schema(minimum = 5, maximum = 7_776_000)]
    duration_seconds: Option<i64>,
    soft_close: Option<SoftClose>,
    #[schema(
        pattern = r"^(none|ebay|until\(([0-9]{1,3}|1[0-9]{3}|20[0-9]{2}|21[0-5][0-9]|2160)\))$"
    )]
    retraction: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<u32>,
    dutch: Option<FallingClock>,
    reverse: Option<Decrement>,
    uniform_price: Option<OnePrice>,
    /// Not only white space. Stands below the description with the instant at which it was added;
    /// at most 20 of them.
    #[schema(nullable = false, min_length = 1, max_length = 5_000, pattern = r"\S")]
    description_addition: Option<String>,
}

/// Formats that can be listed.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    English,
    OpenOutcry,
    Dutch,
    SealedFirstPrice,
    Vickrey,
    Reverse,
    UniformPrice,
}

/// A price that falls until somebody accepts it. Amounts have the currency of the start price.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct FallingClock {
    /// Below the start price, at least one minor unit. The clock stops here.
    floor_price: Money,
    /// At least one minor unit: how much the price falls at a tick.
    decrement: Money,
    #[schema(minimum = 1, maximum = 86_400)]
    tick_seconds: u32,
    /// How long the floor holds.
    #[schema(maximum = 86_400)]
    dwell_seconds: u32,
}

/// How far an ask must lie below the best one: one of the two is given.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Decrement {
    /// A fixed amount of at least one minor unit, in the currency of the start price.
    decrement: Option<Money>,
    /// Basis points of the best ask, rounded up to a minor unit.
    #[schema(minimum = 1, maximum = 9_999)]
    decrement_bps: Option<u32>,
}

/// What all winners pay.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct OnePrice {
    pricing: Pricing,
}

/// `lowest_accepted`: the lowest bid that gets a unit. `highest_rejected`: the highest that is
/// refused for lack of supply.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pricing {
    LowestAccepted,
    HighestRejected,
}

/// By how much bids must rise: the name of a ladder (`ebay_us`, `ebay_uk`, `trade_me`,
/// `gun_broker`, `copart`), for currencies with two decimals, or 1 to 64 bands, ascending, of which
/// the first begins at or below the start price.
#[derive(ToSchema)]
#[serde(untagged)]
enum Increments {
    Preset(String),
    Bands(Vec<Band>),
}

/// From this price on, up to the next band.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Band {
    from: Minor,
    /// At least 1.
    step: Minor,
}

/// How late bids move the end. Where they do, both spans are 1 to 86 400 seconds.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct SoftClose {
    mode: Mode,
    /// How long before the end a bid is late. Null: 120.
    window_seconds: Option<i64>,
    /// By how much the end moves. Null: 120.
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

/// An empty object.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Why an auction is called off.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancellation {
    /// What bidders are told; not only white space.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    reason: String,
}

/// A lower reserve.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LowerReserve {
    amount: Money,
}

/// Why bids are taken back.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Retraction {
    reason: RetractionReason,
}

/// The last one is the seller's, the others the bidder's.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum RetractionReason {
    WrongAmount,
    DescriptionChanged,
    SellerUnreachable,
    CancelledBySeller,
}

/// To whom, and for how long.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecondChance {
    /// Alias.
    bidder: String,
    #[schema(schema_with = days)]
    days: u8,
}

fn days() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    serde_json::from_value(json!({"type": "integer", "enum": [1, 3, 5, 7]})).unwrap_or_default()
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
        assert_eq!(documented::<ChangeAuction>(), read::<wire::ChangeAuction>());
        assert_eq!(documented::<Bid>(), read::<wire::Bid>());
        assert_eq!(documented::<Cancellation>(), read::<wire::Cancellation>());
        assert_eq!(documented::<LowerReserve>(), read::<wire::LowerReserve>());
        assert_eq!(documented::<Retraction>(), read::<wire::Retraction>());
        assert_eq!(documented::<SecondChance>(), read::<wire::SecondChance>());
    }
}
