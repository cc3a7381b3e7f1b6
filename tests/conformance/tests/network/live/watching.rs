//! What everybody on a socket hears, and what nobody does.

use conformance::socket::as_logged;
use conformance::{id_of, ms_of, now_ms, usd};
use serde_json::json;

use super::{Scene, rising};

#[tokio::test]
async fn a_watcher_is_greeted_with_the_auction_and_hears_what_the_log_shows() {
    let scene = Scene::set().await;
    let public = scene.platform.client();
    let (mut watcher, hello) = scene.watcher().await;
    assert_eq!(hello["resumed"], false);
    assert!(hello["epoch"].as_str().is_some_and(|epoch| !epoch.is_empty()), "{hello}");
    assert!((now_ms() - ms_of(&hello["server_time"]).unwrap()).abs() < 60_000, "{hello}");
    let mut view = public.view(&scene.auction).await;
    let mut snapshot = hello["auction"].clone();
    assert_eq!(hello["seq"], view["seq"]);
    view["server_time"] = snapshot["server_time"].take();
    snapshot["server_time"] = view["server_time"].clone();
    assert_eq!(snapshot, view, "the snapshot is the public view");

    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    for (at, amount) in rising(6).enumerate() {
        let who = if at % 2 == 0 { &ben } else { &cas };
        who.bids(&scene.auction, amount).await.expect(201);
    }
    let log = scene.log().await;
    let last = log.last().unwrap()["seq"].as_u64().unwrap();
    let told = watcher.events_until(last).await;
    let from = hello["seq"].as_u64().unwrap();
    let expected: Vec<_> =
        log.iter().filter(|item| item["seq"].as_u64() > Some(from)).map(as_logged).collect();
    assert_eq!(told.iter().map(as_logged).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_end_is_told_with_its_result() {
    let scene = Scene::with(json!({"duration_seconds": 5})).await;
    let (mut watcher, _) = scene.watcher().await;
    let ben = scene.user("ben").await;
    ben.bids(&scene.auction, 3_000).await.expect(201);
    loop {
        let event = watcher.next_of("event").await;
        if event["event"] == "auction_closed" {
            assert_eq!(event["data"]["result"]["outcome"], "sold", "{event}");
            break;
        }
    }
    // The server told the time by itself: the whole of this auction is its last minute.
    let beacons = watcher.heard.iter().filter(|frame| frame["type"] == "time");
    assert!(beacons.count() <= 2, "every ten seconds, not more often: {:?}", watcher.heard);
}

#[tokio::test]
async fn hidden_amounts_stand_in_no_frame() {
    const RESERVE: i64 = 7_654_321;
    const LEADING: i64 = 6_543_217;
    let scene = Scene::with(json!({"reserve_price": usd(RESERVE)})).await;
    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    let (mut watcher, _) = scene.watcher().await;
    let mut seller = scene.socket_of(&scene.ana).await;
    let mut other = scene.socket_of(&cas).await;
    let bid = json!({"amount": usd(LEADING), "confirm": true});
    let path = format!("/v1/auctions/{}/bids", scene.auction);
    ben.client.post(&path, &bid).key("hidden").send().await.unwrap().expect(201);
    let reply = other.bids(&super::command_id(1), usd(5_000)).await;
    assert_eq!(
        (reply["status"].as_u64(), &reply["body"]["outcome"]),
        (Some(201), &json!("outbid"))
    );
    let refused = other.bids(&super::command_id(2), usd(1)).await;
    assert_eq!(refused["status"], 422);
    let last = reply["body"]["seq"].as_u64().unwrap();
    for socket in [&mut watcher, &mut seller] {
        socket.events_until(last).await;
    }
    let (_, hello) = scene.watcher().await;
    let frames = [&watcher.heard, &seller.heard, &other.heard];
    for frame in frames.into_iter().flatten().chain([&hello]) {
        let text = frame.to_string();
        for hidden in [RESERVE, LEADING] {
            assert!(!text.contains(&hidden.to_string()), "{hidden} stands in {text}");
        }
    }
}

#[tokio::test]
async fn the_lead_that_is_lost_is_told_to_its_bidder_alone() {
    let scene = Scene::set().await;
    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    let (mut watcher, _) = scene.watcher().await;
    let (mut first, mut second) = (scene.socket_of(&ben).await, scene.socket_of(&ben).await);
    let (mut rival, mut seller) = (scene.socket_of(&cas).await, scene.socket_of(&scene.ana).await);
    ben.bids(&scene.auction, 2_000).await.expect(201);
    let beating = cas.bids(&scene.auction, 5_000).await.expect(201).json();
    // Each of the bidder's own sockets is told.
    for own in [&mut first, &mut second] {
        let outbid = own.next_of("outbid").await;
        assert_eq!(outbid["auction_id"], scene.auction.as_str());
        for name in ["seq", "price", "next_minimum", "ends_at"] {
            assert_eq!(outbid[name], beating[name], "{name}");
        }
    }
    // Somebody who loses nothing with a bid that does not lead is answered, and told no more.
    let mut late = scene.socket_of(&ben).await;
    late.bids(&super::command_id(1), usd(2_500)).await;
    let last = scene.log().await.last().unwrap()["seq"].as_u64().unwrap();
    for other in [&mut watcher, &mut rival, &mut seller] {
        other.events_until(last).await;
        let private = other.heard.iter().find(|frame| frame["type"] == "outbid");
        assert_eq!(private, None);
    }
}

#[tokio::test]
async fn sockets_of_two_auctions_do_not_mix() {
    let scene = Scene::set().await;
    let other = id_of(&scene.ana.lists(json!({})).await);
    let (mut watcher, hello) = scene.watcher().await;
    let ben = scene.user("ben").await;
    ben.bids(&other, 9_000).await.expect(201);
    ben.bids(&scene.auction, 2_000).await.expect(201);
    let event = watcher.next_of("event").await;
    assert_eq!(event["seq"].as_u64(), hello["seq"].as_u64().map(|seq| seq + 1));
    let log = scene.log().await;
    assert_eq!(as_logged(&event), as_logged(log.last().unwrap()));
}
