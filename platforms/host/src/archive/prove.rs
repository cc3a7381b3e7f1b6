//! An archive, decided again without showing it: is it whole, and what is public of it?

use std::sync::Arc;

use ::archive::Reader;
use kernel::ChainHead;

use super::walk::{Step, Walk};
use crate::machines::{Difference, MachineImage};

/// An archive whose every command the machine decided as it says.
pub(crate) struct Proven {
    /// Name of the machine.
    pub(crate) machine: String,
    /// Key of the entity.
    pub(crate) key: String,
    /// How many commands.
    pub(crate) commands: u64,
    /// Its events as the public sees them, JSON.
    pub(crate) events: Vec<String>,
}

/// The first thing in an archive that is not as it must be.
pub(crate) struct Unproven {
    /// Seq of the event; none when it is about no event.
    pub(crate) seq: Option<u64>,
    /// What is wrong.
    pub(crate) what: String,
}

impl Proven {
    /// What anybody could have saved.
    pub(crate) fn public_log(&self) -> String {
        let key = serde_json::json!(self.key);
        format!("{{\"auction_id\":{key},\"events\":[{}]}}", self.events.join(","))
    }
}

/// Decides it again with the image of its machine.
pub(crate) fn prove(
    bytes: &[u8],
    image: impl FnOnce(&str) -> anyhow::Result<Arc<MachineImage>>,
) -> Result<Proven, Unproven> {
    let beside = |error: anyhow::Error| Unproven { seq: None, what: format!("{error:#}") };
    let mut reader = Reader::new(bytes);
    let header = reader.header().map_err(|error| beside(error.into()))?;
    let image = image(&header.machine).map_err(beside)?;
    let (mut events, mut prev) = (Vec::new(), ChainHead::genesis(&header.key).digest().to_hex());
    let walk = Walk::new(&header, &image).map_err(beside)?;
    let walked = walk.run(&mut reader, |step| {
        events.push(shown(step, &prev)?);
        prev = step.head.to_hex();
        Ok(())
    });
    let end = walked.map_err(|error| {
        let named = error.chain().find_map(|cause| cause.downcast_ref::<Difference>());
        let next = events.len() as u64 + 1;
        // Where all events are there, it is the last line that is wrong.
        let next = Some(next).filter(|next| *next <= header.events);
        Unproven {
            seq: named.map(|difference| difference.seq).or(next),
            what: format!("{error:#}"),
        }
    })?;
    let (machine, key) = (header.machine, header.key);
    Ok(Proven { machine, key, commands: end.commits, events })
}

/// An item of the public log.
fn shown(step: &Step<'_>, prev: &str) -> anyhow::Result<String> {
    let Step { seq, time, event, data, head, .. } = step;
    let (event, data) = (serde_json::to_string(event)?, data.get());
    let body = format!(r#""seq":{seq},"event":{event},"time":"{time}","data":{data}"#);
    Ok(format!(r#"{{{body},"prev":"{prev}","hash":"{head}"}}"#))
}

#[cfg(test)]
mod tests;
