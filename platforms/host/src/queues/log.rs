//! The log of the front: what happened to its messages, one row for each transaction.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::Event;
use super::rows::{self, Lease, Row};

/// Something that happened.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Entry<'a> {
    /// A message came.
    Came {
        /// Its place, among the rows of the table too.
        seq: i64,
        /// Its queue.
        queue: i64,
        /// When.
        at: i64,
        /// The message.
        #[serde(borrow)]
        message: Message<'a>,
    },
    /// Messages were taken.
    Taken {
        /// Their places.
        seqs: Vec<i64>,
        /// Names the taking.
        lease: i64,
        /// When.
        at: i64,
        /// How long they are hidden.
        until: i64,
    },
    /// Messages were acknowledged, or are rows of the table by now.
    Gone(Vec<i64>),
}

/// An event that belongs to somebody else.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message<'a> {
    id: &'a str,
    source: &'a str,
    topic: &'a str,
    key: &'a str,
    time: i64,
    #[serde(serialize_with = "whole")]
    body: &'a [u8],
}

impl<'a> From<&'a Event> for Message<'a> {
    fn from(event: &'a Event) -> Self {
        let Event { id, source, topic, key, time, body } = event;
        Self { id, source, topic, key, time: *time, body }
    }
}

impl From<Message<'_>> for Event {
    fn from(message: Message<'_>) -> Self {
        Self {
            id: message.id.to_owned(),
            source: message.source.to_owned(),
            topic: message.topic.to_owned(),
            key: message.key.to_owned(),
            time: message.time,
            body: message.body.to_vec(),
        }
    }
}

impl Entry<'_> {
    /// Adds it to what a row will have.
    pub(super) fn write(&self, row: Vec<u8>) -> rusqlite::Result<Vec<u8>> {
        postcard::to_extend(self, row).map_err(unreadable)
    }
}

/// Bytes in one piece rather than as a list of numbers.
fn whole<S: serde::Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_bytes(bytes)
}

/// Adds a row.
pub(super) fn append(file: &Connection, number: i64, row: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO front (number, entries) VALUES (?1, ?2)";
    file.prepare_cached(sql)?.execute(params![number, row]).map(|_| ())
}

/// Deletes the rows before that one.
pub(super) fn forget(file: &Connection, before: i64) -> rusqlite::Result<()> {
    file.prepare_cached("DELETE FROM front WHERE number < ?1")?.execute([before]).map(|_| ())
}

/// Makes rows of the table of all that the log has, in their order, and empties the log.
pub(super) fn fold(file: &Connection) -> rusqlite::Result<()> {
    let mut living = BTreeMap::new();
    let mut select = file.prepare("SELECT entries FROM front ORDER BY number")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let mut entries = row.get_ref(0)?.as_blob().map_err(unreadable)?;
        while !entries.is_empty() {
            let (entry, rest) = postcard::take_from_bytes(entries).map_err(unreadable)?;
            entries = rest;
            replay(entry, &mut living);
        }
    }
    for (seq, (queue, row, event)) in living {
        rows::insert(file, seq, queue, &event, row)?;
    }
    file.execute("DELETE FROM front", []).map(|_| ())
}

fn replay(entry: Entry<'_>, living: &mut BTreeMap<i64, (i64, Row, Event)>) {
    match entry {
        Entry::Came { seq, queue, at, message } => {
            living.insert(seq, (queue, Row { pushed_at: at, taken: None }, message.into()));
        }
        Entry::Taken { seqs, lease, at, until } => {
            for seq in seqs {
                if let Some((_, row, _)) = living.get_mut(&seq) {
                    row.taken = Some(Lease { lease, at, until });
                }
            }
        }
        Entry::Gone(seqs) => seqs.iter().for_each(|seq| {
            living.remove(seq);
        }),
    }
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
