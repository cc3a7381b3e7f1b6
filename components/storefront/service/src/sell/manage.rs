//! One auction, for its seller: what can be changed about it, and what came of it.

use askama::Template;
use kernel::Money;
use kernel::limits::PICTURES_MAX;
use ports::Ports;
use web::{Exchange, Problem, Response};

use super::faults::Faults;
use super::{again, change, draft, pictures};
use crate::api::{Api, Auction, Bidding, Items, Offer, PastBid, Picture};
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
    pictures: Vec<(u8, &'a Picture)>,
    reserve_price: Option<&'a Money>,
    bidders: &'a [Bidder],
    offers: &'a [Offer],
    /// Idempotency key of the next offer.
    key: String,
}

/// Somebody who bids here, as far as its seller knows.
struct Bidder {
    alias: String,
    /// A bid that stands; none where all are taken back.
    bid: Option<String>,
    bids: u32,
    /// The most that is seen of what it bid.
    most: Option<Money>,
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
    let id = room::id(exchange)?;
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
    let bidders = bidders(&api, &auction).await?;
    // Without their places pictures are shown, and the rest of the page is there.
    let places = pictures::places(&api, &auction).await;
    let places = places.unwrap_or_else(|_| (1..).take(auction.pictures.len()).collect());
    let form = texts(&api, &auction).await?.under(came.typed);
    let page = Manage {
        frame: Frame::of(visit, format!("Manage {}", auction.title))
            .after(exchange.request.query()),
        address: format!("{}/auctions/{id}", visit::base_url(ports)),
        pictures: places.into_iter().zip(&auction.pictures).collect(),
        reserve_price: bidding.reserve_price.as_ref(),
        offers: &bidding.offers,
        key: form::secret(ports),
        auction: &auction,
        faults: &came.faults,
        bidders: &bidders,
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

/// Who bids here, in the order of their first bids.
async fn bidders<P: Ports>(api: &Api<'_, P>, auction: &Auction) -> Result<Vec<Bidder>, Problem> {
    let mut bidders: Vec<Bidder> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let id = &auction.id;
        let target = format!("/v1/auctions/{id}/bids?limit=100{cursor}");
        let page: Items<PastBid> = api.read(&target).await?;
        page.items.iter().for_each(|bid| note(&mut bidders, bid));
        let Some(next) = page.next_cursor else { break };
        cursor = crate::browse::cursor(&next);
    }
    Ok(bidders)
}

fn note(bidders: &mut Vec<Bidder>, bid: &PastBid) {
    let at = bidders.iter().position(|known| known.alias == bid.bidder);
    let at = at.unwrap_or_else(|| {
        let alias = bid.bidder.clone();
        bidders.push(Bidder { alias, bid: None, bids: 0, most: None });
        bidders.len().saturating_sub(1)
    });
    let Some(bidder) = bidders.get_mut(at) else { return };
    bidder.bids = bidder.bids.saturating_add(1);
    if bid.retracted {
        return;
    }
    bidder.bid = Some(bid.bid_id.clone());
    let is_more = |amount: &Money| bidder.most.is_none_or(|most| amount.amount > most.amount);
    if let Some(amount) = bid.amount.filter(is_more) {
        bidder.most = Some(amount);
    }
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
        self.is_running() && self.pictures.len() < usize::from(PICTURES_MAX)
    }

    fn can_lower(&self) -> bool {
        self.is_running() && self.auction.reserve == "not_met" && self.reserve_price.is_some()
    }

    /// Can the seller cancel what somebody bid?
    fn can_cancel_bids(&self) -> bool {
        self.is_running() && draft::is_of(draft::MOVING, &self.auction.format)
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
        self.bidders.iter().filter(can).filter(|bidder| !asked(&bidder.alias)).collect()
    }
}

/// Of busy auctions the first five hundred bids.
const PAGES_MAX: usize = 5;
