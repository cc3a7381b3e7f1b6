//! SIGKILLs at random instants under load: nothing acknowledged is lost, nothing acts twice, every
//! auction has one result (reliability.md I1, I2, I5).

use std::time::Duration;

use conformance::Kind;
use conformance::siege::{Plan, besiege};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_nothing_and_double_nothing() {
    let seed = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let plan = Plan {
        platform: Kind::chosen(),
        kills: 20,
        writes_min: 1_000,
        writers: 12,
        sellers: 5,
        seed: seed.unwrap_or_else(|| fastrand::u64(..u64::MAX / 2)),
        // Spin itself starts in seconds where others want the processors.
        time_max: Duration::from_secs(300),
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
