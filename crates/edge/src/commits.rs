//! Commands as they came, beside the events that they led to: the log of an entity can be taken
//! elsewhere and decided again there (docs/guide/archive.md).

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use archive::{ArchiveError, Body, Commit, Effect, Envelope, Event, Next, Reader, Wake};
use kernel::{Decision, Digest, Timestamp};
use ports::Value;
use serde::Serialize;

use crate::cells::Cells;
use crate::edge::Edge;
use crate::log::{self, Address};
use crate::machines::{Hosted, Machines};
use crate::operate::{Refusal, not_found, refusal, unavailable};
use crate::world::{Connection, StoreError, World};

/// What a command was, and what it led to beside events.
pub(crate) struct Kept {
    /// Its first event.
    seq: u64,
    /// How many there were.
    events: u64,
    envelope: Envelope,
    effects: Vec<Effect>,
    wake: Option<Wake>,
}

/// A part of a log.
#[derive(Serialize)]
struct Page {
    items: Vec<Commit>,
    next_cursor: Option<String>,
}

/// What came of a replay.
#[derive(Serialize)]
struct Replayed<'a> {
    machine: &'a str,
    key: &'a str,
    commits: u64,
    events: u64,
    head: Digest,
}

impl Kept {
    /// None for a command that led to nothing.
    pub(crate) fn of(
        command: &kernel::Envelope<'_>,
        decision: &Decision,
    ) -> Option<Result<Self, ArchiveError>> {
        let seq = decision.events.first()?.seq;
        let events = decision.events.len() as u64;
        Some(Envelope::of(command).map(|envelope| Self {
            seq,
            events,
            envelope,
            effects: decision.effects.iter().map(Effect::of).collect(),
            wake: decision.wake.as_ref().map(Wake::of),
        }))
    }
}

/// Keeps a command beside its events.
pub(crate) fn keep<C: Connection>(
    connection: &C,
    at: Address<'_>,
    kept: &Kept,
) -> Result<(), StoreError> {
    let Kept { seq, events, envelope, effects, wake } = kept;
    let Envelope { command_id, principal, now, seed, body } = envelope;
    let effects = serde_json::to_string(effects).map_err(|error| StoreError(error.to_string()))?;
    let body = body.bytes().map_err(|error| StoreError(error.0))?;
    let sql = "insert into edge_commits (machine, key, seq, events, command_id, principal, now, \
               seed, body, effects, wake_at, wake_reason) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let wake_at = wake.as_ref().map(|wake| wake.at);
    let wake_reason = wake.as_ref().map(|wake| wake.reason.as_str());
    let cells = [
        log::count(*seq),
        log::count(*events),
        command_id.as_str().into(),
        principal.as_deref().into(),
        (*now).into(),
        seed.as_bytes().to_vec().into(),
        body.into(),
        effects.into(),
        wake_at.into(),
        wake_reason.into(),
    ];
    connection.execute(sql, &at.with(cells)).map(drop)
}

impl<W: World> Edge<W> {
    /// A part of an entity's log, hidden values included, as JSON: whole commits whose first event
    /// comes after the cursor.
    pub fn archive(&self, machine: &str, key: &str, query: &str) -> Result<Vec<u8>, Refusal> {
        let after = match query {
            "" => 0,
            query => query
                .strip_prefix("cursor=")
                .and_then(|cursor| cursor.parse().ok())
                .ok_or_else(|| refusal(400, "invalid_cursor", "The query takes a cursor alone."))?,
        };
        let at = Address { machine, key };
        let page = self.store.read(|connection| page(connection, at, after, PAGE_COMMITS));
        let page = page.map_err(unavailable)?.ok_or_else(not_found)?;
        let page = page.map_err(|why| refusal(409, "invalid_state", &why))?;
        serde_json::to_vec(&page).map_err(|error| unavailable(StoreError(error.to_string())))
    }
}

/// None where there is no such entity; an error where not every command was kept.
fn page<C: Connection>(
    connection: &C,
    at: Address<'_>,
    after: u64,
    limit: usize,
) -> Result<Option<Result<Page, String>>, StoreError> {
    if log::row(connection, at)?.is_none() {
        return Ok(None);
    }
    let sql = "select seq, events, command_id, principal, now, seed, body, effects, wake_at, \
               wake_reason from edge_commits where machine = ?1 and key = ?2 and seq > ?3 \
               order by seq limit ?4";
    let more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let found = connection.execute(sql, &at.with([log::count(after), more.into()]))?;
    let mut kept = found.rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let beyond = (kept.len() > limit).then(|| kept.pop()).flatten().map(|kept| kept.seq);
    let (first, last) = (kept.first().map(|kept| kept.seq), kept.last().map(|kept| kept.seq));
    let mut events = events(connection, at, first.unwrap_or(u64::MAX), beyond)?.into_iter();
    let mut items: Vec<Commit> = Vec::new();
    let mut kept = kept.into_iter().peekable();
    while let Some(Kept { seq, events: count, envelope, effects, wake }) = kept.next() {
        let until = kept.peek().map_or(u64::MAX, |next| next.seq);
        let own = events.as_slice().iter().take_while(|event| event.seq < until).count();
        if own as u64 != count {
            // Somebody older wrote in between, and kept no command.
            return Ok(Some(Err(format!("After seq {seq} a command was not kept."))));
        }
        items.push(Commit { envelope, events: events.by_ref().take(own).collect(), effects, wake });
    }
    let next_cursor = beyond.and(last).map(|seq| seq.to_string());
    Ok(Some(Ok(Page { items, next_cursor })))
}

