//! Auctions close by themselves, on time, once, whatever happens to the platform meanwhile
//! (rules.md B6, reliability.md I7, I8).

use std::time::Duration;

use conformance::{Setup, chain, closed, eventually, id_of, ms_of, now_ms, rfc3339, usd};
use serde_json::{Value, json};

async fn sleep_until(ms: i64) {
    let left = u64::try_from(ms - now_ms()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(left)).await;
}

#[tokio::test]
async fn an_auction_that_ended_while_the_platform_was_dead_closes_soon_after_its_start() {
    let mut platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let sold = ana.lists(json!({"duration_seconds": 5})).await;
    let unsold = ana.lists(json!({"duration_seconds": 5})).await;
    let (sold_id, unsold_id) = (id_of(&sold), id_of(&unsold));
    ben.bids(&sold_id, 5_000).await.expect(201);
    let end_ms = ms_of(&unsold["ends_at"]).unwrap();
    sleep_until(end_ms - 400).await;
    platform.kill().await;
    sleep_until(end_ms + 300).await;
    platform.start().await;
    // Lists do not touch auctions: the platform itself has to remember what is due.
    let list = format!("/v1/auctions?seller={}", ana.id);
    eventually("both are closed", async || {
        let items = platform.client().get(&list).await.expect(200).json();
        let items = items["items"].as_array().unwrap().clone();
        let is = |id: &str, status: &str| {
            items.iter().any(|item| item["id"] == id && item["status"] == status)
        };
        (is(&sold_id, "sold") && is(&unsold_id, "unsold")).then_some(())
    })
    .await;
    let before = platform.client().get(&format!("/v1/auctions/{sold_id}")).await.expect(200);
    let log = platform.client().log(&sold_id).await;
    let examined = chain::examine(&sold_id, &log);
    assert_eq!(examined.violations, Vec::<String>::new());
    let late_ms = examined.closed.unwrap().time_ms - ms_of(&before.json()["ends_at"]).unwrap();
    println!("closed {late_ms} ms after its end, started in {:?}", platform.start_took);
    platform.kill().await;
    platform.start().await;
    let after = platform.client().get(&format!("/v1/auctions/{sold_id}")).await.expect(200);
    assert_eq!(after.header("etag"), before.header("etag"));
    assert_eq!(after.json()["result"], before.json()["result"]);
    assert_eq!(platform.client().log(&sold_id).await, log);
}

#[tokio::test]
async fn a_reset_soft_close_moves_the_end_to_the_bid_plus_the_extension() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let soft = json!({"mode": "reset", "window_seconds": 2, "extension_seconds": 2});
    let listed = ana.lists(json!({"duration_seconds": 5, "soft_close": soft})).await;
    let (id, end_ms) = (id_of(&listed), ms_of(&listed["ends_at"]).unwrap());
    let early = ben.bids(&id, 5_000).await.expect(201).json();
    assert_eq!(ms_of(&early["ends_at"]), Some(end_ms), "before the window");
    sleep_until(end_ms - 1_200).await;
    let raise = ben.bids(&id, 6_000).await.expect(201).json();
    assert_eq!(ms_of(&raise["ends_at"]), Some(end_ms), "an own raise moves nothing");
    let low = cat.bids(&id, 1_001).await.refused(422, "bid_too_low").json();
    assert_eq!(ms_of(&low["ends_at"]), Some(end_ms), "nor does a refused bid");
    let late = cat.bids(&id, 2_000).await.expect(201).json();
    let moved_ms = ms_of(&late["ends_at"]).unwrap();
    assert_eq!(moved_ms, ms_of(&late["server_time"]).unwrap() + 2_000);
    sleep_until(moved_ms - 300).await;
    let last = cat.bids(&id, 7_000).await.expect(201).json();
    assert_eq!(ms_of(&last["ends_at"]), Some(ms_of(&last["server_time"]).unwrap() + 2_000));
    let view = closed(&public, &id).await;
    assert_eq!((&view["status"], &view["ends_at"]), (&json!("sold"), &last["ends_at"]));
    assert_eq!(view["scheduled_end"], listed["ends_at"]);
    assert_eq!(view["result"]["hammer_price"], usd(6_100));
    let log = public.log(&id).await;
    let names: Vec<_> = log.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "auction_opened",
            "bid_placed",
            "bid_placed",
            "bid_placed",
            "auction_extended",
            "bid_placed",
            "auction_extended",
            "auction_closed",
        ]
    );
    assert_eq!(log[4]["data"]["cause_seq"], log[3]["seq"]);
    assert_eq!(chain::examine(&id, &log).violations, Vec::<String>::new());
    ben.bids(&id, 90_000).await.refused(409, "auction_closed");
}

#[tokio::test]
async fn an_adding_soft_close_moves_the_end_by_the_extension_up_to_the_hard_stop() {
    let platform = Setup::development().start().await;
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let end_ms = now_ms() + 5_200;
    let soft = json!({"mode": "add", "window_seconds": 4, "extension_seconds": 1,
        "hard_stop_at": rfc3339(end_ms + 1_500)});
    let listed = ana
        .lists(json!({"ends_at": rfc3339(end_ms), "duration_seconds": null, "soft_close": soft}))
        .await;
    let id = id_of(&listed);
    sleep_until(end_ms - 2_500).await;
    let ends = async |reply: conformance::Reply| ms_of(&reply.expect(201).json()["ends_at"]);
    assert_eq!(ends(ben.bids(&id, 5_000).await).await, Some(end_ms + 1_000));
    assert_eq!(ends(cat.bids(&id, 2_000).await).await, Some(end_ms + 1_500), "the hard stop");
    sleep_until(end_ms - 500).await;
    assert_eq!(ends(cat.bids(&id, 3_000).await).await, Some(end_ms + 1_500));
    let view = closed(&platform.client(), &id).await;
    assert_eq!((ms_of(&view["ends_at"]), &view["status"]), (Some(end_ms + 1_500), &json!("sold")));
    let log = platform.client().log(&id).await;
    assert_eq!(chain::examine(&id, &log).violations, Vec::<String>::new());
    let closing: &Value = log.last().unwrap();
    assert!(ms_of(&closing["time"]).unwrap() >= end_ms + 1_500);
}
