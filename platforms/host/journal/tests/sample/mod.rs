//! Records to write, and what a log holds.

#![allow(dead_code, reason = "every test file is a crate of its own and uses what it needs")]

use journal::{Effect, EntityKey, Envelope, Event, Journal, JournalError, Position, Record, Wake};

/// A record of a usual size that says who wrote it and which of his it is.
pub(crate) fn record(writer: u64, number: u64) -> Record {
    Record {
        entity: EntityKey { machine: "auction".into(), key: format!("auc_{writer}") },
        envelope: Envelope {
            command_id: format!("{writer}:{number}"),
            principal: Some(format!("usr_{writer}")),
            now: 1_767_225_600_000 + i64::try_from(number).unwrap(),
            seed: [7; 32],
            body: br#"{"amount":"12.50","command":"place_bid"}"#.to_vec(),
        },
        events: vec![Event {
            seq: number + 1,
            prev: [1; 32],
            head: [2; 32],
            public: vec![b'p'; 200 + usize::try_from(number % 50).unwrap()],
            fact: vec![3; 120],
        }],
        reply: Some(b"{\"accepted\":true}".to_vec()),
        effects: vec![Effect::Send {
            topic: "bid.placed".into(),
            key: format!("auc_{writer}"),
            body: b"{}".to_vec(),
        }],
        wake: Some(Wake { at: 1_767_225_700_000, reason: "close".into() }),
    }
}

/// The small record used where every byte is tried.
pub(crate) fn small(number: u64) -> Record {
    Record { events: vec![], reply: None, effects: vec![], wake: None, ..record(1, number) }
}

/// Everything in the log.
pub(crate) fn all(journal: &Journal) -> Result<Vec<(Position, Record)>, JournalError> {
    let mut found = Vec::new();
    journal.scan(Position::START, |at, record| {
        found.push((at, record));
        Ok::<_, JournalError>(())
    })?;
    Ok(found)
}

/// Appends and waits.
pub(crate) fn put(journal: &Journal, record: Record) -> Result<Position, JournalError> {
    let position = journal.append(journal.epoch(), record)?;
    journal.wait_blocking(position)?;
    Ok(position)
}
