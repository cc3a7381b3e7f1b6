//! What bidders do beside bidding: buy now, take back, answer offers, preview, watch.

use crate::house::{Answer, House, usd, user};
use serde_json::{Value, json};

fn post(house: &House, who: &str, target: &str, body: &Value) -> Answer {
    let bearer = house.bearer(who);
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    house.send("POST", target, &headers, body.to_string().as_bytes())
}

#[test]
fn buy_it_now_ends_the_auction_at_once() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"buy_now_price": usd(1_300)}));
    let target = format!("/v1/auctions/{id}");
    assert_eq!(house.get(&target).json()["buy_now_price"], usd(1_300));
    let buy = |who: &str, key: &str| house.post_as(who, &format!("{target}/buy-now"), key, "{}");
    assert_eq!(buy("ana", "k").refusal(), (403, "seller_cannot_bid".to_owned()));
    let bought = buy("ben", "k");
    assert_eq!(bought.status, 201, "{}", bought.text);
    let reply = bought.json();
    assert_eq!((&reply["outcome"], &reply["price"]), (&json!("won"), &usd(1_300)));
    assert_eq!(reply["explanation"]["rule"], "B4.3");
    let replay = buy("ben", "k");
    assert_eq!((replay.status, &replay.text), (201, &bought.text));
    assert_eq!(replay.header("idempotent-replayed"), Some("true"));
    assert_eq!(buy("cleo", "k").refusal(), (409, "auction_closed".to_owned()));
    let view = house.get_as("ben", &target).json();
    assert_eq!(view["status"], "sold");
    assert_eq!(view["result"]["reason"], "bought_now");
    assert_eq!(view["result"]["winner"]["user_id"], json!(crate::house::user("ben")));
    assert_eq!(house.ids("?status=sold"), std::slice::from_ref(&id));
    let other = house.created("ana", "2", json!({"buy_now_price": usd(1_300)}));
    house.bid("cleo", &other, "c", 1_000);
    let gone = house.post_as("ben", &format!("/v1/auctions/{other}/buy-now"), "k2", "{}");
    assert_eq!(gone.refusal(), (409, "buy_now_unavailable".to_owned()));
    assert_eq!(house.get(&format!("/v1/auctions/{other}")).json()["buy_now_price"], Value::Null);
}

#[test]
fn a_retraction_refolds_what_is_left() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"duration_seconds": 3 * 24 * 3_600}));
    house.bid("ben", &id, "1", 3_000);
    let cleo = house.bid("cleo", &id, "2", 8_000).json()["bid_id"].as_str().unwrap().to_owned();
    house.bid("dora", &id, "3", 5_000);
    let target = format!("/v1/auctions/{id}/bids/{cleo}/retraction");
    let reason = json!({"reason": "wrong_amount"});
    assert_eq!(post(&house, "ben", &target, &reason).refusal(), (403, "forbidden".to_owned()));
    let wrong = post(&house, "cleo", &target, &json!({"reason": "change_of_mind"}));
    assert_eq!(wrong.refusal(), (400, "invalid_request".to_owned()));
    let answer = post(&house, "cleo", &target, &reason);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let view = answer.json();
    assert_eq!((&view["price"], &view["leader"]), (&usd(3_100), &json!("bidder-3")));
    assert_eq!((&view["bid_count"], &view["bidder_count"]), (&json!(2), &json!(2)));
    assert_eq!(post(&house, "cleo", &target, &reason).status, 200, "again changes nothing");
    let history = house.get(&format!("/v1/auctions/{id}/bids")).json();
    assert_eq!(history["items"][1]["retracted"], true);
    assert_eq!(history["items"][1]["amount"], Value::Null, "a retracted maximum stays hidden");
    let nothing = target.replace(&cleo, "bid_01jd0000000000000000000000");
    assert_eq!(post(&house, "cleo", &nothing, &reason).refusal().0, 404);
    let binding = house.created("ana", "2", json!({"retraction": "none"}));
    let bid = house.bid("ben", &binding, "1", 3_000).json()["bid_id"].as_str().unwrap().to_owned();
    let target = format!("/v1/auctions/{binding}/bids/{bid}/retraction");
    let answer = post(&house, "ben", &target, &reason);
    assert_eq!(answer.refusal(), (409, "retraction_not_allowed".to_owned()));
}

