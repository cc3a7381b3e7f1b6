//! The end of an auction (rules.md B3.3, B6): exclusive, moved by late bids, never by the closer.

use kernel::{Minor, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contract::{self, ReserveState};
use crate::event::{Award, Event};
use crate::lot::{Lot, Phase};

/// The soft close of an auction. Windows count in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftClose {
    /// How the end moves.
    pub mode: Movement,
    /// W: a bid with at most this much time left moves the end.
    pub window_seconds: u32,
    /// X.
    pub extension_seconds: u32,
    /// H: the end never moves beyond it.
    pub hard_stop_at: Option<Timestamp>,
}

/// How a late bid moves the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Movement {
    /// E = max(E, t + X).
    Reset,
    /// E = E + X.
    Add,
}

/// How an auction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Closing {
    /// By the rules of its format.
    Sold,
    /// Nobody bid.
    NoBids,
    /// B3.3: nobody owes anything.
    ReserveNotMet,
    /// B4.3: somebody took the Buy It Now price.
    BoughtNow,
    /// The seller called it off.
    Cancelled,
}

impl SoftClose {
    /// The end after a bid at `now` that changed leader or price; never before `end`.
    pub fn end_after(&self, end: Timestamp, now: Timestamp) -> Timestamp {
        if end.ms_since(now) > ms(self.window_seconds) {
            return end;
        }
        let moved = match self.mode {
            Movement::Reset => now.plus_ms(ms(self.extension_seconds)).max(end),
            Movement::Add => end.plus_ms(ms(self.extension_seconds)),
        };
        self.hard_stop_at.map_or(moved, |stop| moved.min(stop)).max(end)
    }
}

impl Closing {
    /// What the awards of a format mean for an auction with that many bids that stand.
    pub fn of(awards: &[Award], bids: usize) -> Self {
        match (awards, bids) {
            ([], 0) => Self::NoBids,
            ([], _) => Self::ReserveNotMet,
            _ => Self::Sold,
        }
    }

    /// The status of an auction that ended so.
    pub const fn status(self) -> contract::Status {
        match self {
            Self::Sold | Self::BoughtNow => contract::Status::Sold,
            Self::NoBids | Self::ReserveNotMet => contract::Status::Unsold,
            Self::Cancelled => contract::Status::Cancelled,
        }
    }

    /// The reason on the wire (api.md §3).
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Sold => None,
            Self::NoBids => Some("no_bids"),
            Self::ReserveNotMet => Some("reserve_not_met"),
            Self::BoughtNow => Some("bought_now"),
            Self::Cancelled => Some("cancelled_by_seller"),
        }
    }
}

/// What is due at an instant: the opening, the close, both when the platform comes very late, and
/// the lapse of offers.
pub fn due(lot: &Lot, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    if matches!(lot.phase, Phase::Closed(_)) {
        events.extend(lot.lapsing(now));
        return events;
    }
    let is_scheduled = lot.phase == Phase::Scheduled;
    if is_scheduled && now >= lot.listing.starts_at {
        events.push(Event::Opened(None));
    }
    // What has not opened does not close, whatever a log from outside says of its end.
    if now >= lot.ends_at && !(is_scheduled && events.is_empty()) {
        events.extend(end(lot));
    }
    events
}

/// The events of a regular end.
fn end(lot: &Lot) -> Vec<Event> {
    let rules = lot.listing.format.rules();
    let awards = rules.awards(lot);
    let closing = Closing::of(&awards, lot.standing_bids().count());
    let revealed = (rules.is_sealed() && closing != Closing::NoBids).then_some(Event::Revealed);
    revealed.into_iter().chain([Event::Closed { closing, awards }]).collect()
}

fn ms(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000
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
