//! The auction as a [`Machine`]: which command goes to which rule, and what is told about it.

use kernel::{Context, Effect, Id, Machine, Message, Misfit, Place, Timestamp, Wake, kind};
use serde::{Deserialize, Serialize};

use crate::close::Closing;
use crate::contract::{Command, History, Own, PlaceBid, Query, Refused, Reply, Terms, View};
use crate::event::Event;
use crate::lot::{Bid, Lot, Phase};
use crate::refusal::{Code, Refusal};
use crate::terms::{self, Offer};
use crate::{english, public, view};

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
    /// Never listed.
    Missing,
}

impl Auction {
    /// The lot, once listed.
    pub fn lot(&self) -> Option<&Lot> {
        self.0.as_deref()
    }
}

impl Machine for Auction {
    const SNAPSHOT_VERSION: u8 = 1;
    const FACT_VERSION: u8 = 1;

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
            Command::PlaceBid(asked) => recall_bid(lot, context, asked),
            Command::Wake => None,
        }
    }

    fn decide(&self, context: &Context<'_>, command: &Command) -> Result<Vec<Event>, Refusal> {
        match (command, self.lot()) {
            (Command::Create(asked), None) => list(context, asked).map(|event| vec![event]),
            (Command::Create(_), Some(_)) => {
                Err(Refusal::new(Code::AuctionExists, "this auction was listed by another command"))
            }
            (Command::PlaceBid(asked), Some(lot)) => english::place(lot, context, asked),
            (Command::PlaceBid(_), None) => {
                Err(Refusal::new(Code::AuctionNotFound, "there is no such auction"))
            }
            (Command::Wake, lot) => Ok(lot.map_or_else(Vec::new, |lot| due(lot, context.now))),
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
        let closed = events.iter().any(|event| matches!(event, Event::Closed(_)));
        let topics = ["auction.changed"].into_iter().chain(closed.then_some("auction.closed"));
        let send = |topic| {
            let body = format!("{{\"seq\":{seq}}}").into_bytes();
            Effect::Send(Message { topic, key: key.to_owned(), body })
        };
        topics.map(send).collect()
    }

    fn reply(&self, context: &Context<'_>, command: &Command) -> Reply {
        match (command, self.lot()) {
            (Command::Create(_), Some(lot)) => {
                Reply::Created { replayed: false, view: view::view(lot, &context.at) }
            }
            (Command::PlaceBid(_), Some(lot)) => {
                lot.bids.last().map_or(Reply::Woken, |bid| bid_reply(lot, context, bid, false))
            }
            _ => Reply::Woken,
        }
    }

    fn refuse(&self, context: &Context<'_>, refusal: Refusal) -> Reply {
        Reply::Refused(Refused {
            code: refusal.code.as_str().to_owned(),
            detail: refusal.detail,
            errors: refusal.errors,
            now: self.lot().map(|lot| view::standing(lot, context.at.seq)),
        })
    }

    fn malformed(&self, context: &Context<'_>, detail: String) -> Reply {
        self.refuse(context, Refusal::new(Code::InvalidCommand, detail))
    }

    fn query(&self, context: &Context<'_>, query: &Query) -> Answer {
        let Some(lot) = self.lot() else { return Answer::Missing };
        match query {
            Query::View => Answer::View(Box::new(view::view(lot, &context.at))),
            Query::ViewUnless { head } if context.at.head.digest().to_hex() == *head => {
                Answer::Same("same")
            }
            Query::ViewUnless { .. } => Answer::View(Box::new(view::view(lot, &context.at))),
            Query::Own => Answer::Own(Box::new(view::own(lot, context.at.seq, viewer(context)))),
            Query::History { after, limit } => Answer::History(view::history(lot, *after, *limit)),
        }
    }

    fn wake(&self) -> Option<Wake> {
        let lot = self.lot()?;
        match lot.phase {
            Phase::Scheduled => Some(Wake { at: lot.listing.starts_at, reason: "open" }),
            Phase::Open => Some(Wake { at: lot.ends_at, reason: "close" }),
            Phase::Closed(_) => None,
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
    let offer = Offer {
        command: context.command_key,
        seller: english::user(context)?,
        now: context.now,
        salt: context.salt(context.at.seq + 1),
    };
    let listing = Box::new(terms::accept(asked, &offer)?);
    if listing.starts_at > context.now {
        Ok(Event::Scheduled(listing))
    } else {
        Ok(Event::Opened(Some(listing)))
    }
}

/// What is due at an instant: the opening, the close, both when the platform comes very late.
fn due(lot: &Lot, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    if matches!(lot.phase, Phase::Closed(_)) {
        return events;
    }
    if lot.phase == Phase::Scheduled && now >= lot.listing.starts_at {
        events.push(Event::Opened(None));
    }
    if now >= lot.ends_at {
        let leader_max = lot.leading_bid().map(|bid| bid.amount);
        events.push(Event::Closed(Closing::of(leader_max, lot.listing.reserve_amount())));
    }
    events
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
        Ok(Reply::Created { replayed: true, view: view::view(lot, &context.at) })
    } else {
        Err(reused())
    })
}

fn recall_bid(
    lot: &Lot,
    context: &Context<'_>,
    asked: &PlaceBid,
) -> Option<Result<Reply, Refusal>> {
    let bidder = lot.bidder_index(viewer(context)?)?;
    let bid = lot.bid_of_command(bidder, context.command_key)?;
    let same = lot.listing.money(bid.amount) == asked.amount && bid.shape == english::shape(asked);
    // Units other than the accepted single one make another body, even where one was given.
    let one_unit = [asked.quantity, asked.min_quantity].iter().flatten().all(|units| *units == 1);
    let reply = || bid_reply(lot, context, bid, true);
    Some(if same && one_unit { Ok(reply()) } else { Err(reused()) })
}

fn bid_reply(lot: &Lot, context: &Context<'_>, bid: &Bid, replayed: bool) -> Reply {
    Reply::Bid { replayed, bid: view::bid_reply(lot, bid), row: view::row(lot, context.at.seq) }
}

fn reused() -> Refusal {
    Refusal::new(Code::IdempotencyKeyReused, "this key came before with another body")
}
