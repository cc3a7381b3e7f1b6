//! Bids and questions over a socket.

use conformance::{now_ms, usd};
use serde_json::json;

use super::{Scene, command_id};

#[tokio::test]
async fn a_bid_is_answered_once_and_as_over_http() {
    let scene = Scene::set().await;
    let ben = scene.user("ben").await;
    let mut socket = scene.socket_of(&ben).await;
    let id = command_id(1);
    let reply = socket.bids(&id, usd(2_500)).await;
    assert_eq!(reply["status"], 201, "{reply}");
    assert_eq!(reply["body"]["outcome"], "leading");
    // Again on the socket, again over HTTP: the same answer, and no second bid.
    let again = socket.bids(&id, usd(2_500)).await;
    assert_eq!((&again["status"], &again["body"]), (&reply["status"], &reply["body"]));
    let over_http = ben.bid_call(&scene.auction, 2_500, &id).send().await.unwrap().expect(201);
    assert!(over_http.is_replay(), "one space of keys");
    assert_eq!(over_http.json(), reply["body"]);
    // And the other way round.
    let http_first = ben.bid_call(&scene.auction, 3_500, &command_id(2)).send().await.unwrap();
    let http_first = http_first.expect(201).json();
    let repeated = socket.bids(&command_id(2), usd(3_500)).await;
    assert_eq!((&repeated["status"], &repeated["body"]), (&json!(201), &http_first));
    let view = scene.platform.client().view(&scene.auction).await;
    assert_eq!(view["bid_count"], 2);
    let answers = socket.heard.iter().filter(|frame| frame["type"] == "reply");
    assert_eq!(answers.count(), 3, "one reply for each command");
}

#[tokio::test]
async fn refusals_are_those_of_http() {
    let scene = Scene::set().await;
    let ben = scene.user("ben").await;
    let mut socket = scene.socket_of(&ben).await;
    socket.bids(&command_id(1), usd(2_500)).await;
    let reused = socket.bids(&command_id(1), usd(9_900)).await;
    assert_eq!(
        (&reused["status"], &reused["body"]["code"]),
        (&json!(422), &json!("idempotency_key_reused"))
    );
    let low = socket.bids(&command_id(2), usd(1)).await;
    let over_http = ben.bid_call(&scene.auction, 1, "low").send().await.unwrap();
    let over_http = over_http.expect(422).json();
    assert_eq!(low["status"], 422, "{low}");
    for name in ["code", "detail", "status", "price", "next_minimum", "ends_at", "seq"] {
        assert_eq!(low["body"][name], over_http[name], "{name}");
    }
    let currency = socket.bids(&command_id(3), json!({"amount": 5_000, "currency": "EUR"})).await;
    assert_eq!(currency["body"]["code"], "currency_mismatch", "{currency}");
    let fraction = socket.bids(&command_id(4), json!({"amount": 50.5, "currency": "USD"})).await;
    assert_eq!(
        (&fraction["status"], &fraction["body"]["code"]),
        (&json!(400), &json!("invalid_money"))
    );
    let mut seller = scene.socket_of(&scene.ana).await;
    let own = seller.bids(&command_id(5), usd(9_000)).await;
    assert_eq!((&own["status"], &own["body"]["code"]), (&json!(403), &json!("seller_cannot_bid")));
    let view = scene.platform.client().view(&scene.auction).await;
    assert_eq!((&view["bid_count"], &view["price"]), (&json!(1), &usd(1_000)));
}

#[tokio::test]
async fn who_only_watches_cannot_bid() {
    let scene = Scene::set().await;
    let (mut watcher, _) = scene.watcher().await;
    let reply = watcher.bids(&command_id(1), usd(2_500)).await;
    assert_eq!(
        (&reply["status"], &reply["body"]["code"]),
        (&json!(401), &json!("unauthenticated"))
    );
    assert_eq!(scene.platform.client().view(&scene.auction).await["bid_count"], 0);
}

#[tokio::test]
async fn a_reply_comes_before_its_event_or_with_it_and_both_say_one_number() {
    let scene = Scene::set().await;
    let ben = scene.user("ben").await;
    let mut socket = scene.socket_of(&ben).await;
    let reply = socket.bids(&command_id(1), usd(2_500)).await;
    let seq = reply["body"]["seq"].as_u64().unwrap();
    let known = socket.heard.iter().any(|frame| frame["type"] == "event" && frame["seq"] == seq);
    if !known {
        socket.events_until(seq).await;
    }
    let event = socket.heard.iter().find(|frame| frame["seq"] == seq).unwrap();
    assert_eq!(event["data"]["bid_id"], reply["body"]["bid_id"]);
    assert_eq!(event["time"], reply["body"]["server_time"]);
}

#[tokio::test]
async fn the_time_is_told_with_both_of_the_servers_instants() {
    let scene = Scene::set().await;
    let (mut watcher, _) = scene.watcher().await;
    let t0 = now_ms();
    watcher.say(json!({"type": "time", "t0": t0})).await;
    let time = watcher.next_of("time").await;
    let t3 = now_ms();
    assert_eq!(time["t0"].as_i64(), Some(t0), "{time}");
    let [t1, t2] = ["t1", "t2"].map(|name| time[name].as_f64().unwrap());
    // Test and platform share a clock.
    assert!(t1 <= t2, "{time}");
    assert!(t1 >= t0 as f64 - 1.0 && t2 <= t3 as f64 + 1.0, "{t0} {time} {t3}");
}

#[tokio::test]
async fn more_bids_than_the_rate_allows_are_answered_429_and_the_socket_stays() {
    let scene = Scene::set().await;
    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    let (mut socket, mut other) = (scene.socket_of(&ben).await, scene.socket_of(&cas).await);
    let mut accepted = 0;
    let limited = loop {
        assert!(accepted < 100, "there is no rate");
        let reply = socket.bids(&command_id(accepted), usd(2_000 + i64::from(accepted))).await;
        if reply["status"] == 429 {
            break reply;
        }
        assert_eq!(reply["status"], 201, "{reply}");
        accepted += 1;
    };
    assert_eq!(limited["body"]["code"], "rate_limited", "{limited}");
    assert!(accepted >= 10, "ten bids in ten seconds are nobody's flood: {accepted}");
    // One bidder's rate is not another's.
    assert_eq!(other.bids(&command_id(200), usd(900_000)).await["status"], 201);
    let view = scene.platform.client().view(&scene.auction).await;
    assert_eq!(view["bid_count"].as_u64(), Some(u64::from(accepted) + 1));
}
