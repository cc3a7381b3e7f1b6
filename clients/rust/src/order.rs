//! The order of events: each number once, none left out, or it is said aloud.

/// How far the stream was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Of the numbers.
    pub epoch: String,
    /// The last number that was seen.
    pub seq: u64,
}

/// What is wrong with the order of a stream. Whoever sees one must not go on with what it has: the
/// connection is cut, and the next one asks for what is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// Events are missing.
    #[error("event {got} came where {expected} was due")]
    Missing {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        got: u64,
    },
    /// The server went on from elsewhere than it was asked to.
    #[error("the server resumed after {got}, not where it was asked to: {asked:?}")]
    Elsewhere {
        /// The number that was asked for; none where nothing was.
        asked: Option<u64>,
        /// Where the server went on.
        got: u64,
    },
    /// A snapshot is older than what was seen, in the same epoch.
    #[error("a snapshot at {got} after event {seen} was seen")]
    Backwards {
        /// The last number that was seen.
        seen: u64,
        /// The number of the snapshot.
        got: u64,
    },
    /// An event before the first hello.
    #[error("event {got} came before hello")]
    BeforeHello {
        /// Its number.
        got: u64,
    },
}

/// What an event's number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is the next one.
    Next,
    /// It was seen before.
    Repeated,
}

/// Follows the numbers of one auction, over any count of connections.
#[derive(Debug, Clone, Default)]
pub struct Order {
    position: Option<Position>,
}

impl Order {
    /// From where somebody stopped.
    pub fn from(position: Option<Position>) -> Self {
        Self { position }
    }

    /// What to ask the server to go on after.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// A connection begins.
    pub fn hello(&mut self, epoch: &str, seq: u64, resumed: bool) -> Result<(), Gap> {
        let known = self.position.as_ref().filter(|position| position.epoch == epoch);
        let seen = known.map(|position| position.seq);
        if resumed && seen != Some(seq) {
            return Err(Gap::Elsewhere { asked: seen, got: seq });
        }
        if let Some(seen) = seen.filter(|seen| *seen > seq) {
            return Err(Gap::Backwards { seen, got: seq });
        }
        self.position = Some(Position { epoch: epoch.to_owned(), seq });
        Ok(())
    }

    /// An event came.
    pub fn event(&mut self, seq: u64) -> Result<Step, Gap> {
        let Some(position) = &mut self.position else { return Err(Gap::BeforeHello { got: seq }) };
        let expected = position.seq + 1;
        if seq > expected {
            return Err(Gap::Missing { expected, got: seq });
        }
        if seq < expected {
            return Ok(Step::Repeated);
        }
        position.seq = seq;
        Ok(Step::Next)
    }

    /// History was rewritten: the numbers mean nothing any more.
    pub fn forget(&mut self) {
        self.position = None;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(seq: u64) -> Order {
        Order::from(Some(Position { epoch: "e".to_owned(), seq }))
    }

    #[test]
    fn the_next_number_is_taken_and_an_old_one_passed_over() {
        let mut order = Order::default();
        order.hello("e", 7, false).unwrap();
        assert_eq!(order.event(8), Ok(Step::Next));
        assert_eq!(order.event(8), Ok(Step::Repeated));
        assert_eq!(order.event(3), Ok(Step::Repeated));
        assert_eq!(order.event(9), Ok(Step::Next));
        assert_eq!(order.position().unwrap().seq, 9);
    }

    #[test]
    fn a_number_too_far_is_a_gap_and_moves_nothing() {
        let mut order = at(7);
        assert_eq!(order.event(9), Err(Gap::Missing { expected: 8, got: 9 }));
        assert_eq!(order.event(8), Ok(Step::Next));
        assert_eq!(Order::default().event(1), Err(Gap::BeforeHello { got: 1 }));
    }

    #[test]
    fn a_resumed_stream_goes_on_where_it_was_asked_to() {
        assert_eq!(at(7).hello("e", 7, true), Ok(()));
        let elsewhere = Gap::Elsewhere { asked: Some(7), got: 8 };
        assert_eq!(at(7).hello("e", 8, true), Err(elsewhere));
        let unasked = Gap::Elsewhere { asked: None, got: 8 };
        assert_eq!(Order::default().hello("e", 8, true), Err(unasked));
    }

    #[test]
    fn a_snapshot_may_skip_forward_never_back() {
        let mut order = at(7);
        order.hello("e", 2_000, false).unwrap();
        assert_eq!(order.event(2_001), Ok(Step::Next));
        let backwards = Gap::Backwards { seen: 2_001, got: 9 };
        assert_eq!(order.hello("e", 9, false), Err(backwards));
        // Another epoch is another history.
        order.hello("f", 9, false).unwrap();
        assert_eq!(order.event(10), Ok(Step::Next));
    }
}
