//! What happens to a message between its sending and its end.
//!
//! A message is taken under a lease, which hides it until the visibility time-out. It is deleted
//! when its consumer acknowledges it, comes again later when it was refused, and becomes a dead
//! letter when that happened too often. Of each key only the oldest message can be taken, so keys
//! keep their order and do not wait for each other. One whose consumer did not come back travels
//! alone from then on, and one way is kept free of such: what breaks its consumer delays nobody.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use composition::{Consumer, Terms, backoff};
use ports::{Delivery, Message};

use crate::cells::Cells;
use crate::dead::{bury, message, receives_max};
use crate::due;
use crate::moment::Moment;
use crate::store::Store;
use crate::world::{Connection, StoreError};

/// Messages under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Names the lease.
    pub(crate) lease: String,
    /// Messages of one topic, each of another key.
    pub(crate) messages: Vec<Message>,
}

/// Takes what is due of one topic; topics take turns.
pub(crate) fn lease<C: Connection>(
    store: &Store<C>,
    component: &str,
    consumers: &[Consumer],
    moment: &Moment,
) -> Result<Option<Batch>, StoreError> {
    let waiting = due::Messages { component, consumers };
    if !store.read(|connection| waiting.look(connection, moment.now))? {
        return Ok(None);
    }
    store.write(|connection| {
        let last = last_turn(connection, component)?;
        let last = consumers.iter().position(|consumer| Some(&consumer.topic) == last.as_ref());
        let (before, after) = consumers.split_at(last.map_or(0, |last| last + 1));
        for consumer in after.iter().chain(before) {
            let queue = Queue { connection, component, consumer };
            if let Some(batch) = queue.take(moment)? {
                let sql = "insert or replace into edge_turns (consumer, topic) values (?1, ?2)";
                connection.execute(sql, &[component.into(), consumer.topic.as_str().into()])?;
                return Ok(Some(batch));
            }
        }
        Ok(None)
    })
}

/// Ends a lease: an outcome for each of its messages. What another lease has by now stays as it is.
/// Says what operators should know.
pub(crate) fn settle<C: Connection>(
    store: &Store<C>,
    component: &str,
    consumers: &[Consumer],
    (lease, outcomes): (&str, &[Delivery]),
    moment: &Moment,
) -> Result<Vec<String>, StoreError> {
    store.write(|connection| {
        let held = held(connection, component, lease)?;
        let topic = held.first().map(|held| held.topic.as_str());
        // A subscription that is no longer in the manifest keeps what nobody acknowledged.
        let Some(consumer) = consumers.iter().find(|known| Some(known.topic.as_str()) == topic)
        else {
            return Ok(Vec::new());
        };
        let queue = Queue { connection, component, consumer };
        queue.settle(&held, (lease, outcomes), moment)
    })
}

/// Takes messages out by their ids, whoever has them.
pub(crate) fn forget<C: Connection>(
    store: &Store<C>,
    component: &str,
    consumers: &[Consumer],
    ids: &[String],
) -> Result<(), StoreError> {
    let sql = "select id, message_id, topic, key, coalesce(place, 0), receives \
        from edge_messages where consumer = ?1 and topic = ?2 \
        and message_id in (select value from json_each(?3)) order by id";
    let ids = serde_json::json!(ids).to_string();
    store.write(|connection| {
        for consumer in consumers {
            let parameters =
                [component.into(), consumer.topic.as_str().into(), ids.as_str().into()];
            let rows = connection.execute(sql, &parameters)?.rows;
            let gone = rows.into_iter().map(Held::of).collect::<Result<Vec<_>, _>>()?;
            let queue = Queue { connection, component, consumer };
            queue.remove(&gone.iter().collect::<Vec<_>>())?;
        }
        Ok(())
    })
}

/// A topic of a component, in a transaction.
struct Queue<'a, C> {
    connection: &'a C,
    component: &'a str,
    consumer: &'a Consumer,
}

/// A message that can be taken.
struct Ready {
    id: i64,
    suspect: bool,
    message: Message,
}

/// A message of a lease.
struct Held {
    id: i64,
    message_id: String,
    topic: String,
    key: String,
    place: usize,
    receives: i64,
}

