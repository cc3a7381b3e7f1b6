//! The kill test: many bidders, SIGKILLs at random instants, and afterwards everything that was
//! said must be true (reliability.md I1, I2, I3, I5, I7, I10, I15).
//!
//! A request without an answer is unknown: its client repeats it with the same idempotency key
//! until it is answered, so that at the end every bid of every log has somebody who was told of it.

mod people;
mod verdict;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::JoinSet;

use crate::record::{Acknowledged, Seen};
use crate::{Client, Kind, Platform, Setup, now_ms};

/// How hard, how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is killed.
    pub platform: Kind,
    /// SIGKILLs.
    pub kills: u32,
    /// Acknowledged bids at least.
    pub writes_min: u64,
    /// Bidders at work.
    pub writers: u32,
    /// Sellers at work; each has two auctions at a time.
    pub sellers: u32,
    /// Of every choice that the test makes.
    pub seed: u64,
    /// The siege ends then, whatever was reached.
    pub time_max: Duration,
    /// Plants a store that forgets: at its last kill the platform loses what it wrote since the
    /// kill before. A siege that does not notice proves nothing.
    pub forgets: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// SIGKILLs.
    pub kills: u32,
    /// Bids acknowledged.
    pub writes: u64,
    /// Requests that had no answer and were repeated.
    pub unknown: u64,
    /// … of which the first attempt had been accepted.
    pub unknown_accepted: u64,
    /// Bids repeated after the siege, with byte-identical answers.
    pub replays: u64,
    /// Auctions listed.
    pub auctions: u64,
    /// Views that were checked against the logs.
    pub views: u64,
    /// The slowest start on the besieged data.
    pub slowest_start: Duration,
    /// Every sentence is a violation.
    pub violations: Vec<String>,
}

/// One auction under siege.
struct Lot {
    id: String,
    seller: usize,
    next_minimum: AtomicI64,
    end_ms: i64,
}

/// What all tasks share.
struct Field {
    client: Client,
    lots: Mutex<Vec<Arc<Lot>>>,
    acknowledged: Mutex<Vec<Acknowledged>>,
    seen: Mutex<Vec<Seen>>,
    violations: Mutex<Vec<String>>,
    writes: AtomicU64,
    unknown: AtomicU64,
    unknown_accepted: AtomicU64,
    over: AtomicBool,
}

/// Runs a siege and judges it.
pub async fn besiege(plan: &Plan) -> Report {
    let mut platform = Setup::development().start_on(plan.platform).await;
    let field = Arc::new(Field {
        client: platform.client(),
        lots: Mutex::default(),
        acknowledged: Mutex::default(),
        seen: Mutex::default(),
        violations: Mutex::default(),
        writes: AtomicU64::new(0),
        unknown: AtomicU64::new(0),
        unknown_accepted: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    let mut people = JoinSet::new();
    for seller in 0..plan.sellers as usize {
        people.spawn(people::sell(Arc::clone(&field), seller, Rng::with_seed(plan.seed + 1_000)));
    }
    for writer in 0..plan.writers {
        let rng = Rng::with_seed(plan.seed.wrapping_add(u64::from(writer)));
        people.spawn(people::bid(Arc::clone(&field), writer, rng));
    }
    people.spawn(people::look(Arc::clone(&field), Rng::with_seed(plan.seed + 2_000)));
    let mut report = Report::default();
    attack(plan, &mut platform, &field, &mut report).await;
    field.over.store(true, Ordering::Relaxed);
    while let Some(ended) = people.join_next().await {
        ended.expect("nobody panics");
    }
    report.writes = field.writes.load(Ordering::Relaxed);
    report.unknown = field.unknown.load(Ordering::Relaxed);
    report.unknown_accepted = field.unknown_accepted.load(Ordering::Relaxed);
    report.violations.append(&mut field.violations.lock().unwrap());
    verdict::judge(plan, &mut platform, &field, &mut report).await;
    report
}

async fn attack(plan: &Plan, platform: &mut Platform, field: &Field, report: &mut Report) {
    let mut rng = Rng::with_seed(plan.seed);
    let started = Instant::now();
    let may_go_on = || started.elapsed() < plan.time_max;
    let mut copy = None;
    while report.kills < plan.kills && may_go_on() {
        // Half of the instants are random in time, half in the number of writes: those come in
        // the middle of commits.
        let until = Instant::now() + Duration::from_millis(rng.u64(20..1_500));
        let writes = field.writes.load(Ordering::Relaxed) + rng.u64(1..800);
        let by_count = rng.bool();
        let limit = Instant::now() + Duration::from_secs(5);
        while Instant::now() < limit && may_go_on() {
            let reached = field.writes.load(Ordering::Relaxed) >= writes;
            if (by_count && reached) || (!by_count && Instant::now() >= until) {
                break;
            }
            tokio::time::sleep(Duration::from_micros(rng.u64(100..1_000))).await;
        }
        platform.kill().await;
        report.kills += 1;
        if plan.forgets {
            let before = copy.replace(platform.copy_of_state());
            if let Some(before) = before.filter(|_| report.kills == plan.kills) {
                platform.forget_all_since(&before);
            }
        }
        platform.start().await;
        report.slowest_start = report.slowest_start.max(platform.start_took);
    }
    while field.writes.load(Ordering::Relaxed) < plan.writes_min && may_go_on() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Field {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn complain(&self, what: String) {
        self.violations.lock().unwrap().push(what);
    }

    /// An auction that takes bids, or ended a moment ago.
    fn lot(&self, rng: &mut Rng) -> Option<Arc<Lot>> {
        let lots = self.lots.lock().unwrap();
        let now = now_ms();
        let alive: Vec<_> = lots.iter().rev().take(64).filter(|l| l.end_ms + 200 > now).collect();
        rng.choice(alive).cloned()
    }
}
