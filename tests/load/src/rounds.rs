//! The scenarios take turns against two servers that run all the time, so that noise hits a figure
//! and what it is compared with alike.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use auction_machine::ladder::Ladder;
use indicatif::{ProgressBar, ProgressStyle};

use crate::Bench;
use crate::baseline::Baseline;
use crate::client::Client;
use crate::figures::{Commits, Figures, Round};
use crate::generator::{self, Edge, Plan, Script};
use crate::metrics::Metrics;
use crate::platform::{Place, Platform};
use crate::process;
use crate::scenario::Scenario;
use crate::scripts::{Crowd, Keys, Listings, Lot, Rivals, Same, To, Views};

/// Measures every scenario in every round.
pub(crate) fn run(
    bench: &Bench,
    place: &Place,
    scenarios: &[Scenario],
) -> anyhow::Result<Vec<Figures>> {
    let data = tempfile::Builder::new().prefix("bench-").tempdir_in(&place.data_in)?;
    let platform = Platform::start(place, data.path())?;
    let mut stage = Stage::set(bench, platform)?;
    let bar = bar(bench.rounds as usize * scenarios.len());
    let mut measured: Vec<(Scenario, Vec<Round>)> =
        scenarios.iter().map(|scenario| (*scenario, Vec::new())).collect();
    for _ in 0..bench.rounds {
        for (scenario, rounds) in &mut measured {
            bar.set_message(scenario.title());
            let round = stage.measure(*scenario);
            let round = round.with_context(|| {
                format!("{}; the platform said:\n{}", scenario.title(), stage.last_words())
            })?;
            rounds.push(round);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let figures = measured.iter().map(|(scenario, rounds)| {
        let base = scenario.base();
        let base = measured.iter().find(|(other, _)| Some(*other) == base);
        Figures::of(*scenario, rounds.clone(), base.map(|(_, rounds)| rounds.as_slice()))
    });
    Ok(figures.collect())
}

/// Lists auctions over many connections.
pub(crate) fn list_auctions(
    address: SocketAddr,
    seller: &str,
    series: u32,
    count: usize,
    connections: usize,
) -> anyhow::Result<Vec<String>> {
    let scripts = share(count, connections).into_iter().zip(series..).map(|(wanted, series)| {
        Listings { token: seller.to_owned(), keys: Keys::of(series), wanted, ids: Vec::new() }
    });
    let (scripts, outcome) = generator::finish(address, scripts.collect(), 1, PATIENCE)?;
    ensure!(outcome.wrong == 0, "cannot list auctions: {:?}", outcome.first_wrong);
    let ids: Vec<String> = scripts.into_iter().flat_map(|script| script.ids).collect();
    ensure!(ids.len() == count, "listed {} auctions of {count} in time", ids.len());
    Ok(ids)
}

/// The two servers and what the scenarios keep between rounds.
struct Stage<'b> {
    bench: &'b Bench,
    platform: Platform,
    baseline: Baseline,
    ids: Arc<Vec<String>>,
    ladder: Arc<Ladder>,
    rivals: Vec<Rivals>,
    series: u32,
}

impl<'b> Stage<'b> {
    fn set(bench: &'b Bench, platform: Platform) -> anyhow::Result<Self> {
        let mut client = Client::open(platform.address)?;
        let seller = client.token("seller")?;
        let count = bench.auctions.unwrap_or(AUCTIONS).max(bench.connections);
        let series = u32::try_from(bench.connections)?;
        let ids = list_auctions(platform.address, &seller, 0, count, bench.connections)?;
        let first = ids.first().context("no auction")?;
        let (status, view) = client.get(&format!("/v1/auctions/{first}"))?;
        ensure!(status == 200, "GET of an auction answers {status} {view}");
        let baseline = Baseline::start(view.len())?;
        let ladder = Arc::new(Ladder::preset("ebay_us").context("no such ladder")?);
        let mut stage = Self {
            bench,
            platform,
            baseline,
            ids: Arc::new(ids),
            ladder,
            rivals: Vec::new(),
            series,
        };
        stage.rivals = stage.fresh_rivals(To::Platform)?;
        Ok(stage)
    }

    fn last_words(&self) -> String {
        self.platform.last_words()
    }

    fn measure(&mut self, scenario: Scenario) -> anyhow::Result<Round> {
        match scenario {
            Scenario::RawGet => self.raw(self.same("/", 200)),
            Scenario::RawPost => {
                let rivals = self.fresh_rivals(To::Echo)?;
                self.raw(rivals)
            }
            Scenario::Probe => self.product(self.same("/healthz", 200)),
            Scenario::UnknownAuction => self.product(self.same("/v1/auctions/none", 404)),
            Scenario::View => {
                let ids = &self.ids;
                let views = (0..self.bench.connections).map(|at| Views {
                    ids: Arc::clone(ids),
                    at: at * ids.len() / self.bench.connections,
                });
                self.product(views.collect())
            }
            Scenario::RefusedBids => {
                let rivals = self.fresh_rivals(To::PlatformTooLow)?;
                self.product(rivals)
            }
            Scenario::Bids => {
                let mut rivals = std::mem::take(&mut self.rivals);
                let tokens = self.pairs()?;
                for (rivals, tokens) in rivals.iter_mut().zip(tokens) {
                    rivals.tokens = tokens;
                }
                let (rivals, round) = self.on_platform(rivals)?;
                self.rivals = rivals;
                Ok(round)
            }
            Scenario::HotAuction => {
                let crowd = self.crowd()?;
                self.product(crowd)
            }
            Scenario::Queues | Scenario::Resident | Scenario::Sockets => {
                anyhow::bail!("not a scenario of rounds")
            }
        }
    }

    fn same(&self, path: &str, status: u16) -> Vec<Same> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n");
        let same = || Same { request: request.clone().into_bytes(), status };
        (0..self.bench.connections).map(|_| same()).collect()
    }

    /// Each connection gets auctions and two bidders of its own.
    fn fresh_rivals(&mut self, to: To) -> anyhow::Result<Vec<Rivals>> {
        let connections = self.bench.connections;
        let tokens = self.pairs()?;
        let rivals = tokens.into_iter().enumerate().map(|(at, tokens)| {
            let own = self.ids.iter().skip(at).step_by(connections).cloned();
            self.series += 1;
            Rivals {
                tokens,
                keys: Keys::of(self.series),
                lots: own.map(Lot::fresh).collect(),
                at: 0,
                left: None,
                to,
                ladder: Arc::clone(&self.ladder),
            }
        });
        Ok(rivals.collect())
    }

    /// New tokens in every round: they live for ten minutes.
    fn pairs(&self) -> anyhow::Result<Vec<[String; 2]>> {
        let mut client = Client::open(self.platform.address)?;
        let count = self.bench.connections;
        let pairs = client.tokens("left", count)?.into_iter().zip(client.tokens("right", count)?);
        Ok(pairs.map(|(left, right)| [left, right]).collect())
    }

    /// Everybody on one new auction.
    fn crowd(&mut self) -> anyhow::Result<Vec<Crowd>> {
        let mut client = Client::open(self.platform.address)?;
        let seller = client.token("seller")?;
        self.series += 1;
        let ids = list_auctions(self.platform.address, &seller, self.series, 1, 1)?;
        let id = ids.first().context("no auction")?;
        let next = Arc::new(AtomicI64::new(100_000));
        let crowd = client.tokens("left", self.bench.connections)?.into_iter().map(|token| {
            self.series += 1;
            let (keys, next) = (Keys::of(self.series), Arc::clone(&next));
            Crowd { id: id.clone(), token, keys, next }
        });
        Ok(crowd.collect())
    }

    fn raw<S: Script>(&self, scripts: Vec<S>) -> anyhow::Result<Round> {
        let (address, pid) = (self.baseline.address, self.baseline.pid());
        Ok(self.drive(address, pid, scripts, None)?.1)
    }

    fn product<S: Script>(&self, scripts: Vec<S>) -> anyhow::Result<Round> {
        Ok(self.on_platform(scripts)?.1)
    }

    fn on_platform<S: Script>(&self, scripts: Vec<S>) -> anyhow::Result<(Vec<S>, Round)> {
        let (address, pid) = (self.platform.address, self.platform.pid());
        self.drive(address, pid, scripts, Some(&self.platform))
    }

    fn drive<S: Script>(
        &self,
        address: SocketAddr,
        pid: u32,
        scripts: Vec<S>,
        platform: Option<&Platform>,
    ) -> anyhow::Result<(Vec<S>, Round)> {
        let plan = Plan {
            threads: self.bench.threads,
            warm_up: Duration::from_secs(self.bench.warm_up),
            measured: Duration::from_secs(self.bench.seconds.max(1)),
        };
        let own = std::process::id();
        let (mut cpu, mut metrics) = (Vec::new(), Vec::new());
        let (scripts, outcome) = generator::drive(address, scripts, plan, |edge| {
            if edge == Edge::Start {
                metrics.extend(platform.map(Platform::metrics).transpose()?);
            }
            cpu.push([process::cpu(pid)?, process::cpu(own)?]);
            if edge == Edge::End {
                metrics.extend(platform.map(Platform::metrics).transpose()?);
            }
            Ok(())
        })?;
        let [[server, generator], [server_after, generator_after]] = cpu.as_slice() else {
            anyhow::bail!("the generator skipped an edge");
        };
        let server = (*server_after - *server).as_secs_f64();
        let generator = (*generator_after - *generator).as_secs_f64();
        let seconds = plan.measured.as_secs_f64();
        let mut round = Round::new(&outcome, seconds, server, generator);
        round.resident_mib = process::resident_bytes(pid)? as f64 / f64::from(1 << 20);
        if let [before, after] = metrics.as_slice() {
            round.commits = commits(before, after, seconds);
        }
        // What the platform writes behind, and the letters that bids caused, belong to nobody
        // else's measurement.
        crate::pause::sleep(PAUSE);
        if let Some(platform) = platform {
            until_told(platform)?;
        }
        Ok((scripts, round))
    }
}

