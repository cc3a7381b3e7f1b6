//! The events of entities in the store, and the row that says where each log stands.

use kernel::{LoadError, Position, Recorded, Timestamp};
use ports::{EntityError, PublicEvent, Value};

use crate::machines::{Hosted, Kind, Loaded};
use crate::world::{Connection, StoreError};

/// Which entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    /// Name of the machine in the manifest.
    pub(crate) machine: &'a str,
    /// The entity's key.
    pub(crate) key: &'a str,
}

/// Where the log of an entity stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    seq: u64,
    head: Vec<u8>,
    snapshot_seq: u64,
}

impl Address<'_> {
    pub(crate) fn with<const N: usize>(self, others: [Value; N]) -> Vec<Value> {
        [self.machine.into(), self.key.into()].into_iter().chain(others).collect()
    }
}

impl Row {
    /// Does the entity stand where the log does?
    fn is_at(&self, at: Position) -> bool {
        at.seq == self.seq && at.head.digest().as_bytes().as_slice() == self.head
    }
}

/// The row of an entity; none before its first event.
pub(crate) fn row<C: Connection>(
    connection: &C,
    at: Address<'_>,
) -> Result<Option<Row>, StoreError> {
    let sql = "select seq, head, snapshot_seq from edge_entities where machine = ?1 and key = ?2";
    let found = connection.execute(sql, &at.with([]))?;
    match found.rows.into_iter().next().as_deref() {
        None => Ok(None),
        Some([Value::Integer(seq), Value::Blob(head), Value::Integer(snapshot_seq)]) => {
            let (seq, snapshot_seq) = (seq.unsigned_abs(), snapshot_seq.unsigned_abs());
            Ok(Some(Row { seq, head: head.clone(), snapshot_seq }))
        }
        Some(_) => Err(StoreError("a row of edge_entities is not readable".to_owned())),
    }
}

/// Brings an entity into memory, or believes the one that is there.
pub(crate) fn load<C: Connection>(
    connection: &C,
    kind: Kind,
    at: Address<'_>,
    row: Option<&Row>,
    cached: Option<Box<dyn Hosted>>,
) -> Result<Box<dyn Hosted>, EntityError> {
    let Some(row) = row else { return Ok((kind.begin)(at.key)) };
    if let Some(entity) = cached.filter(|entity| row.is_at(entity.position())) {
        return Ok(entity);
    }
    let entity = match from_snapshot(connection, kind, at)? {
        Ok(entity) => entity,
        // Snapshots can be made again: a newer machine need not read the ones of an older.
        Err(_) => replay(connection, at, (kind.begin)(at.key))?.map_err(fault)?,
    };
    if row.is_at(entity.position()) {
        return Ok(entity);
    }
    let (stands, row) = (entity.position().seq, row.seq);
    Err(EntityError::MachineFault(format!("the log gives event {stands}, its row {row}")))
}

fn from_snapshot<C: Connection>(
    connection: &C,
    kind: Kind,
    at: Address<'_>,
) -> Result<Loaded, StoreError> {
    let sql = "select snapshot from edge_snapshots where machine = ?1 and key = ?2";
    let found = connection.execute(sql, &at.with([]))?;
    let cell = found.rows.first().and_then(|row| row.first());
    match (kind.restore)(at.key, cell.and_then(Value::as_blob).unwrap_or_default()) {
        Ok(entity) => replay(connection, at, entity),
        Err(error) => Ok(Err(error)),
    }
}

/// Applies what came after the state that the entity has.
fn replay<C: Connection>(
    connection: &C,
    at: Address<'_>,
    mut entity: Box<dyn Hosted>,
) -> Result<Loaded, StoreError> {
    let sql = "select fact from edge_events where machine = ?1 and key = ?2 and seq > ?3 \
               order by seq";
    let tail = connection.execute(sql, &at.with([count(entity.position().seq)]))?;
    for fact in tail.rows.iter().map(|row| row.first().and_then(Value::as_blob)) {
        if let Err(error) = entity.apply(fact.unwrap_or_default()) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(entity))
}

/// Appends what was decided. That nobody else has an event of that number is the transaction's
/// doing; the primary key would notice.
pub(crate) fn append<C: Connection>(
    connection: &C,
    at: Address<'_>,
    events: &[Recorded],
) -> Result<(), StoreError> {
    let sql = "insert into edge_events (machine, key, seq, prev, head, public, fact) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for Recorded { seq, prev, head, public, fact } in events {
        let heads = [prev, head].map(|head| head.digest().as_bytes().to_vec().into());
        let [prev, head] = heads;
        let cells = [count(*seq), prev, head, public.clone().into(), fact.clone().into()];
        connection.execute(sql, &at.with(cells))?;
    }
    Ok(())
}

