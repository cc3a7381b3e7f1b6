//! What the platform must reach.

use serde::Serialize;

use crate::figures::Figures;
use crate::queues::Queues;
use crate::resident::Resident;
use crate::scenario::Scenario;
use crate::sockets::Sockets;

/// A bound and what was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Floor {
    /// What is bounded.
    pub(crate) what: &'static str,
    /// What was measured.
    pub(crate) measured: f64,
    /// The bound.
    pub(crate) bound: f64,
    /// Measured may not be above the bound; else not below it.
    pub(crate) is_upper: bool,
    /// It holds.
    pub(crate) is_met: bool,
}

impl Floor {
    fn at_least(what: &'static str, measured: f64, bound: f64) -> Self {
        Self { what, measured, bound, is_upper: false, is_met: measured >= bound }
    }

    fn at_most(what: &'static str, measured: f64, bound: f64) -> Self {
        Self { what, measured, bound, is_upper: true, is_met: measured <= bound }
    }
}

/// The bounds of what was measured.
pub(crate) fn judge(
    scenarios: &[Figures],
    queues: Option<&Queues>,
    resident: Option<&Resident>,
    sockets: Option<&Sockets>,
) -> Vec<Floor> {
    let find = |scenario| scenarios.iter().find(|figures| figures.scenario == scenario);
    let mut floors = Vec::new();
    if let Some(view) = find(Scenario::View).and_then(|view| view.rate_ratio) {
        floors.push(Floor::at_least("GET of an auction, of raw GET's rate", view, 0.4));
    }
    if let Some(bids) = find(Scenario::Bids) {
        let (rate, cpu) = (bids.rate_ratio.unwrap_or(0.0), bids.cpu_ratio.unwrap_or(f64::MAX));
        floors.push(Floor::at_least("durable bid, of raw echo's rate", rate, 0.35));
        floors.push(Floor::at_most("durable bid, of raw echo's processor time", cpu, 3.5));
    }
    if let (Some(hot), Some(bids)) = (find(Scenario::HotAuction), find(Scenario::Bids)) {
        let pairs = hot.rounds.iter().zip(&bids.rounds);
        let ratios = pairs.map(|(hot, bids)| hot.per_second / bids.per_second);
        let ratio = crate::figures::median(ratios);
        floors.push(Floor::at_least("one hot auction, of many auctions' rate", ratio, 0.6));
    }
    for row in queues.iter().flat_map(|queues| &queues.rows) {
        let Some(ratio) = row.ratio else { continue };
        let what = match row.batch {
            1 => "queue, one by one, of the fastest peer's rate",
            10 => "queue, batches of 10, of the fastest peer's rate",
            _ => "queue, batches of 100, of the fastest peer's rate",
        };
        floors.push(Floor::at_least(what, ratio, 1.0));
    }
    if let Some(resident) = resident {
        let what = "memory with all auctions resident, MiB";
        floors.push(Floor::at_most(what, resident.resident_mib, MEMORY_MAX_MIB));
        let missing = resident.auctions as f64 - resident.entities_loaded;
        floors.push(Floor::at_most("auctions that were evicted", missing, 0.0));
        let seconds = resident.ready_after_seconds;
        floors.push(Floor::at_most(
            "seconds from start to ready after a kill",
            seconds,
            READY_MAX_SECONDS,
        ));
    }
    if let Some(sockets) = sockets {
        let delivered = sockets.median.delivered_p99_ms;
        let what = "from a bid's 201 to the last socket, p99, ms";
        floors.push(Floor::at_most(what, delivered, DELIVERED_MAX_MS));
        let what = "what one stalled reader delays the others, ms";
        floors.push(Floor::at_most(what, sockets.stalled_delay_ms(), STALLED_MAX_MS));
    }
    floors
}

/// For 100 000 auctions with ten bids each.
const MEMORY_MAX_MIB: f64 = 1_024.0;
const READY_MAX_SECONDS: f64 = 10.0;
/// For ten thousand sockets (rules.md B10).
const DELIVERED_MAX_MS: f64 = 1_000.0;
const STALLED_MAX_MS: f64 = 10.0;
