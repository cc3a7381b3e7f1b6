//! One computer: a disk, a clock, and the host that is started on it again and again.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use host::stepped::{Answer, Delivery, EntityError, PublicEvent, Setup, Stepped};
use powercut::{Disk, Survival};

use crate::TOPICS;
use crate::chance::{Chance, Clockwork};
use crate::people::Ask;
use crate::plants::Plant;
use crate::rules::Rules;

/// The computer.
pub(crate) struct House {
    pub(crate) disk: Disk,
    pub(crate) clock: Arc<Clockwork>,
    pub(crate) rules: Arc<Rules>,
    dir: PathBuf,
    plant: Option<Plant>,
    /// Where a planted bug remembers that a commit has failed.
    is_down: Arc<AtomicBool>,
}

/// From a start to a crash.
pub(crate) struct Life {
    pub(crate) requests: Vec<Request>,
    pub(crate) deliveries: Vec<Held>,
    pub(crate) host: Arc<Stepped<Rules>>,
    is_down: Arc<AtomicBool>,
}

/// A request that is being worked on.
pub(crate) struct Request {
    pub(crate) ask: Ask,
    answer: Waiting<Result<Answer, EntityError>>,
}

/// Messages that wait for their records.
pub(crate) struct Held {
    pub(crate) topic: &'static str,
    delivery: Waiting<Delivery>,
}

type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl House {
    pub(crate) fn new(place: &crate::Place, seed: u64, plant: Option<Plant>) -> Self {
        place.disk.wipe();
        Self {
            disk: place.disk.clone(),
            clock: Arc::new(Clockwork::new(FIRST_MS, seed)),
            rules: Arc::new(Rules::new(plant)),
            dir: place.dir.path().to_owned(),
            plant,
            is_down: Arc::default(),
        }
    }

    /// Starts the host; fails when the power goes meanwhile, or the disk is not what it was.
    pub(crate) fn start(&self) -> anyhow::Result<Life> {
        self.rules.notes().kept.lock().clear();
        let disk = self.disk.clone();
        let journal = journal::Options {
            vfs: Some(self.disk.vfs().to_owned()),
            files: journal::Files::new(move |path| Ok(Box::new(disk.open(path)?))),
            page_bytes: 4_096,
            row_records_max: 4,
            checkpoint_bytes: 16 * 1_024,
            gather_max: Duration::ZERO,
            ..journal::Options::default()
        };
        let host = Stepped::start(Setup {
            dir: &self.dir,
            journal,
            image: Arc::clone(&self.rules),
            shards: 2,
            topics: TOPICS,
            world: self.clock.clone(),
        })?;
        if self.plant == Some(Plant::TimersLostAtRestart) {
            let now = self.clock.now();
            self.clock.set(i64::MAX / 2);
            drop(host.due(usize::MAX));
            self.clock.set(now);
        }
        let (host, is_down) = (Arc::new(host), Arc::clone(&self.is_down));
        Ok(Life { requests: Vec::new(), deliveries: Vec::new(), host, is_down })
    }

    /// Ends a life without warning. What the disk keeps is decided by chance.
    pub(crate) fn crash(&self, life: Life, chance: &mut Chance) -> Survival {
        self.disk.cut();
        drop(life);
        self.rules.notes().loaded.lock().clear();
        let survival = self.survival(chance);
        self.disk.restore(survival);
        survival
    }

    pub(crate) fn survival(&self, chance: &mut Chance) -> Survival {
        let seed = chance.next();
        match chance.below(6) {
            0 | 1 => Survival::Killed,
            2 => Survival::Synced,
            3 => Survival::Prefix { seed },
            _ => Survival::Sectors { seed },
        }
    }
}

impl Life {
    pub(crate) fn ask(&mut self, ask: Ask, plant: Option<Plant>) {
        let host = Arc::clone(&self.host);
        let own = ask.clone();
        let waits = plant != Some(Plant::ReplyBeforeSync);
        if plant == Some(Plant::StaysDown) && host.journal().stats().failures > 0 {
            self.is_down.store(true, Ordering::Relaxed);
        }
        let is_down = self.is_down.load(Ordering::Relaxed);
        let answer: Waiting<_> = Box::pin(async move {
            let Ask { key, user, body, .. } = own;
            let answer = match &own.id {
                Some(_) if is_down => return Err(EntityError::Unavailable("down".to_owned())),
                Some(id) => host.call(&key, id, &user, &body).await?,
                None => host.query(&key, Some(&user), &body).await?,
            };
            if waits {
                host.durable(answer.after).await?;
            }
            Ok(answer)
        });
        self.requests.push(Request { ask, answer });
    }

    /// A page of events after a seq.
    pub(crate) fn page(
        &self,
        key: &str,
        after: u64,
        plant: Option<Plant>,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        let mut events = self.host.events(key, after)?;
        if plant == Some(Plant::ShortPages) {
            events.pop();
        }
        Ok(events)
    }

    /// Takes messages that wait for delivery.
    pub(crate) fn take(&mut self, topic: usize, limit: usize, plant: Option<Plant>) {
        let Some((name, _)) = TOPICS.get(topic) else { return };
        let Some(taken) = self.host.take(topic, limit) else { return };
        let delivery: Waiting<_> = if plant == Some(Plant::MessageBeforeSync) {
            Box::pin(async move { taken })
        } else {
            Box::pin(self.host.held(taken))
        };
        self.deliveries.push(Held { topic: name, delivery });
    }

    /// Works on one request; gives it back with its answer.
    pub(crate) fn work(&mut self, at: usize) -> Option<(Ask, Result<Answer, EntityError>)> {
        let answer = poll(&mut self.requests.get_mut(at)?.answer)?;
        Some((self.requests.swap_remove(at).ask, answer))
    }

    /// Asks whether one delivery may go on.
    pub(crate) fn release(&mut self, at: usize) -> Option<(&'static str, Delivery)> {
        let delivery = poll(&mut self.deliveries.get_mut(at)?.delivery)?;
        Some((self.deliveries.swap_remove(at).topic, delivery))
    }
}

fn poll<T>(waiting: &mut Waiting<T>) -> Option<T> {
    match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// When every run begins.
const FIRST_MS: i64 = 1_763_900_000_000;
