//! Dead letters: messages that their consumer could not handle.

use composition::Consumer;
use kernel::Timestamp;
use ports::{Message, Value};

use crate::cells::Cells;
use crate::store::Store;
use crate::world::{Connection, StoreError};

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// Its place among the dead letters.
    pub(crate) place: i64,
    /// The message as it was sent.
    pub(crate) message: Message,
    /// How often it was received.
    pub(crate) receives: i64,
    /// What was said about it last.
    pub(crate) why: String,
    /// When it was given up.
    pub(crate) died_at: Timestamp,
}

/// Which dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of the topic.
    All,
    /// Those whose message has one of these ids.
    Ids(Vec<String>),
}

/// Dead letters of a component's topic, oldest first, at most `limit` behind the place `after`.
pub(crate) fn letters<C: Connection>(
    store: &Store<C>,
    (component, topic): (&str, &str),
    after: i64,
    limit: u32,
) -> Result<Vec<DeadLetter>, StoreError> {
    let sql = "select id, message_id, source, topic, key, time, body, receives, why, died_at \
        from edge_dead_letters where consumer = ?1 and topic = ?2 and id > ?3 order by id limit ?4";
    let parameters = [component.into(), topic.into(), after.into(), i64::from(limit).into()];
    let found = store.read(|connection| connection.execute(sql, &parameters))?;
    let letter = |row| {
        let mut cells = Cells::of(row);
        Ok(DeadLetter {
            place: cells.integer()?,
            message: message(&mut cells)?,
            receives: cells.integer()?,
            why: cells.text()?,
            died_at: Timestamp::from_ms(cells.integer()?),
        })
    };
    found.rows.into_iter().map(letter).collect()
}

/// Returns dead letters to their topic, each once, behind what waits of their keys and in the order
/// in which they died; how many. They may be received as often as new messages.
pub(crate) fn redrive<C: Connection>(
    store: &Store<C>,
    (component, topic): (&str, &str),
    which: &Which,
    now: Timestamp,
) -> Result<usize, StoreError> {
    store.write(|connection| {
        let places = places(connection, (component, topic), which)?;
        for place in &places {
            connection.execute(RETURN, &[(*place).into(), now.as_ms().into()])?;
            forget(connection, *place)?;
        }
        Ok(places.len())
    })
}

/// Deletes dead letters; how many.
pub(crate) fn purge<C: Connection>(
    store: &Store<C>,
    (component, topic): (&str, &str),
    which: &Which,
) -> Result<usize, StoreError> {
    store.write(|connection| {
        let places = places(connection, (component, topic), which)?;
        places.iter().try_for_each(|place| forget(connection, *place))?;
        Ok(places.len())
    })
}

/// Makes a dead letter of a message. Whoever calls deletes the message.
pub(crate) fn bury<C: Connection>(
    connection: &C,
    id: i64,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "insert into edge_dead_letters \
        (consumer, topic, key, message_id, source, time, body, receives, why, died_at) \
        select consumer, topic, key, message_id, source, time, body, receives, ?2, ?3 \
        from edge_messages where id = ?1";
    connection.execute(sql, &[id.into(), why.into(), now.as_ms().into()]).map(drop)
}

/// Receives after which a message is given up. One that only the newest of its key replaces is
/// never: as a dead letter it would come back after the newer one.
pub(crate) fn receives_max(consumer: &Consumer) -> i64 {
    if consumer.compact { i64::MAX } else { consumer.terms().max_receives.into() }
}

/// The columns `message_id, source, topic, key, time, body`.
pub(crate) fn message(cells: &mut Cells) -> Result<Message, StoreError> {
    Ok(Message {
        id: cells.text()?,
        source: cells.text()?,
        topic: cells.text()?,
        key: cells.text()?,
        time: cells.integer()?,
        body: cells.bytes()?,
    })
}

fn places<C: Connection>(
    connection: &C,
    (component, topic): (&str, &str),
    which: &Which,
) -> Result<Vec<i64>, StoreError> {
    let ids = match which {
        Which::All => Value::Null,
        Which::Ids(ids) => serde_json::json!(ids).to_string().into(),
    };
    let sql = "select id from edge_dead_letters where consumer = ?1 and topic = ?2 \
        and (?3 is null or message_id in (select value from json_each(?3))) order by id";
    let found = connection.execute(sql, &[component.into(), topic.into(), ids])?;
    found.rows.into_iter().map(|row| Cells::of(row).integer()).collect()
}

fn forget<C: Connection>(connection: &C, place: i64) -> Result<(), StoreError> {
    connection.execute("delete from edge_dead_letters where id = ?1", &[place.into()]).map(drop)
}

const RETURN: &str = "insert into edge_messages \
    (consumer, topic, key, message_id, source, time, body, due_at, head) \
    select consumer, topic, key, message_id, source, time, body, ?2, not exists \
    (select 1 from edge_messages as older where older.consumer = dead.consumer \
    and older.topic = dead.topic and older.key = dead.key) \
    from edge_dead_letters as dead where id = ?1";
