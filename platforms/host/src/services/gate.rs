//! The gate of one request (docs/adr/0012): what it saw of entities may be ahead of the disk, so
//! nothing that it says leaves before the disk has caught up.

use super::guest::Platform;
use crate::machines::EntityError;
use crate::sql::Statement;

/// What a request saw and wants to say.
#[derive(Default)]
pub(super) struct Gate {
    /// The newest journal position that any answer depended on.
    seen: u64,
    projections: Vec<(String, Statement)>,
}

impl Gate {
    /// An answer came that depends on this position.
    pub(super) fn saw(&mut self, position: u64) {
        self.seen = self.seen.max(position);
    }

    /// Keeps a projection until the gate opens.
    pub(super) fn hold(&mut self, key: String, statement: Statement) {
        self.projections.push((key, statement));
    }

    /// Waits for the disk and lets out what was held. After an error the gate stays shut: what was
    /// seen never happened, and nothing built on it may be said.
    pub(super) async fn open(&mut self, platform: &Platform) -> Result<(), EntityError> {
        if self.seen == 0 && self.projections.is_empty() {
            return Ok(());
        }
        platform.machines.durable_through(self.seen).await?;
        for (key, statement) in self.projections.drain(..) {
            if let Err(error) = platform.sql.project(key, statement, self.seen) {
                tracing::warn!(%error, "projection not kept; a message repairs it");
            }
        }
        self.seen = 0;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use journal::{EntityKey, Envelope, Journal, Options, Record};
    use rusqlite::Connection;

    use super::*;
    use crate::clock::System;
    use crate::data::DataDirectory;
    use crate::machines::{Machines, Surroundings};
    use crate::outbox::Outbox;
    use crate::priority::Turn;
    use crate::services::{Bounds, Shared};
    use crate::sql::SqlStore;
    use crate::state::StateStore;
    use crate::timers::Timers;

    /// A platform without machines, for one component.
    pub(in super::super) fn platform(folder: &Path) -> Platform {
        let around = Surroundings {
            journal: Journal::open(&folder.join("journal"), Options::default()).unwrap(),
            state: StateStore::open(&folder.join("state.db")).unwrap(),
            timers: Timers::default(),
            outbox: Outbox::new(std::iter::empty()),
            live: crate::live::Hub::default(),
            world: Arc::new(System),
        };
        let data = DataDirectory::open(&folder.join("data")).unwrap();
        Platform {
            component: "things".to_owned(),
            machines: Arc::new(Machines::new(Vec::new(), around)),
            granted: BTreeSet::new(),
            signs_tokens: false,
            signs_proofs: false,
            engines: BTreeMap::new(),
            version: String::new(),
            sql: SqlStore::open(&folder.join("things.db"), "things_", Turn::First).unwrap(),
            shared: Shared::open(&data, "", "").unwrap(),
            allowed: Vec::new(),
            bounds: Bounds::default(),
            variables: BTreeMap::new(),
        }
    }

    fn decided(journal: &Journal) -> u64 {
        let record = Record {
            entity: EntityKey { machine: "m".to_owned(), key: "k".to_owned() },
            envelope: Envelope {
                command_id: "c".to_owned(),
                principal: None,
                now: 0,
                seed: [0; 32],
                body: Vec::new(),
            },
            events: Vec::new(),
            reply: None,
            effects: Vec::new(),
            wake: None,
        };
        journal.append(journal.epoch(), record).unwrap().get()
    }

    fn statement(sql: &str) -> Statement {
        Statement { sql: sql.to_owned(), parameters: Vec::new() }
    }

    async fn shown(platform: &Platform) -> usize {
        platform.sql.query(statement("SELECT n FROM things_shown")).await.unwrap().rows.len()
    }

    #[tokio::test]
    async fn nothing_leaves_before_the_disk_has_what_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let platform = platform(folder.path());
        let create = statement("CREATE TABLE things_shown (n INTEGER)");
        platform.sql.batch(vec![create], vec![]).await.unwrap();
        // Whoever holds this lock keeps the journal from committing.
        let disk = Connection::open(folder.path().join("journal/journal.sqlite")).unwrap();
        disk.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut gate = Gate::default();
        gate.saw(decided(&platform.machines.around.journal));
        gate.hold("k".to_owned(), statement("INSERT INTO things_shown VALUES (1)"));
        {
            let mut opening = pin!(gate.open(&platform));
            let polled = opening.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Pending));
            assert_eq!(shown(&platform).await, 0);
            disk.execute_batch("ROLLBACK").unwrap();
            opening.await.unwrap();
        }
        assert_eq!(shown(&platform).await, 1);
    }

    #[tokio::test]
    async fn the_gate_stays_shut_on_what_was_lost() {
        let folder = tempfile::tempdir().unwrap();
        let platform = platform(folder.path());
        let mut gate = Gate::default();
        gate.saw(decided(&platform.machines.around.journal) + 1);
        gate.hold("k".to_owned(), statement("never run"));
        platform.machines.around.journal.close();
        for _ in 0..2 {
            let opened = gate.open(&platform).await;
            assert!(matches!(opened, Err(EntityError::Unavailable(_))), "{opened:?}");
        }
    }

    #[tokio::test]
    async fn who_saw_nothing_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let platform = platform(folder.path());
        platform.machines.around.journal.close();
        Gate::default().open(&platform).await.unwrap();
    }
}
