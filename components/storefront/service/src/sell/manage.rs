//! One auction, for its seller: what can be changed about it, and what came of it.

use askama::Template;
use kernel::Money;
use kernel::limits::PICTURES_MAX;
use ports::Ports;
use web::{Exchange, Problem, Response};

use super::bidders::{Bidder, Bidders};
use super::faults::Faults;
use super::{again, change, draft};
use crate::api::{Api, Auction, Bidding, Blocked, Offer};
use crate::form::{self, Form};
use crate::page::{self, Frame};
use crate::visit::{self, Visit};
use crate::{room, show};

#[derive(Template)]
#[template(path = "manage.html")]
struct Manage<'a> {
    frame: Frame<'a>,
    auction: &'a Auction,
    /// The canonical address of the room.
    address: String,
    /// Names the auction as it is shown here: changes say what they change.
    tag: &'a str,
    form: &'a Form,
    faults: &'a Faults,
    reserve_price: Option<&'a Money>,
    bidders: &'a Bidders,
    blocked: &'a [Blocked],
    offers: &'a [Offer],
    /// Idempotency key of the next offer.
    key: String,
}

/// What came of a form, where the page is shown again.
#[derive(Default)]
pub(super) struct Came {
    /// 0 where there was no form.
    pub(super) status: u16,
    /// What was typed.
    pub(super) typed: Form,
    pub(super) faults: Faults,
}

/// `GET /sell/{id}`.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    if visit.person.is_none() {
        return Ok(page::to_sign_in(&visit, &format!("/sell/{}", room::id(exchange)?)));
    }
    render(ports, exchange, &visit, Came::default()).await
}

/// The page, with what came of a form.
pub(super) async fn render<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    came: Came,
) -> Result<Response, Problem> {
    at(ports, exchange, visit, room::id(exchange)?, came).await
}

/// As [`render`], also where the address is another.
pub(super) async fn at<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    id: &str,
    came: Came,
) -> Result<Response, Problem> {
    let api = visit.api(ports, exchange.request);
    let answer = api.get(&format!("/v1/auctions/{id}")).await?;
    if !answer.is_done() {
        return Err(answer.refusal().into_problem());
    }
    let tag = answer.header("etag").unwrap_or_default().to_owned();
    let auction: Auction = answer.json()?;
    if !visit.is(&auction.seller.id) {
        return Err(forbidden());
    }
    let bidding: Bidding = api.read(&format!("/v1/auctions/{id}/bidding")).await?;
    let from = page::parameter(exchange.request, "cursor");
    let bidders = Bidders::read(&api, id, &from).await?;
    let blocked = blocked(&api, &auction).await?;
    let form = texts(&api, &auction).await?.under(came.typed);
    let page = Manage {
        frame: Frame::of(visit, format!("Manage {}", auction.title))
            .after(exchange.request.query()),
        address: format!("{}/auctions/{id}", visit::base_url(ports)),
        reserve_price: bidding.reserve_price.as_ref(),
        offers: &bidding.offers,
        key: form::secret(ports),
        auction: &auction,
        faults: &came.faults,
        bidders: &bidders,
        blocked: &blocked,
        form: &form,
        tag: &tag,
    };
    page::page(if came.status == 0 { 200 } else { came.status }, visit, &page)
}

/// For whoever did not list it.
pub(super) fn forbidden() -> Problem {
    Problem::new(403, "forbidden", "This auction is another's. Only who listed it manages it.")
}

/// The texts that can be changed until somebody bids.
async fn texts<P: Ports>(api: &Api<'_, P>, auction: &Auction) -> Result<Form, Problem> {
    if auction.is_over() || auction.bid_count > 0 {
        return Ok(Form::default());
    }
    // The view has what was added to the description in it; the log has it apart.
    let terms = again::terms(api, &auction.id).await?;
    Ok(Form::filled([
        ("title", terms.title),
        ("description", terms.description),
        ("category", terms.category),
    ]))
}

/// Who may not bid, while anybody may.
async fn blocked<P: Ports>(api: &Api<'_, P>, auction: &Auction) -> Result<Vec<Blocked>, Problem> {
    #[derive(serde::Deserialize)]
    struct Body {
        items: Vec<Blocked>,
    }
    if auction.is_over() {
        return Ok(Vec::new());
    }
    let Body { items } = api.read(&format!("/v1/auctions/{}/blocked-bidders", auction.id)).await?;
    Ok(items)
}

impl Manage<'_> {
    /// Can it still be changed?
    fn is_running(&self) -> bool {
        !self.auction.is_over()
    }

    /// Are the terms still the seller's?
    fn is_untouched(&self) -> bool {
        self.is_running() && self.auction.bid_count == 0
    }

    fn has_room(&self) -> bool {
        self.is_running() && self.auction.pictures.len() < usize::from(PICTURES_MAX)
    }

    fn can_lower(&self) -> bool {
        self.is_running() && self.auction.reserve == "not_met" && self.reserve_price.is_some()
    }

    /// Can the seller cancel what somebody bid?
    fn can_cancel_bids(&self) -> bool {
        self.is_running() && draft::is_of(draft::MOVING, &self.auction.format)
    }

    fn is_blocked(&self, alias: &str) -> bool {
        self.blocked.iter().any(|blocked| blocked.bidder == alias)
    }

    /// Whom a unit can be offered to: who has bid and got none.
    fn beaten(&self) -> Vec<&Bidder> {
        let result = self.auction.result.as_ref();
        let Some(result) = result.filter(|result| result.outcome != "cancelled") else {
            return Vec::new();
        };
        let won = |alias: &str| result.winners.iter().any(|winner| winner.bidder == alias);
        let asked = |alias: &str| {
            let waits = |offer: &&Offer| matches!(offer.status.as_str(), "open" | "accepted");
            self.offers.iter().filter(waits).any(|offer| offer.bidder == alias)
        };
        let can = |bidder: &&Bidder| bidder.bid.is_some() && !won(&bidder.alias);
        self.bidders.all.iter().filter(can).filter(|bidder| !asked(&bidder.alias)).collect()
    }
}
