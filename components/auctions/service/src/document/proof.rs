//! Where the public log stands, signed.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use utoipa::ToSchema;
use web::document::{AuctionId, Description};

use super::auctions;
use super::parameters::auction;

/// Where the public log of an auction stands.
#[derive(ToSchema)]
struct Proof {
    auction_id: AuctionId,
    /// Of the last event.
    seq: u64,
    /// Chain head after it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    head: String,
    /// `kid` in `/.well-known/proof-keys.json`.
    key_id: String,
    /// Ed25519 over `<auction_id>:<seq>:<head>`, base64url without padding.
    #[schema(pattern = "^[A-Za-z0-9_-]{86}$")]
    signature: String,
    /// Is the auction over?
    closed: bool,
    /// Where the events are, relative to this address.
    events_url: String,
    /// Merkle tree hash (RFC 6962, SHA-256) over the bodies of all events; null before the end.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    merkle_root: Option<String>,
    engine: Engine,
}

/// What decides.
#[derive(ToSchema)]
struct Engine {
    /// SHA-256 of the auction machine's component; null in a build that was not told.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    component_sha256: Option<String>,
    version: String,
}

pub(super) fn read() -> Description {
    let notes = "Let `body` of an event be the RFC 8785 form of its `seq`, `event`, `time` and \
        `data`. The head before the first event is the SHA-256 of the auction's id, after each the \
        SHA-256 of the head before (32 bytes) and the body. `ecomauction verify` checks it all.";
    Description::new(auctions::TAG, "Show where the public log stands, signed")
        .notes(notes)
        .path(auction())
        .answers::<Proof>(200, "The proof. It changes with every event and with nothing else.")
        .tagged()
}
