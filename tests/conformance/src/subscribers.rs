//! Many followers of one auction through kills and cuts: in the end everybody's map of numbers and
//! events must be the one that the log shows (reliability.md I12 to I15).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ecomauction_client::{Live, Parting, Settings, Update};
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::meddler::{Meddler, Mischief};
use crate::{Client, Kind, Setup, User, id_of};

/// How hard, how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is killed.
    pub platform: Kind,
    /// Followers.
    pub followers: usize,
    /// SIGKILLs.
    pub kills: u32,
    /// Bids that are accepted between two kills, at least.
    pub bids_each: u64,
    /// Of every choice that the test makes.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// SIGKILLs.
    pub kills: u32,
    /// Events in the log.
    pub events: usize,
    /// Connections that were lost, over all followers.
    pub lost: u64,
    /// … of which by the hand between.
    pub cuts: u64,
    /// Every sentence is a violation.
    pub violations: Vec<String>,
}

/// What one follower heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// The number of its first hello; events follow.
    pub from: Option<u64>,
    /// Events by number.
    pub log: BTreeMap<u64, Value>,
    /// Snapshots after the first hello: what was between is not known.
    pub snapshots: u64,
    /// Gaps that were told.
    pub gaps: Vec<String>,
    /// Connections lost, gaps included.
    pub lost: u64,
    /// Why it is over.
    pub ended: Option<String>,
}

/// Followers at work; they stop when this is dropped.
pub struct Subscribers {
    heard: Vec<Arc<Mutex<Heard>>>,
    _tasks: JoinSet<()>,
}

impl Subscribers {
    /// Everybody follows the same auction, by an address that stays.
    pub fn follow(address: SocketAddr, auction: &str, count: usize) -> Self {
        let mut tasks = JoinSet::new();
        let heard = (0..count).map(|_| {
            let heard = Arc::new(Mutex::new(Heard::default()));
            let live = Live::open(Settings::watching(format!("ws://{address}"), auction));
            tasks.spawn(listen(live, Arc::clone(&heard)));
            heard
        });
        Self { heard: heard.collect(), _tasks: tasks }
    }

    /// Waits until everybody was greeted.
    ///
    /// # Errors
    /// Who was not.
    pub async fn greeted(&self, within: Duration) -> Result<(), String> {
        self.all(within, "was not greeted", |heard| heard.from.is_some()).await
    }

    /// Waits until everybody has an event.
    ///
    /// # Errors
    /// Who does not.
    pub async fn caught_up(&self, seq: u64, within: Duration) -> Result<(), String> {
        let has = |heard: &Heard| heard.log.contains_key(&seq) || heard.from >= Some(seq);
        self.all(within, &format!("has not heard of event {seq}"), has).await
    }

