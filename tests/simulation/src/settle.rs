//! The second half of a run: the faults stop, and everything must come to its end.

use host::stepped::EntityError;

use crate::invariant::{Invariant, Violation, holds};
use crate::people::Ask;
use crate::run::Run;

impl Run {
    /// Ends the faults with a last crash, lets everything finish, and looks at it once more after
    /// an orderly stop.
    pub(crate) fn settle(&mut self) -> Result<(), Violation> {
        self.crash()?;
        self.house.disk.set_full(false);
        self.house.disk.fail_syncs(0);
        self.house.disk.cut_after(u64::MAX);
        let trial = self.people.trial();
        let key = trial.key.clone();
        self.ask(trial);
        for _ in 0..ROUNDS {
            self.round()?;
            let is_open = self.ledger.auctions().any(|(_, known)| known.is_open());
            let works = self.ledger.seq(&key) > 0;
            if works
                && !is_open
                && self.life().requests.is_empty()
                && self.host().undelivered() == 0
            {
                break;
            }
        }
        holds(Invariant::I27, self.ledger.seq(&key) > 0, || "no command works any more".into())?;
        let open = self.ledger.auctions().find(|(_, known)| known.is_open());
        holds(Invariant::I7, open.is_none(), || {
            format!("{} never closes", open.map_or("", |(key, _)| key))
        })?;
        let untaken = self.ledger.untaken(crate::TOPIC_CHANGED);
        holds(Invariant::I17, untaken.is_none(), || {
            format!("{} never arrives", untaken.unwrap_or_default())
        })?;
        let left = self.host().undelivered();
        holds(Invariant::I17, left == 0, || format!("{left} messages are never done"))?;
        self.look_again()
    }

    /// Time passes; every wake runs, every request and delivery gets its turn.
    fn round(&mut self) -> Result<(), Violation> {
        let open = self.ledger.auctions().filter(|(_, known)| known.is_open());
        let end = open.map(|(_, known)| known.ends_at).max().unwrap_or(0);
        let clock = &self.house.clock;
        clock.set(clock.now().max(end) + 1_000);
        for due in self.host().due(usize::MAX) {
            self.host().run_due(due);
        }
        self.host().journal().step();
        self.after_step()?;
        for at in (0..self.life().requests.len()).rev() {
            self.work(at)?;
        }
        let plant = self.plant;
        for topic in 0..crate::TOPICS.len() {
            self.life().take(topic, usize::MAX, plant);
        }
        for at in (0..self.life().deliveries.len()).rev() {
            self.deliver(at, true)?;
        }
        Ok(())
    }

    /// After an orderly stop and a start, everything is as it was.
    fn look_again(&mut self) -> Result<(), Violation> {
        let written = self.host().checkpoint(true);
        self.outcome(written.map(|_| ()))?;
        self.stop();
        self.begin()?;
        let keys: Vec<String> = self.ledger.auctions().map(|(key, _)| key.clone()).collect();
        for key in keys {
            let plant = self.plant;
            let events = self.life().page(&key, 0, plant).map_err(broken)?;
            self.check_page(&key, 0, &events)?;
            let question = b"\"view\"".to_vec();
            let seen = Ask {
                key,
                user: String::new(),
                id: None,
                body: question,
                floor: 0,
                accepted: false,
            };
            self.ask(seen);
            let last = self.life().requests.len() - 1;
            self.work(last)?;
            holds(Invariant::I27, self.life().requests.is_empty(), || "no view".to_owned())?;
        }
        self.report.closed =
            self.ledger.auctions().filter(|(_, known)| known.result.is_some()).count();
        self.report.acknowledged = self.people.acknowledged;
        Ok(())
    }
}

/// The machine refused what it wrote itself, or there is none: never allowed.
pub(crate) fn broken(error: EntityError) -> Violation {
    Violation::new(Invariant::I30, error.to_string())
}

/// In so many rounds everything must be over; a failed wake waits for a few of them.
const ROUNDS: usize = 60;