#[test]
fn sealed_bids_are_replaced_withdrawn_and_opened_at_the_close() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"format": "vickrey", "increments": null}));
    let target = format!("/v1/auctions/{id}");
    house.bid("ben", &id, "1", 9_000);
    house.bid("cleo", &id, "1", 7_500);
    let dora = house.bid("dora", &id, "1", 9_500).json();
    assert_eq!((&dora["outcome"], &dora["price"]), (&json!("accepted"), &Value::Null));
    let bid = dora["bid_id"].as_str().unwrap();
    let sealed = house.get(&target).json();
    assert_eq!((&sealed["price"], &sealed["leader"]), (&Value::Null, &Value::Null));
    assert_eq!(sealed["bid_count"], 3);
    let withdraw = |who: &str| {
        let target = format!("{target}/bids/{bid}");
        house.send("DELETE", &target, &[("authorization", &house.bearer(who))], b"")
    };
    assert_eq!(withdraw("ben").refusal(), (403, "forbidden".to_owned()));
    assert_eq!((withdraw("dora").status, withdraw("dora").status), (204, 204));
    let log = house.get(&format!("{target}/events?limit=100"));
    for hidden in ["9000", "7500", "9500"] {
        assert!(!log.text.contains(hidden), "{hidden} in {}", log.text);
    }
    house.pass(3_600_000);
    let view = house.get(&target).json();
    assert_eq!(view["result"]["hammer_price"], usd(7_500), "the second highest bid");
    assert_eq!(view["result"]["winner"]["bidder"], "bidder-1");
    let log = house.get(&format!("{target}/events?limit=100"));
    assert!(log.text.contains("bids_revealed") && !log.text.contains("9500"), "{}", log.text);
    let history = house.get(&format!("{target}/bids")).json();
    assert_eq!(history["items"][0]["amount"], usd(9_000));
}

#[test]
fn a_clock_shows_the_price_of_the_moment() {
    let house = House::open();
    let clock = json!({"floor_price": usd(20_000), "decrement": usd(1_500), "tick_seconds": 10,
        "dwell_seconds": 60});
    let terms = json!({"format": "dutch", "start_price": usd(50_000), "dutch": clock,
        "duration_seconds": null, "increments": null});
    let id = house.created("ana", "1", terms);
    let target = format!("/v1/auctions/{id}");
    let first = house.get(&target);
    assert_eq!(first.json()["price"], usd(50_000));
    house.memory.advance_to(crate::house::start().plus_ms(47_000));
    let later = house.get(&target);
    assert_eq!(later.json()["price"], usd(44_000));
    assert_ne!(first.header("etag"), later.header("etag"));
    let listed = house.get("/v1/auctions").json();
    assert_eq!(listed["items"][0]["price"], usd(44_000));
    assert_eq!(house.bid("ben", &id, "low", 43_999).refusal(), (422, "bid_too_low".to_owned()));
    let won = house.bid("ben", &id, "b", 60_000).json();
    assert_eq!((&won["outcome"], &won["price"]), (&json!("won"), &usd(44_000)));
    assert!(!house.get(&format!("{target}/events")).text.contains("60000"));
    assert_eq!(house.get(&target).json()["status"], "sold");
}

