//! The auction as a [`Machine`]: which command goes to which rule, and what is told about it.

use kernel::{Context, Effect, Id, Machine, Misfit, Place, Timestamp, Wake, kind};
use serde::{Deserialize, Serialize};

use crate::contract::{
    Bidders, Blocked, Command, History, Own, PlaceBid, Preview, Query, Refused, Reply, Rule, Terms,
    View,
};
use crate::event::Event;
use crate::lot::{Bid, Lot, Phase};
use crate::outages::Outage;
use crate::refusal::{Code, Refusal};
use crate::terms::{self, Basis};
use crate::why::Why;
use crate::{
    bidding, close, offers, outages, pictures, plain, preview, public, retraction, seller, tell,
    view,
};

/// One auction; nothing before it is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Auction(Option<Box<Lot>>);

/// The answer to a question; `null` when the auction was never listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The public view.
    View(Box<View>),
    /// `"same"`: the log still stands where the asker saw it.
    Same(&'static str),
    /// The viewer's own bidding.
    Own(Box<Own>),
    /// A page of bids.
    History(History),
    /// What a bid would lead to.
    Preview(Box<Preview>),
    /// A bid that cannot be judged at all, or a question that is not the viewer's to ask.
    Refused(Box<Refused>),
    /// The terms in plain words.
    Rules(Vec<Rule>),
    /// Who has bid.
    Bidders(Bidders),
    /// Who may not bid.
    Blocked(Blocked),
    /// Never listed.
    Missing,
}

impl Auction {
    /// The lot, once listed.
    pub fn lot(&self) -> Option<&Lot> {
        self.0.as_deref()
    }

    fn refused(&self, context: &Context<'_>, refusal: Refusal) -> Refused {
        Refused {
            code: refusal.code.as_str().to_owned(),
            detail: refusal.detail,
            errors: refusal.errors,
            now: self.present().map(|lot| view::standing(lot, context.at.seq, context.now)),
        }
    }

    /// The lot, unless its listing was taken away.
    fn present(&self) -> Option<&Lot> {
        self.lot().filter(|lot| !lot.deleted)
    }
}

impl Machine for Auction {
    const SNAPSHOT_VERSION: u8 = 3;
    const FACT_VERSION: u8 = 2;

    type Command = Command;
    type Query = Query;
    type Event = Event;
    type Reply = Reply;
    type Refusal = Refusal;
    type Answer = Answer;

    fn recall(&self, context: &Context<'_>, command: &Command) -> Option<Result<Reply, Refusal>> {
        let lot = self.lot()?;
        match command {
            Command::Create(asked) => recall_listing(lot, context, asked),
            Command::PlaceBid(asked) => recall_bid(lot, context, Some(asked)),
            Command::BuyNow => recall_bid(lot, context, None),
            Command::OfferSecondChance { bidder, days } => {
                recall_offer(lot, context, bidder, *days)
            }
            // Doing these again changes nothing and says the same.
            Command::Wake
            | Command::Change(_)
            | Command::Cancel { .. }
            | Command::Delete { .. }
            | Command::Retract { .. }
            | Command::Withdraw { .. }
            | Command::LowerReserve { .. }
            | Command::Block { .. }
            | Command::AnswerOffer { .. }
            | Command::SetPicture(_)
            | Command::RemovePicture { .. }
            | Command::Outage { .. } => None,
        }
    }

    fn decide(&self, context: &Context<'_>, command: &Command) -> Result<Vec<Event>, Refusal> {
        if let Command::Create(asked) = command {
            return match self.lot() {
                None => list(context, asked).map(|event| vec![event]),
                Some(_) => {
                    let detail = "this auction was listed by another command";
                    Err(Refusal::new(Code::AuctionExists, detail))
                }
            };
        }
        let Some(lot) = self.present() else {
            return match command {
                Command::Wake | Command::Outage { .. } => Ok(Vec::new()),
                _ => Err(Refusal::new(Code::AuctionNotFound, "there is no such auction")),
            };
        };
        match command {
            Command::Wake | Command::Create(_) => Ok(close::due(lot, context.now)),
            Command::PlaceBid(asked) => bidding::place(lot, context, asked),
            Command::BuyNow => bidding::buy_now(lot, context),
            Command::Change(change) => seller::change(lot, context, change),
            Command::Cancel { reason } => seller::cancel(lot, context, reason),
            Command::Delete { head } => seller::delete(lot, context, head),
            Command::Retract { bid_id, reason } => {
                retraction::retract(lot, context, *bid_id, *reason)
            }
            Command::Withdraw { bid_id } => retraction::withdraw(lot, context, *bid_id),
            Command::LowerReserve { amount } => seller::lower_reserve(lot, context, *amount),
            Command::Block { bidder, blocked } => seller::block(lot, context, bidder, *blocked),
            Command::OfferSecondChance { bidder, days } => {
                offers::make(lot, context, bidder, *days)
            }
            Command::AnswerOffer { offer_id, accept } => {
                offers::answer(lot, context, *offer_id, *accept)
            }
            Command::SetPicture(asked) => pictures::set(lot, context, asked),
            Command::RemovePicture { n, id } => pictures::remove(lot, context, *n, *id),
            Command::Outage { from, until, grace_seconds } => {
                let (from, until, grace_seconds) = (*from, *until, *grace_seconds);
                outages::declare(lot, context, Outage { from, until, grace_seconds })
            }
        }
    }

