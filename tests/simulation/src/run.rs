//! One run: a seed chooses every step, and after every step everything is checked.

use host::stepped::{EntityError, Stepped};
use sha2::{Digest as _, Sha256};

use crate::chance::Chance;
use crate::house::{House, Life};
use crate::invariant::{Invariant, Violation, holds};
use crate::ledger::Ledger;
use crate::people::{Ask, People};
use crate::plants::Plant;
use crate::rules::Rules;
use crate::{Place, TOPICS};

/// What a run without a violation was like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// SHA-256 of everything that happened, in order.
    pub trace: [u8; 32],
    /// Answers that acknowledged something.
    pub acknowledged: usize,
    /// Crashes.
    pub crashes: usize,
    /// Commits that failed.
    pub failures: u64,
    /// Records that became durable.
    pub records: usize,
    /// Auctions that ended.
    pub closed: usize,
}

/// A run under way.
pub(crate) struct Run {
    pub(crate) chance: Chance,
    pub(crate) plant: Option<Plant>,
    pub(crate) house: House,
    life: Option<Life>,
    pub(crate) ledger: Ledger,
    pub(crate) people: People,
    pub(crate) report: Report,
    trace: Sha256,
}

/// Plays one seed on a disk, with a planted bug or none.
///
/// # Errors
/// The first promise that was broken.
pub fn run(place: &Place, seed: u64, plant: Option<Plant>) -> Result<Report, Violation> {
    let mut run = Run::new(place, seed, plant)?;
    let steps = 120 + run.chance.below(160);
    for number in 0..steps {
        if plant == Some(Plant::LyingDisk) && number == steps / 4 {
            run.house.disk.set_lying(true);
        }
        run.step()?;
        run.after_step()?;
    }
    run.settle()?;
    run.report.trace = run.trace.finalize().into();
    Ok(run.report)
}

impl Run {
    fn new(place: &Place, seed: u64, plant: Option<Plant>) -> Result<Self, Violation> {
        let mut chance = Chance::new(seed);
        let house = House::new(place, chance.next(), plant);
        let life = house.start().map_err(|error| {
            Violation::new(Invariant::I26, format!("no first start: {error:#}"))
        })?;
        let people = People::new(&mut chance);
        let (ledger, report, trace) = (Ledger::new()?, Report::default(), Sha256::new());
        let life = Some(life);
        Ok(Self { chance, plant, house, life, ledger, people, report, trace })
    }

    pub(crate) fn life(&mut self) -> &mut Life {
        match &mut self.life {
            Some(life) => life,
            None => unreachable!("nothing is asked of a host between two lives"),
        }
    }

    pub(crate) fn host(&self) -> &Stepped<Rules> {
        match &self.life {
            Some(life) => &life.host,
            None => unreachable!("nothing is asked of a host between two lives"),
        }
    }

    pub(crate) fn ask(&mut self, ask: Ask) {
        let plant = self.plant;
        self.note("ask", &ask.body);
        self.life().ask(ask, plant);
    }

    /// A machine that fails is a violation; a store that does is none, as long as nothing was
    /// said.
    pub(crate) fn outcome(&mut self, outcome: Result<(), EntityError>) -> Result<(), Violation> {
        match outcome {
            Ok(()) | Err(EntityError::Unavailable(_)) => Ok(()),
            Err(error) => Err(crate::settle::broken(error)),
        }
    }

    fn note(&mut self, what: &str, bytes: &[u8]) {
        self.trace.update(what);
        self.trace.update((bytes.len() as u64).to_be_bytes());
        self.trace.update(bytes);
    }

