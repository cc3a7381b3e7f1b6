//! A stage for the scenarios of `tests/scripts`: the host with entities, journal and wakes, every
//! answer waited for until it is durable, and trouble between the steps that nobody may notice.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use auction_player::{Answered, KEY, START, Stage, user};

use crate::Place;
use crate::chance::Chance;
use crate::house::{House, Life};

/// What happens between any two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// Snapshots are written and memory is emptied.
    Evictions,
    /// The power goes and comes back.
    PowerCuts,
}

/// A host for one auction.
pub struct Theatre {
    house: House,
    life: Option<Life>,
    between: Between,
    chance: Chance,
    /// Events that were seen.
    known: u64,
    /// Something was due before a row said so.
    overtaken: bool,
}

impl Theatre {
    /// Starts a host on an empty disk.
    ///
    /// # Errors
    /// When it does not start.
    pub fn open(place: &Place, between: Between) -> anyhow::Result<Self> {
        let house = House::new(place, 1, None);
        let life = Some(house.start()?);
        Ok(Self { house, life, between, chance: Chance::new(1), known: 0, overtaken: false })
    }

    fn life(&self) -> &Life {
        self.life.as_ref().unwrap_or_else(|| unreachable!("the host runs between two steps"))
    }

    /// Works until it is done, with the journal where it waits for that.
    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return done;
            }
            assert!(self.life().host.journal().step(), "it waits for nothing");
        }
    }

    fn trouble(&mut self) {
        match self.between {
            Between::Nothing => {}
            Between::Evictions => {
                let host = &self.life().host;
                host.checkpoint(true).unwrap_or_else(|error| panic!("no checkpoint: {error}"));
                host.evict(i64::MAX);
            }
            Between::PowerCuts => {
                if let Some(life) = self.life.take() {
                    self.house.crash(life, &mut self.chance);
                }
                let life = self.house.start();
                self.life = Some(life.unwrap_or_else(|error| panic!("no start: {error:#}")));
            }
        }
    }

    /// The host wakes what is due before it lets anybody see it; rows may tell of the time between.
    fn overtake(&mut self) {
        let host = &self.life().host;
        let due = host.due(usize::MAX);
        let is_due = !due.is_empty();
        due.into_iter().for_each(|due| host.run_due(due));
        self.overtaken |= is_due;
    }

    /// Names of the events that came since the last look.
    fn news(&mut self) -> Vec<String> {
        let events = self.life().host.events(KEY, self.known);
        let events = events.unwrap_or_else(|error| panic!("no events: {error}"));
        self.known += events.len() as u64;
        let name = |event: &host::stepped::PublicEvent| {
            let body: serde_json::Value = serde_json::from_slice(&event.public).ok()?;
            body.get("event")?.as_str().map(str::to_owned)
        };
        events.iter().map(|event| name(event).unwrap_or_default()).collect()
    }
}

impl Stage for Theatre {
    fn send(&mut self, ms: i64, who: Option<&str>, command_id: &str, command: &[u8]) -> Answered {
        self.trouble();
        self.house.clock.set(START.plus_ms(ms).as_ms());
        if who.is_some() {
            self.overtake();
        }
        let host = &self.life().host;
        let reply = match who {
            Some(name) => self.wait(async {
                let answer = host.call(KEY, command_id, &user(name).to_string(), command).await?;
                host.durable(answer.after).await?;
                Ok::<_, host::stepped::EntityError>(answer.reply)
            }),
            // The host wakes what asked for it; where nothing is due it does so unasked.
            None => {
                let due = host.due(usize::MAX);
                let woken = if due.is_empty() { host.wake(KEY) } else { Ok(()) };
                due.into_iter().for_each(|due| host.run_due(due));
                while host.journal().step() {}
                woken.map(|()| b"\"woken\"".to_vec())
            }
        };
        let reply = reply.unwrap_or_else(|error| panic!("no answer: {error}"));
        Answered { reply, events: self.news() }
    }

    fn ask(&mut self, ms: i64, who: Option<&str>, question: &[u8]) -> Vec<u8> {
        self.house.clock.set(START.plus_ms(ms).as_ms());
        self.overtake();
        let host = &self.life().host;
        let principal = who.map(|name| user(name).to_string());
        let answer = self.wait(async {
            let answer = host.query(KEY, principal.as_deref(), question).await?;
            host.durable(answer.after).await?;
            Ok::<_, host::stepped::EntityError>(answer.reply)
        });
        answer.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    fn follows(&self) -> bool {
        !self.overtaken
    }
}
