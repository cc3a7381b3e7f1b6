//! Entities that were used last. Others write to the store too: what is kept here is believed only
//! where its chain head is the store's.

use std::collections::BTreeMap;

use crate::log::Address;
use crate::machines::Hosted;

/// Entities in memory, a bounded number.
#[derive(Default)]
pub(crate) struct Cache {
    kept: BTreeMap<(String, String), Kept>,
    uses: u64,
}

struct Kept {
    used: u64,
    entity: Box<dyn Hosted>,
}

impl Cache {
    /// Takes an entity out. Whoever fails to put it back has changed it without being durable.
    pub(crate) fn take(&mut self, at: Address<'_>) -> Option<Box<dyn Hosted>> {
        Some(self.kept.remove(&name(at))?.entity)
    }

    /// Keeps an entity as it is in the store, in place of the one that was used the longest ago.
    pub(crate) fn keep(&mut self, at: Address<'_>, entity: Box<dyn Hosted>) {
        if entity.position().seq == 0 {
            return;
        }
        self.uses += 1;
        self.kept.insert(name(at), Kept { used: self.uses, entity });
        if self.kept.len() > ENTITIES_MAX {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.kept.remove(&oldest);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }
}

fn name(at: Address<'_>) -> (String, String) {
    (at.machine.to_owned(), at.key.to_owned())
}

const ENTITIES_MAX: usize = 64;