fn read(row: Vec<Value>) -> Result<Kept, StoreError> {
    let mut cells = Cells::of(row);
    let (seq, events) = (cells.integer()?.unsigned_abs(), cells.integer()?.unsigned_abs());
    let command_id = cells.text()?;
    let principal = cells.text_or_null()?;
    let now = cells.integer()?;
    let seed = cells.digest()?;
    let body = Body::of(&cells.bytes()?);
    let effects = serde_json::from_str(&cells.text()?);
    let effects = effects.map_err(|error| StoreError(format!("effects: {error}")))?;
    let wake = match (cells.integer_or_null()?, cells.text_or_null()?) {
        (Some(at), Some(reason)) => Some(Wake { at, reason }),
        _ => None,
    };
    Ok(Kept {
        seq,
        events,
        envelope: Envelope { command_id, principal, now, seed, body },
        effects,
        wake,
    })
}

/// The events from one on, up to another.
fn events<C: Connection>(
    connection: &C,
    at: Address<'_>,
    from: u64,
    beyond: Option<u64>,
) -> Result<Vec<Event>, StoreError> {
    let sql = "select seq, prev, head, public, fact from edge_events \
               where machine = ?1 and key = ?2 and seq >= ?3 and seq < ?4 order by seq";
    let bounds = [log::count(from), log::count(beyond.unwrap_or(u64::MAX))];
    let found = connection.execute(sql, &at.with(bounds))?;
    let event = |row: Vec<Value>| {
        let mut cells = Cells::of(row);
        let seq = cells.integer()?.unsigned_abs();
        let (prev, head) = (cells.digest()?, cells.digest()?);
        let (public, fact) = (cells.bytes()?, cells.bytes()?);
        Event::new(seq, prev, head, &public, &fact).map_err(|error| StoreError(error.0))
    };
    found.rows.into_iter().map(event).collect()
}

/// Decides every command of an archive again with the machine that is linked in here: the same
/// bytes must come out.
pub fn replay(machines: &Machines, archive: &[u8]) -> Result<Vec<u8>, Refusal> {
    let invalid = |error: ArchiveError| refusal(400, "invalid_request", &error.0);
    let mut reader = Reader::new(archive);
    let header = reader.header().map_err(invalid)?;
    let kind = machines.kind(&header.machine).ok_or_else(not_found)?;
    let mut entity = (kind.begin)(&header.key);
    let mut commits = 0;
    loop {
        let seq = entity.position().seq;
        match reader.read().map_err(invalid)? {
            Next::Commit(commit) => {
                if !is_decided_so(&mut *entity, &commit).map_err(invalid)? {
                    let what = format!("The machine decides otherwise what follows seq {seq}.");
                    return Err(refusal(422, "validation_failed", &what));
                }
                commits += 1;
            }
            Next::End(end) => {
                let position = entity.position();
                let head = *position.head.digest();
                let is = (commits, position.seq, head);
                if (end.commits, end.events, end.head) != is
                    || (header.commits, header.events, header.head) != is
                {
                    let what = "The first or the last line says other counts or another head.";
                    return Err(refusal(422, "validation_failed", what));
                }
                let (machine, key) = (header.machine.as_str(), header.key.as_str());
                let done = Replayed { machine, key, commits, events: position.seq, head };
                let told = serde_json::to_vec(&done);
                return told.map_err(|error| unavailable(StoreError(error.to_string())));
            }
            Next::Cut => return Err(refusal(400, "invalid_request", "The archive was cut.")),
        }
    }
}

/// Whatever differs, in its lines it does.
fn is_decided_so(entity: &mut dyn Hosted, said: &Commit) -> Result<bool, ArchiveError> {
    let Envelope { command_id, principal, now, seed, body } = &said.envelope;
    let (principal, body) = (principal.as_deref(), body.bytes()?);
    let (now, seed) = (Timestamp::from_ms(*now), seed.as_bytes());
    let command = kernel::Envelope { command_id, principal, now, seed, body: &body };
    let decided = Commit::of(&command, &entity.handle(&command))?;
    let lines = [said, &decided].map(serde_json::to_string);
    Ok(matches!(lines, [Ok(said), Ok(decided)] if said == decided))
}

const PAGE_COMMITS: usize = 100;
