//! The kill tests for as long as one likes: `soak --kills 200 --writes 10000 --seed 7`, and of
//! letters `soak --letters --auctions 1000 --kills 20`; of sockets `soak --sockets --kills 20`.
//! `--platform spin` kills another platform.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use conformance::siege::{Plan, besiege};
use conformance::{Kind, letters, subscribers};

/// Kills the platform again and again under load and checks that nothing acknowledged is lost.
#[derive(Parser)]
struct Options {
    /// What is killed; letters leave by a mail server, which our host alone speaks to.
    #[arg(long, value_enum, default_value_t = Kind::Host, conflicts_with = "letters")]
    platform: Kind,
    /// Counts letters instead of bids: every fact must be told once, whatever is killed.
    #[arg(long)]
    letters: bool,
    /// Compares what sockets heard with the log instead of bids.
    #[arg(long, conflicts_with = "letters")]
    sockets: bool,
    /// Sockets that listen.
    #[arg(long, default_value_t = 200)]
    followers: usize,
    /// Auctions of which letters tell.
    #[arg(long, default_value_t = 1_000)]
    auctions: usize,
    /// SIGKILLs; 200, or 20 with --letters or --sockets.
    #[arg(long)]
    kills: Option<u32>,
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
    if options.letters {
        return count_letters(&options).await;
    }
    if options.sockets {
        return compare_sockets(&options).await;
    }
    let plan = Plan {
        platform: options.platform,
        kills: options.kills.unwrap_or(200),
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

async fn count_letters(options: &Options) -> ExitCode {
    let plan = letters::siege::Plan {
        auctions: options.auctions,
        kills: options.kills.unwrap_or(20),
        workers: 16,
        seed: options.seed.unwrap_or_else(|| fastrand::u64(..)),
        patience: Duration::from_secs(options.seconds),
    };
    println!("{plan:?}");
    let report = letters::siege::besiege(&plan).await;
    println!("{report:#?}");
    let enough = report.auctions >= plan.auctions && report.kills >= plan.kills;
    let is_told = ["won", "sold", "outbid"].iter().all(|kind| report.facts.contains_key(*kind));
    if !is_told {
        println!("nothing was won, sold or outbid: this proves nothing");
    }
    let is_fine = report.violations.is_empty() && enough && is_told;
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn compare_sockets(options: &Options) -> ExitCode {
    if let Err(error) = crowd::raise_open_files() {
        println!("{error:#}");
    }
    let plan = subscribers::Plan {
        platform: options.platform,
        followers: options.followers,
        kills: options.kills.unwrap_or(20),
        bids_each: 20,
        seed: options.seed.unwrap_or_else(|| fastrand::u64(..)),
    };
    println!("{plan:?}");
    let report = subscribers::besiege(&plan).await;
    println!("{report:#?}");
    let is_fine = report.violations.is_empty() && report.cuts > 0;
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
