//! Where a record stands in the log, and how often the log lost what was not durable.

use std::fmt;

/// Place of a record in the log: batch id and byte offset, packed into 64 bits.
///
/// Positions are given out by [`append`](crate::Journal::append) in strictly increasing order and
/// are the order of the log. They are not dense, and a position whose record failed is not given
/// out again by the same process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first record: where a scan of the whole log starts.
    pub const START: Self = Self(0);

    /// The position as a number, for storing it elsewhere.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// The position that [`get`](Self::get) gave; any other number names no record and is
    /// reported as missing when read.
    #[must_use]
    pub fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// `batch` is below 2^40 and `offset` below 2^24; the row's limits guarantee both.
    pub(crate) fn new(batch: u64, offset: usize) -> Self {
        Self((batch << OFFSET_BITS) | (offset as u64 & OFFSET_MASK))
    }

    pub(crate) fn batch(self) -> u64 {
        self.0 >> OFFSET_BITS
    }

    pub(crate) fn offset(self) -> usize {
        (self.0 & OFFSET_MASK) as usize
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.batch(), self.offset())
    }
}

/// Counts the failures of a journal since it was opened.
///
/// A failed append loses every record that was not durable yet, so whatever was decided on top of
/// them is void too. An owner remembers the epoch under which it built its state; an append under
/// an older epoch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub(crate) u64);

impl Epoch {
    /// The number of failures so far, for logs and metrics.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

const OFFSET_BITS: u32 = 24;
const OFFSET_MASK: u64 = (1 << OFFSET_BITS) - 1;
