//! SIGKILLs at random instants under load: nothing acknowledged is lost, nothing acts twice, every
//! auction has one result (reliability.md I1, I2, I5). And whoever listens hears one story (I12 to
//! I15).
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use conformance::siege::{Plan, besiege};
use conformance::{Kind, subscribers};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sockets_tell_one_story_through_five_kills() {
    crowd::raise_open_files().unwrap();
    let seed = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let plan = subscribers::Plan {
        platform: Kind::chosen(),
        followers: 200,
        kills: 5,
        bids_each: 20,
        seed: seed.unwrap_or_else(|| fastrand::u64(..u64::MAX / 2)),
    };
    println!("again with KILL_SEED={}", plan.seed);
    let report = subscribers::besiege(&plan).await;
    println!("{report:#?}");
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!(report.kills, plan.kills);
    assert!(report.cuts > 0, "nobody was cut: the test proves less than it says");
    let least = u64::from(plan.kills) * plan.followers as u64;
    assert!(report.lost >= least, "only {} connections were lost", report.lost);
}
