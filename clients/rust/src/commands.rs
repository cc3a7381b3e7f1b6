//! Commands that have no reply yet. Each keeps its id until one comes, over any count of
//! connections: the id is the idempotency key, so a command that is sent twice acts once.

use uuid::{Builder, Uuid};

use crate::frame::Bid;

/// In the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    open: Vec<(String, Bid)>,
}

impl Commands {
    pub(crate) fn add(&mut self, id: String, bid: Bid) {
        self.open.push((id, bid));
    }

    /// True when that command waited for it; a second reply answers nobody.
    pub(crate) fn answered(&mut self, id: &str) -> bool {
        let before = self.open.len();
        self.open.retain(|(open, _)| open != id);
        self.open.len() < before
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = (&str, &Bid)> {
        self.open.iter().map(|(id, bid)| (id.as_str(), bid))
    }
}

/// An id that nobody used before.
pub(crate) fn fresh_id() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // An id must be new, not secret.
        bytes = fastrand::u128(..).to_be_bytes();
    }
    let id: Uuid = Builder::from_random_bytes(bytes).into_uuid();
    id.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_open_until_its_one_reply() {
        let mut commands = Commands::default();
        let ids = [fresh_id(), fresh_id()];
        assert_ne!(ids[0], ids[1]);
        for id in &ids {
            commands.add(id.clone(), Bid::of(1, "USD"));
        }
        assert!(commands.answered(&ids[0]));
        assert!(!commands.answered(&ids[0]), "a second reply is nobody's");
        let open: Vec<_> = commands.open().map(|(id, _)| id).collect();
        assert_eq!(open, [ids[1].as_str()]);
    }
}
