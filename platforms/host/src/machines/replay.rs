//! Deciding the commands of a log again: the same machine must give the same bytes.

use std::collections::BTreeMap;

use journal::Record;
use wasmtime::component::ResourceAny;

use super::bindings::exports::ecomauction::machine::machine::Envelope;
use super::instance::{InstanceError, MachineImage, MachineInstance};

/// One machine and all entities of a log, built from their commands alone.
pub(crate) struct Replay {
    instance: MachineInstance,
    entities: BTreeMap<String, ResourceAny>,
}

impl Replay {
    /// An empty replay.
    pub(crate) fn new(image: MachineImage) -> Result<Self, InstanceError> {
        Ok(Self { instance: image.instantiate()?, entities: BTreeMap::new() })
    }

    /// Decides the record's command again and compares; the error names the first difference.
    pub(crate) fn record(&mut self, record: &Record) -> Result<(), String> {
        let say = |error: InstanceError| error.to_string();
        let key = &record.entity.key;
        let entity = match self.entities.get(key) {
            Some(entity) => *entity,
            None => {
                let entity = self.instance.create(key).map_err(say)?;
                self.entities.insert(key.clone(), entity);
                entity
            }
        };
        let journal::Envelope { command_id, principal, now, seed, body } = &record.envelope;
        let principal = principal.as_deref();
        let envelope = Envelope { command_id, principal, now: *now, seed, body };
        let decision = self.instance.handle(entity, envelope).map_err(say)?;
        for (said, now) in record.events.iter().zip(&decision.events) {
            if said.public != now.public || said.fact != now.fact || said.head[..] != now.head[..] {
                return Err(format!("seq {}: the machine decides it differently now", said.seq));
            }
        }
        let (said, now) = (record.events.len(), decision.events.len());
        if said != now {
            return Err(format!(
                "command {}: {said} events, now {now}",
                record.envelope.command_id
            ));
        }
        Ok(())
    }
}
