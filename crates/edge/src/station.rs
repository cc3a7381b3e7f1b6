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

    /// When something will be due here: a wake, a message, a slot of a job. It may be past.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let found = self.store.look(|store| store.execute(NEXT_DUE, &[]))?;
        let cells = found.rows.into_iter().flatten().filter_map(|value| value.as_integer());
        let component = &self.grants.component;
        let crons = self.composition.of(component).map_or(&[][..], |tool| &tool.crons);
        let slot = self.store.look(|store| jobs::next_at(store, component, crons))?;
        Ok(cells.chain(slot).min().map(Timestamp::from_ms))
    }
}

fn sent(messages: impl IntoIterator<Item = Message>) -> Vec<Sent> {
    let sent = |message| {
        let Message { id, source, topic, key, time: _, body } = message;
        Sent { id, source, topic, key, body }
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
    select min(due_at) from edge_messages where head = 1";
