//! Passwords are hashed a few at a time: the host's own bound on memory and on the time of others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use conformance::people::address;
use conformance::{Setup, User, id_of};
use serde_json::json;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_sign_ins_at_once_stay_within_memory_and_delay_no_bid() {
    let platform = Setup::development().on_host().start().await;
    let public = platform.client();
    let mut people = Vec::new();
    for n in 0..4 {
        people.push(platform.user(&format!("user-{n}")).await.email());
    }
    let seller = platform.user("seller").await;
    let ben = platform.user("ben").await;
    let id = id_of(&seller.lists(json!({})).await);
    let mut amount = 2_000;
    let quiet = bids_until(&ben, &id, &mut amount, |count| count >= BIDS).await;
    let before = platform.memory_kib("VmHWM");

    let over = Arc::new(AtomicBool::new(false));
    let crowd = {
        let (public, people, over) = (public.clone(), people.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut running = JoinSet::new();
            for n in 0..100 {
                let client = public.clone();
                let email = people.get(n / 5).filter(|_| n % 5 == 0).cloned();
                let email = email.unwrap_or_else(|| address(&format!("stranger-{n}")));
                let password = conformance::people::PASSWORD;
                let session = json!({"email": email, "password": password});
                running.spawn(async move {
                    client.post("/v1/sessions", &session).send().await.unwrap()
                });
            }
            let replies = running.join_all().await;
            over.store(true, Ordering::Relaxed);
            replies
        })
    };
    let busy = bids_until(&ben, &id, &mut amount, |_| over.load(Ordering::Relaxed)).await;
    let replies = crowd.await.unwrap();
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    replies.iter().for_each(|reply| *counts.entry(reply.status).or_default() += 1);
    let grown = platform.memory_kib("VmHWM") - before;
    println!("{counts:?}, {grown} KiB more; bids before {quiet:?}, meanwhile {busy:?}");
    assert!(counts.keys().all(|status| [201, 401, 429, 503].contains(status)), "{counts:?}");
    assert!(
        counts.contains_key(&201) || counts.contains_key(&401),
        "{counts:?}: nobody got through"
    );
    for refused in replies.iter().filter(|reply| [429, 503].contains(&reply.status)) {
        assert!(refused.header("retry-after").is_some(), "{}", refused.text());
    }
    // A hundred hashes of 19 MiB at once would be 1.9 GiB.
    assert!(grown < MEMORY_MAX_KIB, "{grown} KiB");
    let allowed = (quiet.p99 * 2).max(P99_FLOOR);
    assert!(busy.p99 <= allowed, "bids took {busy:?}, before {quiet:?}");
}

/// How long bids took.
#[derive(Debug, Clone, Copy)]
struct Took {
    #[allow(dead_code, reason = "shown when the test prints it")]
    count: usize,
    #[allow(dead_code, reason = "shown when the test prints it")]
    p50: Duration,
    p99: Duration,
}

async fn bids_until(
    bidder: &User,
    auction: &str,
    amount: &mut i64,
    is_over: impl Fn(usize) -> bool,
) -> Took {
    let mut times = Vec::new();
    while times.is_empty() || !is_over(times.len()) {
        let started = Instant::now();
        *amount += 1;
        bidder.bids(auction, *amount).await.expect(201);
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let count = times.len();
    Took { count, p50: times[count / 2], p99: times[(count * 99 / 100).min(count - 1)] }
}

const BIDS: usize = 300;
/// A few hashes at once, and what a hundred requests take besides.
const MEMORY_MAX_KIB: u64 = 160 << 10;
/// Below this a p99 on a shared machine says nothing.
const P99_FLOOR: Duration = Duration::from_millis(40);
