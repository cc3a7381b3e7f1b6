//! What is said on a socket (api.md §4), as the document shows it.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use web::document::{AuctionId, Conversation, Instant, Money};

use super::logged::{
    BidPlaced, BidRetracted, BidsRevealed, Cancelled, Closed, DescriptionAdded, Extended,
    MaxLowered, Named, OfferEnded, Offered, OutageDeclared, PicturesChanged, ReserveLowered, Terms,
};
use super::views::{Auction, BidReply, Standing};

/// Everything that is said about an auction while it is watched.
pub fn conversation() -> Conversation {
    let said = Conversation::new("/v1/auctions/{id}/live", "/v1/auctions/{id}/events", ABOUT)
        .protocols(PROTOCOLS)
        .parameters(json!({"id": {"description": "The id of an auction."}}))
        .query(json!({
            "after": {"type": "integer", "minimum": 0,
                "description": "The last `seq` that was seen: what follows is sent."},
            "epoch": {"type": "string",
                "description": "Of the numbers that were seen, as `hello` said it."},
            "ticket": {"type": "string",
                "description": "Of `POST /v1/live-tickets`: used once, dead after 30 s."},
        }))
        .closes(CLOSES);
    events(frames(said))
}

fn frames(said: Conversation) -> Conversation {
    let money = json!({"amount": 2_500, "currency": "USD"});
    let command = "5f7c0f1e-4b1c-4a8a-9f6e-3d2b1a0c9e8d";
    let bid = json!({"type": "bid", "command_id": command, "amount": money});
    said.server::<Hello>("hello", "Always first: where the stream stands.")
        .server::<Reply>("reply", "The one answer to a command.")
        .server::<Outbid>("outbid", "To the bidder who lost the lead, and nobody else.")
        .server::<Time>("time", "The server's clock; by itself every 10 s in the last minute.")
        .server::<FrameError>("error", "A frame was not understood; nothing changed.")
        .client::<BidCommand>("bid", "bid", "A bid, as `placeBid` takes it.", bid)
        .client::<TimeQuestion>(
            "time_question",
            "time",
            "Asks for the time.",
            json!({"type": "time", "t0": 1_795_694_400_000_i64}),
        )
}

fn events(said: Conversation) -> Conversation {
    said.event::<Terms>("auction_scheduled", "It was listed and starts later.")
        .event::<Terms>("auction_opened", "It takes bids.")
        .event::<Terms>("auction_changed", "The seller changed the terms.")
        .event::<BidPlaced>("bid_placed", "A bid was accepted.")
        .event::<BidRetracted>("bid_retracted", "Bids were taken back.")
        .event::<MaxLowered>("max_lowered", "A hidden maximum was cut.")
        .event::<BidsRevealed>("bids_revealed", "Sealed bids, at the close.")
        .event::<ReserveLowered>("reserve_lowered", "The reserve is lower.")
        .event::<Extended>("auction_extended", "A late bid moved the end.")
        .event::<OutageDeclared>("outage_declared", "The platform was away; the end moves.")
        .event::<PicturesChanged>("pictures_changed", "Other pictures stand there.")
        .event::<DescriptionAdded>("description_added", "The seller added to the description.")
        .event::<Named>("bidder_blocked", "Somebody may not bid any more.")
        .event::<Named>("bidder_unblocked", "Somebody may bid again.")
        .event::<Closed>("auction_closed", "It is over.")
        .event::<Cancelled>("auction_cancelled", "It was called off.")
        .event::<Offered>("second_chance_offered", "A beaten bidder may buy.")
        .event::<OfferEnded>("second_chance_accepted", "The offer was taken.")
        .event::<OfferEnded>("second_chance_declined", "The offer was refused.")
        .event::<OfferEnded>("second_chance_expired", "The offer lapsed.")
}

/// Where the stream stands.
#[derive(ToSchema)]
struct Hello {
    /// Changes only when history was rewritten.
    epoch: String,
    /// The number after which events follow.
    seq: u64,
    /// True when events follow right after the number that was asked for; else `auction` replaces
    /// everything that was known.
    resumed: bool,
    server_time: Instant,
    auction: Auction,
}

/// What became of a command.
#[derive(ToSchema)]
struct Reply {
    command_id: String,
    /// As over HTTP.
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    body: ReplyBody,
}

/// The body of the same answer over HTTP.
struct ReplyBody;

impl PartialSchema for ReplyBody {
    fn schema() -> RefOr<Schema> {
        let shape = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let problem = json!({"allOf": [shape("Problem"), shape("Standing")]});
        let body: Value = json!({"description": "The body of the same answer over HTTP.",
            "anyOf": [shape("BidReply"), problem]});
        serde_json::from_value(body).unwrap_or_default()
    }
}

impl ToSchema for ReplyBody {
    fn name() -> Cow<'static, str> {
        "ReplyBody".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((BidReply::name().into_owned(), BidReply::schema()));
        BidReply::schemas(schemas);
        schemas.push((Standing::name().into_owned(), Standing::schema()));
        Standing::schemas(schemas);
    }
}

/// The caller does not lead any more.
#[derive(ToSchema)]
struct Outbid {
    auction_id: AuctionId,
    #[schema(required)]
    price: Option<Money>,
    #[schema(required)]
    next_minimum: Option<Money>,
    /// `reverse` only.
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
    ends_at: Instant,
    /// Number of the event that did it.
    seq: u64,
}

/// The server's clock, in milliseconds since 1970.
#[derive(ToSchema)]
struct Time {
    /// As the client sent it; absent when the server speaks by itself.
    #[schema(nullable = false)]
    t0: Option<f64>,
    /// When the question was read.
    t1: f64,
    /// When this was sent.
    t2: f64,
}

/// What was wrong with a frame.
#[derive(ToSchema)]
struct FrameError {
    #[schema(pattern = "^[a-z_]+$")]
    code: String,
    detail: String,
}

/// A bid.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct BidCommand {
    /// A UUID of the client: the idempotency key. One reply comes for it, also when it is sent
    /// again.
    #[schema(format = "uuid")]
    command_id: String,
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

/// Asks for the time.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct TimeQuestion {
    /// The client's clock, in milliseconds.
    t0: f64,
}

const ABOUT: &str = "\
An auction while it happens. A socket brings its events, takes bids and answers each of them; the \
same events come as server-sent events where there are no sockets. Members may be added to every \
frame, and frames and events of new names may come: clients pass them over. How to write a client \
is in docs/guide/live.md; requests and answers are in `/openapi.json`.";

const PROTOCOLS: &[(&str, &str)] = &[
    ("ecomauction.v1", "this protocol; the server selects it"),
    ("bearer.<access token>", "signs in; never selected. Without it or a ticket one only watches"),
];

const CLOSES: &[(u16, &str)] = &[
    (1003, "frames are text"),
    (1007, "text is UTF-8"),
    (1009, "a client's frame has at most 4 KiB"),
    (4000, "the platform restarts: resume"),
    (4001, "the sign-in is not valid, or not any more: come back with a new one"),
    (4003, "not allowed"),
    (4004, "the auction is gone"),
    (4008, "read too slowly: resume"),
    (4009, "history was rewritten: forget what was known and come back without `after`"),
    (4029, "sent too much: come back later"),
];