/// Writes down where the log stands, and now and then the state.
pub(crate) fn save<C: Connection>(
    connection: &C,
    at: Address<'_>,
    before: Option<&Row>,
    entity: &dyn Hosted,
) -> Result<(), StoreError> {
    let Position { seq, head, .. } = entity.position();
    let snapshot_seq = match before {
        Some(row) if seq.saturating_sub(row.snapshot_seq) < SNAPSHOT_EVERY => row.snapshot_seq,
        _ => {
            let sql = "insert into edge_snapshots (machine, key, snapshot) values (?1, ?2, ?3) \
                       on conflict do update set snapshot = excluded.snapshot";
            connection.execute(sql, &at.with([entity.snapshot().into()]))?;
            seq
        }
    };
    let sql = "insert into edge_entities (machine, key, seq, head, snapshot_seq, wake_at) \
               values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do update set seq = excluded.seq, \
               head = excluded.head, snapshot_seq = excluded.snapshot_seq, \
               wake_at = excluded.wake_at";
    let wake_at = entity.wake_at().map(Timestamp::as_ms);
    let head = head.digest().as_bytes().to_vec().into();
    let cells = [count(seq), head, count(snapshot_seq), wake_at.into()];
    connection.execute(sql, &at.with(cells)).map(drop)
}

/// The public events after one, in order.
pub(crate) fn events<C: Connection>(
    connection: &C,
    at: Address<'_>,
    after: u64,
    limit: u32,
) -> Result<Vec<PublicEvent>, StoreError> {
    let sql = "select seq, prev, head, public from edge_events \
               where machine = ?1 and key = ?2 and seq > ?3 order by seq limit ?4";
    let found = connection.execute(sql, &at.with([count(after), i64::from(limit).into()]))?;
    let event = |row: Vec<Value>| match <[Value; 4]>::try_from(row) {
        Ok([Value::Integer(seq), Value::Blob(prev), Value::Blob(head), Value::Blob(public)]) => {
            Ok(PublicEvent { seq: seq.unsigned_abs(), prev, head, public })
        }
        _ => Err(StoreError("a row of edge_events is not readable".to_owned())),
    };
    found.rows.into_iter().map(event).collect()
}

/// The entity whose wake is due the longest.
pub(crate) fn first_due<'a, C: Connection>(
    connection: &C,
    machines: impl ExactSizeIterator<Item = &'a str>,
    now: Timestamp,
) -> Result<Option<(String, String)>, StoreError> {
    let sql = due(machines.len());
    let cells: Vec<_> = [now.as_ms().into()].into_iter().chain(machines.map(Value::from)).collect();
    let found = connection.execute(&sql, &cells)?;
    Ok(match found.rows.into_iter().next().as_deref() {
        Some([Value::Text(machine), Value::Text(key)]) => Some((machine.clone(), key.clone())),
        _ => None,
    })
}

/// By the index of wakes: without the plus SQLite would go through all entities of a machine.
pub(crate) fn due(machines: usize) -> String {
    let marks: Vec<_> = (2..machines + 2).map(|n| format!("?{n}")).collect();
    format!(
        "select machine, key from edge_entities where wake_at <= ?1 and +machine in ({}) \
         order by wake_at limit 1",
        marks.join(", ")
    )
}

/// Moves a wake that was due, unless somebody else has moved it.
pub(crate) fn postpone<C: Connection>(
    connection: &C,
    at: Address<'_>,
    now: Timestamp,
    until: Option<Timestamp>,
) -> Result<(), StoreError> {
    let sql = "update edge_entities set wake_at = ?4 \
               where machine = ?1 and key = ?2 and wake_at <= ?3";
    let until = until.map(Timestamp::as_ms).into();
    connection.execute(sql, &at.with([now.as_ms().into(), until])).map(drop)
}

/// Counts stay below 2^53.
pub(crate) fn count(count: u64) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn fault(error: LoadError) -> EntityError {
    EntityError::MachineFault(error.to_string())
}

/// How many events are applied at most when an entity is loaded.
pub(crate) const SNAPSHOT_EVERY: u64 = 32;
