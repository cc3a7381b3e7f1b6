//! What many sign-ins meet: rates.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conformance::people::address;
use conformance::{Client, Reply, Setup};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::signs_in;

/// Signs in with each address, so many at a time; the answers in the order in which they came. Each
/// says that it comes from somewhere else: the platform knows better.
async fn stuffed(client: &Client, emails: Vec<String>, at_once: usize) -> Vec<Reply> {
    let permits = Arc::new(Semaphore::new(at_once));
    let mut running = JoinSet::new();
    for (n, email) in emails.into_iter().enumerate() {
        let (client, permits) = (client.clone(), Arc::clone(&permits));
        running.spawn(async move {
            let _permit = permits.acquire().await.unwrap();
            let session = json!({"email": email, "password": "leaked elsewhere"});
            let elsewhere = format!("203.0.{}.{}", n / 250, n % 250);
            let call = client.post("/v1/sessions", &session).header("x-forwarded-for", &elsewhere);
            let call = call.header("x-client-address", &elsewhere);
            call.header("forwarded", &format!("for={elsewhere}")).send().await.unwrap()
        });
    }
    running.join_all().await
}

fn counts(replies: &[Reply]) -> BTreeMap<u16, usize> {
    replies.iter().fold(BTreeMap::new(), |mut counts, reply| {
        *counts.entry(reply.status).or_default() += 1;
        counts
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_stuffed_sign_ins_meet_429() {
    let platform = Setup::development().with_default_rates().start().await;
    let public = platform.client();
    platform.user("ana").await;
    let emails = (0..1_000).map(|n| address(&format!("leaked-{n}"))).collect();
    let started = Instant::now();
    let replies = stuffed(&public, emails, 8).await;
    let counts = counts(&replies);
    let first = replies.iter().position(|reply| reply.status == 429);
    println!("{counts:?} in {:?}, the first 429 after {first:?}", started.elapsed());
    assert!(counts.keys().all(|status| [401, 429, 503].contains(status)), "{counts:?}");
    assert!(first.is_some_and(|first| first <= 100), "{first:?} were tried at will");
    assert!(counts[&429] >= 800, "{counts:?}");
    let limited = replies.into_iter().find(|reply| reply.status == 429).unwrap();
    let limited = limited.refused(429, "rate_limited");
    let wait: u64 = limited.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!((1..=120).contains(&wait), "{wait} s");
    for header in ["ratelimit", "ratelimit-policy"] {
        assert!(limited.header(header).is_some(), "no {header}");
    }
    // What needs no password goes on, and after a while a person can sign in again.
    public.get("/v1/auctions").await.expect(200);
    let deadline = Instant::now() + Duration::from_secs(wait + 5);
    while signs_in(&public, &address("ana"), conformance::people::PASSWORD).await.status != 201 {
        assert!(Instant::now() < deadline, "locked out for longer than Retry-After said");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_is_not_guessed_at_will_whether_it_exists_or_not() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    platform.user("ana").await;
    let mut reached = Vec::new();
    for name in ["ana", "nobody"] {
        let replies = stuffed(&public, vec![address(name); 60], 1).await;
        let first = replies.iter().position(|reply| reply.status == 429);
        println!("{name}: {:?}, the first 429 after {first:?}", counts(&replies));
        assert!(replies.iter().all(|reply| [401, 429].contains(&reply.status)));
        reached.push(first.expect("sixty guesses in a row meet a limit"));
    }
    // Buckets refill while the guesses run.
    assert!(reached[0].abs_diff(reached[1]) <= 2, "the limit tells who exists: {reached:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_sign_ins_at_once_are_each_answered() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    platform.user("ana").await;
    let emails = (0..100).map(|n| address(&format!("stranger-{n}"))).collect();
    let replies = stuffed(&public, emails, 100).await;
    let counts = counts(&replies);
    println!("{counts:?}");
    assert!(counts.keys().all(|status| [401, 429, 503].contains(status)), "{counts:?}");
    assert!(counts.contains_key(&401), "{counts:?}: nobody got through");
    for refused in replies.iter().filter(|reply| reply.status != 401) {
        assert!(refused.header("retry-after").is_some(), "{}", refused.text());
    }
    signs_in(&public, &address("ana"), conformance::people::PASSWORD).await.expect(201);
}
