//! Checking an auction: what its log proves, and where it stands. The browser checks by itself,
//! with the verifier that everybody can have.

use askama::Template;
use kernel::Timestamp;
use ports::Ports;
use serde::Deserialize;
use web::{Exchange, Problem, Response};

use crate::api::{Auction, Items};
use crate::page::{self, Frame};
use crate::visit::{self, Visit};
use crate::{assets, room, show};

#[derive(Template)]
#[template(path = "proof.html")]
struct Page<'a> {
    frame: Frame<'a>,
    auction: Auction,
    /// The canonical address of the auction.
    address: String,
    proof: Proof,
    /// Newest first.
    events: Vec<Logged>,
    /// Can the browser check by itself?
    has_verifier: bool,
}

/// Where the log stands, signed.
#[derive(Deserialize)]
struct Proof {
    seq: u64,
    head: String,
    key_id: String,
    closed: bool,
    merkle_root: Option<String>,
    engine: Engine,
}

/// The machine that decides now.
#[derive(Deserialize)]
struct Engine {
    component_sha256: Option<String>,
    version: String,
}

/// An event in its place.
#[derive(Deserialize)]
struct Logged {
    seq: u64,
    event: String,
    time: Timestamp,
    hash: String,
}

/// `GET /auctions/{id}/proof`.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    let api = visit.api(ports, exchange.request);
    let auction: Auction = api.read(&format!("/v1/auctions/{id}")).await?;
    let proof: Proof = api.read(&format!("/v1/auctions/{id}/proof")).await?;
    let after = proof.seq.saturating_sub(NEWEST);
    let target = format!("/v1/auctions/{id}/events?after={after}&limit={NEWEST}");
    let mut events: Items<Logged> = api.read(&target).await?;
    events.items.reverse();
    let shown = Page {
        frame: Frame::of(&visit, format!("Verify {}", auction.title)),
        address: format!("{}/auctions/{id}", visit::base_url(ports)),
        has_verifier: assets::has(VERIFIER),
        events: events.items,
        auction,
        proof,
    };
    page::page(200, &visit, &shown)
}

impl Logged {
    /// The front of the hash, by which people tell two apart.
    fn short(&self) -> &str {
        self.hash.get(..SHORT_CHARS).unwrap_or(&self.hash)
    }
}

const VERIFIER: &str = "auction_verifier.core.wasm";
const NEWEST: u64 = 20;
const SHORT_CHARS: usize = 12;
