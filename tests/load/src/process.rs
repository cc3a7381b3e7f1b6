//! What a process used, from `/proc`.

use std::time::Duration;

use anyhow::Context as _;
use procfs::process::Process;

/// Processor time of all threads of a process since its start; ticks of 10 ms on most machines.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = open(pid)?.stat()?;
    let ticks = stat.utime + stat.stime;
    let per_second = procfs::ticks_per_second().max(1);
    Ok(Duration::from_micros(ticks.saturating_mul(1_000_000) / per_second))
}

/// Resident memory in bytes.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = open(pid)?.status()?;
    Ok(status.vmrss.context("no VmRSS")? * 1_024)
}

fn open(pid: u32) -> anyhow::Result<Process> {
    Process::new(i32::try_from(pid)?).context("the process is gone")
}
