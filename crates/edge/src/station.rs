//! Messages that pass through: a station hands on what its entities told, another one takes it in.
//! And when such a place wants to be called again, where a platform can do that.

use kernel::Timestamp;
use ports::{Delivery, Message, Value};

use crate::cells::Cells;
use crate::edge::Edge;
use crate::outbox::Sent;
use crate::work::{Lease, Task};
use crate::world::{Connection as _, StoreError, World};
use crate::{jobs, queue};

impl<W: World> Edge<W> {
    /// Takes messages that are due for any component; its name comes with them. Between this and
    /// [`Edge::settle_for`] nobody else has them, for as long as the subscription hides them.
    pub fn take_for_others(&self) -> Result<Option<(String, Lease)>, StoreError> {
        let moment = self.moment();
        let due = |sql: &str| {
            let found = self.store.look(|store| store.execute(sql, &[moment.ms().into()]))?;
            found.rows.into_iter().map(|row| Cells::of(row).text()).collect::<Result<Vec<_>, _>>()
        };
        for component in due(DUE_CONSUMERS)? {
            let Some(tool) = self.composition.of(&component) else { continue };
            if let Some(batch) = queue::lease(&self.store, &component, &tool.consumers, &moment)? {
                let (id, task) = (batch.lease, Task::Consume(batch.messages));
                return Ok(Some((component, Lease { id, task })));
            }
        }
        Ok(None)
    }

    /// Ends such a lease: an outcome for each of its messages.
    pub fn settle_for(
        &self,
        component: &str,
        lease: &str,
        outcomes: &[Delivery],
    ) -> Result<(), StoreError> {
        let Some(tool) = self.composition.of(component) else { return Ok(()) };
        let (settled, moment) = ((lease, outcomes), self.moment());
        let notes = queue::settle(&self.store, component, &tool.consumers, settled, &moment)?;
        notes.into_iter().for_each(|note| self.trouble(note));
        Ok(())
    }

    /// Forgets messages that have arrived at their component, under whatever lease they are: who
    /// hears it late has sent them again meanwhile.
    pub fn arrived(&self, component: &str, ids: &[String]) -> Result<(), StoreError> {
        let Some(tool) = self.composition.of(component) else { return Ok(()) };
        queue::forget(&self.store, component, &tool.consumers, ids)
    }

    /// Takes messages in, as though they had been sent here.
    pub fn accept(&self, messages: Vec<Message>) -> Result<(), StoreError> {
        let now = self.world.now();
        self.store.write(|store| self.outbox.send(store, sent(messages), now))
    }

    /// As [`Edge::accept`], out of a log that was read up to `place`: each place counts once.
    pub fn accept_from(
        &self,
        log: &str,
        place: i64,
        messages: Vec<(i64, Message)>,
    ) -> Result<(), StoreError> {
        let now = self.world.now();
        self.store.write(|store| {
            // Another reader may have been faster.
            let before = cursor(store, log)?;
            let new = messages.into_iter().filter(|(at, _)| *at > before);
            self.outbox.send(store, sent(new.map(|(_, message)| message)), now)?;
            let parameters = [log.into(), place.max(before).into()];
            store.execute(READ_UP_TO, &parameters).map(drop)
        })
    }

    /// How far a log was read.
    pub fn cursor(&self, log: &str) -> Result<i64, StoreError> {
        self.store.look(|store| cursor(store, log))
    }

    /// When something will be due here: a wake, a message of a subscription, a slot of a job. It
    /// may be past. Without keys nothing is taken, and asking again is enough now and then.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let due = self.first_due()?;
        let is_stuck = self.vault.problem().is_some();
        let earliest = self.world.now().plus_ms(WITHOUT_KEYS_MS);
        Ok(due.map(|due| if is_stuck { due.max(earliest) } else { due }))
    }

    fn first_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let queues = self.composition.subscriptions().map(|(id, consumer)| consumer.queue(id));
        let queues = serde_json::json!(queues.collect::<Vec<_>>()).to_string();
        let found = self.store.look(|store| store.execute(NEXT_DUE, &[queues.into()]))?;
        let cells = found.rows.into_iter().flatten().filter_map(|value| value.as_integer());
        let component = &self.grants.component;
        let crons = self.composition.of(component).map_or(&[][..], |tool| &tool.crons);
        let slot = self.store.look(|store| jobs::next_at(store, component, crons))?;
        Ok(cells.chain(slot).min().map(Timestamp::from_ms))
    }
}

fn sent(messages: impl IntoIterator<Item = Message>) -> Vec<Sent> {
    let sent = |message| {
        let Message { id, source, topic, key, time, body } = message;
        // A copy of it is the same message: what is made of it must not depend on when it came.
        Sent { id, source, topic, key, body, time: Some(time) }
    };
    messages.into_iter().map(sent).collect()
}

