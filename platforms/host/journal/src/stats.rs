//! Numbers for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts since the journal was opened, read at one instant but not as one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed.
    pub batches: u64,
    /// Rows written.
    pub rows: u64,
    /// Records made durable.
    pub records: u64,
    /// Bytes of the rows.
    pub bytes: u64,
    /// Failures, each of which started a new epoch.
    pub failures: u64,
    /// Checkpoints that failed. The files are then opened anew, as after a failed commit.
    pub checkpoint_failures: u64,
    /// Records that no transaction has taken yet.
    pub queued_records: u64,
    /// Bytes that no transaction has taken yet.
    pub queued_bytes: u64,
    /// Sum of the commit times in microseconds.
    pub commit_us: u64,
    /// Commits by duration: one count for each bound of [`COMMIT_BOUNDS_US`], which takes what
    /// took at most that long, and a last one for what took longer.
    pub commits: [u64; COMMIT_BOUNDS_US.len() + 1],
}

#[derive(Default)]
pub(crate) struct Counters {
    batches: AtomicU64,
    rows: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
    checkpoint_failures: AtomicU64,
    commit_us: AtomicU64,
    commits: [AtomicU64; COMMIT_BOUNDS_US.len() + 1],
}

impl Counters {
    pub(crate) fn committed(&self, rows: u64, records: u64, bytes: u64, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&self.batches, 1);
        add(&self.rows, rows);
        add(&self.records, records);
        add(&self.bytes, bytes);
        add(&self.commit_us, us);
        let bucket = COMMIT_BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(count) = self.commits.get(bucket) {
            add(count, 1);
        }
    }

    pub(crate) fn failed(&self) {
        add(&self.failures, 1);
    }

    pub(crate) fn checkpoint_failed(&self) {
        add(&self.checkpoint_failures, 1);
    }

    pub(crate) fn read(&self, (queued_records, queued_bytes): (u64, u64)) -> Stats {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Stats {
            batches: get(&self.batches),
            rows: get(&self.rows),
            records: get(&self.records),
            bytes: get(&self.bytes),
            failures: get(&self.failures),
            checkpoint_failures: get(&self.checkpoint_failures),
            queued_records,
            queued_bytes,
            commit_us: get(&self.commit_us),
            commits: std::array::from_fn(|i| self.commits.get(i).map_or(0, get)),
        }
    }
}

fn add(count: &AtomicU64, n: u64) {
    count.fetch_add(n, Ordering::Relaxed);
}

/// Upper bounds of the commit duration buckets in microseconds.
pub const COMMIT_BOUNDS_US: [u64; 12] =
    [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 102_400, 409_600, 1_638_400];
