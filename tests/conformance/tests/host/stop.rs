//! SIGTERM: what was begun is finished, what was said stays true.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use conformance::record::{Acknowledged, bids_against};
use conformance::socket::{Ask, as_logged};
use conformance::{Setup, chain, id_of};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_loses_nothing_that_was_acknowledged() {
    let mut platform = Setup::development().on_host().start().await;
    let ana = platform.user("ana").await;
    let mut bidders = Vec::new();
    for n in 0..8 {
        bidders.push((
            platform.user(&format!("bidder-{n}")).await,
            id_of(&ana.lists(json!({})).await),
        ));
    }
    let (over, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (say, mut heard) = watch::channel(0);
    let mut running = JoinSet::new();
    for (user, auction) in bidders {
        let (over, lost, say) = (Arc::clone(&over), Arc::clone(&lost), say.clone());
        running.spawn(async move {
            let mut told = Vec::new();
            for n in 1_i64.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let (amount, key) = (1_000 + n, format!("{}-{n}", user.name));
                match user.bid_call(&auction, amount, &key).send().await {
                    Ok(reply) if reply.status == 201 => {
                        told.push(Acknowledged::read(&auction, amount, &key, &reply));
                        say.send_modify(|acknowledged| *acknowledged += 1);
                    }
                    Ok(reply) => panic!("a stop answers nothing strange: {}", reply.text()),
                    Err(_) => {
                        lost.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                }
            }
            (auction, told)
        });
    }
    // When every bidder is gone there is nothing to wait for.
    drop(say);
    heard.wait_for(|acknowledged| *acknowledged > 100).await.unwrap();
    let (status, took) = platform.stop().await;
    over.store(true, Ordering::Relaxed);
    assert!(status.success(), "{status}\n{}", platform.log());
    assert!(took < Duration::from_secs(11), "{took:?} is longer than the drain time");
    platform.start().await;
    let mut acknowledged = 0;
    for (auction, told) in running.join_all().await {
        let log = chain::examine(&auction, &platform.client().log(&auction).await);
        assert_eq!(log.violations, Vec::<String>::new());
        // What was accepted was answered: the drain lets running requests finish.
        assert_eq!(bids_against(&log, &told, 0), Vec::<String>::new());
        acknowledged += told.len();
    }
    let lost = lost.load(Ordering::Relaxed);
    println!(
        "{acknowledged} acknowledged, {lost} cut, stopped in {took:?}, started again in {:?}",
        platform.start_took
    );
    assert!(platform.stop().await.0.success());
    assert_eq!(platform.doctor().await["problems"], json!([]));
}

#[tokio::test]
async fn a_stop_right_after_the_start_is_a_stop() {
    let mut platform = Setup::development().on_host().start().await;
    for _ in 0..10 {
        assert!(platform.stop().await.0.success());
        platform.start().await;
    }
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let platform = Setup::development().on_host().start().await;
    let again = Setup::development().on_host().try_on(platform.data()).await;
    let told = again.expect_err("two writers would ruin the journal");
    assert!(told.contains("in use"), "{told}");
    assert_eq!(platform.client().get("/readyz").await.status, 200);
}

#[tokio::test]
async fn snapshots_that_cannot_be_read_are_made_again_from_the_journal() {
    let mut platform = Setup::development().on_host().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let auction = id_of(&ana.lists(json!({})).await);
    ben.bids(&auction, 5_000).await.expect(201);
    // SQLite knows its file by the first page, and finds its tables in those behind it.
    for (amount, from) in [(6_000, 0), (7_000, 4_096)] {
        let before = platform.client().log(&auction).await;
        assert!(platform.stop().await.0.success());
        let state = platform.data().join("state.db");
        let mut bytes = std::fs::read(&state).unwrap();
        bytes[from..].fill(0xa5);
        std::fs::write(&state, &bytes).unwrap();
        platform.start().await;
        assert_eq!(platform.client().log(&auction).await, before);
        ben.bids(&auction, amount).await.expect(201);
        assert_eq!(std::fs::read(state.with_extension("unreadable")).unwrap(), bytes, "it is kept");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_tells_sockets_to_come_back_and_they_resume() {
    let mut platform = Setup::development().on_host().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let auction = id_of(&ana.lists(json!({})).await);
    let client = platform.client();
    let mut socket = Ask::to_watch(&auction).open(&client).await;
    let hello = socket.next().await;
    ben.bids(&auction, 2_000).await.expect(201);
    let event = socket.next_of("event").await;
    let (code, (status, took)) = tokio::join!(socket.closed(), platform.stop());
    assert_eq!(code, 4000);
    assert!(status.success() && took < Duration::from_secs(11), "{status} after {took:?}");
    platform.start().await;
    ben.bids(&auction, 3_000).await.expect(201);
    let again = Ask::to_watch(&auction)
        .with("after", &hello["seq"])
        .with("epoch", hello["epoch"].as_str().unwrap());
    let mut socket = again.open(&client).await;
    let greeting = socket.next().await;
    assert_eq!((&greeting["resumed"], &greeting["epoch"]), (&json!(true), &hello["epoch"]));
    assert_eq!(as_logged(&socket.next_of("event").await), as_logged(&event));
    let seq = event["seq"].as_u64().unwrap() + 1;
    assert_eq!(socket.next_of("event").await["seq"].as_u64(), Some(seq));
}
