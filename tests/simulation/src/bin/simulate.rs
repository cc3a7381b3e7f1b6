//! Plays many seeds, or one again.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use clap::Parser;
use parking_lot::Mutex;
use simulation::{Place, Report, Violation, run};

/// Plays the host under crashes, torn writes and odd clocks, one seed after the other.
#[derive(Parser)]
#[command(name = "cargo xtask simulate", bin_name = "cargo xtask simulate")]
struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this one, twice: its bytes must be equal.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Seeds that are played at once; by default one for each processor.
    #[arg(long)]
    jobs: Option<usize>,
}

/// What all seeds together saw.
#[derive(Default)]
struct Sum {
    acknowledged: AtomicUsize,
    crashes: AtomicUsize,
    failures: AtomicU64,
    records: AtomicUsize,
    closed: AtomicUsize,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if let Some(seed) = options.seed {
        return again(seed);
    }
    let started = Instant::now();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = options.jobs.unwrap_or(processors).max(1);
    let (next, end) = (AtomicU64::new(options.from), options.from.saturating_add(options.seeds));
    let failed: Mutex<Vec<(u64, Violation)>> = Mutex::default();
    let sum = Sum::default();
    let places = (0..jobs).map(|_| Place::new()).collect::<Result<Vec<_>, _>>()?;
    std::thread::scope(|scope| {
        for place in &places {
            scope.spawn(|| {
                while failed.lock().len() < FAILURES_SHOWN {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    match run(place, seed, None) {
                        Ok(report) => sum.add(&report),
                        Err(violation) => failed.lock().push((seed, violation)),
                    }
                }
            });
        }
    });
    let took = started.elapsed();
    let failed = failed.into_inner();
    for (seed, violation) in &failed {
        println!("seed {seed} breaks {violation}");
        println!("  again: cargo xtask simulate --seed {seed}");
    }
    let played = next.load(Ordering::Relaxed).min(end).saturating_sub(options.from);
    sum.tell();
    println!(
        "{played} seeds in {}.{} s, {} a second, on {jobs} threads: {} failed",
        took.as_secs(),
        took.subsec_millis() / 100,
        u128::from(played) * 1_000 / took.as_millis().max(1),
        failed.len()
    );
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays one seed twice.
fn again(seed: u64) -> anyhow::Result<ExitCode> {
    let place = Place::new()?;
    let (first, second) = (run(&place, seed, None), run(&place, seed, None));
    match &first {
        Ok(report) => println!("seed {seed}: {report:?}"),
        Err(violation) => println!("seed {seed} breaks {violation}"),
    }
    anyhow::ensure!(first == second, "the second time is another: {second:?}");
    Ok(if first.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Sum {
    fn add(&self, report: &Report) {
        self.acknowledged.fetch_add(report.acknowledged, Ordering::Relaxed);
        self.crashes.fetch_add(report.crashes, Ordering::Relaxed);
        self.failures.fetch_add(report.failures, Ordering::Relaxed);
        self.records.fetch_add(report.records, Ordering::Relaxed);
        self.closed.fetch_add(report.closed, Ordering::Relaxed);
    }

    fn tell(&self) {
        println!(
            "{} answers acknowledged something, {} records, {} auctions ended, {} crashes, \
             {} failed commits",
            self.acknowledged.load(Ordering::Relaxed),
            self.records.load(Ordering::Relaxed),
            self.closed.load(Ordering::Relaxed),
            self.crashes.load(Ordering::Relaxed),
            self.failures.load(Ordering::Relaxed)
        );
    }
}

/// So many failures are enough to look at.
const FAILURES_SHOWN: usize = 5;
