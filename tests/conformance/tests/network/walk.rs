//! The main job, end to end: list, bid, close, result.

use conformance::{Setup, amount_of, chain, closed, eventually, id_of, ms_of, usd};
use serde_json::{Value, json};

#[tokio::test]
async fn an_auction_goes_from_listing_to_result() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let [ana, ben, cat] =
        [platform.user("ana").await, platform.user("ben").await, platform.user("cat").await];
    let call = ana.list_call("walk", &conformance::User::terms(json!({"duration_seconds": 5})));
    let listed = call.send().await.unwrap().expect(201);
    let view = listed.json();
    let id = id_of(&view);
    assert!(id.starts_with("auc_"), "{id}");
    assert_eq!(listed.header("location"), Some(format!("/v1/auctions/{id}").as_str()));
    is_a_fresh_view(&view);

    let first = ben.bids(&id, 5_000).await.expect(201).json();
    is_a_bid_reply(&first);
    assert_eq!((&first["outcome"], &first["price"]), (&json!("leading"), &usd(1_000)));
    let second = cat.bids(&id, 3_200).await.expect(201).json();
    assert_eq!((&second["outcome"], &second["price"]), (&json!("outbid"), &usd(3_300)));
    assert_eq!(second["leading"], false);
    assert_eq!(second["next_minimum"], usd(3_400));

    let now = public.view(&id).await;
    assert_eq!((now["price"].clone(), now["leader"].clone()), (usd(3_300), json!("bidder-1")));
    assert_eq!((&now["bid_count"], &now["bidder_count"]), (&json!(2), &json!(2)));
    let own = ben.own(&id).await.expect(200).json();
    assert_eq!((&own["my_max"], &own["leading"]), (&usd(5_000), &json!(true)));
    assert_eq!(cat.own(&id).await.expect(200).json()["my_max"], usd(3_200));

    let over = closed(&public, &id).await;
    assert_eq!((&over["status"], &over["leader"]), (&json!("sold"), &json!("bidder-1")));
    assert_eq!(over["next_minimum"], Value::Null);
    let result = &over["result"];
    assert_eq!((&result["outcome"], &result["reason"]), (&json!("sold"), &Value::Null));
    assert_eq!((&result["hammer_price"], &result["quantity"]), (&usd(3_300), &json!(1)));
    assert_eq!(result["winner"]["bidder"], "bidder-1");
    assert_eq!(result["winners"][0]["unit_price"], usd(3_300));

    // Only the seller and the winner learn who won.
    assert_eq!(result["winner"].get("user_id"), None, "{result}");
    assert_eq!(cat.client.view(&id).await["result"]["winner"].get("user_id"), None);
    for insider in [&ana, &ben] {
        let view = insider.client.view(&id).await;
        assert_eq!(view["result"]["winner"]["user_id"], json!(ben.id), "{}", insider.name);
        assert_eq!(view["result"]["winners"][0]["user_id"], json!(ben.id));
    }
    let log = chain::examine(&id, &public.log(&id).await);
    assert_eq!(log.violations, Vec::<String>::new());
    assert_eq!(log.bids.len(), 2);
    eventually("the list shows it sold", async || {
        let items = public.get("/v1/auctions?status=sold").await.expect(200).json();
        let shown = items["items"].as_array().unwrap().iter().find(|item| item["id"] == json!(id));
        shown.filter(|item| item["result"]["hammer_price"] == usd(3_300)).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn an_auction_without_bids_ends_unsold_and_a_scheduled_one_opens_on_time() {
    let platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let starts_ms = conformance::now_ms() + 1_500;
    let view = ana
        .lists(json!({"starts_at": conformance::rfc3339(starts_ms), "duration_seconds": 5}))
        .await;
    let id = id_of(&view);
    assert_eq!(view["status"], "scheduled");
    assert_eq!(ms_of(&view["starts_at"]), Some(starts_ms));
    assert_eq!(ms_of(&view["ends_at"]), Some(starts_ms + 5_000));
    let early = ben.bids(&id, 5_000).await.refused(409, "auction_not_started").json();
    assert_eq!(early["next_minimum"], usd(1_000));
    eventually("it opens", async || {
        (platform.client().view(&id).await["status"] == "open").then_some(())
    })
    .await;
    let over = closed(&platform.client(), &id).await;
    assert_eq!((&over["status"], &over["result"]["reason"]), (&json!("unsold"), &json!("no_bids")));
    assert_eq!(over["result"]["winner"], Value::Null);
    assert_eq!(over["result"]["winners"], json!([]));
    let events = platform.client().log(&id).await;
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["auction_scheduled", "auction_opened", "auction_closed"]);
    let opened_ms = ms_of(&events[1]["time"]).unwrap();
    assert!((starts_ms..starts_ms + 1_000).contains(&opened_ms), "{}", opened_ms - starts_ms);
    assert_eq!(chain::examine(&id, &events).violations, Vec::<String>::new());
}

#[tokio::test]
async fn history_and_log_come_in_pages_that_follow_each_other() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let id = id_of(&ana.lists(json!({})).await);
    for step in 0..12 {
        let bidder = if step % 2 == 0 { &ben } else { &cat };
        bidder.bids(&id, 2_000 + step * 500).await.expect(201);
    }
    let path = format!("/v1/auctions/{id}/events");
    let whole = public.log(&id).await;
    assert_eq!(whole.len(), 13);
    assert_eq!(public.all(&format!("{path}?limit=5")).await, whole);
    assert_eq!(public.all(&format!("{path}?after=4&limit=2")).await, whole[4..]);
    let after_all = public.get(&format!("{path}?after=13")).await.expect(200).json();
    assert_eq!(after_all, json!({"items": [], "next_cursor": null}));
    let page = public.get(&format!("{path}?limit=5")).await.expect(200);
    let link = page.header("link").expect("a page that is not the last has a link");
    let next = link.split(['<', '>']).nth(1).unwrap();
    assert!(link.ends_with("rel=\"next\""), "{link}");
    assert_eq!(public.get(next).await.expect(200).json()["items"][0], whole[5]);

    let bids = public.all(&format!("/v1/auctions/{id}/bids?limit=5")).await;
    assert_eq!(bids.len(), 12);
    let placed: Vec<_> = whole.iter().filter(|event| event["event"] == "bid_placed").collect();
    for (bid, event) in bids.iter().zip(placed) {
        assert_eq!((&bid["bid_id"], &bid["seq"]), (&event["data"]["bid_id"], &event["seq"]));
        assert_eq!(bid["price"], event["data"]["price"]);
        assert!(bid["bidder"].as_str().unwrap().starts_with("bidder-"));
    }
    assert_eq!(bids[11]["amount"], Value::Null, "the leading maximum is nobody's business");
    assert_eq!(amount_of(&bids[0]["amount"]), Some(2_000), "a beaten maximum is shown");
    let path = format!("/v1/auctions/{id}/bids");
    let mut newest = public.all(&format!("{path}?sort=newest&limit=5")).await;
    newest.reverse();
    assert_eq!(newest, bids, "the same from the other end");
    public.get(&format!("{path}?sort=sideways")).await.refused(400, "invalid_request");
}