    /// Everything in which somebody differs from the log.
    pub fn against(&self, log: &[Value]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, heard) in self.heard.iter().enumerate() {
            let heard = heard.lock().unwrap();
            let from = heard.from.unwrap_or(0);
            let expected: BTreeMap<u64, Value> =
                log.iter().filter_map(numbered).filter(|(seq, _)| *seq > from).collect();
            if heard.log != expected {
                wrong.push(difference(at, &heard.log, &expected));
            }
            if let Some(why) = &heard.ended {
                wrong.push(format!("follower {at} gave up: {why}"));
            }
        }
        wrong
    }

    /// A sum over all followers.
    pub fn sum(&self, of: impl Fn(&Heard) -> u64) -> u64 {
        self.heard.iter().map(|heard| of(&heard.lock().unwrap())).sum()
    }

    /// Gaps that anybody was told of.
    pub fn gaps(&self) -> Vec<String> {
        self.heard.iter().flat_map(|heard| heard.lock().unwrap().gaps.clone()).collect()
    }

    async fn all(
        &self,
        within: Duration,
        lack: &str,
        is_there: impl Fn(&Heard) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + within;
        for (at, heard) in self.heard.iter().enumerate() {
            while !is_there(&heard.lock().unwrap()) {
                if Instant::now() > deadline {
                    let heard = heard.lock().unwrap();
                    let last = heard.log.last_key_value().map(|(seq, _)| *seq);
                    let (lost, ended) = (heard.lost, &heard.ended);
                    return Err(format!("{at} {lack}: {last:?}, {lost} lost, {ended:?}"));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }
}

async fn listen(mut live: Live, heard: Arc<Mutex<Heard>>) {
    while let Some(update) = live.next().await {
        let mut heard = heard.lock().unwrap();
        match update {
            Update::Hello(hello) if heard.from.is_none() => heard.from = Some(hello.seq),
            Update::Hello(hello) => heard.snapshots += u64::from(!hello.resumed),
            Update::Event(event) => {
                let said = json!({"seq": event.seq, "event": event.event, "time": event.time,
                    "data": event.data});
                heard.log.insert(event.seq, said);
            }
            Update::Lost { why, .. } => {
                heard.lost += 1;
                if let Parting::Gap(gap) = why {
                    heard.gaps.push(gap.to_string());
                }
            }
            Update::Ended(why) => heard.ended = Some(why.to_string()),
            _ => {}
        }
    }
}

fn numbered(item: &Value) -> Option<(u64, Value)> {
    Some((item["seq"].as_u64()?, crate::socket::as_logged(item)))
}

fn difference(at: usize, heard: &BTreeMap<u64, Value>, log: &BTreeMap<u64, Value>) -> String {
    let missing: Vec<_> = log.keys().filter(|seq| !heard.contains_key(seq)).take(5).collect();
    let strange: Vec<_> = heard.keys().filter(|seq| !log.contains_key(seq)).take(5).collect();
    let both = log.iter().filter_map(|(seq, item)| Some((seq, item, heard.get(seq)?)));
    let changed: Vec<_> = both.filter(|(_, item, heard)| item != heard).take(2).collect();
    format!("follower {at}: {missing:?} missing, {strange:?} not in the log, changed {changed:?}")
}

/// Bids, kills, cuts and compares.
pub async fn besiege(plan: &Plan) -> Report {
    let mut platform = Setup::development().start_on(plan.platform).await;
    let client = platform.client();
    let seller = platform.user_by_token("seller").await;
    let auction = id_of(&seller.lists(json!({})).await);
    let mischief = Mischief { cuts: 5, ..Mischief::default() };
    let meddler = Meddler::before(&client, mischief, plan.seed).await;
    let followers = Subscribers::follow(meddler.address, &auction, plan.followers);
    let mut report = Report::default();
    report.violations.extend(followers.greeted(CATCHING_UP_MAX).await.err());
    let bidding = Bidding::begin(&client, &auction).await;
    let mut rng = Rng::with_seed(plan.seed);
    while report.kills < plan.kills {
        bidding.accepted_more(plan.bids_each).await;
        tokio::time::sleep(Duration::from_millis(rng.u64(0..50))).await;
        platform.kill().await;
        report.kills += 1;
        platform.start().await;
    }
    bidding.accepted_more(plan.bids_each).await;
    bidding.end().await;
    let log = client.log(&auction).await;
    let last = log.last().and_then(|item| item["seq"].as_u64()).unwrap_or(0);
    report.violations.extend(followers.caught_up(last, CATCHING_UP_MAX).await.err());
    report.violations.extend(followers.against(&log));
    report.violations.extend(followers.gaps());
    let snapshots = followers.sum(|heard| heard.snapshots);
    if snapshots > 0 {
        report.violations.push(format!("{snapshots} snapshots inside the window"));
    }
    report.events = log.len();
    report.lost = followers.sum(|heard| heard.lost);
    report.cuts = meddler.done.cuts.load(Ordering::Relaxed);
    report
}

/// Two who outbid each other, kills or not.
struct Bidding {
    accepted: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    bidders: JoinSet<()>,
}

impl Bidding {
    async fn begin(client: &Client, auction: &str) -> Self {
        let (accepted, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let next = Arc::new(AtomicI64::new(1_000));
        let mut bidders = JoinSet::new();
        for name in ["left", "right"] {
            let user = User::by_development_token(client, name).await;
            let (auction, next) = (auction.to_owned(), Arc::clone(&next));
            let (accepted, over) = (Arc::clone(&accepted), Arc::clone(&over));
            bidders.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let amount = next.fetch_add(STEP, Ordering::Relaxed);
                    let key = format!("{}-{amount}", user.name);
                    if bid_until_answered(&user, &auction, amount, &key).await == 201 {
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(PACE).await;
                }
            });
        }
        Self { accepted, over, bidders }
    }

    async fn accepted_more(&self, count: u64) {
        let until = self.accepted.load(Ordering::Relaxed) + count;
        while self.accepted.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(mut self) {
        self.over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.bidders.join_next().await {
            ended.expect("nobody panics");
        }
    }
}

/// The same command until there is an answer: its status.
async fn bid_until_answered(user: &User, auction: &str, amount: i64, key: &str) -> u16 {
    loop {
        match user.bid_call(auction, amount, key).send().await {
            Ok(reply) if reply.status < 500 && reply.status != 429 => return reply.status,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Above every step of the ladder that these prices reach.
const STEP: i64 = 1_000;
/// Ten bids in ten seconds are a bidder's rate where there is one; what is asked here is order.
const PACE: Duration = Duration::from_millis(10);
/// Longer than the longest pause between two connections.
const CATCHING_UP_MAX: Duration = Duration::from_secs(90);
