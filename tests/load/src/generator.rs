//! The load: a closed loop over keep-alive connections, one request at a time on each.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use crate::connection::Connection;
use crate::pause;

/// What one connection does.
pub(crate) trait Script: Send + 'static {
    /// Writes the next request to the empty buffer; false when there is nothing more to do.
    fn request(&mut self, out: &mut Vec<u8>) -> bool;
    /// Judges the reply.
    fn reply(&mut self, status: u16, body: &[u8]) -> Verdict;
}

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As expected.
    Done,
    /// A refusal that belongs to the scenario.
    Refused,
    /// Anything else: the measurement is worth nothing.
    Wrong,
}

/// How a drive goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Generator threads.
    pub(crate) threads: usize,
    /// Not counted.
    pub(crate) warm_up: Duration,
    /// Counted.
    pub(crate) measured: Duration,
}

/// What was counted.
pub(crate) struct Outcome {
    /// Done.
    pub(crate) done: u64,
    /// Refused.
    pub(crate) refused: u64,
    /// Wrong.
    pub(crate) wrong: u64,
    /// The first wrong reply.
    pub(crate) first_wrong: Option<String>,
    /// Latencies in microseconds.
    pub(crate) latencies_us: Histogram<u64>,
}

/// Drives the scripts until the plan's time is over; `edge` is called at the start and at the end
/// of what is counted. The scripts come back and can go on later.
pub(crate) fn drive<S: Script>(
    address: SocketAddr,
    scripts: Vec<S>,
    plan: Plan,
    mut edge: impl FnMut(Edge) -> anyhow::Result<()>,
) -> anyhow::Result<(Vec<S>, Outcome)> {
    let from = Instant::now() + plan.warm_up;
    let window = Window { from, until: from + plan.measured };
    on_threads(address, scripts, plan.threads, window, || {
        pause::until(window.from);
        edge(Edge::Start)?;
        pause::until(window.until);
        edge(Edge::End)
    })
}

/// Drives the scripts until each has nothing more to do; gives up after `most`.
pub(crate) fn finish<S: Script>(
    address: SocketAddr,
    scripts: Vec<S>,
    threads: usize,
    most: Duration,
) -> anyhow::Result<(Vec<S>, Outcome)> {
    let from = Instant::now();
    on_threads(address, scripts, threads, Window { from, until: from + most }, || Ok(()))
}

fn on_threads<S: Script>(
    address: SocketAddr,
    scripts: Vec<S>,
    threads: usize,
    window: Window,
    meanwhile: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<(Vec<S>, Outcome)> {
    std::thread::scope(|scope| {
        let threads = shares(scripts, threads.max(1))
            .map(|share| scope.spawn(move || run(address, share, window)));
        let threads: Vec<_> = threads.collect();
        meanwhile()?;
        let mut all = (Vec::new(), Outcome::new()?);
        for thread in threads {
            let joined = thread.join().map_err(|_| anyhow::anyhow!("a generator panicked"))?;
            let (scripts, outcome) = joined?;
            all.0.extend(scripts);
            all.1.add(outcome)?;
        }
        Ok(all)
    })
}

/// An end of the counted time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Counting begins.
    Start,
    /// Counting is over.
    End,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}

fn shares<S>(scripts: Vec<S>, threads: usize) -> impl Iterator<Item = Vec<S>> {
    let mut shares: Vec<Vec<S>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, script) in scripts.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(at % threads) {
            share.push(script);
        }
    }
    shares.into_iter()
}

fn run<S: Script>(
    address: SocketAddr,
    scripts: Vec<S>,
    window: Window,
) -> anyhow::Result<(Vec<S>, Outcome)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = Rc::new(RefCell::new(Outcome::new()?));
    let local = LocalSet::new();
    let scripts = local.block_on(&runtime, async {
        let loops: Vec<_> = scripts
            .into_iter()
            .map(|script| {
                let outcome = Rc::clone(&outcome);
                tokio::task::spawn_local(repeat(address, script, window, outcome))
            })
            .collect();
        let mut scripts = Vec::new();
        for each in loops {
            scripts.push(each.await??);
        }
        anyhow::Ok(scripts)
    })?;
    let outcome = Rc::into_inner(outcome).context("a connection is still counting")?;
    Ok((scripts, outcome.into_inner()))
}

async fn repeat<S: Script>(
    address: SocketAddr,
    mut script: S,
    window: Window,
    outcome: Rc<RefCell<Outcome>>,
) -> anyhow::Result<S> {
    let mut connection = Connection::open(address).await?;
    let mut request = Vec::with_capacity(2 << 10);
    let mut sent = Instant::now();
    while sent < window.until {
        request.clear();
        if !script.request(&mut request) {
            break;
        }
        let reply = connection.exchange(&request).await?;
        let verdict = script.reply(reply.status, reply.body);
        let answered = Instant::now();
        let counts = answered >= window.from && answered < window.until;
        if counts || verdict == Verdict::Wrong {
            let mut outcome = outcome.borrow_mut();
            outcome.count(verdict, answered - sent);
            if verdict == Verdict::Wrong && outcome.first_wrong.is_none() {
                let body = String::from_utf8_lossy(reply.body);
                outcome.first_wrong = Some(format!("{} {body}", reply.status));
            }
        }
        sent = answered;
    }
    Ok(script)
}

impl Outcome {
    fn new() -> anyhow::Result<Self> {
        let latencies_us = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)?;
        Ok(Self { done: 0, refused: 0, wrong: 0, first_wrong: None, latencies_us })
    }

    fn count(&mut self, verdict: Verdict, took: Duration) {
        match verdict {
            Verdict::Done => self.done += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Wrong => self.wrong += 1,
        }
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.latencies_us.saturating_record(took_us.max(1));
    }

    fn add(&mut self, other: Self) -> anyhow::Result<()> {
        self.done += other.done;
        self.refused += other.refused;
        self.wrong += other.wrong;
        self.first_wrong = self.first_wrong.take().or(other.first_wrong);
        self.latencies_us.add(other.latencies_us)?;
        Ok(())
    }
}

const LATENCY_MAX_US: u64 = 60_000_000;
