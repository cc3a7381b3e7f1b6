//! What must hold, by the names of the reliability design, and what it looks like when it does not.

/// A promise of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A bid that was acknowledged is in the log, whatever happens.
    I1,
    /// No command has its effect twice.
    I2,
    /// The price never falls, and what is shown is what the log says at that place.
    I3,
    /// One order: what was acknowledged before a command was sent comes before it, and time in
    /// the log never goes back.
    I4,
    /// Exactly one result, the same wherever it is shown.
    I5,
    /// No bid is accepted at or after the end, none is refused as late before the close, and the
    /// end never moves back.
    I6,
    /// An open auction has a pending wake and closes soon after its end or the restart.
    I7,
    /// The same command gives the same answer, another body under its id a refusal.
    I10,
    /// Seqs start at 1 and have no gap and no repeat.
    I12,
    /// Pages of events are the log.
    I13,
    /// Nothing is said before it is durable.
    I15,
    /// Who was answered sees it in the next answer.
    I16,
    /// Every message arrives at least once.
    I17,
    /// A message is part of the record that caused it: none without its record.
    I18,
    /// What was durable survives, and a log that was torn still opens.
    I26,
    /// After the faults the platform works again.
    I27,
    /// The log is a hash chain, gives the same bytes when its commands are decided again, and the
    /// same state from snapshot and tail as from its beginning.
    I30,
    /// The price is what a naive model of rules.md B2, B3 and B6 says.
    Model,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Fails with the invariant unless it holds.
pub(crate) fn holds(
    invariant: Invariant,
    condition: bool,
    what: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if condition { Ok(()) } else { Err(Violation::new(invariant, what())) }
}