#[test]
fn second_chances_go_to_beaten_bidders() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"start_price": usd(4_000)}));
    house.bid("ben", &id, "1", 7_000);
    house.bid("cleo", &id, "1", 9_100);
    house.bid("dora", &id, "1", 8_800);
    let target = format!("/v1/auctions/{id}/second-chance-offers");
    let offer = |who: &str, key: &str, bidder: &str, days: i64| {
        let body = json!({"bidder": bidder, "days": days}).to_string();
        house.post_as(who, &target, key, &body)
    };
    let early = offer("ana", "k", "bidder-3", 3);
    assert_eq!(early.refusal(), (409, "offer_unavailable".to_owned()));
    house.pass(3_600_000);
    assert_eq!(offer("ben", "k", "bidder-3", 3).refusal(), (403, "forbidden".to_owned()));
    assert_eq!(offer("ana", "k", "bidder-3", 2).refusal(), (422, "validation_failed".to_owned()));
    assert_eq!(offer("ana", "k", "bidder-9", 3).refusal().0, 404);
    let made = offer("ana", "k", "bidder-3", 3);
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!((&made.json()["price"], &made.json()["status"]), (&usd(8_800), &json!("open")));
    assert_eq!(offer("ana", "k", "bidder-3", 3).text, made.text);
    assert_eq!(offer("ana", "k", "bidder-1", 3).refusal().1, "idempotency_key_reused");
    assert_eq!(offer("ana", "k2", "bidder-1", 3).refusal().1, "offer_unavailable");
    let own = house.get_as("dora", &format!("/v1/auctions/{id}/bidding")).json();
    assert_eq!(own["offers"][0]["offer_id"], made.json()["offer_id"]);
    let answer = |who: &str, what: &str| {
        let offer = made.json()["offer_id"].as_str().unwrap().to_owned();
        let target = format!("{target}/{offer}/{what}");
        house.send("POST", &target, &[("authorization", &house.bearer(who))], b"")
    };
    assert_eq!(answer("ben", "acceptance").refusal(), (403, "forbidden".to_owned()));
    assert_eq!(answer("dora", "decline").json()["status"], "declined");
    assert_eq!(answer("dora", "decline").status, 200);
    assert_eq!(answer("dora", "acceptance").refusal(), (409, "offer_closed".to_owned()));
    assert_eq!(offer("ana", "k3", "bidder-1", 7).json()["price"], usd(7_000));
}

#[test]
fn a_preview_knows_public_data_only() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"reserve_price": usd(5_555)}));
    house.bid("ben", &id, "1", 4_444);
    let target = format!("/v1/auctions/{id}/bids:preview");
    let preview = |who: Option<&str>, amount: i64| {
        let body = json!({"amount": usd(amount)}).to_string();
        let bearer = who.map(|who| house.bearer(who));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        house.send("POST", &target, &headers, body.as_bytes())
    };
    for (who, amount, outcome) in [
        (None, 1_049, "too_low"),
        (None, 1_050, "would_lead_or_be_outbid"),
        (Some("cleo"), 9_999, "would_lead_or_be_outbid"),
        (Some("ana"), 9_999, "not_allowed"),
    ] {
        let answer = preview(who, amount);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["outcome"], outcome, "{amount}");
        assert_eq!(answer.json()["next_minimum"], usd(1_050));
        assert!(!answer.text.contains("5555") && !answer.text.contains("4444"));
    }
    house.pass(3_600_000);
    assert_eq!(preview(None, 9_999).json()["outcome"], "not_open");
}

#[test]
fn the_rules_are_told_to_programs_and_people() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"title": "<b>A & B</b>"}));
    let target = format!("/v1/auctions/{id}/rules");
    let rules = house.get(&target).json();
    assert_eq!(rules["format"], "english");
    assert!(rules["rules"].as_array().unwrap().len() > 5);
    let page = house.send("GET", &target, &[("accept", "text/html,application/json")], b"");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.contains("&lt;b&gt;A &amp; B&lt;/b&gt;") && !page.text.contains("<b>"));
}

