//! What the platform costs beside a raw HTTP server, and what it holds in memory.
//!
//! Every figure comes with the one of a raw server that the same generator drove in the same
//! minute, because a ratio survives a change of machine and a number does not.
#![allow(clippy::float_arithmetic, reason = "rates and ratios for people, nothing is decided here")]

mod baseline;
mod client;
mod connection;
mod disk;
mod figures;
mod floors;
mod generator;
mod metrics;
mod pause;
mod platform;
mod process;
mod queues;
mod report;
mod resident;
mod rounds;
mod scenario;
mod scripts;
mod sockets;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::platform::Kind;
use crate::queues::Peers;
use crate::report::Report;
use crate::scenario::Scenario;

/// Measures the platform.
#[derive(Debug, Parser)]
#[command(name = "load", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts a raw server and the platform, drives both, prints what each request costs.
    ///
    /// Ends with an error when a reply was not the expected one.
    #[command(after_help = EXAMPLES)]
    Bench(Bench),
    /// The raw server alone: GET answers a fixed body, POST its own body. Prints its address.
    Baseline {
        /// Bytes of the answer to a GET.
        #[arg(long, default_value_t = 900)]
        get_bytes: usize,
    },
}

/// Options of `bench`.
#[derive(Debug, Args)]
struct Bench {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds before each measurement that are not counted.
    #[arg(long, default_value_t = 1)]
    warm_up: u64,
    /// How often each scenario is measured; they take turns, and medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Keep-alive connections, each with one request at a time.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Threads of the generator.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Only these scenarios, and what they are compared with; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Scenario>,
    /// Auctions: 1 000 to bid on, 100 000 for `resident`, when not given.
    #[arg(long)]
    auctions: Option<usize>,
    /// Sockets on one auction, for `sockets`.
    #[arg(long, default_value_t = 1_000)]
    sockets: usize,
    /// Prints JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// A missed floor is an error.
    #[arg(long)]
    check_floors: bool,
    /// The platform that is measured.
    #[arg(long, value_enum, default_value = "host")]
    platform: Kind,
    /// The platform's binary; next to this one when not given.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The composition that is measured.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    manifest: PathBuf,
    /// Where the data directories are made; the disk matters. The target directory when not given.
    #[arg(long, value_name = "DIR")]
    data_in: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Bench(bench) => run(&bench),
        Command::Baseline { get_bytes } => baseline::run(get_bytes).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(bench: &Bench) -> anyhow::Result<ExitCode> {
    let place = platform::Place::find(bench)?;
    let mut report = Report::of_this_machine(&place)?;
    let scenarios = scenario::chosen(&bench.only);
    if !scenarios.is_empty() {
        report.scenarios = rounds::run(bench, &place, &scenarios)?;
    }
    let peers = Peers::find();
    if bench.only.contains(&Scenario::Queues) || bench.only.is_empty() && peers.are_there() {
        report.queues = Some(queues::run(bench, &place, &peers)?);
    } else if bench.only.is_empty() {
        report.left_out = peers.missing();
    }
    if bench.only.contains(&Scenario::Resident) {
        report.resident = Some(resident::run(bench, &place)?);
    }
    if bench.only.contains(&Scenario::Sockets) {
        report.sockets = Some(sockets::run(bench, &place)?);
    }
    report.judge();
    if bench.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        report.print();
    }
    for problem in report.problems() {
        eprintln!("error: {problem}");
    }
    let is_broken = report.problems().next().is_some();
    let is_missed = bench.check_floors && report.floors.iter().any(|floor| !floor.is_met);
    Ok(if is_broken || is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

const EXAMPLES: &str = "\
Examples:
  load bench                                all but `resident` and `sockets`, about 8 minutes
  load bench --only bids --seconds 10       bids over many auctions, beside the raw echo
  load bench --platform spin --only bids    the same components in the Spin shape
  load bench --platform cloudflare --only bids    the Worker; first cargo xtask build --cloudflare
  load bench --only queues                  beside RabbitMQ and Redis Streams from packages
  load bench --only resident                100 000 auctions in memory; some minutes
  load bench --only sockets --sockets 10000 watchers of one auction; 1 000 when not given
  load bench --rounds 5 --json > run.json   for machines";
