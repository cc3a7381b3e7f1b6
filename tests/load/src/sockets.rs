//! Many sockets on one auction: what a bid takes until the last one has heard of it, whether they
//! cost the bid anything, what an idle one weighs, and whether one that never reads holds up the
//! others.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use crowd::{Crowd, Stalled};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::Bench;
use crate::client::Client;
use crate::figures::median;
use crate::platform::{Place, Platform};
use crate::rounds::{bar, list_auctions};
use crate::{pause, process};

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Sockets {
    /// Sockets on the auction.
    pub(crate) sockets: usize,
    /// Bids of each phase, one a second.
    pub(crate) bids: u64,
    /// Medians of the rounds.
    pub(crate) median: Round,
    /// The measurements.
    pub(crate) rounds: Vec<Round>,
}

/// One auction, from its first socket to its last bid.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    /// Seconds until every socket was open and greeted.
    pub(crate) opened_in_seconds: f64,
    /// Growth of the server's memory for each idle socket, in bytes.
    pub(crate) bytes_each: f64,
    /// From the bid's 201 to the last delivery, in milliseconds; below zero when all had heard
    /// before the bidder had its reply.
    pub(crate) delivered_p50_ms: f64,
    /// The same.
    pub(crate) delivered_p99_ms: f64,
    /// Latency of a bid on this auction.
    pub(crate) bid_p50_ms: f64,
    /// Latency of a bid on an auction that nobody watches, taken in turns.
    pub(crate) unwatched_p50_ms: f64,
    /// From a 201 to the last delivery while one socket never reads, the others' alone.
    pub(crate) stalled_p50_ms: f64,
    /// The same.
    pub(crate) stalled_p99_ms: f64,
    /// Gaps and broken connections, and bids that somebody did not hear of.
    pub(crate) faults: Vec<String>,
}

impl Sockets {
    /// How much one stalled reader delays the others, in milliseconds.
    pub(crate) fn stalled_delay_ms(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.stalled_p50_ms - round.delivered_p50_ms))
    }
}

/// Measures; a new auction in every round.
pub(crate) fn run(bench: &Bench, place: &Place) -> anyhow::Result<Sockets> {
    let files = crowd::raise_open_files()?;
    let needed = bench.sockets as u64 + RESERVED_FILES;
    ensure!(files >= needed, "{needed} open files are needed, {files} are allowed: ulimit -Hn");
    let data = tempfile::Builder::new().prefix("bench-").tempdir_in(&place.data_in)?;
    let platform = Platform::start(place, data.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(bench.threads.max(1))
        .enable_all()
        .build()?;
    let bids = bench.seconds.max(BIDS_MIN);
    let bar = bar(bench.rounds as usize);
    let mut rounds = Vec::new();
    for at in 0..bench.rounds {
        let stage = Stage { bench, platform: &platform, runtime: &runtime, bids };
        let round = stage.measure(at).with_context(|| {
            format!("round {at}; the platform said:\n{}", platform.last_words())
        })?;
        rounds.push(round);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let median = medians(&rounds);
    Ok(Sockets { sockets: bench.sockets, bids, median, rounds })
}

struct Stage<'s> {
    bench: &'s Bench,
    platform: &'s Platform,
    runtime: &'s Runtime,
    bids: u64,
}

impl Stage<'_> {
    fn measure(&self, series: u32) -> anyhow::Result<Round> {
        let (address, sockets) = (self.platform.address, self.bench.sockets);
        let mut client = Client::open(address)?;
        let seller = client.token("seller")?;
        let ids = list_auctions(address, &seller, series * 2, 2, 1)?;
        let [watched, unwatched] = ids.as_slice() else { anyhow::bail!("two auctions: {ids:?}") };
        let mut watched = Bidder::open(self.platform, watched)?;
        let mut unwatched = Bidder::open(self.platform, unwatched)?;
        // What is allocated once is not the sockets'.
        watched.bid()?;
        unwatched.bid()?;
        let before = process::resident_bytes(self.platform.pid())?;
        let began = Instant::now();
        let crowd = self.runtime.block_on(Crowd::gather(address, &watched.auction, sockets))?;
        let opened_in = began.elapsed();
        pause::sleep(SETTLE);
        let after = process::resident_bytes(self.platform.pid())?;
        let calm = self.bids(&crowd, &mut watched, Some(&mut unwatched))?;
        let source = crowd::source(address, sockets);
        let stalling = Stalled::open(address, &watched.auction, source);
        let stalled = self.runtime.block_on(stalling)?;
        let held_up = self.bids(&crowd, &mut watched, None)?;
        drop(stalled);
        let mut faults = crowd.faults();
        faults.extend(calm.faults);
        faults.extend(held_up.faults);
        self.runtime.block_on(crowd.disperse());
        Ok(Round {
            opened_in_seconds: opened_in.as_secs_f64(),
            bytes_each: (after as f64 - before as f64) / sockets.max(1) as f64,
            delivered_p50_ms: quantile(&calm.delivered_ms, 0.5),
            delivered_p99_ms: quantile(&calm.delivered_ms, 0.99),
            bid_p50_ms: quantile(&calm.bid_ms, 0.5),
            unwatched_p50_ms: quantile(&calm.unwatched_ms, 0.5),
            stalled_p50_ms: quantile(&held_up.delivered_ms, 0.5),
            stalled_p99_ms: quantile(&held_up.delivered_ms, 0.99),
            faults,
        })
    }

    /// A bid a second, and half a second later one on the other auction.
    fn bids(
        &self,
        crowd: &Crowd,
        watched: &mut Bidder,
        mut unwatched: Option<&mut Bidder>,
    ) -> anyhow::Result<Phase> {
        let mut phase = Phase::default();
        let began = Instant::now();
        for at in 0..u32::try_from(self.bids)? {
            pause::until(began + SECOND * at);
            let bid = watched.bid()?;
            phase.bid_ms.push(ms(bid.took));
            match self.runtime.block_on(crowd.all_heard(bid.seq, DELIVERY_MAX)) {
                Ok(arrived) => phase.delivered_ms.push(signed_ms(arrived.last, bid.accepted)),
                Err(error) => {
                    phase.faults.push(format!("{error:#}"));
                    break;
                }
            }
            if let Some(unwatched) = unwatched.as_deref_mut() {
                pause::until(began + SECOND * at + SECOND / 2);
                phase.unwatched_ms.push(ms(unwatched.bid()?.took));
            }
        }
        Ok(phase)
    }
}

