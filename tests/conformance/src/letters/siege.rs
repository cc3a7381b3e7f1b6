//! Many auctions, a real mail server that fails now and then, kills, and every message delivered
//! twice: in the end everybody was told everything once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    Fact, Facts, against, facts_of, is_told, people_of, repeated, repeated_max, unequal_twins,
};
use crate::people::PASSWORD;
use crate::smtp::Sink;
use crate::{Client, Host, Reply, Setup, User, amount_of, id_of, ms_of, now_ms, usd};

/// How many, how hard.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Auctions.
    pub auctions: usize,
    /// SIGKILLs.
    pub kills: u32,
    /// Auctions at a time.
    pub workers: usize,
    /// Of every choice.
    pub seed: u64,
    /// Longest wait for the last letters.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Auctions that were listed.
    pub auctions: usize,
    /// SIGKILLs.
    pub kills: u32,
    /// Facts by kind.
    pub facts: BTreeMap<String, usize>,
    /// Letters on the wire about anything.
    pub letters: usize,
    /// … of which so many came again under the same `Message-ID`.
    pub repeated: usize,
    /// Openings that were told to nobody: the end was known first.
    pub overtaken: usize,
    /// Letters whose sender never read the 250.
    pub cut: usize,
    /// Recipients that were answered 451.
    pub deferred: usize,
    /// From the last end to the last letter.
    pub caught_up: Duration,
    /// Every sentence is a violation.
    pub violations: Vec<String>,
}

struct Lot {
    id: String,
    seller: String,
    /// Bid id to mail address.
    bids: BTreeMap<String, String>,
    end_ms: i64,
}

struct Field {
    client: Client,
    people: Vec<User>,
    lots: Mutex<Vec<Lot>>,
    requests: AtomicU64,
    over: AtomicBool,
}

