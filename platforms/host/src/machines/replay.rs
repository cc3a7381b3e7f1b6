//! Deciding the commands of a log again: the same machine must give the same bytes.

use std::collections::BTreeMap;

use journal::Record;

use super::bindings::exports::ecomauction::machine::machine as wit;
use super::image::{Image, Instance, InstanceError};
use super::instance::{MachineImage, MachineInstance};

/// One machine and all entities of a log, built from their commands alone.
pub struct Replay<I: Image> {
    instance: I::Instance,
    entities: BTreeMap<String, <I::Instance as Instance>::Entity>,
}

/// One entity built from the facts of its log alone, to be asked after each of them: a command may
/// have led to several.
pub(crate) struct Retelling {
    instance: MachineInstance,
    entity: <MachineInstance as Instance>::Entity,
}

/// The first thing in a log that is not as it must be.
#[derive(Debug, thiserror::Error)]
#[error("seq {seq}: {what}")]
pub struct Difference {
    /// Seq of the event, or of the first event of its command.
    pub seq: u64,
    /// What differs.
    pub what: String,
}

impl<I: Image> Replay<I> {
    /// An empty replay.
    ///
    /// # Errors
    /// When there is no room for an instance.
    pub fn new(image: &I) -> Result<Self, InstanceError> {
        Ok(Self { instance: image.instantiate()?, entities: BTreeMap::new() })
    }

    /// Decides the record's command again and compares; the machine's reply when all is the same.
    ///
    /// # Errors
    /// Names the first difference.
    pub fn record(&mut self, record: &Record) -> Result<Vec<u8>, Difference> {
        let decision = self.decide(record).map_err(|error| Difference {
            seq: record.events.first().map_or(0, |event| event.seq),
            what: error.to_string(),
        })?;
        compare_events(record, &decision)?;
        compare_consequences(record, &decision)?;
        Ok(decision.reply)
    }

    fn decide(&mut self, record: &Record) -> Result<wit::Decision, InstanceError> {
        let key = &record.entity.key;
        let entity = match self.entities.get(key) {
            Some(entity) => *entity,
            None => {
                let entity = self.instance.create(key)?;
                self.entities.insert(key.clone(), entity);
                entity
            }
        };
        let journal::Envelope { command_id, principal, now, seed, body } = &record.envelope;
        let principal = principal.as_deref();
        let envelope = wit::Envelope { command_id, principal, now: *now, seed, body };
        self.instance.handle(entity, envelope)
    }
}

impl Retelling {
    /// The entity without history.
    pub(crate) fn new(image: &MachineImage, key: &str) -> Result<Self, InstanceError> {
        let mut instance = image.instantiate()?;
        let entity = instance.create(key)?;
        Ok(Self { instance, entity })
    }

    /// Applies the next fact.
    pub(crate) fn apply(&mut self, fact: &[u8]) -> Result<(), InstanceError> {
        self.instance.apply(self.entity, fact)
    }

    /// What anybody would be told at that instant.
    pub(crate) fn ask(&mut self, now: i64, question: &[u8]) -> Result<Vec<u8>, InstanceError> {
        let (command_id, principal, seed) = ("", None, [].as_slice());
        let question = wit::Envelope { command_id, principal, now, seed, body: question };
        self.instance.query(self.entity, question)
    }
}

fn compare_events(record: &Record, decision: &wit::Decision) -> Result<(), Difference> {
    for (said, now) in record.events.iter().zip(&decision.events) {
        let differs = |what: String| Err(Difference { seq: said.seq, what });
        if said.seq != now.seq {
            return differs(format!("for the machine it is seq {}", now.seq));
        }
        if said.public != now.public {
            let (said, now) = around_the_difference(&said.public, &now.public);
            return differs(format!("public is {said}, but the machine decides {now}"));
        }
        let parts: [(&str, &[u8], &[u8]); 3] = [
            ("prev", &said.prev, &now.prev),
            ("head", &said.head, &now.head),
            ("fact", &said.fact, &now.fact),
        ];
        if let Some((name, ..)) = parts.iter().find(|(_, said, now)| said != now) {
            return differs(format!("{name} is not what the machine decides"));
        }
    }
    let (said, now) = (record.events.len(), decision.events.len());
    if let Some(event) = record.events.get(now) {
        let reply = shortened(&decision.reply, REPLY_BYTES_SHOWN);
        let what = format!("the machine decides no such event, it replies {reply}");
        return Err(Difference { seq: event.seq, what });
    }
    if let Some(event) = decision.events.get(said) {
        let public = shortened(&event.public, CONTEXT_BYTES);
        let what = format!("the machine decides one more event: {public}");
        return Err(Difference { seq: event.seq, what });
    }
    Ok(())
}

fn compare_consequences(record: &Record, decision: &wit::Decision) -> Result<(), Difference> {
    let seq = record.events.first().map_or(0, |event| event.seq);
    let is_same = |(said, now): (&journal::Effect, &wit::Effect)| {
        let journal::Effect::Send { topic, key, body } = said;
        let wit::Effect::Send(message) = now;
        (topic, key, body) == (&message.topic, &message.key, &message.body)
    };
    if record.effects.len() != decision.effects.len()
        || !record.effects.iter().zip(&decision.effects).all(is_same)
    {
        let what = "the machine decides other effects of its command".to_owned();
        return Err(Difference { seq, what });
    }
    let said = record.wake.as_ref().map(|wake| (wake.at, wake.reason.as_str()));
    let now = decision.wake.as_ref().map(|wake| (wake.at, wake.reason.as_str()));
    if said != now {
        let what = format!("wake is {said:?}, but the machine decides {now:?}");
        return Err(Difference { seq, what });
    }
    Ok(())
}

/// Both texts where they begin to differ.
fn around_the_difference(said: &[u8], now: &[u8]) -> (String, String) {
    let same = said.iter().zip(now).take_while(|(said, now)| said == now).count();
    let start = same.saturating_sub(CONTEXT_BYTES / 2);
    let part = |text: &[u8]| {
        let part = shortened(text.get(start..).unwrap_or_default(), CONTEXT_BYTES);
        if start == 0 { part } else { format!("…{part}") }
    };
    (part(said), part(now))
}

fn shortened(text: &[u8], bytes: usize) -> String {
    match text.get(..bytes) {
        Some(front) if front.len() < text.len() => format!("{}…", String::from_utf8_lossy(front)),
        _ => String::from_utf8_lossy(text).into_owned(),
    }
}

/// Bytes of a text that are shown around a difference.
const CONTEXT_BYTES: usize = 80;
/// Bytes of a reply that are shown where an event was expected.
const REPLY_BYTES_SHOWN: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_texts_the_place_where_they_part_is_shown() {
        let (said, now) = (format!("{}1{}", "a".repeat(200), "b".repeat(200)), "a".repeat(200));
        let (said, now) = around_the_difference(said.as_bytes(), now.as_bytes());
        assert_eq!(said, format!("…{}1{}…", "a".repeat(40), "b".repeat(39)));
        assert_eq!(now, format!("…{}", "a".repeat(40)));
        let short = around_the_difference(b"{\"a\":1}", b"{\"a\":2}");
        assert_eq!(short, ("{\"a\":1}".to_owned(), "{\"a\":2}".to_owned()));
    }
}
