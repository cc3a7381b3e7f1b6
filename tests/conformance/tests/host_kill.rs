//! SIGKILLs of our host while letters leave by a mail server and every message is delivered twice:
//! everybody is told once (reliability.md I17). And the kill test itself is tested: a store that
//! forgets is planted in it.

use std::time::Duration;

use conformance::siege::{Plan, besiege};
use conformance::{Kind, letters};

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
        platform: Kind::Host,
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
