//! The host without its shell, one step at a time: entities, journal, wakes, messages and
//! checkpoints over a disk, a world and a machine that the caller brings (docs/adr/0016).
//!
//! No thread, no network, no clock of its own; `tests/simulation` decides what happens next.
//! Nothing is decided here: every function passes on to what `up` runs.

use std::path::Path;
use std::sync::Arc;

use composition::Consumer;
use journal::Journal;

pub use crate::clock::World;
pub use crate::machines::{
    Answer, Difference, EntityError, Image, Instance, InstanceError, PublicEvent, Replay, contract,
};
pub use crate::outbox::Message;

use crate::background;
use crate::machines::{Machines, Surroundings};
use crate::outbox::{Outbox, Queue};
use crate::state::StateStore;
use crate::timers::{Alarm, Timers};

/// One life of the host, from a start to its end.
pub struct Stepped<I: Image> {
    machine: String,
    machines: Arc<Machines<I>>,
}

/// What the host is started over.
pub struct Setup<'a, I> {
    /// The data directory; locks are taken there, contents are on the disk.
    pub dir: &'a Path,
    /// Options of the journal; their disk is the snapshots' disk too.
    pub journal: journal::Options,
    /// The machine.
    pub image: Arc<I>,
    /// In how many shards its entities live.
    pub shards: u16,
    /// Topics with one consumer each, and whether only the newest message of a key matters.
    pub topics: &'a [(&'a str, bool)],
    /// Time and chance.
    pub world: Arc<dyn World>,
}

/// A wake that is due.
pub struct Due(Alarm);

/// Messages of one queue on their way.
pub struct Delivery {
    queue: Arc<Queue>,
    /// The messages.
    pub messages: Vec<Message>,
}

impl<I: Image + 'static> Stepped<I> {
    /// Opens the stores and recovers.
    ///
    /// # Errors
    /// When the disk does not give what was stored.
    pub fn start(setup: Setup<'_, I>) -> anyhow::Result<Self> {
        let Setup { dir, journal, image, shards, topics, world } = setup;
        let consumers = topics
            .iter()
            .map(|(topic, compact)| ((*topic).to_owned(), Consumer::new(topic, *compact)));
        let disk = journal.vfs.clone();
        let around = Surroundings {
            journal: Journal::open_stepped(&dir.join("journal"), journal)?,
            state: StateStore::open_on(&dir.join("state.sqlite"), disk.as_deref())?,
            timers: Timers::default(),
            outbox: Outbox::new(consumers),
            live: crate::live::Hub::default(),
            world,
        };
        let machine = image.name().to_owned();
        let machines = Arc::new(Machines::new(vec![(image, shards)], around));
        let published = match machines.around.state.stored_mark(PUBLISHED)? {
            Some(published) => published,
            None => {
                let settled = machines.settled_at_start()?;
                machines.around.state.write(&[], &[(PUBLISHED, settled)])?;
                settled
            }
        };
        machines.recover(published)?;
        Ok(Self { machine, machines })
    }

    /// The log. Its `step` is the only thing that makes records durable.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.machines.around.journal
    }

    /// Sends a command; the answer may not be told before [`durable`](Self::durable).
    pub fn call(
        &self,
        key: &str,
        command_id: &str,
        principal: &str,
        body: &[u8],
    ) -> impl Future<Output = Result<Answer, EntityError>> + Send + use<I> {
        let (machines, machine) = (Arc::clone(&self.machines), self.machine.clone());
        let (key, command_id) = (key.to_owned(), command_id.to_owned());
        let (principal, body) = (principal.to_owned(), body.to_owned());
        async move { machines.call(&machine, &key, &command_id, Some(&principal), &body).await }
    }

    /// Asks a question; the answer may not be told before [`durable`](Self::durable).
    pub fn query(
        &self,
        key: &str,
        principal: Option<&str>,
        body: &[u8],
    ) -> impl Future<Output = Result<Answer, EntityError>> + Send + use<I> {
        let (machines, machine) = (Arc::clone(&self.machines), self.machine.clone());
        let (key, body) = (key.to_owned(), body.to_owned());
        let principal = principal.map(str::to_owned);
        async move { machines.query(&machine, &key, principal.as_deref(), &body).await }
    }

    /// Waits until a record is durable: where the gate of a request waits.
    pub fn durable(
        &self,
        position: u64,
    ) -> impl Future<Output = Result<(), EntityError>> + Send + use<I> {
        let machines = Arc::clone(&self.machines);
        async move { machines.durable_through(position).await }
    }

    /// Public events with `seq > after`.
    ///
    /// # Errors
    /// When the store refuses.
    pub fn events(&self, key: &str, after: u64) -> Result<Vec<PublicEvent>, EntityError> {
        self.machines.events(&self.machine, key, after, u32::MAX)
    }

    /// Takes at most `limit` wakes that are due by the world's clock.
    #[must_use]
    pub fn due(&self, limit: usize) -> Vec<Due> {
        let around = &self.machines.around;
        around.timers.take_due(around.world.now_ms(), limit).into_iter().map(Due).collect()
    }

    /// Runs a wake that was due.
    pub fn run_due(&self, due: Due) {
        background::run_wake(&self.machines, due.0);
    }

    /// Runs a wake that nobody planned.
    ///
    /// # Errors
    /// When the machine or the store fails.
    pub fn wake(&self, key: &str) -> Result<(), EntityError> {
        self.machines.wake(&self.machine, key)
    }

    /// Takes messages of a queue; they may not leave before [`held`](Self::held). None when nothing
    /// waits.
    #[must_use]
    pub fn take(&self, queue: usize, limit: usize) -> Option<Delivery> {
        let queue = Arc::clone(self.machines.around.outbox.queues().get(queue)?);
        let messages = Some(queue.take(limit)).filter(|messages| !messages.is_empty())?;
        Some(Delivery { queue, messages })
    }

    /// Holds messages until their records are durable; those of lost records are left out.
    pub fn held(&self, delivery: Delivery) -> impl Future<Output = Delivery> + Send + use<I> {
        let machines = Arc::clone(&self.machines);
        async move {
            let Delivery { queue, messages } = delivery;
            let messages = background::hold(&machines, &queue, messages).await;
            Delivery { queue, messages }
        }
    }

    /// Messages that wait or are under way.
    #[must_use]
    pub fn undelivered(&self) -> usize {
        self.machines.around.outbox.len()
    }

    /// Writes snapshots and moves the marks of the next start.
    ///
    /// # Errors
    /// When a store refuses.
    pub fn checkpoint(&self, everything: bool) -> Result<usize, EntityError> {
        let published = self.machines.published(&[]);
        let written = self.machines.checkpoint(everything)?;
        let marked = self.machines.around.state.write(&[], &[(PUBLISHED, published)]);
        marked.map_err(|error| EntityError::Unavailable(error.to_string()))?;
        Ok(written)
    }

    /// Takes entities out of memory that nobody touched since.
    pub fn evict(&self, before_ms: i64) -> usize {
        self.machines.evict(before_ms)
    }
}

impl Delivery {
    /// Ends the delivery: a message with a refusal comes again.
    pub fn settle(self, refusals: impl Iterator<Item = Option<String>>) {
        background::settle(&self.queue, self.messages, refusals);
    }
}

/// What the file of the queues remembers in `up`; here nobody has queues.
const PUBLISHED: &str = "published";