/// Waits until no message is left in the queues.
fn until_told(platform: &Platform) -> anyhow::Result<()> {
    let began = Instant::now();
    while platform.metrics()?.sum("ecomauction_queue_messages") > 0.0 {
        anyhow::ensure!(began.elapsed() < TOLD_MAX, "messages still wait after {TOLD_MAX:?}");
        crate::pause::sleep(PAUSE);
    }
    Ok(())
}

/// What the journal did between two readings; none when it slept.
fn commits(before: &Metrics, after: &Metrics, seconds: f64) -> Option<Commits> {
    let grown = |name: &str| after.growth(before, name).filter(|growth| *growth > 0.0);
    let count = grown("ecomauction_journal_commits")?;
    let micros = grown("ecomauction_journal_commit_microseconds");
    let records = grown("ecomauction_journal_records");
    Some(Commits {
        per_second: count / seconds,
        records: records.map(|records| records / count),
        mean_ms: micros.map(|micros| micros / 1e3 / count),
    })
}

/// `count` things over `parts`, as even as it goes.
pub(crate) fn share(count: usize, parts: usize) -> Vec<usize> {
    let parts = parts.max(1);
    (0..parts).map(|at| count / parts + usize::from(at < count % parts)).collect()
}

/// A bar on standard error; nothing where that is no terminal.
pub(crate) fn bar(length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
    ProgressBar::new(length as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

const AUCTIONS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(500);
/// Longest wait for the letters of a measurement.
const TOLD_MAX: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        assert_eq!(share(10, 4), [3, 3, 2, 2]);
        assert_eq!(share(1, 3), [1, 0, 0]);
    }
}
