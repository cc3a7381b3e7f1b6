//! The hash chain of one entity's log: seqs without a gap, `SHA-256(prev || public)`.

use journal::Event;
use sha2::{Digest as _, Sha256};

use crate::engine::hex;
use crate::machines::Difference;

/// Where a chain stands.
pub(crate) struct Chain {
    /// Seq of the newest event, 0 before the first.
    pub(crate) seq: u64,
    /// Head after it.
    pub(crate) head: [u8; 32],
}

impl Chain {
    /// The chain of an entity without history.
    pub(crate) fn genesis(key: &str) -> Self {
        Self { seq: 0, head: Sha256::digest(key.as_bytes()).into() }
    }

    /// Goes one event further; an event that does not follow leaves the chain as it was.
    pub(crate) fn follow(&mut self, event: &Event) -> Result<(), Difference> {
        let next = self.seq.saturating_add(1);
        let broken = |what: String| Err(Difference { seq: next, what });
        if event.seq != next {
            return broken(format!("it says that it is seq {}", event.seq));
        }
        if event.prev != self.head {
            return broken("prev is not the head before it".to_owned());
        }
        let hash = Sha256::new().chain_update(event.prev).chain_update(&event.public);
        let head: [u8; 32] = hash.finalize().into();
        if head != event.head {
            let (said, is) = (hex(&event.head), hex(&head));
            return broken(format!("its public text has the head {is}, not {said}"));
        }
        *self = Self { seq: event.seq, head };
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_event_follows_by_seq_prev_and_head_or_not_at_all() {
        let genesis = Chain::genesis("e_1").head;
        let head = Sha256::new().chain_update(genesis).chain_update(b"{}").finalize().into();
        let first = Event { seq: 1, prev: genesis, head, public: b"{}".to_vec(), fact: vec![] };
        let wrong = [
            (Event { seq: 2, ..first.clone() }, "seq 1: it says that it is seq 2"),
            (Event { prev: head, ..first.clone() }, "seq 1: prev is not the head before it"),
            (Event { public: b"{1".to_vec(), ..first.clone() }, "seq 1: its public text has the"),
            (Event { head: genesis, ..first.clone() }, "seq 1: its public text has the head"),
        ];
        let mut chain = Chain::genesis("e_1");
        for (event, why) in wrong {
            let said = chain.follow(&event).unwrap_err().to_string();
            assert!(said.starts_with(why), "{said}");
        }
        chain.follow(&first).unwrap();
        assert_eq!((chain.seq, chain.head), (1, head));
        assert_eq!(
            chain.follow(&first).unwrap_err().to_string(),
            "seq 2: it says that it is seq 1"
        );
    }
}
