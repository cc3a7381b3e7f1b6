//! Events as a stream over HTTP: on every platform, and where there are no sockets the only way.

use conformance::closed;
use conformance::socket::as_logged;
use conformance::stream::{After, Stream};
use serde_json::{Value, json};

use super::{Scene, rising};

#[tokio::test]
async fn a_stream_tells_the_whole_log_and_goes_on() {
    let scene = Scene::set().await;
    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    for (at, amount) in rising(4).enumerate() {
        let who = if at % 2 == 0 { &ben } else { &cas };
        who.bids(&scene.auction, amount).await.expect(201);
    }
    let public = scene.platform.client();
    let mut stream = Stream::open(&public, &scene.auction, After::Nothing).await;
    let before = scene.log().await;
    let mut told = stream.until(before.len() as u64).await;
    ben.bids(&scene.auction, 50_000).await.expect(201);
    cas.bids(&scene.auction, 90_000).await.expect(201);
    let log = scene.log().await;
    assert!(log.len() > before.len());
    told.extend(stream.until(log.len() as u64).await);
    let items: Vec<&Value> = told.iter().map(|told| &told.data).collect();
    assert_eq!(items, log.iter().collect::<Vec<_>>(), "hashes included");
    for told in &told {
        assert_eq!(told.id, told.data["seq"].to_string());
        assert_eq!(told.event, told.data["event"]);
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_seen() {
    let scene = Scene::set().await;
    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    for (at, amount) in rising(4).enumerate() {
        let who = if at % 2 == 0 { &ben } else { &cas };
        who.bids(&scene.auction, amount).await.expect(201);
    }
    let (public, log) = (scene.platform.client(), scene.log().await);
    let last = log.len() as u64;
    for after in [After::LastEventId(2), After::Parameter(2)] {
        let mut stream = Stream::open(&public, &scene.auction, after).await;
        let told = stream.until(last).await;
        let items: Vec<_> = told.into_iter().map(|told| told.data).collect();
        assert_eq!(items, log[2..]);
    }
    // At the head nothing is told before something happens.
    let mut stream = Stream::open(&public, &scene.auction, After::LastEventId(last)).await;
    ben.bids(&scene.auction, 90_000).await.expect(201);
    assert_eq!(stream.next().await.data["seq"].as_u64(), Some(last + 1));
}

#[tokio::test]
async fn every_kind_of_change_reaches_a_stream_as_the_log_has_it() {
    let scene = Scene::with(json!({"duration_seconds": 6, "soft_close": {"mode": "off"}})).await;
    let public = scene.platform.client();
    let mut stream = Stream::open(&public, &scene.auction, After::Nothing).await;
    let path = format!("/v1/auctions/{}", scene.auction);
    let tag = scene.ana.client.get(&path).await.header("etag").unwrap().to_owned();
    let change = scene.ana.client.call("PATCH", &path).header("if-match", &tag);
    change.json(&json!({"title": "Another watch"})).send().await.unwrap().expect(200);
    let ben = scene.user("ben").await;
    ben.bids(&scene.auction, 2_000).await.expect(201);
    // Where nothing runs between requests, somebody who looks ends it.
    closed(&public, &scene.auction).await;
    let mut told = vec![stream.next().await];
    while told.last().unwrap().event != "auction_closed" {
        told.push(stream.next().await);
    }
    let names: Vec<_> = told.iter().map(|told| told.event.as_str()).collect();
    assert_eq!(names, ["auction_opened", "auction_changed", "bid_placed", "auction_closed"]);
    let log = scene.log().await;
    let heard: Vec<_> = told.iter().map(|told| as_logged(&told.data)).collect();
    assert_eq!(heard, log.iter().map(as_logged).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_of_what_is_not_there_is_refused_as_a_page_is() {
    let scene = Scene::set().await;
    let public = scene.platform.client();
    let ask = |path: String| public.call("GET", &path).header("accept", "text/event-stream");
    let nobody = "/v1/auctions/auc_01kb0xjh00f2dah4fvkbxz0q5m/events".to_owned();
    ask(nobody).send().await.unwrap().refused(404, "not_found");
    ask(format!("/v1/auctions/{}/events?after=x", scene.auction)).send().await.unwrap().expect(400);
}