    fn describe(
        &self,
        seq: u64,
        time: Timestamp,
        event: &Event,
        body: &mut Vec<u8>,
    ) -> Result<(), Misfit> {
        public::describe(self.lot(), seq, time, event, body)
    }

    fn evolve(&mut self, place: &Place, event: &Event) {
        match (event, &mut self.0) {
            (Event::Scheduled(listing), state @ None) => {
                *state = Some(Box::new(Lot::new(place, (**listing).clone(), Phase::Scheduled)));
            }
            (Event::Opened(Some(listing)), state @ None) => {
                *state = Some(Box::new(Lot::new(place, (**listing).clone(), Phase::Open)));
            }
            (event, Some(lot)) => lot.evolve(place, event),
            (_, None) => {}
        }
    }

    fn effects(&self, key: &str, seq: u64, events: &[Event]) -> Vec<Effect> {
        self.lot().map_or_else(Vec::new, |lot| tell::effects(lot, key, seq, events))
    }

    fn reply(&self, context: &Context<'_>, command: &Command) -> Reply {
        let Some(lot) = self.lot() else { return Reply::Woken };
        let view = || view::view(lot, context);
        match command {
            Command::Wake | Command::Outage { .. } => Reply::Woken,
            Command::Create(_) => Reply::Created { replayed: false, view: view() },
            Command::PlaceBid(_) | Command::BuyNow => {
                lot.bids.last().map_or(Reply::Woken, |bid| bid_reply(lot, context, bid, false))
            }
            Command::OfferSecondChance { .. } => lot.offers.last().map_or(Reply::Woken, |offer| {
                let offer = offers::shown(lot, offer, context.now);
                Reply::Offer { replayed: false, offer, view: view() }
            }),
            Command::AnswerOffer { offer_id, .. } => {
                let offer = lot.offers.iter().find(|offer| offer.made.id == *offer_id);
                offer.map_or(Reply::Woken, |offer| {
                    let offer = offers::shown(lot, offer, context.now);
                    Reply::Offer { replayed: false, offer, view: view() }
                })
            }
            Command::Change(_)
            | Command::Cancel { .. }
            | Command::Delete { .. }
            | Command::Retract { .. }
            | Command::Withdraw { .. }
            | Command::LowerReserve { .. }
            | Command::Block { .. }
            | Command::SetPicture(_)
            | Command::RemovePicture { .. } => Reply::Auction { view: (!lot.deleted).then(view) },
        }
    }

    fn refuse(&self, context: &Context<'_>, refusal: Refusal) -> Reply {
        Reply::Refused(self.refused(context, refusal))
    }

    fn malformed(&self, context: &Context<'_>, detail: String) -> Reply {
        self.refuse(context, Refusal::new(Code::InvalidCommand, detail))
    }

    fn query(&self, context: &Context<'_>, query: &Query) -> Answer {
        let Some(lot) = self.present() else { return Answer::Missing };
        let view = || Answer::View(Box::new(view::view(lot, context)));
        let refused = |refusal| Answer::Refused(Box::new(self.refused(context, refusal)));
        match query {
            Query::View => view(),
            Query::ViewUnless { head } => {
                let stands = context.at.head.digest().to_hex() == *head;
                // A clock's price falls without an event.
                let is_still = view::tick(lot, context.now).is_none();
                if stands && is_still { Answer::Same("same") } else { view() }
            }
            Query::Own => Answer::Own(Box::new(view::own(lot, context, viewer(context)))),
            Query::History { after, limit } => Answer::History(view::history(lot, *after, *limit)),
            Query::Newest { before, limit } => Answer::History(view::newest(lot, *before, *limit)),
            Query::Preview(bid) => match preview::preview(lot, context, bid) {
                Ok(preview) => Answer::Preview(Box::new(preview)),
                Err(refusal) => refused(refusal),
            },
            Query::Rules => Answer::Rules(plain::rules(&lot.listing)),
            Query::Bidders { after } => Answer::Bidders(view::bidders(lot, context.at.seq, *after)),
            Query::Blocked => match seller::owned(lot, context) {
                Ok(()) => Answer::Blocked(view::blocked(lot)),
                Err(refusal) => refused(refusal),
            },
        }
    }

