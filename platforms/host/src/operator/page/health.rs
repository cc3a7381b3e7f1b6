//! Is it up, is it ready, what is it, how much room does it have.

use kernel::Timestamp;

use super::Row;
use super::words::{age, bytes};
use crate::data::Room;
use crate::operator::health::{About, Readiness};

/// The process and its surroundings.
pub(in crate::operator) struct Condition<'a> {
    /// What was started.
    pub(in crate::operator) about: &'a About,
    /// Does it take commands?
    pub(in crate::operator) readiness: Readiness,
    /// Bytes of memory.
    pub(in crate::operator) memory: Option<u64>,
    /// The data directory.
    pub(in crate::operator) room: Room,
}

impl Condition<'_> {
    pub(super) fn is_ready(&self) -> bool {
        self.readiness == Readiness::Ready
    }

    /// Ready or not, and why.
    pub(super) fn told(&self) -> &'static str {
        match self.readiness {
            Readiness::Ready => "Ready: it takes commands.",
            Readiness::Draining => "Not ready: it was told to stop and finishes what is under way.",
            Readiness::Unwritable => {
                "Not ready: the journal refuses to be written. It is tried again all the time; is \
                 the disk full?"
            }
        }
    }

    pub(super) fn rows(&self, now: i64) -> Vec<Row> {
        let About { started_at, composition, machines, .. } = self.about;
        let (since, up) = (Timestamp::from_ms(*started_at), age(now.saturating_sub(*started_at)));
        let journal = match self.readiness {
            Readiness::Unwritable => "refuses to be written",
            Readiness::Ready | Readiness::Draining => "open",
        };
        let Room { journal: journal_bytes, rest, free } = self.room;
        let data = format!("journal {}, all else {}", bytes(journal_bytes), bytes(rest));
        let mut rows = vec![
            Row::new("Up since", format!("{since}, {up}")),
            Row::new("Composition", composition),
            Row::new("Journal", journal),
            Row::new("Memory", bytes(self.memory)),
            Row::new("Data directory", data),
            Row::new("Left on its disk", bytes(free)),
        ];
        let digest = |(name, digest): &(String, String)| {
            Row::new(format!("Machine {name}"), format!("SHA-256 {digest}"))
        };
        rows.extend(machines.iter().map(digest));
        rows
    }
}
