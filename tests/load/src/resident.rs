//! Many open auctions with bids, all in memory: what they weigh, and how fast a killed platform is
//! back with them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use auction_machine::ladder::Ladder;
use serde::{Deserialize, Serialize};

use crate::Bench;
use crate::client::Client;
use crate::platform::{Place, Platform};
use crate::rounds::{bar, list_auctions};
use crate::scripts::{Keys, Lot, Rivals, To};
use crate::{generator, process};

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Resident {
    /// Open auctions.
    pub(crate) auctions: usize,
    /// Bids on each.
    pub(crate) bids_each: usize,
    /// Seconds that making them took.
    pub(crate) made_in_seconds: f64,
    /// Seconds after that until nothing waited to be written behind.
    pub(crate) settled_in_seconds: f64,
    /// Memory of the platform without auctions, in MiB.
    pub(crate) empty_mib: f64,
    /// Memory with all of them, in MiB.
    pub(crate) resident_mib: f64,
    /// Difference for each auction.
    pub(crate) bytes_each: f64,
    /// Auctions that the platform says are in memory.
    pub(crate) entities_loaded: f64,
    /// Seconds from the start of the process after a SIGKILL to its first 200 of `/readyz`.
    pub(crate) ready_after_seconds: f64,
    /// Memory right after that, in MiB.
    pub(crate) restarted_mib: f64,
    /// Auctions in memory right after that.
    pub(crate) restarted_loaded: f64,
    /// Size of the data directory in MiB.
    pub(crate) data_mib: f64,
    /// Auctions that were looked at before and after, of which none had lost a bid.
    pub(crate) checked: usize,
}

/// Makes the auctions, weighs, kills, waits, checks.
pub(crate) fn run(bench: &Bench, place: &Place) -> anyhow::Result<Resident> {
    let data = tempfile::Builder::new().prefix("bench-").tempdir_in(&place.data_in)?;
    let platform = Platform::start(place, data.path())?;
    let empty_mib = mib(process::resident_bytes(platform.pid())?);
    let auctions = bench.auctions.unwrap_or(AUCTIONS);
    let started = Instant::now();
    let ids = fill(bench, &platform, auctions)
        .with_context(|| format!("the platform said:\n{}", platform.last_words()))?;
    let made_in_seconds = started.elapsed().as_secs_f64();
    let settled_in = settle(&platform)?;
    let entities_loaded = loaded(&platform)?;
    let checked = check(&platform, &ids)?;
    let resident_mib = mib(process::resident_bytes(platform.pid())?);
    let data_mib = mib(bytes_under(data.path())?);
    let (platform, ready_after) = platform.kill_and_restart(place, data.path())?;
    let restarted_mib = mib(process::resident_bytes(platform.pid())?);
    let restarted_loaded = loaded(&platform)?;
    check(&platform, &ids)?;
    Ok(Resident {
        auctions,
        bids_each: BIDS_EACH,
        made_in_seconds,
        settled_in_seconds: settled_in.as_secs_f64(),
        empty_mib,
        resident_mib,
        bytes_each: (resident_mib - empty_mib) * f64::from(1 << 20) / auctions as f64,
        entities_loaded,
        ready_after_seconds: ready_after.as_secs_f64(),
        restarted_mib,
        restarted_loaded,
        data_mib,
        checked,
    })
}

fn fill(bench: &Bench, platform: &Platform, auctions: usize) -> anyhow::Result<Vec<String>> {
    let ladder = Arc::new(Ladder::preset("ebay_us").context("no such ladder")?);
    let bar = bar(auctions);
    let mut ids = Vec::with_capacity(auctions);
    let mut series = 0;
    while ids.len() < auctions {
        let count = CHUNK.min(auctions - ids.len());
        // Tokens live for ten minutes, a chunk takes seconds.
        let mut client = Client::open(platform.address)?;
        let seller = client.token("seller")?;
        let tokens = [client.token("left-0")?, client.token("right-0")?];
        let connections = bench.connections;
        let chunk = list_auctions(platform.address, &seller, series, count, connections)?;
        series += u32::try_from(connections)?;
        let rivals = (0..connections).zip(series..).map(|(at, series)| {
            let own = chunk.iter().skip(at).step_by(connections).cloned();
            let lots: Vec<Lot> = own.map(Lot::fresh).collect();
            let (tokens, ladder) = (tokens.clone(), Arc::clone(&ladder));
            let left = Some(lots.len() * BIDS_EACH);
            Rivals { tokens, keys: Keys::of(series), lots, at: 0, left, to: To::Platform, ladder }
        });
        let rivals = rivals.collect();
        let (_, outcome) =
            generator::finish(platform.address, rivals, bench.threads, CHUNK_PATIENCE)?;
        ensure!(outcome.wrong == 0, "a bid was refused: {:?}", outcome.first_wrong);
        let bids = outcome.done;
        ensure!(bids == (count * BIDS_EACH) as u64, "only {bids} bids in {CHUNK_PATIENCE:?}");
        series += u32::try_from(connections)?;
        ids.extend(chunk);
        bar.inc(count as u64);
    }
    bar.finish_and_clear();
    Ok(ids)
}

/// Waits until what is written behind is written.
fn settle(platform: &Platform) -> anyhow::Result<Duration> {
    let started = Instant::now();
    while started.elapsed() < SETTLE_MAX {
        crate::pause::sleep(Duration::from_secs(1));
        let outbox = platform.metrics()?.value("ecomauction_outbox_messages");
        if outbox == Some(0.0) {
            break;
        }
    }
    Ok(started.elapsed())
}

fn loaded(platform: &Platform) -> anyhow::Result<f64> {
    let metrics = platform.metrics()?;
    metrics.value("ecomauction_entities_loaded").context("no metric of loaded entities")
}

/// Looks at some auctions: each is open and has all its bids.
fn check(platform: &Platform, ids: &[String]) -> anyhow::Result<usize> {
    #[derive(Deserialize)]
    struct View {
        status: String,
        bid_count: usize,
    }
    let mut client = Client::open(platform.address)?;
    let some = ids.iter().step_by((ids.len() / CHECKED).max(1));
    for id in some.clone() {
        let (status, body) = client.get(&format!("/v1/auctions/{id}"))?;
        ensure!(status == 200, "GET of {id} answers {status} {body}");
        let view: View = serde_json::from_str(&body)?;
        ensure!(view.status == "open" && view.bid_count == BIDS_EACH, "{id} lost bids: {body}");
    }
    Ok(some.count())
}

fn bytes_under(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes += if kind.is_dir() { bytes_under(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

const AUCTIONS: usize = 100_000;
const BIDS_EACH: usize = 10;
const CHUNK: usize = 2_000;
const CHUNK_PATIENCE: Duration = Duration::from_secs(120);
const SETTLE_MAX: Duration = Duration::from_secs(300);
const CHECKED: usize = 200;