/// Runs it and judges it.
pub async fn besiege(plan: &Plan) -> Report {
    let sink = Sink::open().await;
    let setup = Setup::development()
        .variable(format!("smtp_url={}", sink.url()))
        .variable("mail_from=EcomAuction <auctions@example.test>")
        .variable("public_base_url=http://ecomauction.test");
    let mut platform = setup.on_host().delivering_twice().start().await;
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        people.push(platform.user_by_mail(&sink, &format!("person-{n}")).await);
    }
    let client = platform.client();
    let field = Arc::new(Field {
        client,
        people,
        lots: Mutex::default(),
        requests: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    let mut workers = JoinSet::new();
    for worker in 0..plan.workers {
        let own = (worker..plan.auctions).step_by(plan.workers).count();
        let rng = Rng::with_seed(plan.seed.wrapping_add(worker as u64));
        workers.spawn(hold(Arc::clone(&field), worker, own, rng));
    }
    let running = tokio::spawn({
        let field = Arc::clone(&field);
        async move {
            while let Some(ended) = workers.join_next().await {
                ended.expect("nobody panics");
            }
            field.over.store(true, Ordering::Relaxed);
        }
    });
    let mut report = Report::default();
    attack(plan, &mut platform, &field, &sink, &mut report).await;
    running.await.expect("nobody panics");
    judge(plan, &mut platform, &field, &sink, &mut report).await;
    report
}

/// Kills by the number of requests, so that they spread over all auctions; the mail server has bad
/// moments of its own.
async fn attack(plan: &Plan, platform: &mut Host, field: &Field, sink: &Sink, report: &mut Report) {
    let mut rng = Rng::with_seed(plan.seed);
    let each = (plan.auctions as u64 * REQUESTS_PER_LOT / u64::from(plan.kills.max(1))).max(1);
    while report.kills < plan.kills {
        let next = u64::from(report.kills) * each + rng.u64(1..=each);
        let is_over = || field.over.load(Ordering::Relaxed);
        while field.requests.load(Ordering::Relaxed) < next && !is_over() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        match report.kills % 3 {
            0 => sink.cuts(rng.usize(1..4)),
            1 => sink.is_busy(true),
            _ => sink.is_busy(false),
        }
        // Letters leave for a moment, or are refused for one.
        tokio::time::sleep(Duration::from_millis(rng.u64(0..200))).await;
        platform.kill().await;
        report.kills += 1;
        platform.start().await;
    }
    sink.is_busy(false);
}

/// Lists auctions one after the other, and bids on each.
async fn hold(field: Arc<Field>, worker: usize, lots: usize, mut rng: Rng) {
    for n in 0..lots {
        let mut people: Vec<usize> = (0..field.people.len()).collect();
        rng.shuffle(&mut people);
        let terms = User::terms(json!({"duration_seconds": LOT_SECONDS}));
        let key = format!("lot-{worker}-{n}");
        let seller = field.people[people[0]].clone();
        let listed = settle(&field, &seller, "/v1/auctions", &terms, &key).await;
        let view = listed.expect(201).json();
        let mut lot = Lot {
            id: id_of(&view),
            seller: seller.email(),
            bids: BTreeMap::new(),
            end_ms: ms_of(&view["ends_at"]).unwrap(),
        };
        let mut next = amount_of(&view["next_minimum"]).unwrap_or(1_000);
        // One lot in eight is wanted by nobody.
        let bids = if rng.u8(0..8) == 0 { 0 } else { rng.usize(2..8) };
        for bid in 0..bids {
            let bidder = &field.people[people[1 + rng.usize(0..3)]];
            let path = format!("/v1/auctions/{}/bids", lot.id);
            let body = json!({"amount": usd(next + rng.i64(0..900))});
            let reply = settle(&field, bidder, &path, &body, &format!("{key}-{bid}")).await;
            let told = reply.json();
            if let Some(minimum) = amount_of(&told["next_minimum"]) {
                next = minimum;
            }
            if let Some(id) = told["bid_id"].as_str() {
                lot.bids.insert(id.to_owned(), bidder.email());
            }
        }
        field.lots.lock().unwrap().push(lot);
    }
}

/// Repeats a request until it is answered for good; refusals of a late or low bid are answers.
async fn settle(field: &Field, user: &User, path: &str, body: &Value, key: &str) -> Reply {
    let deadline = Instant::now() + SETTLED_MAX;
    let mut user = user.clone();
    loop {
        field.requests.fetch_add(1, Ordering::Relaxed);
        let pause_ms = match user.client.post(path, body).key(key).send().await {
            Ok(reply) if reply.status == 401 => {
                user.client = signed_in(field, &user).await;
                0
            }
            Ok(reply) if reply.status == 409 && reply.code() == "idempotency_in_progress" => 200,
            Ok(reply) if reply.status > 500 => 50,
            Ok(reply) => return reply,
            Err(_) => 10,
        };
        assert!(Instant::now() < deadline, "{path} of {} stays unanswered", user.name);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

/// Tokens live ten minutes; the platform may be down when one is over.
async fn signed_in(field: &Field, user: &User) -> Client {
    let session = json!({"email": user.email(), "password": PASSWORD});
    loop {
        let reply = field.client.post("/v1/sessions", &session).send().await;
        if let Ok(reply) = reply.as_ref().map(Reply::json)
            && let Some(token) = reply["access_token"].as_str()
        {
            return field.client.with_token(token);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn judge(plan: &Plan, platform: &mut Host, field: &Field, sink: &Sink, report: &mut Report) {
    let lots = std::mem::take(&mut *field.lots.lock().unwrap());
    report.auctions = lots.len();
    let last_ms = lots.iter().map(|lot| lot.end_ms).max().unwrap_or(0);
    let left_ms = u64::try_from(last_ms - now_ms()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(left_ms)).await;
    let ended = Instant::now();
    let mut facts = Facts::new();
    for lot in &lots {
        let log = closed_log(&field.client, lot).await;
        let people = people_of(&log, &lot.bids);
        facts.extend(facts_of(&lot.id, &log, &lot.seller, &people));
    }
    let mut wrong = against(&sink.letters(), &facts);
    while !wrong.is_empty() && ended.elapsed() < plan.patience {
        tokio::time::sleep(Duration::from_secs(1)).await;
        wrong = against(&sink.letters(), &facts);
        if !wrong.is_empty() && wrong.iter().all(|what| what.starts_with("opened ")) {
            let letters = sink.letters();
            let untold = overtaken(field).await.into_iter().filter(|fact| !is_told(&letters, fact));
            report.overtaken += untold.filter_map(|fact| facts.remove(&fact)).count();
            wrong = against(&letters, &facts);
        }
    }
    report.caught_up = ended.elapsed();
    // What is not marked as sent comes again after a last start.
    platform.kill().await;
    platform.start().await;
    tokio::time::sleep(SETTLING).await;
    let letters = sink.letters();
    report.violations = against(&letters, &facts);
    report.violations.extend(unequal_twins(&letters));
    report.violations.extend(sink.complaints());
    for (fact, count) in facts {
        *report.facts.entry(fact.kind).or_default() += count;
    }
    report.repeated = repeated(&letters);
    report.cut = letters.iter().filter(|letter| !letter.is_acknowledged).count();
    // The last start is one more.
    let most = repeated_max(report.cut, report.kills + 1);
    if report.repeated > most {
        report.violations.push(format!("{} letters came again, not {most}", report.repeated));
    }
    report.letters = letters.len();
    report.deferred = sink.deferred();
}

/// Openings that the platform says it has told to nobody, for all it knows: a kill may have come
/// between the server's 250 and the note of it.
async fn overtaken(field: &Field) -> Vec<Fact> {
    let mut facts = Vec::new();
    for user in &field.people {
        let letters = signed_in(field, user).await.all("/v1/me/notifications?limit=100").await;
        let overtaken = letters
            .iter()
            .filter(|letter| letter["kind"] == "opened" && letter["status"] == "suppressed");
        facts.extend(overtaken.filter_map(|letter| {
            let auction = letter["auction_id"].as_str()?.to_owned();
            Some(Fact { auction, kind: "opened".to_owned(), to: user.email() })
        }));
    }
    facts
}

async fn closed_log(client: &Client, lot: &Lot) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let log = client.log(&lot.id).await;
        let is_closed = log.last().is_some_and(|item| item["event"] == "auction_closed");
        if is_closed {
            return log;
        }
        assert!(Instant::now() < deadline, "{} is not closed", lot.id);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const PEOPLE: usize = 24;
const LOT_SECONDS: u64 = 20;
/// A listing and its bids, about.
const REQUESTS_PER_LOT: u64 = 5;
/// Longer than the lease of a creation and a restart together.
const SETTLED_MAX: Duration = Duration::from_secs(60);
/// Longer than a lease of a message: whoever died with one has it delivered again.
const SETTLING: Duration = Duration::from_secs(35);
