//! The machine, with a clock of its own.

use auction_machine::Auction;
use auction_machine::contract::{Command, Query, Reply, Row, Rule, Terms};
use auction_machine::formats::Format;
use auction_machine::lot::Lot;
use auction_machine::public::alias;
use auction_machine::view;
use kernel::{Digest, Entity, Envelope, Id, Minor, Recorded, Timestamp, Wake, kind};
use serde::Serialize;

use crate::chance::Chance;
use crate::request::Unplayable;

/// One auction under way.
pub(crate) struct Stage {
    auction: Entity<Auction>,
    pub(crate) chance: Chance,
    commands: u32,
}

/// What a command led to.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) events: Vec<Recorded>,
}

impl Stage {
    /// Lists the auction.
    pub(crate) fn list(seed: u64, terms: Terms) -> Result<(Self, Answered), Unplayable> {
        let mut stage = Self { auction: Entity::new(KEY), chance: Chance::of(seed), commands: 0 };
        let listed = stage.send(START, Some(SELLER), &Command::Create(terms))?;
        match listed.reply {
            Reply::Refused(refused) => Err(Unplayable::unlisted(refused)),
            _ => Ok((stage, listed)),
        }
    }

    /// Sends a command of somebody, or of the platform.
    pub(crate) fn send(
        &mut self,
        now: Timestamp,
        who: Option<Id<kind::User>>,
        command: &Command,
    ) -> Result<Answered, Unplayable> {
        self.commands += 1;
        if self.commands > COMMANDS_MAX {
            let detail = format!(
                "these bidders would bid more than {COMMANDS_MAX} times: take larger increments or \
                 lower limits"
            );
            return Err(Unplayable::new("too_many_commands", detail));
        }
        let (seed, who) = (self.chance.bytes(), who.map(|who| who.to_string()));
        let decision = self.auction.handle(&Envelope {
            command_id: &self.commands.to_string(),
            principal: who.as_deref(),
            now,
            seed: seed.as_bytes(),
            body: &json(command),
        });
        let reply = serde_json::from_slice(&decision.reply).map_err(|_| unheard())?;
        Ok(Answered { reply, events: decision.events })
    }

    /// When the machine wants to be asked again.
    pub(crate) fn wake(&self) -> Option<Wake> {
        self.auction.next_wake()
    }

    /// What everybody sees at that instant.
    pub(crate) fn row(&self, now: Timestamp) -> Result<Row, Unplayable> {
        Ok(view::row(self.lot()?, self.auction.position().seq, now))
    }

    /// The terms in plain words.
    pub(crate) fn rules(&self) -> Result<Vec<Rule>, Unplayable> {
        let body = json(&Query::Rules);
        let question =
            Envelope { command_id: "", principal: None, now: START, seed: &[], body: &body };
        serde_json::from_slice(&self.auction.query(&question)).map_err(|_| unheard())
    }

    /// The alias of somebody who has bid.
    pub(crate) fn alias(&self, user: Id<kind::User>) -> Option<String> {
        self.lot().ok()?.bidder_index(user).map(alias)
    }

    /// The instants at which a falling clock ticks; none where the price does not fall.
    pub(crate) fn ticks(&self) -> Option<Ticks> {
        let lot = self.lot().ok()?;
        let Format::Dutch(clock) = lot.listing.format else { return None };
        let tick_ms = i64::from(clock.tick_seconds.max(1)) * 1_000;
        Some(Ticks { tick_ms, count: lot.ends_at.ms_since(START) / tick_ms })
    }

    /// When the clock comes down to an amount; none when it never does.
    pub(crate) fn reached(&self, limit: Minor, ticks: &Ticks) -> Option<Timestamp> {
        let lot = self.lot().ok()?;
        let is_at = |tick| lot.shown_price(ticks.at(tick)).is_some_and(|price| price <= limit);
        let (mut from, mut to) = (0, ticks.count);
        if !is_at(to) {
            return None;
        }
        while from < to {
            let half = from + (to - from) / 2;
            if is_at(half) { to = half } else { from = half + 1 }
        }
        Some(ticks.at(to))
    }

    fn lot(&self) -> Result<&Lot, Unplayable> {
        self.auction.state().lot().ok_or_else(unheard)
    }
}

/// The ticks of a clock, the start being the first.
pub(crate) struct Ticks {
    tick_ms: i64,
    /// How many follow until the end.
    pub(crate) count: i64,
}

impl Ticks {
    pub(crate) fn at(&self, tick: i64) -> Timestamp {
        START.plus_ms(tick.saturating_mul(self.tick_ms))
    }
}

/// A user's id, the same for the same name.
pub(crate) fn user(name: &str) -> Id<kind::User> {
    let bytes = Digest::of(&[name.trim().as_bytes()]);
    Id::from_u128(bytes.as_bytes().first_chunk().copied().map_or(1, u128::from_be_bytes))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The machine and its contract are built together, so this is never seen.
fn unheard() -> Unplayable {
    Unplayable::new("internal", "the machine said what its contract does not know")
}

/// When every auction begins: 2026-01-01T00:00:00.000Z.
pub const START: Timestamp = Timestamp::from_ms(1_767_225_600_000);
const SELLER: Id<kind::User> = Id::from_u128(0);
const KEY: &str = "auc_00000000000000000000000000";
const COMMANDS_MAX: u32 = 2_000;
