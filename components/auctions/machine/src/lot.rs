//! The state of one auction: the listing, every accepted bid in order, and who stands where.
//!
//! All accepted bids are kept with amount, bidder, seq and time, so that a retraction can refold
//! them. Nothing here decides; `evolve` records what was decided.

mod evolve;

use std::collections::BTreeMap;

use kernel::machine::CommandKey;
use kernel::{ChainHead, Id, Minor, Misfit, Place, Salt, Timestamp, kind};
use serde::{Deserialize, Serialize};

use crate::close::Closing;
use crate::contract::{Outcome, ReserveState, RetractionReason};
use crate::event::{Award, Event, HiddenAmount, Listing, OfferEnding, OfferMade, Shape};
use crate::formats::Asks;
use crate::outages::Outage;
use crate::pictures::Picture;
use crate::why::Why;

/// An auction that was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Accepted terms.
    pub listing: Listing,
    /// Where it is in its life.
    pub phase: Phase,
    /// Current end.
    pub ends_at: Timestamp,
    /// P.
    pub price: Option<Minor>,
    /// Index of the leading bid.
    pub leading: Option<u32>,
    /// Is Buy It Now still offered? It never comes back (rules.md B4.2).
    pub buy_now_open: bool,
    /// The listing was taken away.
    pub deleted: bool,
    /// Seq of the event that carries the reserve's commitment.
    pub reserve_seq: u64,
    /// Accepted bids, by seq.
    pub bids: Vec<Bid>,
    /// How many of them are void.
    pub void_bids: u32,
    /// Bidders in order of their first accepted bid: index 0 is `bidder-1`.
    pub bidders: Vec<Bidder>,
    /// Who gets what, once it is over.
    pub awards: Vec<Award>,
    /// What the seller added to the description.
    pub additions: Vec<Addition>,
    /// Lowered reserves, by seq.
    pub lowerings: Vec<Lowering>,
    /// Who may not bid, sorted.
    pub blocked: Vec<Id<kind::User>>,
    /// Second-chance offers in order.
    pub offers: Vec<Offered>,
    /// Pictures by their places.
    pub pictures: Vec<Picture>,
    /// Declared times at which the platform was away.
    pub outages: Vec<Outage>,
    /// Chain head after every event, by seq from 1; receipts are made of them.
    pub heads: Vec<ChainHead>,
    /// Indexes into `bidders`, sorted by user.
    #[serde(skip)]
    by_user: Vec<u32>,
    /// Bids by bidder and command; the command ids of one bidder are one key space.
    #[serde(skip)]
    by_command: BTreeMap<(u32, CommandKey), u32>,
    /// What the newest bid has overtaken.
    #[serde(skip)]
    overtaken: Overtaken,
}

/// Index of the bid of another bidder that led before the newest one took the lead. It is told
/// right after that bid and is no part of the state: one from a snapshot does not have it.
#[derive(Debug, Clone, Copy, Default)]
struct Overtaken(Option<u32>);

impl PartialEq for Overtaken {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Overtaken {}

/// Where an auction is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Starts later.
    Scheduled,
    /// Takes bids until its end.
    Open,
    /// Over.
    Closed(Closing),
}

/// An accepted bid with everything that its reply said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bid {
    /// The bid.
    pub id: Id<kind::Bid>,
    /// The bidder's maximum.
    pub amount: Minor,
    /// Seq of its event.
    pub seq: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// Price after it.
    pub price: Option<Minor>,
    /// Least next bid after it; highest next ask in `reverse`.
    pub next: Option<Minor>,
    /// Units that it bought at once.
    pub filled: u32,
    /// The end after it.
    pub ends_at: Timestamp,
    /// The rule that set the price.
    pub why: Why,
    /// Salt of its commitment, if the amount was hidden.
    pub salt: Option<Salt>,
    /// The command.
    pub command: CommandKey,
    /// Index of the bidder.
    pub bidder: u32,
    /// The rest of the command.
    pub shape: Shape,
    /// What became of it when it was placed.
    pub outcome: Outcome,
    /// Reserve after it.
    pub reserve: ReserveState,
    /// May everyone see the amount? Never while it leads with a hidden one (rules.md B2.7).
    pub shown: bool,
    /// The maximum that stands in the place of its amount since the reserve was lowered (B3.4).
    pub cut: Option<Box<Cut>>,
    /// Why it is void.
    pub void: Option<RetractionReason>,
}

/// A cut maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Seq of its event.
    pub seq: u64,
    /// The maximum and its salt.
    pub to: HiddenAmount,
}

/// An addition to the description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// When.
    pub time: Timestamp,
    /// What.
    pub text: Box<str>,
}

