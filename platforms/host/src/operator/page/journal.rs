//! The journal: how much it writes, how long that takes, what waits, what failed.

use journal::{COMMIT_BOUNDS_US, Stats};

use super::Row;
use super::words::{NOTHING, bytes, duration};

/// Its numbers since the start; `size` is that of its files.
pub(super) fn rows(stats: &Stats, size: Option<u64>) -> Vec<Row> {
    let mean = stats.commit_us.checked_div(stats.batches);
    let waiting = format!("{} records, {}", stats.queued_records, bytes(Some(stats.queued_bytes)));
    vec![
        Row::new("Records made durable", stats.records.to_string()),
        Row::new("Commits, one sync each", stats.batches.to_string()),
        Row::new("Mean time of a commit", mean.map_or_else(|| NOTHING.to_owned(), duration)),
        Row::new("99 of 100 commits took", slow(stats)),
        Row::new("Written", bytes(Some(stats.bytes))),
        Row::new("Waiting for a commit", waiting),
        Row::new("Failed commits", stats.failures.to_string()),
        Row::new("Failed checkpoints", stats.checkpoint_failures.to_string()),
        Row::new("Size on disk", bytes(size)),
    ]
}

/// The bound within which 99 of 100 commits were done.
fn slow(stats: &Stats) -> String {
    let total: u64 = stats.commits.iter().sum();
    if total == 0 {
        return NOTHING.to_owned();
    }
    let (rank, mut done) = (total.saturating_mul(99).div_ceil(100), 0_u64);
    let bucket = stats.commits.iter().position(|count| {
        done = done.saturating_add(*count);
        done >= rank
    });
    match bucket.and_then(|bucket| COMMIT_BOUNDS_US.get(bucket)) {
        Some(bound) => format!("at most {}", duration(*bound)),
        None => {
            let most = COMMIT_BOUNDS_US.last().copied().unwrap_or_default();
            format!("more than {}", duration(most))
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn value(stats: &Stats, name: &str) -> String {
        rows(stats, Some(1 << 20)).into_iter().find(|row| row.name == name).unwrap().value
    }

    #[test]
    fn commits_are_told_by_their_times() {
        let mut stats = Stats::default();
        assert_eq!(value(&stats, "Mean time of a commit"), "–");
        assert_eq!(value(&stats, "99 of 100 commits took"), "–");
        (stats.batches, stats.commit_us) = (100, 250_000);
        (stats.commits[4], stats.commits[8]) = (99, 1);
        assert_eq!(value(&stats, "Mean time of a commit"), "2.50 ms");
        assert_eq!(value(&stats, "99 of 100 commits took"), "at most 1.60 ms");
        stats.commits[12] = 50;
        assert_eq!(value(&stats, "99 of 100 commits took"), "more than 1.63 s");
        assert_eq!(value(&stats, "Size on disk"), "1 MiB");
    }
}
