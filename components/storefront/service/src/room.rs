//! The auction room: what everybody may know of an auction, and what its visitor alone may.

mod history;
mod steps;

use askama::Template;
use kernel::{Id, Money, kind};
use ports::Ports;
use serde_json::{Value, json};
use web::{Exchange, Problem, Response};

use crate::api::{Api, Auction, Bidding, PastBid, Placed, Receipt, Refusal, Rule};
use crate::page::{self, Frame};
use crate::visit::{self, Visit};
use crate::{form, show};
use history::History;

#[derive(Template)]
#[template(path = "room.html")]
struct Room<'a> {
    frame: Frame<'a>,
    auction: &'a Auction,
    /// The canonical address.
    address: String,
    /// For scripts, as JSON.
    state: String,
    bids: &'a [PastBid],
    /// Those that the visitor can take back.
    own_bids: Vec<&'a PastBid>,
    /// There are some that were not found.
    misses_own_bids: bool,
    /// The visitor's alias here.
    me: Option<&'a String>,
    bidding: Option<&'a Bidding>,
    is_seller: bool,
    won: bool,
    watching: bool,
    /// Idempotency key of the next bid.
    key: String,
    /// … and that of Buy It Now.
    buy_key: String,
    amount: String,
    steps: Vec<String>,
    least: Option<Money>,
    must_confirm: bool,
    placed: Option<&'a Placed>,
    placed_seq: u64,
    receipt: Option<String>,
    refusal: Option<&'a Refusal>,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Rules<'a> {
    frame: Frame<'a>,
    auction: Auction,
    rules: Vec<Rule>,
}

/// What came of a form, where a room is shown again.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) placed: Option<Placed>,
    pub(crate) refusal: Option<Refusal>,
    /// What was typed.
    pub(crate) amount: String,
}

/// `GET /auctions/{id}`.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let amount = page::parameter(exchange.request, "amount");
    render(ports, exchange, &visit, Outcome { amount, ..Outcome::default() }).await
}

/// The room, with what came of a form.
pub(crate) async fn render<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    outcome: Outcome,
) -> Result<Response, Problem> {
    let id = id(exchange)?;
    let api = visit.api(ports, exchange.request);
    let auction: Auction = api.read(&format!("/v1/auctions/{id}")).await?;
    let is_seller = visit.is(&auction.seller.id);
    let bidding = if visit.person.is_some() { own(&api, id).await? } else { None };
    let watching = visit.person.is_some() && !is_seller && watches(&api, id).await;
    let history = History::read(&api, &auction, bidding.as_ref()).await?;
    let Outcome { placed, refusal, amount } = outcome;
    let me = bidding.as_ref().and_then(|bidding| bidding.alias.as_ref());
    let status = refusal.as_ref().map_or(200, |refusal| refusal.status);
    let status = if placed.is_some() { 201 } else { status };
    let least = steps::least(&auction, bidding.as_ref());
    let suggested = least.or(auction.next_maximum).as_ref().map(form::typed);
    let clock = (auction.format == "dutch").then(|| auction.price.as_ref().map(form::typed));
    let receipt = placed.as_ref().and_then(|placed| placed.receipt.as_ref());
    let winners = auction.result.iter().flat_map(|result| &result.winners);
    let is_mine = |user: &Option<String>| user.as_deref().is_some_and(|user| visit.is(user));
    let room = Room {
        frame: Frame::of(visit, auction.title.clone()).after(exchange.request.query()),
        address: format!("{}/auctions/{id}", visit::base_url(ports)),
        state: state(&auction, bidding.as_ref()),
        own_bids: history.own(),
        misses_own_bids: history.is_cut,
        is_seller,
        won: winners.into_iter().any(|winner| is_mine(&winner.user_id)),
        key: form::secret(ports),
        buy_key: form::secret(ports),
        amount: if amount.is_empty() {
            clock.flatten().or(suggested).unwrap_or_default()
        } else {
            amount
        },
        steps: steps::quick(&auction, least.as_ref()),
        least,
        must_confirm: refusal.as_ref().is_some_and(|it| it.code == "confirmation_required"),
        placed_seq: receipt.map_or(0, |receipt| receipt.seq),
        receipt: receipt.map(|receipt| text(&auction.id, receipt)),
        bidding: bidding.as_ref(),
        placed: placed.as_ref(),
        refusal: refusal.as_ref(),
        auction: &auction,
        bids: history.newest(),
        watching,
        me,
    };
    page::page(status, visit, &room)
}