/// A lowered reserve, for the refold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowering {
    /// Seq of its event.
    pub seq: u64,
    /// R before.
    pub reserve_before: Minor,
    /// R after.
    pub reserve: Minor,
    /// Which bid was cut to what.
    pub cut: Option<(u32, Minor)>,
}

/// A second-chance offer and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// As it was made.
    pub made: OfferMade,
    /// None: open.
    pub ending: Option<OfferEnding>,
}

/// Somebody with an accepted bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bidder {
    /// Who it is.
    pub user: Id<kind::User>,
    /// Index of the bid that holds the live maximum (rules.md B2.2); none when all are void.
    pub live: Option<u32>,
}

impl Lot {
    /// A lot as its first event leaves it.
    pub fn new(place: &Place, listing: Listing, phase: Phase) -> Self {
        Self {
            ends_at: listing.scheduled_end,
            phase,
            price: None,
            leading: None,
            buy_now_open: listing.buy_now.is_some(),
            deleted: false,
            reserve_seq: place.seq,
            listing,
            bids: Vec::new(),
            void_bids: 0,
            bidders: Vec::new(),
            awards: Vec::new(),
            additions: Vec::new(),
            lowerings: Vec::new(),
            blocked: Vec::new(),
            offers: Vec::new(),
            pictures: Vec::new(),
            outages: Vec::new(),
            heads: vec![place.head],
            by_user: Vec::new(),
            by_command: BTreeMap::new(),
            overtaken: Overtaken::default(),
        }
    }

    /// The leading bid.
    pub fn leading_bid(&self) -> Option<&Bid> {
        self.bid(self.leading?)
    }

    /// The bid with that index.
    pub fn bid(&self, index: u32) -> Option<&Bid> {
        self.bids.get(usize::try_from(index).ok()?)
    }

    /// Chain heads before and after the event `seq` (from 2: the first event is never a bid).
    pub fn heads_around(&self, seq: u64) -> Option<(&ChainHead, &ChainHead)> {
        let after = usize::try_from(seq).ok()?.checked_sub(1)?;
        Some((self.heads.get(after.checked_sub(1)?)?, self.heads.get(after)?))
    }

    /// The bidder with that index.
    pub fn bidder(&self, index: u32) -> Option<&Bidder> {
        self.bidders.get(usize::try_from(index).ok()?)
    }

    /// The index of a user who has bid.
    pub fn bidder_index(&self, user: Id<kind::User>) -> Option<u32> {
        let found = self.by_user.binary_search_by_key(&Some(user), |index| self.user(*index));
        self.by_user.get(found.ok()?).copied()
    }

    /// The bid that a bidder placed with that command.
    pub fn bid_of_command(&self, bidder: u32, command: CommandKey) -> Option<&Bid> {
        self.bid(*self.by_command.get(&(bidder, command))?)
    }

    /// All bids of a bidder, oldest first.
    pub fn bids_of(&self, bidder: u32) -> Vec<&Bid> {
        let first = (bidder, CommandKey::MIN);
        let own = self.by_command.range(first..=(bidder, CommandKey::MAX));
        let mut indexes: Vec<u32> = own.map(|(_, index)| *index).collect();
        indexes.sort_unstable();
        indexes.into_iter().filter_map(|index| self.bid(index)).collect()
    }

    /// The bid with that id and its index.
    pub fn bid_by_id(&self, id: Id<kind::Bid>) -> Option<(u32, &Bid)> {
        (0..).zip(&self.bids).find(|(_, bid)| bid.id == id)
    }

    /// Has the bidder bid once?
    pub fn has_one_bid(&self, bidder: u32) -> bool {
        let own = (bidder, CommandKey::MIN)..=(bidder, CommandKey::MAX);
        self.by_command.range(own).nth(1).is_none()
    }

    /// Bidders with a bid that stands.
    pub fn bidder_count(&self) -> usize {
        if self.void_bids == 0 {
            return self.bidders.len();
        }
        self.bidders.iter().filter(|bidder| bidder.live.is_some()).count()
    }

    /// Bids that are not void, with their indexes.
    pub fn standing_bids(&self) -> impl DoubleEndedIterator<Item = (u32, &Bid)> {
        let all = self.bids.iter().enumerate();
        let standing = all.filter(|(_, bid)| bid.void.is_none());
        standing.map(|(index, bid)| (u32::try_from(index).unwrap_or(u32::MAX), bid))
    }

    /// Each bidder's live bid.
    pub fn live_bids(&self) -> impl Iterator<Item = &Bid> {
        self.bidders.iter().filter_map(|bidder| self.bid(bidder.live?))
    }

