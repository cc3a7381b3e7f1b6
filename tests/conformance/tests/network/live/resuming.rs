//! Coming back: what was missed follows, or it is said that a snapshot stands in its place.

use conformance::User;
use conformance::socket::{Ask, as_logged};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Scene, greeted, rising};

fn after(scene: &Scene, seq: u64, epoch: &Value) -> Ask {
    let epoch = epoch.as_str().expect("an epoch");
    Ask::to_watch(&scene.auction).with("after", seq).with("epoch", epoch)
}

#[tokio::test]
async fn what_was_missed_follows_in_order() {
    let scene = Scene::set().await;
    let (first, hello) = scene.watcher().await;
    drop(first);
    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    for (at, amount) in rising(7).enumerate() {
        let who = if at % 2 == 0 { &ben } else { &cas };
        who.bids(&scene.auction, amount).await.expect(201);
    }
    let log = scene.log().await;
    let last = log.last().unwrap()["seq"].as_u64().unwrap();
    for asked in 0..last {
        let (mut socket, again) = greeted(&scene, &after(&scene, asked, &hello["epoch"])).await;
        assert_eq!((&again["resumed"], again["seq"].as_u64()), (&json!(true), Some(asked)));
        let told = socket.events_until(last).await;
        let missed = log.iter().skip(usize::try_from(asked).unwrap()).map(as_logged);
        assert_eq!(told.iter().map(as_logged).collect::<Vec<_>>(), missed.collect::<Vec<_>>());
    }
    // Nothing was missed: nothing comes before the next event.
    let (mut socket, again) = greeted(&scene, &after(&scene, last, &hello["epoch"])).await;
    assert_eq!((&again["resumed"], again["seq"].as_u64()), (&json!(true), Some(last)));
    ben.bids(&scene.auction, 90_000).await.expect(201);
    assert_eq!(socket.next_of("event").await["seq"].as_u64(), Some(last + 1));
}

#[tokio::test]
async fn a_number_that_is_not_there_yet_gets_a_snapshot() {
    let scene = Scene::set().await;
    let (_, hello) = scene.watcher().await;
    let (_, again) = greeted(&scene, &after(&scene, 4_711, &hello["epoch"])).await;
    assert_eq!((&again["resumed"], &again["seq"]), (&json!(false), &hello["seq"]));
}

#[tokio::test]
async fn who_stayed_away_too_long_gets_a_snapshot_that_says_so() {
    let scene = Scene::set().await;
    let (_, hello) = scene.watcher().await;
    many_bids(&scene, RETAINED + 50).await;
    let head = scene.platform.client().view(&scene.auction).await["seq"].as_u64().unwrap();
    assert!(head > RETAINED, "only {head} events");
    let first = after(&scene, 1, &hello["epoch"]);
    let (mut socket, again) = greeted(&scene, &first).await;
    assert_eq!((&again["resumed"], again["seq"].as_u64()), (&json!(false), Some(head)));
    assert_eq!(again["auction"]["seq"].as_u64(), Some(head));
    // It goes on right after the snapshot.
    let ben = scene.user("last").await;
    ben.bids(&scene.auction, 90_000_000).await;
    let view = scene.platform.client().view(&scene.auction).await;
    if view["seq"].as_u64() > Some(head) {
        assert_eq!(socket.next_of("event").await["seq"].as_u64(), Some(head + 1));
    }
    // Inside the window everything follows, however much it is.
    let inside = after(&scene, head - 500, &hello["epoch"]);
    let (mut socket, again) = greeted(&scene, &inside).await;
    assert_eq!(again["resumed"], true, "{}", again["seq"]);
    let told = socket.events_until(head).await;
    assert_eq!(told.len(), 500);
}

#[tokio::test]
async fn numbers_of_another_epoch_are_answered_with_4009() {
    let scene = Scene::set().await;
    let (_, hello) = scene.watcher().await;
    let strange = Value::from("another-epoch");
    assert_ne!(hello["epoch"], strange);
    let mut socket = after(&scene, 1, &strange).open(&scene.platform.client()).await;
    assert_eq!(socket.closed().await, 4009);
    let events = socket.heard.iter().filter(|frame| frame["type"] == "event");
    assert_eq!(events.count(), 0);
}

#[tokio::test]
async fn a_number_that_is_none_is_refused() {
    let scene = Scene::set().await;
    let public = scene.platform.client();
    for bad in ["-1", "x", "1.5", "99999999999999999999"] {
        let ask = Ask::to_watch(&scene.auction).with("after", bad);
        ask.call(&public).send().await.unwrap().expect(400);
    }
}

/// That many events, by many bidders: one alone may not bid so often.
async fn many_bids(scene: &Scene, count: u64) {
    let bidders = count.div_ceil(BIDS_EACH);
    let mut bidding = JoinSet::new();
    for at in 0..bidders {
        let user: User = scene.user(&format!("bidder-{at}")).await;
        let auction = scene.auction.clone();
        // Nobody outbids anybody for long, and everybody raises: each bid is one event.
        let from = 2_000 + i64::try_from(at).unwrap() * 200_000;
        bidding.spawn(async move {
            for raise in 0..i64::try_from(BIDS_EACH).unwrap() {
                let reply = user.bids(&auction, from + raise * 20_000).await;
                assert!(matches!(reply.status, 201 | 409 | 422), "{}", reply.text());
            }
        });
        // In order, so that each is above the one before.
        while let Some(ended) = bidding.join_next().await {
            ended.unwrap();
        }
    }
}

/// Events that a client may have missed and still be sent (rules.md B10).
const RETAINED: u64 = 1_000;
const BIDS_EACH: u64 = 8;
