use std::path::Path;
use std::sync::Arc;

use journal::{Journal, Options};

use super::super::contract::{Decision, Envelope, Event, Wake};
use super::*;
use crate::clock::System;
use crate::machines::{Instance, Machines};
use crate::outbox::Outbox;
use crate::state::StateStore;
use crate::timers::Timers;

/// A machine that counts commands. Its snapshots are of one version.
struct Counting(u8);

struct Counts {
    version: u8,
    counts: Vec<u8>,
}

impl Image for Counting {
    type Instance = Counts;

    fn name(&self) -> &str {
        "counting"
    }

    fn instantiate(&self) -> Result<Counts, InstanceError> {
        Ok(Counts { version: self.0, counts: Vec::new() })
    }
}

impl Instance for Counts {
    type Entity = usize;

    fn create(&mut self, _: &str) -> Result<usize, InstanceError> {
        self.counts.push(0);
        Ok(self.counts.len() - 1)
    }

    fn restore(&mut self, key: &str, snapshot: &[u8]) -> Result<usize, InstanceError> {
        let entity = self.create(key)?;
        let [version, count] = snapshot else { panic!("no snapshot: {snapshot:?}") };
        if *version != self.version {
            let why = format!("version {version}");
            return Err(InstanceError::Refused { what: "snapshot", why });
        }
        self.counts[entity] = *count;
        Ok(entity)
    }

    fn handle(&mut self, entity: usize, _: Envelope<'_>) -> Result<Decision, InstanceError> {
        self.counts[entity] += 1;
        let (seq, prev) = (u64::from(self.counts[entity]), vec![0; 32]);
        let (head, public, fact) = (vec![0; 32], b"{}".to_vec(), vec![self.counts[entity]]);
        let events = vec![Event { seq, prev, head, public, fact }];
        Ok(Decision { events, reply: Vec::new(), effects: Vec::new(), wake: None })
    }

    fn apply(&mut self, entity: usize, fact: &[u8]) -> Result<(), InstanceError> {
        assert_eq!(fact, [self.counts[entity] + 1], "a fact that follows");
        self.counts[entity] += 1;
        Ok(())
    }

    fn query(&mut self, entity: usize, _: Envelope<'_>) -> Result<Vec<u8>, InstanceError> {
        Ok(vec![self.counts[entity]])
    }

    fn next_wake(&mut self, _: usize) -> Result<Option<Wake>, InstanceError> {
        Ok(None)
    }

    fn snapshot(&mut self, entity: usize) -> Result<Vec<u8>, InstanceError> {
        Ok(vec![self.version, self.counts[entity]])
    }

    fn drop_entity(&mut self, _: usize) -> Result<(), InstanceError> {
        Ok(())
    }
}

fn machines(folder: &Path, version: u8) -> Machines<Counting> {
    let around = Surroundings {
        journal: Journal::open(&folder.join("journal"), Options::default()).unwrap(),
        state: StateStore::open(&folder.join("state.db")).unwrap(),
        timers: Timers::default(),
        outbox: Outbox::new(std::iter::empty()),
        live: crate::live::Hub::default(),
        world: Arc::new(System),
    };
    let machines = Machines::new(vec![(Arc::new(Counting(version)), 1)], around);
    machines.recover(0).unwrap();
    machines
}

async fn commands(machines: &Machines<Counting>, key: &str, times: usize) {
    for _ in 0..times {
        let called = machines.call("counting", key, "c", None, b"{}").await.unwrap();
        machines.durable_through(called.after).await.unwrap();
    }
}

async fn count(machines: &Machines<Counting>, key: &str) -> Vec<u8> {
    machines.query("counting", key, None, b"{}").await.unwrap().reply
}

#[tokio::test]
async fn a_newer_machine_makes_snapshots_again_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let older = machines(folder.path(), 1);
    commands(&older, "still", 3).await;
    commands(&older, "moved", 2).await;
    assert_eq!(older.checkpoint(true).unwrap(), 2);
    // Behind its snapshot one of them has a tail.
    commands(&older, "moved", 2).await;
    older.around.journal.close();
    drop(older);

    let newer = machines(folder.path(), 2);
    assert_eq!((count(&newer, "still").await, count(&newer, "moved").await), (vec![3], vec![4]));
    commands(&newer, "still", 1).await;
    assert_eq!(newer.checkpoint(true).unwrap(), 2);
    newer.around.journal.close();
    drop(newer);

    // … and reads its own.
    let again = machines(folder.path(), 2);
    assert_eq!((count(&again, "still").await, count(&again, "moved").await), (vec![4], vec![4]));
}

#[tokio::test]
async fn entities_are_counted_without_asking_them() {
    let folder = tempfile::tempdir().unwrap();
    let machines = machines(folder.path(), 1);
    for key in ["one", "two", "three"] {
        commands(&machines, key, 1).await;
    }
    let now = crate::clock::now_ms();
    let (census, touched) = machines.census(now, 2);
    let [counting] = census.as_slice() else { panic!("{census:?}") };
    assert_eq!((counting.machine.as_str(), counting.loaded, counting.unstored), ("counting", 3, 3));
    assert_eq!((counting.by_age, machines.stored("counting").unwrap()), ([3, 0, 0, 0], 0));
    let keys: Vec<(&str, usize)> = touched.iter().map(|one| (&*one.key, one.tail)).collect();
    assert_eq!(keys.len(), 2);
    assert!(touched[0].at >= touched[1].at && keys.iter().all(|(_, tail)| *tail == 1), "{keys:?}");
    machines.checkpoint(true).unwrap();
    let (census, touched) = machines.census(now + 400_000, 10);
    assert_eq!((census[0].loaded, census[0].unstored, census[0].by_age), (3, 0, [0, 0, 3, 0]));
    assert_eq!((touched.len(), machines.stored("counting").unwrap()), (3, 3));
}
