//! The rules: a sum, and three ways to break.

use kernel::{Context, Effect, Machine, Misfit, Place, Timestamp, Wake, canonical};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A sum and how it came about.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Counting {
    total: u64,
    commands: u64,
}

/// What can be asked for.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    Add(u64),
    Trap,
    Spin,
    Eat,
}

/// What can have happened.
#[derive(Serialize, Deserialize)]
pub(crate) struct Added(u64);

/// Every answer.
#[derive(Serialize)]
pub(crate) struct Standing {
    commands: u64,
    total: u64,
}

impl Counting {
    fn standing(&self) -> Standing {
        Standing { commands: self.commands, total: self.total }
    }
}

impl Machine for Counting {
    const SNAPSHOT_VERSION: u8 = 1;
    const FACT_VERSION: u8 = 1;

    type Command = Command;
    type Query = IgnoredAny;
    type Event = Added;
    type Reply = Standing;
    type Refusal = ();
    type Answer = Standing;

    fn recall(&self, _: &Context<'_>, _: &Command) -> Option<Result<Standing, ()>> {
        None
    }

    fn decide(&self, _: &Context<'_>, command: &Command) -> Result<Vec<Added>, ()> {
        match command {
            Command::Add(amount) => Ok(vec![Added(*amount)]),
            Command::Trap => panic!("asked to trap"),
            Command::Spin => {
                let mut turns = 0_u64;
                loop {
                    turns = core::hint::black_box(turns.wrapping_add(1));
                }
            }
            Command::Eat => {
                let mut eaten = Vec::new();
                loop {
                    eaten.push(core::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
        }
    }

    fn describe(
        &self,
        seq: u64,
        time: Timestamp,
        event: &Added,
        body: &mut Vec<u8>,
    ) -> Result<(), Misfit> {
        canonical::write_event(&event.0, "added", seq, time, body);
        Ok(())
    }

    fn evolve(&mut self, _: &Place, event: &Added) {
        self.total = self.total.wrapping_add(event.0);
        self.commands += 1;
    }

    fn effects(&self, _: &str, _: u64, _: &[Added]) -> Vec<Effect> {
        Vec::new()
    }

    fn reply(&self, _: &Context<'_>, _: &Command) -> Standing {
        self.standing()
    }

    fn refuse(&self, _: &Context<'_>, (): ()) -> Standing {
        self.standing()
    }

    fn malformed(&self, _: &Context<'_>, _: String) -> Standing {
        self.standing()
    }

    fn query(&self, _: &Context<'_>, _: &IgnoredAny) -> Standing {
        self.standing()
    }

    fn wake(&self) -> Option<Wake> {
        None
    }

    fn revive(&mut self) -> Result<(), Misfit> {
        Ok(())
    }
}
