//! What can have happened to an auction, hidden values included. What everyone may see of it is
//! in `public.rs`.

use core::fmt;

use kernel::machine::CommandKey;
use kernel::{Currency, Digest, Id, Minor, Money, Salt, Timestamp, kind};
use serde::{Deserialize, Serialize};

use crate::close::{Closing, SoftClose};
use crate::contract::ReserveState;
use crate::ladder::Ladder;
use crate::proxy::Why;

/// A fact. Events carry what was decided, so that recording them needs no rule.
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
    Closed(Closing),
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
    /// Currency of every amount.
    pub currency: Currency,
    /// S.
    pub start_price: Minor,
    /// R, hidden.
    pub reserve: Option<HiddenAmount>,
    /// Increments.
    pub ladder: Ladder,
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
    /// The bidder's maximum.
    pub amount: Minor,
    /// Salt of the commitment; none when the amount is public at once.
    pub salt: Option<Salt>,
    /// The command.
    pub command: CommandKey,
    /// The members of the command beside its amount.
    pub shape: Shape,
    /// Price after the bid.
    pub price: Minor,
    /// Least next bid after the bid.
    pub next_minimum: Minor,
    /// Does the bid lead?
    pub leading: bool,
    /// Reserve after the bid.
    pub reserve: ReserveState,
    /// The end after the bid.
    pub ends_at: Timestamp,
    /// The rule that set the price.
    pub why: Why,
}

/// Which optional members a bid command had; with amount and currency it tells a retry from
/// another body under the same command id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// `quantity` was given (it can only be 1).
    pub quantity: bool,
    /// `min_quantity` was given (it can only be 1).
    pub min_quantity: bool,
    /// `confirm` as given.
    pub confirm: Option<bool>,
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
