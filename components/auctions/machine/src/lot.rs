//! The state of one auction: the listing, every accepted bid in order, and who stands where.
//!
//! All accepted bids are kept with amount, bidder, seq and time, so that a retraction can refold
//! them. Nothing here decides; `evolve` records what was decided.

use std::collections::BTreeMap;

use kernel::machine::CommandKey;
use kernel::{ChainHead, Id, Minor, Misfit, Place, Salt, Timestamp, kind};
use serde::{Deserialize, Serialize};

use crate::close::Closing;
use crate::contract::ReserveState;
use crate::event::{BidPlaced, Event, Listing, Shape};
use crate::proxy::{self, Why};

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
    /// Accepted bids, by seq.
    pub bids: Vec<Bid>,
    /// Bidders in order of their first accepted bid: index 0 is `bidder-1`.
    pub bidders: Vec<Bidder>,
    /// Chain head after every event, by seq from 1; receipts are made of them.
    pub heads: Vec<ChainHead>,
    /// Indexes into `bidders`, sorted by user.
    #[serde(skip)]
    by_user: Vec<u32>,
    /// Bids by bidder and command; the command ids of one bidder are one key space.
    #[serde(skip)]
    by_command: BTreeMap<(u32, CommandKey), u32>,
}

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
    pub price: Minor,
    /// Least next bid after it.
    pub next_minimum: Minor,
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
    /// Did it lead when it was placed?
    pub leading: bool,
    /// Reserve after it.
    pub reserve: ReserveState,
    /// May everyone see the amount? Never while it leads (rules.md B2.7).
    pub shown: bool,
}

/// Somebody with an accepted bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bidder {
    /// Who it is.
    pub user: Id<kind::User>,
    /// Index of the bid that holds the live maximum (rules.md B2.2).
    pub live: u32,
}

impl Lot {
    /// A lot as its first event leaves it.
    pub fn new(place: &Place, listing: Listing, phase: Phase) -> Self {
        Self {
            ends_at: listing.scheduled_end,
            listing,
            phase,
            price: None,
            leading: None,
            bids: Vec::new(),
            bidders: Vec::new(),
            heads: vec![place.head],
            by_user: Vec::new(),
            by_command: BTreeMap::new(),
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

    /// Is the reserve met by the leader's maximum (rules.md B3.1)?
    pub fn reserve_state(&self) -> ReserveState {
        ReserveState::of(self.leading_bid().map(|bid| bid.amount), self.listing.reserve_amount())
    }

    /// The least next bid, as far as an amount can say it (rules.md B2.1).
    pub fn next_minimum(&self) -> Minor {
        let least = proxy::minimum(&self.listing.ladder, self.listing.start_price, self.price);
        Minor::new(least).unwrap_or(Minor::MAX)
    }

    /// Records an event that follows.
    pub fn evolve(&mut self, place: &Place, event: &Event) {
        push_exact(&mut self.heads, place.head);
        match event {
            Event::Opened(None) => self.phase = Phase::Open,
            Event::BidPlaced(placed) => self.record_bid(place, placed),
            Event::Extended { new_end, .. } => self.ends_at = *new_end,
            Event::Closed(closing) => self.phase = Phase::Closed(*closing),
            // Only the first event of an auction carries a listing.
            Event::Scheduled(_) | Event::Opened(Some(_)) => {}
        }
    }

    /// Checks indexes of a state from outside and rebuilds what snapshots leave out.
    pub fn revive(&mut self) -> Result<(), Misfit> {
        let holds = |index: u32, len: usize| usize::try_from(index).is_ok_and(|index| index < len);
        let holds_seq = |seq: u64, len: usize| usize::try_from(seq).is_ok_and(|seq| seq <= len);
        let leading = self.leading.is_none_or(|index| holds(index, self.bids.len()));
        let bidders = self.bidders.iter().all(|bidder| holds(bidder.live, self.bids.len()));
        let bids = self.bids.iter().all(|bid| holds(bid.bidder, self.bidders.len()));
        let places = self.bids.is_sorted_by_key(|bid| bid.seq)
            && self.bids.last().is_none_or(|last| holds_seq(last.seq, self.heads.len()));
        if !(leading && bidders && bids && places) {
            return Err(Misfit("bids and bidders do not fit each other"));
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

    fn record_bid(&mut self, place: &Place, placed: &BidPlaced) {
        let Ok(index) = u32::try_from(self.bids.len()) else { return };
        let bidder = self.admit(placed.bidder, index);
        if placed.leading {
            self.show_beaten(bidder);
            self.leading = Some(index);
        }
        self.price = Some(placed.price);
        self.ends_at = placed.ends_at;
        self.by_command.insert((bidder, placed.command), index);
        let bid = Bid {
            id: placed.bid_id,
            amount: placed.amount,
            seq: place.seq,
            time: place.time,
            price: placed.price,
            next_minimum: placed.next_minimum,
            ends_at: placed.ends_at,
            why: placed.why,
            salt: placed.salt,
            command: placed.command,
            bidder,
            shape: placed.shape,
            leading: placed.leading,
            reserve: placed.reserve,
            shown: !placed.leading,
        };
        push_exact(&mut self.bids, bid);
    }

    /// The bidder's index, a new one for a first bid; the new bid becomes its live maximum.
    fn admit(&mut self, user: Id<kind::User>, bid: u32) -> u32 {
        if let Some(index) = self.bidder_index(user) {
            if let Some(bidder) =
                usize::try_from(index).ok().and_then(|index| self.bidders.get_mut(index))
            {
                bidder.live = bid;
            }
            return index;
        }
        let index = u32::try_from(self.bidders.len()).unwrap_or(u32::MAX);
        let at = self.by_user.partition_point(|known| self.user(*known) < Some(user));
        self.by_user.insert(at, index);
        self.bidders.push(Bidder { user, live: bid });
        index
    }

    /// A maximum that another bidder beats becomes visible (rules.md B2.7).
    fn show_beaten(&mut self, by: u32) {
        let leading = self.leading.and_then(|index| usize::try_from(index).ok());
        if let Some(bid) = leading.and_then(|index| self.bids.get_mut(index))
            && bid.bidder != by
        {
            bid.shown = true;
        }
    }
}

impl ReserveState {
    /// From the leader's maximum and R.
    pub fn of(leader_max: Option<Minor>, reserve: Option<Minor>) -> Self {
        match reserve {
            None => Self::None,
            Some(reserve) if leader_max.is_some_and(|max| max >= reserve) => Self::Met,
            Some(_) => Self::NotMet,
        }
    }
}

/// Grows by half: doubling would leave much of the room of many small auctions empty.
fn push_exact<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 2).max(ROOM_MIN));
    }
    list.push(item);
}

const ROOM_MIN: usize = 4;