#[derive(Default)]
struct Phase {
    delivered_ms: Vec<f64>,
    bid_ms: Vec<f64>,
    unwatched_ms: Vec<f64>,
    faults: Vec<String>,
}

/// Two people who outbid each other on one auction.
struct Bidder {
    client: Client,
    auction: String,
    tokens: [String; 2],
    placed: i64,
}

struct Placed {
    seq: u64,
    took: Duration,
    accepted: Instant,
}

impl Bidder {
    fn open(platform: &Platform, auction: &str) -> anyhow::Result<Self> {
        let mut client = Client::open(platform.address)?;
        let tokens = [client.token("left")?, client.token("right")?];
        Ok(Self { client, auction: auction.to_owned(), tokens, placed: 0 })
    }

    fn bid(&mut self) -> anyhow::Result<Placed> {
        #[derive(Deserialize)]
        struct Reply {
            seq: u64,
        }
        let Self { client, auction, tokens: [left, right], placed } = self;
        let token = if *placed % 2 == 0 { left } else { right };
        let amount = 100_000 + *placed * 10_000;
        let body = format!("{{\"amount\":{{\"amount\":{amount},\"currency\":\"USD\"}}}}");
        let request = format!(
            "POST /v1/auctions/{auction}/bids HTTP/1.1\r\nhost: localhost\r\n\
             content-type: application/json\r\nauthorization: Bearer {token}\r\n\
             idempotency-key: sockets-{auction}-{placed}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let began = Instant::now();
        let (status, body) = client.exchange(request.as_bytes())?;
        let accepted = Instant::now();
        ensure!(status == 201, "a bid was refused: {status} {body}");
        *placed += 1;
        let seq = serde_json::from_str::<Reply>(&body)?.seq;
        Ok(Placed { seq, took: accepted - began, accepted })
    }
}

fn medians(rounds: &[Round]) -> Round {
    let of = |field: fn(&Round) -> f64| median(rounds.iter().map(field));
    Round {
        opened_in_seconds: of(|round| round.opened_in_seconds),
        bytes_each: of(|round| round.bytes_each),
        delivered_p50_ms: of(|round| round.delivered_p50_ms),
        delivered_p99_ms: of(|round| round.delivered_p99_ms),
        bid_p50_ms: of(|round| round.bid_p50_ms),
        unwatched_p50_ms: of(|round| round.unwatched_p50_ms),
        stalled_p50_ms: of(|round| round.stalled_p50_ms),
        stalled_p99_ms: of(|round| round.stalled_p99_ms),
        faults: rounds.iter().flat_map(|round| round.faults.clone()).collect(),
    }
}

/// The value below which that share lies; 0 of nothing.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of a short list"
    )]
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// From one instant to another that may lie before it.
fn signed_ms(to: Instant, from: Instant) -> f64 {
    ms(to.saturating_duration_since(from)) - ms(from.saturating_duration_since(to))
}

const BIDS_MIN: u64 = 10;
const SECOND: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_secs(2);
const DELIVERY_MAX: Duration = Duration::from_secs(30);
/// Files beside the sockets: connections, logs, data.
const RESERVED_FILES: u64 = 200;

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!([quantile(&values, 0.5), quantile(&values, 0.99)], [2.0, 4.0]);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn a_delivery_may_come_before_the_reply() {
        let now = Instant::now();
        let later = now + Duration::from_millis(3);
        assert_eq!([signed_ms(later, now), signed_ms(now, later)], [3.0, -3.0]);
    }
}
