//! What people and machines read.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::figures::Figures;
use crate::floors::{self, Floor};
use crate::platform::Place;
use crate::queues::Queues;
use crate::resident::Resident;
use crate::scenario::Scenario;
use crate::sockets::Sockets;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Processors that all processes shared.
    processors: usize,
    /// Median of `fdatasync` of 4 KiB where the data was, in microseconds.
    sync_us: f64,
    /// By scenario.
    pub(crate) scenarios: Vec<Figures>,
    /// Queues beside others.
    pub(crate) queues: Option<Queues>,
    /// Why something was left out.
    pub(crate) left_out: Vec<String>,
    /// Memory and restart.
    pub(crate) resident: Option<Resident>,
    /// Sockets on one auction.
    pub(crate) sockets: Option<Sockets>,
    /// Bounds of what was measured.
    pub(crate) floors: Vec<Floor>,
}

impl Report {
    /// An empty report that knows the machine.
    pub(crate) fn of_this_machine(place: &Place) -> anyhow::Result<Self> {
        let processors = std::thread::available_parallelism()?.get();
        let sync_us = crate::disk::sync_time(&place.data_in)?.as_secs_f64() * 1e6;
        Ok(Self {
            processors,
            sync_us,
            scenarios: Vec::new(),
            queues: None,
            left_out: Vec::new(),
            resident: None,
            sockets: None,
            floors: Vec::new(),
        })
    }

    /// Compares with the floors.
    pub(crate) fn judge(&mut self) {
        let Self { scenarios, queues, resident, sockets, .. } = self;
        self.floors =
            floors::judge(scenarios, queues.as_ref(), resident.as_ref(), sockets.as_ref());
    }

    /// Scenarios in which a reply was wrong.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let broken = self.scenarios.iter().filter(|figures| figures.median.wrong > 0);
        let sockets = self.sockets.iter().flat_map(|sockets| sockets.median.faults.clone());
        let broken = broken.map(|figures| {
            let (title, wrong) = (figures.scenario.title(), figures.median.wrong);
            let first = figures.median.first_wrong.as_deref().unwrap_or_default();
            format!("{title}: {wrong} wrong replies, one of them {first}")
        });
        broken.chain(sockets)
    }

    /// Tables on standard output.
    pub(crate) fn print(&self) {
        println!(
            "{} processors for servers and generator; fdatasync of 4 KiB takes {:.0} µs",
            self.processors, self.sync_us
        );
        if !self.scenarios.is_empty() {
            println!("{}", self.scenario_table());
        }
        for figures in &self.scenarios {
            if let Some(commits) = &figures.median.commits {
                let title = figures.scenario.title();
                let records = or_dash(commits.records, 1);
                let mean_ms = or_dash(commits.mean_ms, 2);
                let rate = commits.per_second;
                println!("{title}: {rate:.0} commits/s of {records} records, {mean_ms} ms each");
            }
        }
        if let Some(queues) = &self.queues {
            print_queues(queues);
        }
        for why in &self.left_out {
            println!("queues were not measured: {why}");
        }
        if let Some(resident) = &self.resident {
            print_resident(resident);
        }
        if let Some(sockets) = &self.sockets {
            print_sockets(sockets);
        }
        for floor in &self.floors {
            let verdict = if floor.is_met { "PASS" } else { "FAIL" };
            let sign = if floor.is_upper { "≤" } else { "≥" };
            let Floor { what, measured, bound, .. } = floor;
            println!("{verdict}  {what}: {measured:.2} ({sign} {bound})");
        }
    }

    fn scenario_table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header([
            "scenario",
            "req/s",
            "× raw",
            "CPU µs",
            "× raw",
            "p50 ms",
            "p99 ms",
            "refused",
            "gen. cores",
            "MiB",
        ]);
        for figures in &self.scenarios {
            let round = &figures.median;
            let refused = match figures.scenario {
                Scenario::HotAuction => format!("{:.1} %", round.refused * 100.0),
                _ => "–".to_owned(),
            };
            table.add_row([
                figures.scenario.title().to_owned(),
                format!("{:.0}", round.per_second),
                or_dash(figures.rate_ratio, 2),
                format!("{:.1}", round.cpu_us),
                or_dash(figures.cpu_ratio, 2),
                format!("{:.2}", round.p50_ms),
                format!("{:.2}", round.p99_ms),
                refused,
                format!("{:.2}", round.generator_cores),
                format!("{:.0}", round.resident_mib),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

fn print_queues(queues: &Queues) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "batch",
        "queue",
        "messages/s",
        "× fastest peer",
        "p50 ms",
        "p99 ms",
    ]);
    for row in &queues.rows {
        table.add_row([
            row.batch.to_string(),
            row.system.title().to_owned(),
            format!("{:.0}", row.per_second),
            or_dash(row.ratio, 2),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let Queues { publishers, body_bytes, .. } = queues;
    println!("{publishers} publishers and as many consumers, messages of {body_bytes} bytes");
    println!("{table}");
    for missing in &queues.missing {
        println!("{missing}");
    }
}

fn print_resident(resident: &Resident) {
    let Resident { auctions, bids_each, checked, .. } = resident;
    println!(
        "{auctions} open auctions with {bids_each} bids each, made in {:.0} s, settled in {:.0} s, \
         {:.0} MiB on disk",
        resident.made_in_seconds, resident.settled_in_seconds, resident.data_mib
    );
    println!(
        "memory: {:.0} MiB empty, {:.0} MiB with all of them ({} loaded), {:.0} bytes each",
        resident.empty_mib, resident.resident_mib, resident.entities_loaded, resident.bytes_each
    );
    println!(
        "after SIGKILL: ready in {:.2} s with {:.0} MiB and {} loaded; {checked} checked",
        resident.ready_after_seconds, resident.restarted_mib, resident.restarted_loaded
    );
}

fn print_sockets(sockets: &Sockets) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "round",
        "open s",
        "B each",
        "last p50 ms",
        "last p99 ms",
        "bid p50 ms",
        "unwatched",
        "stalled p50",
        "stalled p99",
        "faults",
    ]);
    let numbered = (1..).map(|at: u32| at.to_string()).zip(&sockets.rounds);
    for (name, round) in numbered.chain([("median".to_owned(), &sockets.median)]) {
        table.add_row([
            name,
            format!("{:.1}", round.opened_in_seconds),
            format!("{:.0}", round.bytes_each),
            format!("{:.2}", round.delivered_p50_ms),
            format!("{:.2}", round.delivered_p99_ms),
            format!("{:.2}", round.bid_p50_ms),
            format!("{:.2}", round.unwatched_p50_ms),
            format!("{:.2}", round.stalled_p50_ms),
            format!("{:.2}", round.stalled_p99_ms),
            round.faults.len().to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!(
        "{} sockets on one auction, {} bids a phase, one a second",
        sockets.sockets, sockets.bids
    );
    println!("{table}");
}

fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}