    /// Accepted bids that stand.
    pub fn bid_count(&self) -> usize {
        self.bids.len().saturating_sub(usize::try_from(self.void_bids).unwrap_or(0))
    }

    /// Units that were bought before the end.
    pub fn filled(&self) -> u32 {
        self.standing_bids().map(|(_, bid)| bid.filled).sum()
    }

    /// Is the reserve met by the leader's maximum (rules.md B3.1)? Sealed bids say nothing before
    /// the end.
    pub fn reserve_state(&self) -> ReserveState {
        let reserve = self.listing.reserve_amount();
        if self.listing.format.rules().is_sealed() {
            return match reserve {
                None => ReserveState::None,
                Some(_) if self.awards.is_empty() => ReserveState::NotMet,
                Some(_) => ReserveState::Met,
            };
        }
        ReserveState::of(self.leading_bid().map(Bid::max), reserve)
    }

    /// What the next bid must be; nothing once it is over.
    pub(crate) fn asks(&self, now: Timestamp) -> Asks {
        match self.phase {
            Phase::Closed(_) => Asks::Nothing,
            Phase::Scheduled | Phase::Open => {
                self.listing.format.rules().asks(self, self.price, now)
            }
        }
    }

    /// The price that everyone sees.
    pub fn shown_price(&self, now: Timestamp) -> Option<Minor> {
        match self.phase {
            Phase::Closed(_) => self.price,
            Phase::Scheduled | Phase::Open => self.listing.format.rules().shown_price(self, now),
        }
    }

    /// The bid of another bidder that led before the newest one took the lead.
    pub(crate) fn overtaken(&self) -> Option<u32> {
        self.overtaken.0
    }

    /// Is the user kept from bidding?
    pub fn is_blocked(&self, user: Id<kind::User>) -> bool {
        self.blocked.binary_search(&user).is_ok()
    }

    /// The lapse of every open offer whose time is over.
    pub fn lapsing(&self, now: Timestamp) -> impl Iterator<Item = Event> {
        let open = (0..)
            .zip(&self.offers)
            .filter(move |(_, offer)| offer.ending.is_none() && now >= offer.made.expires_at);
        open.map(|(offer, _)| Event::OfferEnded { offer, ending: OfferEnding::Expired })
    }

    /// Checks indexes of a state from outside and rebuilds what snapshots leave out.
    pub fn revive(&mut self) -> Result<(), Misfit> {
        let holds = |index: u32, len: usize| usize::try_from(index).is_ok_and(|index| index < len);
        let holds_seq = |seq: u64, len: usize| usize::try_from(seq).is_ok_and(|seq| seq <= len);
        let leading = self.leading.is_none_or(|index| holds(index, self.bids.len()));
        let is_bid = |index: u32| holds(index, self.bids.len());
        let bidders = self.bidders.iter().all(|bidder| bidder.live.is_none_or(is_bid));
        let bids = self.bids.iter().all(|bid| holds(bid.bidder, self.bidders.len()));
        let places = self.bids.is_sorted_by_key(|bid| bid.seq)
            && self.bids.last().is_none_or(|last| holds_seq(last.seq, self.heads.len()));
        if !(leading && bidders && bids && places) {
            return Err(Misfit("bids and bidders do not fit each other"));
        }
        if self.phase == Phase::Scheduled && !self.bids.is_empty() {
            return Err(Misfit("there are bids before the start"));
        }
        if !self.pictures.is_sorted_by(|one, next| one.n < next.n) {
            return Err(Misfit("two pictures stand at one place"));
        }
        self.by_user = (0..).take(self.bidders.len()).collect();
        let users: Vec<_> = self.bidders.iter().map(|bidder| bidder.user).collect();
        self.by_user.sort_unstable_by_key(|index| users.get(usize::try_from(*index).unwrap_or(0)));
        self.by_command =
            self.bids.iter().zip(0..).map(|(bid, at)| ((bid.bidder, bid.command), at)).collect();
        if self.by_command.len() != self.bids.len() {
            return Err(Misfit("two bids of one bidder have the same command"));
        }
        Ok(())
    }

    fn user(&self, index: u32) -> Option<Id<kind::User>> {
        self.bidder(index).map(|bidder| bidder.user)
    }
}

impl Bid {
    /// The live maximum: the amount, unless it was cut.
    pub fn max(&self) -> Minor {
        self.cut.as_ref().map_or(self.amount, |cut| cut.to.amount)
    }

    /// The amount that everyone may see when they may: a clock's buyer showed no more than the
    /// price.
    pub fn shown_amount(&self) -> Minor {
        match self.why {
            Why::Clock => self.price.unwrap_or(self.amount),
            _ => self.max(),
        }
    }
}
