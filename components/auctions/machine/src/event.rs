//! What can have happened to an auction, hidden values included. What everyone may see of it is
//! in `public.rs`.

use core::fmt;

use kernel::machine::CommandKey;
use kernel::{Currency, Digest, Id, Minor, Money, Salt, Timestamp, kind};
use serde::{Deserialize, Serialize};

use crate::close::{Closing, SoftClose};
use crate::contract::{Outcome, ReserveState, RetractionReason};
use crate::formats::Format;
use crate::ladder::Ladder;
use crate::outages::Outage;
use crate::pictures::Picture;
use crate::why::Why;

/// A fact. Events carry what was decided, so that recording them needs no rule. New variants go to
/// the end: the order is part of the encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Listed, starts later.
    Scheduled(Box<Listing>),
    /// Takes bids. The listing comes with it unless it was scheduled before.
    Opened(Option<Box<Listing>>),
    /// A bid was accepted.
    BidPlaced(BidPlaced),
    /// A late bid moved the end (rules.md B6).
    Extended {
        /// The end before.
        old_end: Timestamp,
        /// The end now.
        new_end: Timestamp,
        /// Seq of the bid.
        cause_seq: u64,
    },
    /// It is over.
    Closed {
        /// How.
        closing: Closing,
        /// Who gets what, best first.
        awards: Vec<Award>,
    },
    /// Other terms, before the first bid.
    Changed(Box<Listing>),
    /// The seller added to the description.
    DescriptionAdded(Box<str>),
    /// Bids became void (B5).
    Retracted(Retracted),
    /// The reserve is lower (B3.4).
    ReserveLowered(HiddenAmount),
    /// The leader's maximum was cut below the lowered reserve (B3.4).
    MaxLowered {
        /// Index of the leading bid.
        bid: u32,
        /// The maximum that stands in its place.
        to: HiddenAmount,
    },
    /// Sealed bids were opened.
    Revealed,
    /// The seller called it off.
    Cancelled {
        /// What bidders are told.
        reason: Box<str>,
        /// The listing is gone, not only over.
        deleted: bool,
    },
    /// The seller keeps somebody from bidding, or no longer.
    Blocked {
        /// Who.
        user: Id<kind::User>,
        /// False: may bid again.
        blocked: bool,
    },
    /// A second-chance offer was made (B7).
    OfferMade(OfferMade),
    /// An offer is no longer open.
    OfferEnded {
        /// Index of the offer.
        offer: u32,
        /// How.
        ending: OfferEnding,
    },
    /// Other pictures: all that stand from now on, by their places.
    PicturesChanged(Vec<Picture>),
    /// The platform was away; what moves the end because of it follows.
    OutageDeclared(Outage),
}

/// Accepted terms, pinned for the auction's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The command that listed it.
    pub command: CommandKey,
    /// SHA-256 of the canonical terms as asked for, to tell a retry from another body.
    pub asked: Digest,
    /// Who sells.
    pub seller: Id<kind::User>,
    /// Title.
    pub title: Box<str>,
    /// Description.
    pub description: Box<str>,
    /// Category.
    pub category: Box<str>,
    /// Which rules, with their own numbers.
    pub format: Format,
    /// Currency of every amount.
    pub currency: Currency,
    /// S.
    pub start_price: Minor,
    /// R, hidden.
    pub reserve: Option<HiddenAmount>,
    /// B.
    pub buy_now: Option<Minor>,
    /// Units.
    pub quantity: u32,
    /// Increments; none where bids do not go up in steps.
    pub ladder: Option<Ladder>,
    /// None: hard close.
    pub soft_close: Option<SoftClose>,
    /// Retraction policy.
    pub retraction: Retraction,
    /// Start.
    pub starts_at: Timestamp,
    /// The end before any extension.
    pub scheduled_end: Timestamp,
}

/// An amount behind a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenAmount {
    /// Minor units.
    pub amount: Minor,
    /// Salt of the commitment.
    pub salt: Salt,
}

/// Retraction policy (rules.md B5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retraction {
    /// Bids bind.
    None,
    /// eBay's windows.
    Ebay,
    /// Until that many hours before the end.
    Until(u16),
}

