//! Following an auction as it happens. What goes over sockets is in the AsyncAPI document.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use serde_json::json;
use utoipa::ToSchema;
use web::document::{AuctionId, Description, Moment, Parameter};

use super::parameters::{auction, events_after};

pub(super) const TAG: &str = "Live";

/// For what a ticket is wanted.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedTicket {
    auction_id: AuctionId,
}

/// A ticket for one socket.
#[derive(ToSchema)]
struct LiveTicket {
    /// `?ticket=` of the socket's address; good once.
    ticket: String,
    /// Half a minute later.
    expires_at: Moment,
}

/// Where the same events are told without a socket.
#[derive(ToSchema)]
struct Elsewhere {
    /// Path of the event stream.
    #[schema(nullable = false)]
    events_url: Option<String>,
}

pub(super) fn watch() -> Description {
    let notes = "A WebSocket with the subprotocol `ecomauction.v1`; `bearer.<access token>` beside \
        it signs in, so does a ticket, and without either the socket only watches. Frames stand in \
        `/asyncapi.json`. Without `Upgrade`, and where the platform has no sockets, the answer is \
        426 and names the event stream, `GET /v1/auctions/{id}/events` with `Accept: \
        text/event-stream`.";
    let text = |about: &'static str| json!({"type": "string", "description": about});
    Description::new(TAG, "Follow an auction on a WebSocket")
        .notes(notes)
        .path(auction())
        .query([
            events_after(),
            Parameter::new("epoch", "The history that `after` is of.", text("From `hello`.")),
            Parameter::new("ticket", "Signs in.", text("From `POST /v1/live-tickets`.")),
        ])
        .answers_empty(101, "The socket is open, and `hello` comes first.")
        .refuses(403, &["forbidden_origin"])
        .refuses_with::<Elsewhere>(426, &["upgrade_unsupported"])
        .refuses(429, &["too_many_sockets"])
}

pub(super) fn ticket() -> Description {
    Description::new(TAG, "Get a ticket for a socket")
        .notes("For browsers, which cannot send a header with a socket.")
        .takes::<WantedTicket>(json!({"auction_id": "auc_01h455vb4pex5vsknk084sn02q"}))
        .answers::<LiveTicket>(201, "The ticket.")
}