#[test]
fn dashboards_list_what_is_the_callers() {
    let house = House::open();
    let mine = house.created("ana", "1", json!({}));
    let other = house.created("ben", "1", json!({}));
    house.bid("ana", &other, "1", 4_000);
    house.bid("cleo", &other, "1", 3_000);
    let ids = |who: &str, list: &str| -> Vec<String> {
        let answer = house.get_as(who, &format!("/v1/me/{list}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let items = answer.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("ana", "auctions"), std::slice::from_ref(&mine));
    assert_eq!(ids("ana", "bids"), std::slice::from_ref(&other));
    assert_eq!(ids("ben", "bids"), [""; 0]);
    let bids = house.get_as("ana", "/v1/me/bids").json();
    assert_eq!(
        (&bids["items"][0]["my_max"], &bids["items"][0]["leading"]),
        (&usd(4_000), &json!(true))
    );
    let watch = |method: &str, id: &str| {
        let target = format!("/v1/me/watches/{id}");
        house.send(method, &target, &[("authorization", &house.bearer("dora"))], b"").status
    };
    assert_eq!((watch("PUT", &mine), watch("PUT", &mine), watch("PUT", &other)), (204, 204, 204));
    assert_eq!(watch("PUT", "auc_01jd0000000000000000000000"), 404);
    let mut both = vec![mine.clone(), other.clone()];
    both.sort();
    both.reverse();
    assert_eq!(ids("dora", "watches"), both);
    assert_eq!((watch("DELETE", &mine), watch("DELETE", &mine)), (204, 204));
    assert_eq!(ids("dora", "watches"), std::slice::from_ref(&other));
    assert_eq!(house.get("/v1/me/bids").refusal(), (401, "unauthenticated".to_owned()));
    let first = house.get_as("dora", "/v1/me/watches?limit=1").json();
    assert_eq!(first["next_cursor"], Value::Null);
}

#[test]
fn whether_one_watches_is_asked_for_one_auction() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    let target = format!("/v1/me/watches/{id}");
    let send = |method: &str, who: &str, headers: &[(&str, &str)]| {
        let bearer = house.bearer(who);
        let headers: Vec<_> =
            [("authorization", &*bearer)].iter().chain(headers).copied().collect();
        house.send(method, &target, &headers, b"")
    };
    let not_found = (404, "not_found".to_owned());
    assert_eq!(send("GET", "dora", &[]).refusal(), not_found);
    assert_eq!(send("PUT", "dora", &[]).status, 204);
    let since = ports::Clock::now(&house.memory);
    house.pass(60_000);
    assert_eq!(send("PUT", "dora", &[]).status, 204);
    let answer = send("GET", "dora", &[]);
    let expected = json!({"auction_id": id, "created_at": since});
    assert_eq!((answer.status, answer.json()), (200, expected), "since it was first watched");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let etag = answer.header("etag").unwrap();
    let again = send("GET", "dora", &[("if-none-match", etag)]);
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(send("GET", "eve", &[]).refusal(), not_found, "another's is not shown");
    assert_eq!(house.get(&target).refusal(), (401, "unauthenticated".to_owned()));
    let other = house.created("ana", "2", json!({}));
    for elsewhere in [other.as_str(), "auc_01jd0000000000000000000000", "auc_x"] {
        let answer = house.get_as("dora", &format!("/v1/me/watches/{elsewhere}"));
        assert_eq!(answer.refusal(), not_found, "{elsewhere}");
    }
    assert_eq!(send("DELETE", "dora", &[]).status, 204);
    assert_eq!(send("GET", "dora", &[]).refusal(), not_found);
}

#[test]
fn lost_bidder_rows_are_repaired() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    house.bid("ben", &id, "1", 4_000);
    house.memory.sql.lose_projections();
    assert_eq!(house.get_as("ben", "/v1/me/bids").json()["items"], json!([]));
    house.deliver();
    assert_eq!(house.get_as("ben", "/v1/me/bids").json()["items"][0]["id"], json!(id));
}

#[test]
fn watching_and_no_longer_is_told_in_order() {
    let house = House::open();
    let id = house.created("sam", "k", json!({}));
    house.memory.take_messages();
    let target = format!("/v1/me/watches/{id}");
    let bearer = house.bearer("dora");
    for method in ["PUT", "DELETE"] {
        let answer = house.send(method, &target, &[("authorization", &bearer)], b"");
        assert_eq!(answer.status, 204);
    }
    let told = house.memory.take_messages().into_iter().map(|message| {
        let body: Value = serde_json::from_slice(&message.body).unwrap();
        (message.topic, message.key, body)
    });
    let body = |watching: bool| {
        let body = json!({"user_id": user("dora"), "auction_id": id, "watching": watching});
        ("auction.watched.v1".to_owned(), user("dora"), body)
    };
    assert_eq!(told.collect::<Vec<_>>(), [body(true), body(false)]);
}
