//! The end of an auction (rules.md B3.3, B6): exclusive, moved by late bids, never by the closer.

use kernel::{Minor, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contract;

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
    /// The leader bought.
    Sold,
    /// Nobody bid.
    NoBids,
    /// B3.3: the leader owes nothing.
    ReserveNotMet,
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
    /// B3.3: sold to the leader unless the reserve stands above its maximum.
    pub fn of(leader_max: Option<Minor>, reserve: Option<Minor>) -> Self {
        match (leader_max, reserve) {
            (None, _) => Self::NoBids,
            (Some(max), Some(reserve)) if max < reserve => Self::ReserveNotMet,
            (Some(_), _) => Self::Sold,
        }
    }

    /// The status of an auction that ended so.
    pub const fn status(self) -> contract::Status {
        match self {
            Self::Sold => contract::Status::Sold,
            Self::NoBids | Self::ReserveNotMet => contract::Status::Unsold,
        }
    }

    /// Why it was not sold (api.md §3).
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Sold => None,
            Self::NoBids => Some("no_bids"),
            Self::ReserveNotMet => Some("reserve_not_met"),
        }
    }
}

fn ms(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000
}
