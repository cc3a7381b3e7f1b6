//! The kill test for as long as one likes: `soak --kills 200 --writes 10000 --seed 7`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use conformance::siege::{Plan, besiege};

/// Kills the platform again and again under load and checks that nothing acknowledged is lost.
#[derive(Parser)]
struct Options {
    /// SIGKILLs.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Acknowledged bids at least.
    #[arg(long, default_value_t = 10_000)]
    writes: u64,
    /// Bidders at work.
    #[arg(long, default_value_t = 12)]
    writers: u32,
    /// Seed of every choice; a random one when none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Longest siege in seconds.
    #[arg(long, default_value_t = 1_200)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let plan = Plan {
        kills: options.kills,
        writes_min: options.writes,
        writers: options.writers,
        sellers: 5,
        seed: options.seed.unwrap_or_else(|| fastrand::u64(..)),
        time_max: Duration::from_secs(options.seconds),
        forgets: false,
    };
    println!("{plan:?}");
    let report = besiege(&plan).await;
    println!("{report:#?}");
    let enough = report.kills >= plan.kills && report.writes >= plan.writes_min;
    if !enough {
        println!("the time was over before the plan was done");
    }
    if report.violations.is_empty() && enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
