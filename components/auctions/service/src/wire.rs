//! Request bodies of api.md §3 and how they become commands.

use core::fmt;

use auction_machine::contract::{
    Band, Clock, Decrement, Increments, PlaceBid, Pricing, RetractionReason, SoftClose,
    SoftCloseMode, Terms, Uniform,
};
use kernel::Timestamp;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use web::json::{Amount, Object, Price};

/// Body of `POST /v1/auctions`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAuction {
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    category: String,
    format: String,
    start_price: Price,
    reserve_price: Option<Price>,
    buy_now_price: Option<Price>,
    increments: Option<Ladder>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    duration_seconds: Option<i64>,
    soft_close: Option<Object<LateBids>>,
    retraction: Option<String>,
    quantity: Option<u32>,
    dutch: Option<Object<FallingClock>>,
    reverse: Option<Object<Step>>,
    uniform_price: Option<Object<OnePrice>>,
}

/// Body of `PATCH /v1/auctions/{id}`. The members are checked here; the machine gets them as they
/// came, as a merge patch.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only the shape is checked")]
pub(crate) struct ChangeAuction {
    #[serde(default, deserialize_with = "given")]
    title: Option<String>,
    description: Option<String>,
    category: Option<String>,
    #[serde(default, deserialize_with = "given")]
    start_price: Option<Price>,
    reserve_price: Option<Price>,
    buy_now_price: Option<Price>,
    increments: Option<Ladder>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    duration_seconds: Option<i64>,
    soft_close: Option<Object<LateBids>>,
    retraction: Option<String>,
    quantity: Option<u32>,
    dutch: Option<Object<FallingClock>>,
    reverse: Option<Object<Step>>,
    uniform_price: Option<Object<OnePrice>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) description_addition: Option<String>,
}

/// A member that may be left out but not be null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A body without members.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Body of `POST /v1/auctions/{id}/cancellation`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancellation {
    pub(crate) reason: String,
}

/// Body of `POST /v1/auctions/{id}/bids/{bid_id}/retraction`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retraction {
    reason: WireReason,
}

#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireReason {
    WrongAmount,
    DescriptionChanged,
    SellerUnreachable,
    CancelledBySeller,
}

impl Retraction {
    /// What the machine is told.
    pub(crate) fn reason(&self) -> RetractionReason {
        match self.reason {
            WireReason::WrongAmount => RetractionReason::WrongAmount,
            WireReason::DescriptionChanged => RetractionReason::DescriptionChanged,
            WireReason::SellerUnreachable => RetractionReason::SellerUnreachable,
            WireReason::CancelledBySeller => RetractionReason::CancelledBySeller,
        }
    }
}

/// Body of `PATCH /v1/auctions/{id}/reserve`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LowerReserve {
    pub(crate) amount: Price,
}

/// Body of `POST /v1/auctions/{id}/second-chance-offers`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondChance {
    pub(crate) bidder: String,
    pub(crate) days: u8,
}

/// Body of `POST /v1/auctions/{id}/bids`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bid {
    amount: Price,
    quantity: Option<u32>,
    min_quantity: Option<u32>,
    confirm: Option<bool>,
}

impl CreateAuction {
    /// What the machine is told; defaults of api.md §3.
    pub(crate) fn terms(self) -> Terms {
        Terms {
            title: self.title,
            description: self.description,
            category: self.category,
            format: self.format,
            start_price: self.start_price.0,
            reserve_price: self.reserve_price.map(|price| price.0),
            buy_now_price: self.buy_now_price.map(|price| price.0),
            increments: self.increments.map(|ladder| ladder.0),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            duration_seconds: self.duration_seconds,
            soft_close: self.soft_close.map(|Object(late)| late.rule()).unwrap_or_default(),
            retraction: self.retraction.unwrap_or_else(|| "ebay".to_owned()),
            quantity: self.quantity.unwrap_or(1),
            dutch: self.dutch.map(|Object(clock)| clock.clock()),
            reverse: self.reverse.map(|Object(step)| step.decrement()),
            uniform_price: self
                .uniform_price
                .map(|Object(price)| Uniform { pricing: price.pricing }),
        }
    }
}

impl Bid {
    /// What the machine is told.
    pub(crate) fn command(self) -> PlaceBid {
        PlaceBid {
            amount: self.amount.0,
            quantity: self.quantity,
            min_quantity: self.min_quantity,
            confirm: self.confirm,
        }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LateBids {
    mode: SoftCloseMode,
    window_seconds: Option<i64>,
    extension_seconds: Option<i64>,
    hard_stop_at: Option<Timestamp>,
}

impl LateBids {
    fn rule(self) -> SoftClose {
        SoftClose {
            mode: self.mode,
            window_seconds: self.window_seconds,
            extension_seconds: self.extension_seconds,
            hard_stop_at: self.hard_stop_at,
        }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FallingClock {
    floor_price: Price,
    decrement: Price,
    tick_seconds: u32,
    dwell_seconds: u32,
}

impl FallingClock {
    fn clock(&self) -> Clock {
        Clock {
            floor_price: self.floor_price.0,
            decrement: self.decrement.0,
            tick_seconds: self.tick_seconds,
            dwell_seconds: self.dwell_seconds,
        }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    decrement: Option<Price>,
    decrement_bps: Option<u32>,
}

impl Step {
    fn decrement(&self) -> Decrement {
        let decrement = self.decrement.as_ref().map(|price| price.0);
        Decrement { decrement, decrement_bps: self.decrement_bps }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OnePrice {
    pricing: Pricing,
}

/// A preset's name or bands. Not an untagged enum: that would lose where a wrong value stands.
#[derive(Debug)]
struct Ladder(Increments);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBand {
    from: Amount,
    step: Amount,
}

impl<'de> Deserialize<'de> for Ladder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LadderVisitor).map(Self)
    }
}

struct LadderVisitor;

impl<'de> Visitor<'de> for LadderVisitor {
    type Value = Increments;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a preset, or bands like {\"from\": 1, \"step\": 5}")
    }

    fn visit_str<E>(self, preset: &str) -> Result<Increments, E> {
        Ok(Increments::Preset(preset.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Increments, A::Error> {
        let mut bands = Vec::new();
        while let Some(Object(band)) = items.next_element::<Object<WireBand>>()? {
            bands.push(Band { from: band.from.0, step: band.step.0 });
        }
        Ok(Increments::Bands(bands))
    }
}