impl<C: Connection> Queue<'_, C> {
    fn take(&self, moment: &Moment) -> Result<Option<Batch>, StoreError> {
        self.bury_unanswered(moment)?;
        let Terms { concurrency, visibility_ms, visibility_grows_ms, .. } = self.consumer.terms();
        let (ways, suspect_ways) = self.ways(moment)?;
        if ways >= i64::from(concurrency) {
            return Ok(None);
        }
        let suspects = suspect_ways < i64::from(concurrency.saturating_sub(1).max(1));
        let mut ready = self.ready(suspects, moment)?;
        match ready.first() {
            None => return Ok(None),
            Some(first) if first.suspect => ready.truncate(1),
            Some(_) => ready.retain(|ready| !ready.suspect),
        }
        let lease = format!("{}-{}", ready.len(), moment.name());
        let ids: Vec<i64> = ready.iter().map(|ready| ready.id).collect();
        self.connection.execute(
            "update edge_messages set suspect = suspect or lease is not null, lease = ?1, \
             due_at = ?2 + ?4 * min(receives, 30), receives = receives + 1, place = taken.key \
             from json_each(?3) as taken where edge_messages.id = taken.value",
            &[
                lease.as_str().into(),
                moment.now.plus_ms(visibility_ms).as_ms().into(),
                serde_json::json!(ids).to_string().into(),
                visibility_grows_ms.into(),
            ],
        )?;
        let messages = ready.into_iter().map(|ready| ready.message).collect();
        Ok(Some(Batch { lease, messages }))
    }

    /// Batches under way, and how many of them may break the consumer.
    fn ways(&self, moment: &Moment) -> Result<(i64, i64), StoreError> {
        let sql = "select count(distinct lease), count(distinct iif(suspect, lease, null)) \
            from edge_messages where consumer = ?1 and topic = ?2 and lease is not null \
            and due_at > ?3";
        let [component, topic] = self.names();
        let found = self.connection.execute(sql, &[component, topic, moment.ms().into()])?;
        let mut cells = Cells::of(found.rows.into_iter().next().unwrap_or_default());
        Ok((cells.integer()?, cells.integer()?))
    }

    /// The oldest messages of keys that nobody holds. A lease that ran out says that something
    /// broke, and nobody knows over what.
    fn ready(&self, suspects: bool, moment: &Moment) -> Result<Vec<Ready>, StoreError> {
        let sql = "select id, suspect or lease is not null, \
            message_id, source, topic, key, time, body from edge_messages \
            where head = 1 and consumer = ?1 and topic = ?2 and due_at <= ?3 \
            and (?4 or not (suspect or lease is not null)) order by due_at, id limit ?5";
        let [component, topic] = self.names();
        let limit = i64::from(self.consumer.terms().batch_size);
        let (now, suspects) = (moment.ms().into(), i64::from(suspects).into());
        let parameters = [component, topic, now, suspects, limit.into()];
        let ready = |row| {
            let mut cells = Cells::of(row);
            let (id, suspect) = (cells.integer()?, cells.truth()?);
            Ok(Ready { id, suspect, message: message(&mut cells)? })
        };
        self.connection.execute(sql, &parameters)?.rows.into_iter().map(ready).collect()
    }

    /// Messages whose last lease ran out without a word, and which may not be received once more.
    /// Nobody dies of the company that it was in: it was alone for the last time.
    fn bury_unanswered(&self, moment: &Moment) -> Result<(), StoreError> {
        let sql = "select id, message_id, topic, key, place, receives from edge_messages \
            where head = 1 and consumer = ?1 and topic = ?2 and due_at <= ?3 \
            and lease is not null and suspect and receives >= ?4 order by id";
        let [component, topic] = self.names();
        let parameters = [component, topic, moment.ms().into(), receives_max(self.consumer).into()];
        let rows = self.connection.execute(sql, &parameters)?.rows;
        let spent = rows.into_iter().map(Held::of).collect::<Result<Vec<_>, _>>()?;
        for held in &spent {
            bury(self.connection, held.id, NO_ANSWER, moment.now)?;
        }
        self.remove(&spent.iter().collect::<Vec<_>>())
    }

    fn settle(
        &self,
        held: &[Held],
        (lease, outcomes): (&str, &[Delivery]),
        moment: &Moment,
    ) -> Result<Vec<String>, StoreError> {
        let (component, topic) = (self.component, &self.consumer.topic);
        let size = lease.split_once('-').and_then(|(size, _)| size.parse().ok()).unwrap_or(0);
        let is_whole = outcomes.len() == size;
        if !is_whole && size > 1 {
            // Nobody knows which outcome is whose: as though the lease had run out, each alone.
            let sql = "update edge_messages set due_at = ?2 where lease = ?1";
            self.connection.execute(sql, &[lease.into(), moment.ms().into()])?;
            let count = outcomes.len();
            return Ok(vec![format!("{component}/{topic}: {count} outcomes for {size} messages")]);
        }
        let (mut gone, mut notes) = (Vec::new(), Vec::new());
        for held in held {
            let why = match outcomes.get(held.place).filter(|_| is_whole) {
                Some(Delivery::Ack) => {
                    gone.push(held);
                    continue;
                }
                Some(Delivery::Retry(why)) => short(why),
                None => "not one outcome for one message",
            };
            let (id, receives) = (&held.message_id, held.receives);
            let fate = if receives >= receives_max(self.consumer) {
                bury(self.connection, held.id, why, moment.now)?;
                gone.push(held);
                "is a dead letter"
            } else {
                self.put_off(held, moment)?;
                "comes again"
            };
            notes.push(format!(
                "{component}/{topic}: message {id}, received {receives}, {fate}: {why}"
            ));
        }
        self.remove(&gone)?;
        Ok(notes)
    }

    fn put_off(&self, held: &Held, moment: &Moment) -> Result<(), StoreError> {
        let attempts = u32::try_from(held.receives).unwrap_or(u32::MAX);
        let first_ms = self.consumer.terms().retry_first_ms;
        let pause = backoff(first_ms, attempts, moment.chance(held.id));
        let sql = "update edge_messages set lease = null, place = null, suspect = 0, due_at = ?2 \
            where id = ?1";
        let due_at = moment.now.plus_ms(pause).as_ms();
        self.connection.execute(sql, &[held.id.into(), due_at.into()]).map(drop)
    }

    /// Takes messages out; the next of each key is free to go.
    fn remove(&self, gone: &[&Held]) -> Result<(), StoreError> {
        if gone.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = gone.iter().map(|held| held.id).collect();
        let keys: Vec<&str> = gone.iter().map(|held| held.key.as_str()).collect();
        let list = |list: serde_json::Value| list.to_string().into();
        let sql = "delete from edge_messages where id in (select value from json_each(?1))";
        self.connection.execute(sql, &[list(serde_json::json!(ids))])?;
        let sql = "update edge_messages set head = 1 where id in \
            (select (select min(id) from edge_messages as next where next.consumer = ?1 \
            and next.topic = ?2 and next.key = gone.value) from json_each(?3) as gone)";
        let [component, topic] = self.names();
        self.connection.execute(sql, &[component, topic, list(serde_json::json!(keys))]).map(drop)
    }

    fn names(&self) -> [ports::Value; 2] {
        [self.component.into(), self.consumer.topic.as_str().into()]
    }
}