fn is_a_fresh_view(view: &Value) {
    for member in [
        "id",
        "title",
        "description",
        "category",
        "format",
        "seller",
        "status",
        "start_price",
        "price",
        "next_minimum",
        "bid_count",
        "bidder_count",
        "leader",
        "reserve",
        "buy_now_price",
        "increments",
        "starts_at",
        "ends_at",
        "scheduled_end",
        "seq",
        "server_time",
        "pictures",
        "qr",
        "result",
    ] {
        assert!(view.get(member).is_some(), "{member} is missing: {view}");
    }
    assert_eq!((&view["status"], &view["reserve"]), (&json!("open"), &json!("none")));
    assert_eq!((&view["price"], &view["next_minimum"]), (&Value::Null, &usd(1_000)));
    assert_eq!(view["seller"]["display_name"], "ana");
    assert_eq!(view["ends_at"], view["scheduled_end"]);
    assert_eq!(view["increments"][0], json!({"from": 1, "step": 5}));
    let run = ms_of(&view["ends_at"]).unwrap() - ms_of(&view["starts_at"]).unwrap();
    assert_eq!(run, 5_000);
    assert!(view["server_time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(view["server_time"].as_str().unwrap().len(), "2026-11-23T13:05:00.000Z".len());
}

fn is_a_bid_reply(bid: &Value) {
    assert!(bid["bid_id"].as_str().unwrap().starts_with("bid_"));
    assert_eq!(bid["leading"], true);
    assert_eq!(bid["reserve"], "none");
    assert!(bid["explanation"]["rule"].as_str().unwrap().starts_with('B'), "{bid}");
    assert!(!bid["explanation"]["text"].as_str().unwrap().is_empty());
    assert_eq!(bid["receipt"]["seq"], bid["seq"]);
    assert_eq!(bid["receipt"]["server_time"], bid["server_time"]);
    assert_eq!(bid["receipt"]["head"].as_str().unwrap().len(), 64);
}