    fn wake(&self) -> Option<Wake> {
        let lot = self.lot()?;
        match lot.phase {
            Phase::Scheduled => Some(Wake { at: lot.listing.starts_at, reason: "open" }),
            Phase::Open => Some(Wake { at: lot.ends_at, reason: "close" }),
            Phase::Closed(_) => {
                let open = lot.offers.iter().filter(|offer| offer.ending.is_none());
                let at = open.map(|offer| offer.made.expires_at).min()?;
                Some(Wake { at, reason: "offer" })
            }
        }
    }

    fn revive(&mut self) -> Result<(), Misfit> {
        self.0.as_mut().map_or(Ok(()), |lot| lot.revive())
    }
}

fn viewer(context: &Context<'_>) -> Option<Id<kind::User>> {
    context.principal?.parse().ok()
}

fn list(context: &Context<'_>, asked: &Terms) -> Result<Event, Refusal> {
    let basis = Basis {
        command: context.command_key,
        seller: bidding::user(context)?,
        now: context.now,
        salt: context.salt(context.at.seq + 1),
        before: None,
    };
    let listing = Box::new(terms::accept(asked, &basis)?);
    if listing.starts_at > context.now {
        Ok(Event::Scheduled(listing))
    } else {
        Ok(Event::Opened(Some(listing)))
    }
}

fn recall_listing(
    lot: &Lot,
    context: &Context<'_>,
    asked: &Terms,
) -> Option<Result<Reply, Refusal>> {
    let listing = &lot.listing;
    if listing.command != context.command_key || viewer(context) != Some(listing.seller) {
        return None;
    }
    Some(if terms::fingerprint(asked) == listing.asked {
        Ok(Reply::Created { replayed: true, view: view::view(lot, context) })
    } else {
        Err(reused())
    })
}

/// A bid, or a Buy It Now when no bid is asked for: they share one space of keys.
fn recall_bid(
    lot: &Lot,
    context: &Context<'_>,
    asked: Option<&PlaceBid>,
) -> Option<Result<Reply, Refusal>> {
    let bidder = lot.bidder_index(viewer(context)?)?;
    let bid = lot.bid_of_command(bidder, context.command_key)?;
    let was_bought = bid.why == Why::BoughtNow;
    let is_same = asked.map_or(was_bought, |asked| {
        let same_amount = lot.listing.money(bid.amount) == asked.amount;
        !was_bought && same_amount && bid.shape == bidding::shape(asked)
    });
    Some(if is_same { Ok(bid_reply(lot, context, bid, true)) } else { Err(reused()) })
}

fn recall_offer(
    lot: &Lot,
    context: &Context<'_>,
    bidder: &str,
    days: u8,
) -> Option<Result<Reply, Refusal>> {
    if viewer(context) != Some(lot.listing.seller) {
        return None;
    }
    let mut offers = lot.offers.iter();
    let offer = offers.find(|offer| offer.made.command == context.command_key)?;
    let is_same = public::alias(offer.made.bidder) == bidder && offer.made.days == days;
    let reply = || Reply::Offer {
        replayed: true,
        offer: offers::shown(lot, offer, context.now),
        view: view::view(lot, context),
    };
    Some(if is_same { Ok(reply()) } else { Err(reused()) })
}

fn bid_reply(lot: &Lot, context: &Context<'_>, bid: &Bid, replayed: bool) -> Reply {
    Reply::Bid {
        replayed,
        bid: view::bid_reply(lot, bid),
        row: view::row(lot, context.at.seq, context.now),
        newcomer: lot.has_one_bid(bid.bidder),
        ended: matches!(lot.phase, Phase::Closed(_)),
    }
}

fn reused() -> Refusal {
    Refusal::new(Code::IdempotencyKeyReused, "this key came before with another body")
}
