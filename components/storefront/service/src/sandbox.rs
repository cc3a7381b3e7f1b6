//! Trying out how auctions go, on the machine that decides them. The browser plays by itself.

use askama::Template;
use ports::Ports;
use web::{Exchange, Problem, Response};

use crate::page::{self, Frame};
use crate::visit::Visit;
use crate::{assets, show};

#[derive(Template)]
#[template(path = "sandbox.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// Can the browser play?
    has_sandbox: bool,
}

/// `GET /sandbox`.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let frame = Frame::of(&visit, "Try bidding out");
    page::page(200, &visit, &Page { frame, has_sandbox: assets::has(SANDBOX) })
}

const SANDBOX: &str = "auction_sandbox.core.wasm";
/// What is played, as [`show::FORMATS`] names it.
const FORMATS: [&str; 5] = ["english", "open_outcry", "dutch", "sealed_first_price", "vickrey"];
/// Ladders by their names in terms.
const LADDERS: [(&str, &str); 5] = [
    ("ebay_us", "As eBay in the US"),
    ("ebay_uk", "As eBay in the UK"),
    ("trade_me", "As Trade Me"),
    ("gun_broker", "As GunBroker"),
    ("copart", "As Copart"),
];
/// Habits of bidders: code, name, what it means.
const STRATEGIES: [(&str, &str, &str); 5] = [
    ("proxy", "Says its most once", "leaves the rest to the platform"),
    ("early", "Says its most at the very start", "and goes away"),
    ("step", "Goes up step by step", "bids the least that is taken, whenever it is outbid"),
    ("sniper", "Waits for the last seconds", "then says its most"),
    ("buy_now", "Buys it now", "takes the Buy It Now price"),
];
