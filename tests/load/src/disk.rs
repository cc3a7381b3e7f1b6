//! How long the disk takes to make a small write durable: the floor under every acknowledged bid.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Median time of `fdatasync` after 4 KiB were appended to a file in that folder.
pub(crate) fn sync_time(folder: &Path) -> anyhow::Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        file.write_all(&[7; 4_096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(WRITES / 2).copied().unwrap_or_default())
}

const WRITES: usize = 200;