impl Held {
    /// The columns `id, message_id, topic, key, place, receives`.
    fn of(row: Vec<ports::Value>) -> Result<Self, StoreError> {
        let mut cells = Cells::of(row);
        Ok(Self {
            id: cells.integer()?,
            message_id: cells.text()?,
            topic: cells.text()?,
            key: cells.text()?,
            place: usize::try_from(cells.integer()?).unwrap_or(usize::MAX),
            receives: cells.integer()?,
        })
    }
}

fn held<C: Connection>(
    connection: &C,
    component: &str,
    lease: &str,
) -> Result<Vec<Held>, StoreError> {
    let sql = "select id, message_id, topic, key, place, receives from edge_messages \
        where lease = ?1 and consumer = ?2 order by place";
    let found = connection.execute(sql, &[lease.into(), component.into()])?;
    found.rows.into_iter().map(Held::of).collect()
}

fn last_turn<C: Connection>(connection: &C, component: &str) -> Result<Option<String>, StoreError> {
    let sql = "select topic from edge_turns where consumer = ?1";
    let found = connection.execute(sql, &[component.into()])?;
    found.rows.into_iter().next().map(|row| Cells::of(row).text()).transpose()
}

/// As much of what was said as is kept.
fn short(why: &str) -> &str {
    why.get(..why.floor_char_boundary(WHY_MAX_BYTES)).unwrap_or_default()
}

const NO_ANSWER: &str = "no answer within the visibility time-out";
/// Longest explanation of a failure.
const WHY_MAX_BYTES: usize = 1_000;