/// An accepted bid and what it led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidPlaced {
    /// The bid.
    pub bid_id: Id<kind::Bid>,
    /// Who bid.
    pub bidder: Id<kind::User>,
    /// The bidder's maximum, price, ask or unit price.
    pub amount: Minor,
    /// Salt of the commitment; none when the amount is public at once.
    pub salt: Option<Salt>,
    /// The command.
    pub command: CommandKey,
    /// The members of the command beside its amount.
    pub shape: Shape,
    /// Units that the bid bought at once; none where the end decides.
    pub filled: u32,
    /// Price after the bid.
    pub price: Option<Minor>,
    /// Least next bid after the bid; highest next ask in `reverse`.
    pub next: Option<Minor>,
    /// What became of the bid.
    pub outcome: Outcome,
    /// Reserve after the bid.
    pub reserve: ReserveState,
    /// The end after the bid.
    pub ends_at: Timestamp,
    /// The rule that set the price.
    pub why: Why,
}

/// The optional members of a bid command; with amount and currency they tell a retry from another
/// body under the same command id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// `quantity` as given.
    pub quantity: Option<u32>,
    /// `min_quantity` as given.
    pub min_quantity: Option<u32>,
    /// `confirm` as given.
    pub confirm: Option<bool>,
}

/// What somebody gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// Index of the bidder.
    pub bidder: u32,
    /// Units.
    pub quantity: u32,
    /// Price of a unit.
    pub unit_price: Minor,
}

/// Bids that became void and what stands without them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retracted {
    /// Index of the bidder.
    pub bidder: u32,
    /// Indexes of the bids, ascending.
    pub bids: Vec<u32>,
    /// Why.
    pub reason: RetractionReason,
    /// Price after it.
    pub price: Option<Minor>,
    /// Index of the leading bid after it.
    pub leading: Option<u32>,
    /// Least next bid after it; highest next ask in `reverse`.
    pub next: Option<Minor>,
    /// Reserve after it.
    pub reserve: ReserveState,
}

/// A second-chance offer as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferMade {
    /// The offer.
    pub id: Id<kind::Offer>,
    /// The command.
    pub command: CommandKey,
    /// Index of the bidder.
    pub bidder: u32,
    /// What a unit would cost.
    pub price: Minor,
    /// How many days it stays open.
    pub days: u8,
    /// When it lapses.
    pub expires_at: Timestamp,
}

/// How an offer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferEnding {
    /// A binding order.
    Accepted,
    /// Turned down.
    Declined,
    /// Not answered in time.
    Expired,
}

impl Listing {
    /// An amount in the auction's currency.
    pub const fn money(&self, amount: Minor) -> Money {
        Money::new(amount, self.currency)
    }

    /// R.
    pub fn reserve_amount(&self) -> Option<Minor> {
        self.reserve.map(|reserve| reserve.amount)
    }

    /// inc(p); the largest amount where there is no ladder.
    pub fn step_at(&self, price: Minor) -> Minor {
        self.ladder.as_ref().map_or(Minor::MAX, |ladder| ladder.step_at(price))
    }
}

impl HiddenAmount {
    /// The public commitment: SHA-256(salt || canonical money) (api.md §5).
    pub fn commitment(&self, currency: Currency) -> Digest {
        self.salt.commit(&Money::new(self.amount, currency))
    }
}

impl Retraction {
    /// `none`, `ebay` or `until(h)`, h in hours.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "ebay" => Some(Self::Ebay),
            _ => {
                let hours = text.strip_prefix("until(")?.strip_suffix(')')?;
                let plain = hours.bytes().all(|digit| digit.is_ascii_digit());
                let hours = hours.parse().ok().filter(|hours| plain && *hours <= HOURS_MAX)?;
                Some(Self::Until(hours))
            }
        }
    }
}

impl fmt::Display for Retraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Ebay => f.write_str("ebay"),
            Self::Until(hours) => write!(f, "until({hours})"),
        }
    }
}

/// The longest run of an auction, 90 days.
const HOURS_MAX: u16 = 90 * 24;