    fn step(&mut self) -> Result<(), Violation> {
        match self.chance.below(100) {
            0..25 => {
                let ask =
                    self.people.command(&mut self.chance, &self.ledger, self.house.clock.now());
                self.ask(ask);
            }
            25..32 => {
                let ask = self.people.question(&mut self.chance);
                self.ask(ask);
            }
            32..55 => {
                let count = self.life().requests.len();
                let at = self.chance.index(count);
                return self.work(at);
            }
            55..68 => {
                let written = self.host().journal().step();
                self.note("journal", &[u8::from(written)]);
            }
            68..74 => self.wakes(),
            74..80 => return self.messages(),
            80..83 => self.upkeep(),
            83..92 => self.clock(),
            92..94 => return self.page(),
            94..97 => self.fault(),
            97..98 => return self.crash(),
            _ => {
                let key = self.people.auction(&mut self.chance);
                let woken = self.host().wake(&key);
                self.note("woken", &[u8::from(woken.is_ok())]);
                return self.outcome(woken);
            }
        }
        Ok(())
    }

    /// What must hold after every step. A step in which the power went was the last one of a life:
    /// nothing that it said was heard.
    pub(crate) fn after_step(&mut self) -> Result<(), Violation> {
        if !self.house.disk.has_power() {
            return self.crash();
        }
        // What an entity was loaded with held at least all that was durable before this step.
        let loaded = std::mem::take(&mut *self.house.rules.notes().loaded.lock());
        loaded.iter().try_for_each(|loaded| self.ledger.is_complete(loaded))?;
        let learned = match &self.life {
            Some(life) => self.ledger.catch_up(life.host.journal())?,
            None => 0,
        };
        self.report.records += learned;
        let durable = self.host().journal().durable().get();
        self.note("durable", &durable.to_be_bytes());
        loaded.iter().try_for_each(|loaded| self.ledger.is_whole(loaded))
    }

    /// Works on one request.
    pub(crate) fn work(&mut self, at: usize) -> Result<(), Violation> {
        let Some((ask, answer)) = self.life().work(at) else { return Ok(()) };
        if !self.house.disk.has_power() {
            return Ok(());
        }
        self.after_step()?;
        match answer {
            Ok(answer) => {
                self.note("reply", &answer.reply);
                self.people.answered(&ask, &answer.reply, &mut self.ledger)
            }
            Err(error) => {
                self.note("unknown", error.to_string().as_bytes());
                self.outcome(Err(error))
            }
        }
    }

    fn wakes(&mut self) {
        let limit = 1 + self.chance.index(3);
        for due in self.host().due(limit) {
            self.host().run_due(due);
        }
        self.note("wakes", &[]);
    }

    /// Messages leave the outbox, or reach a consumer, who may refuse or be gone.
    fn messages(&mut self) -> Result<(), Violation> {
        if self.life().deliveries.is_empty() || self.chance.one_in(3) {
            let (topic, limit) = (self.chance.index(TOPICS.len()), 1 + self.chance.index(4));
            let plant = self.plant;
            self.life().take(topic, limit, plant);
        }
        let count = self.life().deliveries.len();
        let at = self.chance.index(count);
        let patient = !self.chance.one_in(3);
        self.deliver(at, patient)
    }

    /// Delivers what may leave; an impatient consumer refuses some of it.
    pub(crate) fn deliver(&mut self, at: usize, patient: bool) -> Result<(), Violation> {
        let Some((topic, delivery)) = self.life().release(at) else { return Ok(()) };
        if !self.house.disk.has_power() {
            return Ok(());
        }
        self.after_step()?;
        let mut refusals = Vec::new();
        for message in &delivery.messages {
            self.ledger.arrived(topic, message)?;
            let refused = !patient && self.chance.one_in(2);
            if !refused {
                self.ledger.taken(topic, message);
            }
            let said = (refused && self.plant != Some(Plant::OutboxForgetsRefused))
                .then(|| "later".to_owned());
            refusals.push(said);
        }
        let ids: Vec<String> = delivery.messages.iter().map(host::stepped::Message::id).collect();
        self.note(topic, ids.join(" ").as_bytes());
        delivery.settle(refusals.into_iter());
        Ok(())
    }

