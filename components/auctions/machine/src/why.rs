//! The rule that set a price, with the numbers that it used. `explain.rs` says it in words.

use kernel::Minor;
use serde::{Deserialize, Serialize};

/// The rule behind the price after a bid. New variants go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// B2.4: the first bid stands at the start price.
    FirstBid,
    /// B2.4: one step above the beaten maximum.
    Step {
        /// m2.
        beaten: Minor,
        /// inc(m2).
        step: Minor,
    },
    /// B2.4: the leader's maximum, which is less than a step above the beaten one.
    Capped {
        /// m2.
        beaten: Minor,
    },
    /// B2.3: equal maxima, the earlier leads.
    Tie,
    /// B2.5: the leader's own raise moves nothing.
    OwnRaise,
    /// B3.2: the leader's maximum meets the reserve.
    Reserve,
    /// B4.3: the Buy It Now price ends the auction.
    BoughtNow,
    /// B8, open outcry: the amount is the price.
    Called,
    /// B8, dutch: the price of the clock at the instant of the bid.
    Clock,
    /// B8: sealed until the close.
    Sealed,
    /// B8, reverse: the ask is the price.
    Ask,
}