impl Room<'_> {
    /// Is a field of the form to bid what was refused?
    fn is_wrong(&self, field: &str) -> bool {
        self.refusal.is_some_and(|refusal| refusal.bid_field() == field)
    }
}

/// The visitor's own place here.
async fn own<P: Ports>(api: &Api<'_, P>, id: &str) -> Result<Option<Bidding>, Problem> {
    let answer = api.get(&format!("/v1/auctions/{id}/bidding")).await?;
    answer.is_done().then(|| answer.json()).transpose()
}

/// Does the visitor watch it? That may stay unknown: to watch it twice changes nothing.
async fn watches<P: Ports>(api: &Api<'_, P>, id: &str) -> bool {
    let answer = api.get(&format!("/v1/me/watches/{id}")).await;
    answer.is_ok_and(|answer| answer.is_done())
}

/// `GET /auctions/{id}/rules`.
pub(crate) async fn rules<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    #[derive(serde::Deserialize)]
    struct Body {
        rules: Vec<Rule>,
    }
    let id = id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    let api = visit.api(ports, exchange.request);
    let auction: Auction = api.read(&format!("/v1/auctions/{id}")).await?;
    let Body { rules } = api.read(&format!("/v1/auctions/{id}/rules")).await?;
    let frame = Frame::of(&visit, format!("Rules of {}", auction.title));
    page::page(200, &visit, &Rules { frame, auction, rules })
}

/// The auction of the path; nothing but an id goes on to the API.
pub(crate) fn id<'e>(exchange: &Exchange<'e>) -> Result<&'e str, Problem> {
    let id = exchange.parameter("id");
    id.parse::<Id<kind::Auction>>().map_err(|_| Problem::not_found())?;
    Ok(id)
}

/// What scripts begin with. Of what is hidden it has the visitor's own most alone.
fn state(auction: &Auction, bidding: Option<&Bidding>) -> String {
    let money = |money: Option<&Money>| money.map_or(Value::Null, |money| json!(money));
    let state = json!({
        "id": auction.id,
        "format": auction.format,
        "status": auction.status,
        "start_price": auction.start_price,
        "price": money(auction.price.as_ref()),
        "next_minimum": money(auction.next_minimum.as_ref()),
        "next_maximum": money(auction.next_maximum.as_ref()),
        "buy_now_price": money(auction.buy_now_price.as_ref()),
        "bid_count": auction.bid_count,
        "bidder_count": auction.bidder_count,
        "leader": auction.leader,
        "reserve": auction.reserve,
        "increments": auction.increments,
        "dutch": auction.dutch,
        "starts_at": auction.starts_at,
        "ends_at": auction.ends_at,
        "server_time": auction.server_time,
        "seq": auction.seq,
        "exponent": auction.start_price.currency.exponent(),
        "me": bidding.and_then(|bidding| bidding.alias.as_ref()),
        "my_max": money(bidding.and_then(|bidding| bidding.my_max.as_ref())),
        "leading": bidding.is_some_and(|bidding| bidding.leading),
    });
    // Nothing in it can end the element that it stands in.
    state.to_string().replace('<', "\\u003c")
}

/// A receipt, to be kept: with the auction that it is of.
fn text(auction: &str, receipt: &Receipt) -> String {
    let mut receipt = json!(receipt);
    if let Some(members) = receipt.as_object_mut() {
        members.insert("auction_id".to_owned(), json!(auction));
    }
    serde_json::to_string_pretty(&receipt).unwrap_or_default()
}