    fn upkeep(&mut self) {
        let everything = self.chance.one_in(2);
        let written = self.host().checkpoint(everything);
        let evicted = if self.chance.one_in(2) {
            let idle = self.chance.between(-1_000, 30_000);
            self.host().evict(self.house.clock.now() - idle)
        } else {
            0
        };
        self.note("upkeep", format!("{written:?} {evicted}").as_bytes());
    }

    fn clock(&mut self) {
        let clock = std::sync::Arc::clone(&self.house.clock);
        match self.chance.below(12) {
            0 => clock.turn(-self.chance.between(1, 60_000)),
            1 => clock.turn(self.chance.between(10_000, 90_000)),
            2 | 3 => {
                // To the edge of an end.
                let ends: Vec<i64> = self
                    .ledger
                    .auctions()
                    .filter(|(_, known)| known.is_open())
                    .map(|(_, known)| known.ends_at)
                    .collect();
                if let Some(end) = self.chance.pick(&ends).copied() {
                    clock.set(end + self.chance.between(-1, 1));
                }
            }
            _ => clock.turn(self.chance.between(0, 4_000)),
        }
        self.note("clock", &clock.now().to_be_bytes());
    }

    fn page(&mut self) -> Result<(), Violation> {
        let key = self.people.auction(&mut self.chance);
        let after = self.chance.below(self.ledger.seq(&key) + 1);
        let plant = self.plant;
        let events = self.life().page(&key, after, plant);
        if !self.house.disk.has_power() {
            return Ok(());
        }
        self.after_step()?;
        match events {
            Ok(events) => self.check_page(&key, after, &events),
            Err(error) => self.outcome(Err(error)),
        }
    }

    /// A page has every event that was durable when it was asked for, and no other.
    pub(crate) fn check_page(
        &mut self,
        key: &str,
        after: u64,
        events: &[host::stepped::PublicEvent],
    ) -> Result<(), Violation> {
        let known = self.ledger.auction(key);
        let publics = known.map_or(&[][..], |known| known.publics.as_slice());
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let expected = publics.iter().skip(skip);
        let same = expected.eq(events.iter().map(|event| &event.public));
        holds(Invariant::I13, same, || {
            format!("{key}: a page after {after} has {} events, not the log's", events.len())
        })?;
        let count = events.len().to_be_bytes();
        self.note("page", &count);
        Ok(())
    }

    fn fault(&mut self) {
        let disk = self.house.disk.clone();
        match self.chance.below(5) {
            0 => disk.fail_syncs(1 + u32::try_from(self.chance.below(3)).unwrap_or(0)),
            1 => disk.set_full(true),
            2 => disk.set_full(false),
            _ => disk.cut_after(self.chance.below(60)),
        }
        self.note("fault", &[]);
    }

    /// A crash, and starts until one succeeds.
    pub(crate) fn crash(&mut self) -> Result<(), Violation> {
        self.report.crashes += 1;
        if let Some(life) = self.life.take() {
            self.report.failures += life.host.journal().stats().failures;
            let survival = self.house.crash(life, &mut self.chance);
            self.note("crash", format!("{survival:?}").as_bytes());
        }
        if self.chance.one_in(4) {
            self.clock();
        }
        if self.chance.one_in(5) {
            self.house.disk.cut_after(self.chance.below(40));
        }
        self.begin()
    }

    /// Ends a life in good order.
    pub(crate) fn stop(&mut self) {
        self.life = None;
    }

    /// Starts until that succeeds; only a lack of power excuses a start that does not.
    pub(crate) fn begin(&mut self) -> Result<(), Violation> {
        loop {
            match self.house.start() {
                Ok(life) => {
                    let restarted = self.ledger.restart(life.host.journal());
                    self.life = Some(life);
                    if self.house.disk.has_power() {
                        return restarted;
                    }
                    self.life = None;
                }
                Err(error) => {
                    let refused = self.house.disk.has_power();
                    holds(Invariant::I26, !refused, || format!("no start: {error:#}"))?;
                }
            }
            let survival = self.house.survival(&mut self.chance);
            self.house.disk.restore(survival);
            self.note("start", format!("{survival:?}").as_bytes());
        }
    }
}
