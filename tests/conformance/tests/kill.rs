//! SIGKILLs of the real binary at random instants under load: nothing acknowledged is lost, nothing
//! acts twice, every auction has one result (reliability.md I1, I2, I5), and everybody is told of
//! it once (I17).

use std::time::Duration;

use conformance::letters;
use conformance::siege::{Plan, besiege};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_nothing_and_double_nothing() {
    let seed = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let plan = Plan {
        kills: 20,
        writes_min: 1_000,
        writers: 12,
        sellers: 5,
        seed: seed.unwrap_or_else(|| fastrand::u64(..u64::MAX / 2)),
        time_max: Duration::from_secs(100),
        forgets: false,
    };
    println!("again with KILL_SEED={}", plan.seed);
    let report = besiege(&plan).await;
    println!("{report:#?}");
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!(report.kills, plan.kills, "the time was over first");
    assert!(report.writes >= plan.writes_min, "only {} writes", report.writes);
    assert!(report.unknown > 0, "no kill hit a request: the test proves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_no_letter_and_double_none() {
    let plan = letters::siege::Plan {
        auctions: 100,
        kills: 20,
        workers: 16,
        seed: fastrand::u64(..u64::MAX / 2),
        // Longer than the pause of a letter that was refused six times.
        patience: Duration::from_secs(120),
    };
    let report = letters::siege::besiege(&plan).await;
    println!("{report:#?}");
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!((report.auctions, report.kills), (plan.auctions, plan.kills));
    for kind in ["won", "sold", "unsold", "outbid"] {
        assert!(report.facts.contains_key(kind), "no {kind}: the test proves nothing");
    }
    assert!(report.cut > 0 && report.deferred > 0, "the mail server was too well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_forgets_is_found() {
    let plan = Plan {
        kills: 2,
        writes_min: 500,
        writers: 6,
        sellers: 3,
        seed: 3,
        time_max: Duration::from_secs(30),
        forgets: true,
    };
    let report = besiege(&plan).await;
    let lost = report.violations.iter().filter(|what| what.contains("is lost")).count();
    let shown = report.violations.iter().filter(|what| what.contains("not durable")).count();
    println!("{lost} bids found lost, {shown} views found untrue");
    assert!(lost > 0, "{report:#?}");
}
