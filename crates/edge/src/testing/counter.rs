//! Counts, and rings when it was told to.

use kernel::machine::CommandKey;
use kernel::{Context, Effect, Machine, Message, Misfit, Place, Timestamp, Wake, canonical};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Counter {
    total: u64,
    taken: Vec<CommandKey>,
    rings_at: Vec<i64>,
    rung: Vec<i64>,
    is_jammed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    Add(u64),
    /// Rings at these instants.
    Ring(Vec<i64>),
    /// Is due from now on, and does nothing about it.
    Jam,
    Wake,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Event {
    Added(u64, CommandKey),
    Set(Vec<i64>),
    /// The clock said.
    Rang(i64),
    Jammed,
}

#[derive(Serialize)]
struct Public {
    total: u64,
}

impl Machine for Counter {
    const SNAPSHOT_VERSION: u8 = 1;
    const FACT_VERSION: u8 = 1;
    type Command = Command;
    type Query = String;
    type Event = Event;
    type Reply = String;
    type Refusal = &'static str;
    type Answer = (u64, Vec<i64>);

    fn recall(&self, context: &Context<'_>, _: &Command) -> Option<Result<String, &'static str>> {
        self.taken.contains(&context.command_key).then(|| Ok("again".to_owned()))
    }

    fn decide(&self, context: &Context<'_>, command: &Command) -> Result<Vec<Event>, &'static str> {
        Ok(match command {
            Command::Add(0) => return Err("nothing to add"),
            Command::Add(by) => vec![Event::Added(*by, context.command_key)],
            Command::Ring(at) => vec![Event::Set(at.clone())],
            Command::Jam => vec![Event::Jammed],
            Command::Wake if self.is_jammed || self.rings_at.is_empty() => Vec::new(),
            Command::Wake => vec![Event::Rang(context.now.as_ms())],
        })
    }

    fn describe(
        &self,
        seq: u64,
        time: Timestamp,
        event: &Event,
        body: &mut Vec<u8>,
    ) -> Result<(), Misfit> {
        let (name, total) = match event {
            Event::Added(by, _) => ("added", self.total + by),
            Event::Set(_) => ("set", self.total),
            Event::Rang(_) => ("rang", self.total),
            Event::Jammed => ("jammed", self.total),
        };
        canonical::write_event(&Public { total }, name, seq, time, body);
        Ok(())
    }

    fn evolve(&mut self, _: &Place, event: &Event) {
        match event {
            Event::Added(by, command) => {
                self.total += by;
                self.taken.push(*command);
            }
            Event::Set(at) => self.rings_at = at.clone(),
            Event::Rang(at) => {
                self.rings_at.remove(0);
                self.rung.push(*at);
            }
            Event::Jammed => self.is_jammed = true,
        }
    }

    fn effects(&self, key: &str, _: u64, events: &[Event]) -> Vec<Effect> {
        let body = events.len().to_string().into_bytes();
        vec![Effect::Send(Message { topic: "counted.v1", key: key.to_owned(), body })]
    }

    fn reply(&self, _: &Context<'_>, _: &Command) -> String {
        self.total.to_string()
    }

    fn refuse(&self, _: &Context<'_>, refusal: &'static str) -> String {
        refusal.to_owned()
    }

    fn malformed(&self, _: &Context<'_>, detail: String) -> String {
        detail
    }

    fn query(&self, _: &Context<'_>, _: &String) -> (u64, Vec<i64>) {
        (self.total, self.rung.clone())
    }

    fn wake(&self) -> Option<Wake> {
        let at = if self.is_jammed { 1 } else { *self.rings_at.first()? };
        Some(Wake { at: Timestamp::from_ms(at), reason: "ring" })
    }

    fn revive(&mut self) -> Result<(), Misfit> {
        Ok(())
    }
}
