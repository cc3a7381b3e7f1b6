//! What can be told of entities without asking them: how many there are, and who was touched when.
//! What they are, when they began and whether they are over is for their machine to know.

use std::sync::Arc;

use super::image::Image;
use super::shard::Shard;
use super::{EntityError, Machines};

/// The entities of one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Its name.
    pub(crate) machine: String,
    /// Those that are in memory.
    pub(crate) loaded: u64,
    /// Those without a snapshot: only the journal holds them.
    pub(crate) unstored: u64,
    /// Those in memory by when they were touched last: within each of [`AGES_MS`], then longer ago.
    pub(crate) by_age: [u64; AGES_MS.len() + 1],
}

/// An entity in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Its machine.
    pub(crate) machine: Arc<str>,
    /// Its key.
    pub(crate) key: Arc<str>,
    /// When it was told or asked something last.
    pub(crate) at: i64,
    /// When it wants to be woken.
    pub(crate) wake: Option<i64>,
    /// Records that only the journal holds.
    pub(crate) tail: usize,
}

impl<I: Image> Machines<I> {
    /// Every machine's entities, and at most `limit` of those that were touched last, newest first.
    pub(crate) fn census(&self, now: i64, limit: usize) -> (Vec<Census>, Vec<Touched>) {
        let (mut machines, mut latest) = (Vec::new(), Vec::new());
        for (name, shards) in &self.machines {
            let mut census = Census { machine: name.clone(), ..Census::default() };
            for shard in shards {
                shard.lock().tell(now, limit, &mut census, &mut latest);
            }
            machines.push(census);
        }
        machines.sort_unstable_by(|one, other| one.machine.cmp(&other.machine));
        (machines, latest)
    }

    /// How many entities of a machine have a snapshot, counted up to [`COUNTED_MAX`]. Reads a file:
    /// call it off the async threads.
    pub(crate) fn stored(&self, machine: &str) -> Result<u64, EntityError> {
        let counted = self.around.state.count(machine, COUNTED_MAX);
        counted.map_err(|error| EntityError::Unavailable(error.to_string()))
    }
}

impl<I: Image> Shard<I> {
    fn tell(&self, now: i64, limit: usize, census: &mut Census, latest: &mut Vec<Touched>) {
        for (key, resident) in &self.residents {
            census.unstored += u64::from(!resident.has_snapshot);
            if resident.handle.is_none() {
                continue;
            }
            census.loaded += 1;
            let (at, age) = (resident.touched_ms, now.saturating_sub(resident.touched_ms));
            let class = AGES_MS.partition_point(|bound| *bound < age);
            if let Some(count) = census.by_age.get_mut(class) {
                *count += 1;
            }
            let place = latest.partition_point(|newer| newer.at >= at);
            // A checkpoint may have loaded one that nobody touched since the start.
            if place < limit && at > 0 {
                let (machine, key) = (Arc::clone(&self.machine), Arc::clone(key));
                let (wake, tail) = (resident.wake, resident.tail.len());
                latest.insert(place, Touched { machine, key, at, wake, tail });
                latest.truncate(limit);
            }
        }
    }
}

/// A minute, five, fifteen: after that who has a snapshot leaves memory.
pub(crate) const AGES_MS: [i64; 3] = [60_000, 300_000, 900_000];
/// Nobody waits while more are counted.
pub(crate) const COUNTED_MAX: u64 = 100_000;
