//! Warnings and errors of the log since the start, newest first.

use kernel::Timestamp;

use crate::telemetry::{Kept, Told};

/// The log on the page.
pub(super) struct Shown<'a> {
    pub(super) errors: u64,
    pub(super) warnings: u64,
    pub(super) lines: Vec<Line<'a>>,
}

/// One line of it.
pub(super) struct Line<'a> {
    pub(super) at: Timestamp,
    pub(super) told: &'a Told,
}

pub(super) fn shown(log: &Kept) -> Shown<'_> {
    let lines = log.told.iter().rev();
    let lines = lines.map(|told| Line { at: Timestamp::from_ms(told.at), told });
    Shown { errors: log.errors, warnings: log.warnings, lines: lines.collect() }
}