fn cursor(store: &impl crate::world::Connection, log: &str) -> Result<i64, StoreError> {
    let found = store.execute("select place from edge_cursors where name = ?1", &[log.into()])?;
    Ok(found.rows.first().and_then(|row| row.first()).and_then(Value::as_integer).unwrap_or(0))
}

const DUE_CONSUMERS: &str =
    "select distinct consumer from edge_messages where head = 1 and due_at <= ?1 order by due_at";
const READ_UP_TO: &str = "insert into edge_cursors (name, place) values (?1, ?2) \
    on conflict do update set place = excluded.place";
const NEXT_DUE: &str = "select min(wake_at) from edge_entities where wake_at is not null union all \
    select min(due_at) from edge_messages where head = 1 \
    and consumer || '/' || topic in (select value from json_each(?1))";
const WITHOUT_KEYS_MS: i64 = 60_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use composition::Consumer;

    use super::*;
    use crate::testing::{Here, Site};

    fn message(id: &str, key: &str, time: i64) -> Message {
        let [id, source, topic, key] = [id, "/machines/m", "t", key].map(str::to_owned);
        Message { id, source, topic, key, time, body: b"{}".to_vec() }
    }

    fn station(site: &Site) -> Edge<Here> {
        let mut edge = site.edge_that("consumers = [{ topic = \"t\" }]");
        let tool = edge.composition.components.get_mut("probe").unwrap();
        tool.consumers = tool.consumers.iter().map(Consumer::passed_on).collect();
        edge
    }

    fn taken(edge: &Edge<Here>) -> Vec<Message> {
        let Some((component, lease)) = edge.take_for_others().unwrap() else { return Vec::new() };
        assert_eq!(component, "probe");
        let Task::Consume(messages) = lease.task else { unreachable!("stations have no jobs") };
        messages
    }

    fn ids(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.id.as_str()).collect()
    }

    #[test]
    fn a_message_is_sent_again_later_and_later_until_it_has_arrived() {
        let site = Site::new();
        let edge = station(&site);
        edge.accept(vec![message("a", "k", 7), message("b", "k", 8)]).unwrap();
        assert_eq!(ids(&taken(&edge)), ["a"], "keys keep their order");
        assert_eq!(taken(&edge), []);
        assert_eq!(edge.next_due().unwrap(), Some(Timestamp::from_ms(11_000)));
        site.clock(11_000);
        assert_eq!(ids(&taken(&edge)), ["a"], "nobody said that it has arrived");
        assert_eq!(edge.next_due().unwrap(), Some(Timestamp::from_ms(31_000)), "twice as long");
        // Late, and of the first parcel: what has arrived is not sent a third time.
        edge.arrived("probe", &["a".to_owned()]).unwrap();
        assert_eq!(ids(&taken(&edge)), ["b"], "the next of the key is free");
        edge.arrived("probe", &["b".to_owned(), "unknown".to_owned()]).unwrap();
        assert_eq!(edge.next_due().unwrap(), None);
    }

    #[test]
    fn a_copy_tells_the_time_of_the_first() {
        let site = Site::new();
        let inbox = site.edge_that("consumers = [{ topic = \"t\" }]");
        for clock in [50_000, 90_000] {
            site.clock(clock);
            inbox.accept(vec![message("a", "k", 7)]).unwrap();
            let lease = inbox.next_work().unwrap().unwrap();
            assert_eq!(lease.task, Task::Consume(vec![message("a", "k", 7)]));
            inbox.settle_work(&lease.id, &[Delivery::Ack]).unwrap();
        }
    }

    #[test]
    fn a_place_of_a_log_is_read_once() {
        let site = Site::new();
        let inbox = site.edge_that("consumers = [{ topic = \"t\" }]");
        assert_eq!(inbox.cursor("log").unwrap(), 0);
        let first = vec![(3, message("a", "k", 1)), (4, message("b", "l", 2))];
        inbox.accept_from("log", 4, first.clone()).unwrap();
        // Another reader saw the same, and one more.
        let mut again = first;
        again.push((5, message("c", "m", 3)));
        inbox.accept_from("log", 5, again).unwrap();
        inbox.accept_from("log", 4, Vec::new()).unwrap();
        assert_eq!(inbox.cursor("log").unwrap(), 5);
        assert_eq!(site.number("select count(*) from edge_messages"), 3);
    }

    #[test]
    fn what_no_subscription_wants_wakes_nobody() {
        let site = Site::new();
        station(&site).accept(vec![message("a", "k", 7)]).unwrap();
        let without = site.edge_that("");
        assert_eq!(without.next_due().unwrap(), None);
        assert!(without.take_for_others().unwrap().is_none());
    }
}
