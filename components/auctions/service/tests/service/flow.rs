//! List, bid, close, and what each of the three is told.

use crate::house::{House, start, usd, user, watch};
use serde_json::{Value, json};

#[test]
fn an_auction_is_listed_bid_for_and_won() {
    let house = House::open();
    let created = house.create("ana", "k1", json!({"reserve_price": usd(5_000)}));
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), Some(&*format!("/v1/auctions/{id}")));
    assert_eq!(created.header("content-type"), Some("application/json"));
    assert_eq!(created.header("cache-control"), Some("no-store"));
    assert_eq!(created.header("x-content-type-options"), Some("nosniff"));

    let first = house.bid("ben", &id, "b1", 3_000);
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.json()["outcome"], "leading");
    assert_eq!(first.json()["price"], usd(1_000));
    assert_eq!(first.json()["reserve"], "not_met");
    assert_eq!(first.json()["receipt"]["seq"], first.json()["seq"]);
    let second = house.bid("cleo", &id, "b1", 6_000);
    assert_eq!(second.json()["outcome"], "leading");
    assert_eq!(second.json()["price"], usd(5_000), "the reserve is met at once (B3.2)");
    let beaten = house.bid("ben", &id, "b2", 5_500);
    assert_eq!(beaten.json()["outcome"], "outbid");

    house.pass(3_600_000);
    let view = house.get(&format!("/v1/auctions/{id}")).json();
    assert_eq!(view["status"], "sold");
    assert_eq!(view["result"]["hammer_price"], usd(5_600));
    assert_eq!(view["result"]["winner"]["bidder"], "bidder-2");
    assert_eq!(house.bid("ben", &id, "b3", 9_000).refusal(), (409, "auction_closed".to_owned()));
}

#[test]
fn the_public_view_has_every_member_of_the_contract() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.bid("ben", &id, "b1", 3_000);
    let single = house.get(&format!("/v1/auctions/{id}")).json();
    let listed = house.get("/v1/auctions").json()["items"][0].clone();
    for view in [&single, &listed] {
        assert_eq!(view["id"], json!(id));
        assert_eq!(view["seller"], json!({"id": user("ana"), "display_name": "ana"}));
        assert_eq!(view["status"], "open");
        assert_eq!(view["start_price"], usd(1_000));
        assert_eq!(view["price"], usd(1_000));
        assert_eq!(view["next_minimum"], usd(1_050));
        assert_eq!((&view["bid_count"], &view["bidder_count"]), (&json!(1), &json!(1)));
        assert_eq!(view["leader"], "bidder-1");
        assert_eq!(view["reserve"], "none");
        assert_eq!(view["starts_at"], "2026-11-24T12:00:00.000Z");
        assert_eq!(view["ends_at"], "2026-11-24T13:00:00.000Z");
        assert_eq!(view["scheduled_end"], view["ends_at"]);
        assert_eq!(view["seq"], 2);
        assert_eq!(view["server_time"], "2026-11-24T12:00:00.000Z");
        assert_eq!(view["pictures"], json!([]));
        for null in ["buy_now_price", "qr", "result"] {
            assert!(view.as_object().unwrap().contains_key(null), "{null} is there");
            assert_eq!(view[null], Value::Null);
        }
        assert!(view["increments"].as_array().unwrap().len() > 5);
    }
    assert_eq!(single, listed);
}

#[test]
fn every_refusal_of_a_bid_says_why_and_how_things_stand() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.bid("ben", &id, "b1", 3_000);
    let low = house.bid("cleo", &id, "b1", 1_040);
    assert_eq!(low.refusal(), (422, "bid_too_low".to_owned()));
    assert_eq!(low.header("content-type"), Some("application/problem+json"));
    let problem = low.json();
    assert_eq!(problem["type"], "https://ecomauction.dev/errors/bid_too_low");
    assert_eq!(problem["title"], "Bid too low");
    assert_eq!(problem["status"], 422);
    assert_eq!(problem["instance"], format!("/v1/auctions/{id}/bids"));
    assert_eq!(problem["request_id"], json!(low.header("x-request-id")));
    assert_eq!(problem["price"], usd(1_000));
    assert_eq!(problem["next_minimum"], usd(1_050));
    assert_eq!(problem["ends_at"], "2026-11-24T13:00:00.000Z");
    assert_eq!(problem["seq"], 2);
    assert_eq!(problem["server_time"], start().to_string());

    let refusal = |who: &str, body: Value| {
        let target = format!("/v1/auctions/{id}/bids");
        house.post_as(who, &target, "other", &body.to_string()).refusal()
    };
    let euros = json!({"amount": {"amount": 2_000, "currency": "EUR"}});
    assert_eq!(refusal("cleo", euros), (422, "currency_mismatch".to_owned()));
    assert_eq!(refusal("ben", json!({"amount": usd(3_000)})).1, "own_max_not_raised");
    assert_eq!(
        refusal("ana", json!({"amount": usd(3_000)})),
        (403, "seller_cannot_bid".to_owned())
    );
    let two = json!({"amount": usd(4_000), "quantity": 2});
    assert_eq!(refusal("cleo", two), (422, "invalid_quantity".to_owned()));

    let later = house.created("ana", "k2", json!({"starts_at": "2026-11-24T12:30:00Z"}));
    let early = house.bid("ben", &later, "b1", 3_000);
    assert_eq!(early.refusal(), (409, "auction_not_started".to_owned()));
    let nowhere = house.bid("ben", "auc_01jd0000000000000000000000", "b1", 3_000);
    assert_eq!(nowhere.refusal(), (404, "not_found".to_owned()));
    assert_eq!(house.get(&format!("/v1/auctions/{id}")).json()["seq"], 2, "nothing changed");
}

#[test]
fn refused_terms_name_the_wrong_fields() {
    let house = House::open();
    let refused = house.create("ana", "k1", json!({"title": "", "duration_seconds": 1}));
    assert_eq!(refused.refusal(), (422, "validation_failed".to_owned()));
    let errors = refused.json()["errors"].clone();
    let pointers: Vec<_> =
        errors.as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert!(pointers.contains(&json!("/title")), "{pointers:?}");
    for error in errors.as_array().unwrap() {
        assert!(error["code"].is_string() && error["detail"].is_string(), "{error}");
    }
    let format = house.create("ana", "k1", json!({"format": "pay_per_bid"}));
    assert_eq!(format.refusal(), (422, "format_not_allowed".to_owned()));
    let yen = json!({"start_price": {"amount": 1_000, "currency": "JPY"}});
    assert_eq!(house.create("ana", "k1", yen).refusal(), (422, "increments_required".to_owned()));
    let mixed = json!({"reserve_price": {"amount": 2_000, "currency": "EUR"}});
    assert_eq!(house.create("ana", "k1", mixed).refusal(), (422, "currency_mismatch".to_owned()));
    let fine = house.create("ana", "k1", json!({}));
    assert_eq!(fine.status, 201, "a refusal does not use the key up: {}", fine.text);
}

#[test]
fn nobody_but_the_owner_sees_a_hidden_value() {
    let house = House::open();
    // Amounts that occur nowhere else, so that a text search finds a leak.
    let id = house.created("ana", "k1", json!({"reserve_price": usd(7_654_321)}));
    let body = json!({"amount": usd(3_456_789), "confirm": true}).to_string();
    let ben = house.post_as("ben", &format!("/v1/auctions/{id}/bids"), "b1", &body);
    let public = [
        house.get(&format!("/v1/auctions/{id}")),
        house.get_as("cleo", &format!("/v1/auctions/{id}")),
        house.get("/v1/auctions"),
        house.get(&format!("/v1/auctions/{id}/bids")),
        house.get(&format!("/v1/auctions/{id}/events")),
        house.bid("cleo", &id, "c1", 1_040),
        house.bid("cleo", &id, "c2", 2_000),
        ben,
        house.get_as("cleo", &format!("/v1/auctions/{id}/bidding")),
    ];
    for answer in &public {
        for hidden in ["7654321", "3456789", &user("ben"), &user("cleo")] {
            assert!(!answer.text.contains(hidden), "{hidden} in {}", answer.text);
        }
    }
    let own = house.get_as("ben", &format!("/v1/auctions/{id}/bidding")).json();
    assert_eq!(own["my_max"], usd(3_456_789));
    assert_eq!(own["leading"], true);
    assert_eq!(own["commitments"].as_array().unwrap().len(), 1);
    let seller = house.get_as("ana", &format!("/v1/auctions/{id}/bidding"));
    assert!(seller.text.contains("7654321") && !seller.text.contains("3456789"));
}

#[test]
fn only_seller_and_winner_learn_who_won() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.bid("ben", &id, "b1", 3_000);
    house.bid("cleo", &id, "b1", 2_000);
    house.pass(3_600_000);
    let target = format!("/v1/auctions/{id}");
    for knows in ["ana", "ben"] {
        let view = house.get_as(knows, &target).json();
        assert_eq!(view["result"]["winner"]["user_id"], json!(user("ben")), "{knows}");
        assert_eq!(view["result"]["winners"][0]["user_id"], json!(user("ben")), "{knows}");
    }
    for answer in [house.get_as("cleo", &target), house.get(&target), house.get("/v1/auctions")] {
        assert!(answer.text.contains("\"bidder\":\"bidder-1\""), "{}", answer.text);
        assert!(!answer.text.contains(&user("ben")), "{}", answer.text);
    }
    let tags: Vec<_> = [house.get(&target), house.get_as("ana", &target)]
        .iter()
        .map(|answer| answer.header("etag").unwrap().to_owned())
        .collect();
    assert_ne!(tags[0], tags[1], "who sees more has another tag");
}

#[test]
fn own_bidding_is_for_those_who_take_part() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.bid("ben", &id, "b1", 3_000);
    let target = format!("/v1/auctions/{id}/bidding");
    assert_eq!(house.get(&target).refusal(), (401, "unauthenticated".to_owned()));
    assert_eq!(house.get(&target).header("www-authenticate"), Some("Bearer"));
    assert_eq!(house.get_as("cleo", &target).refusal(), (404, "not_found".to_owned()));
    let own = house.get_as("ben", &target);
    assert_eq!(own.header("cache-control"), Some("no-store"));
    let own = own.json();
    assert_eq!(own["alias"], "bidder-1");
    for member in ["my_max", "leading", "status", "price", "next_minimum", "reserve", "seq"] {
        assert!(own.get(member).is_some(), "{member}");
    }
    assert_eq!(own["server_time"], start().to_string());
}

#[test]
fn the_log_comes_in_raw_bytes_with_its_chain() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    for (who, amount) in [("ben", 3_000), ("cleo", 4_000), ("ben", 6_000)] {
        assert_eq!(house.bid(who, &id, &amount.to_string(), amount).status, 201);
    }
    let target = format!("/v1/auctions/{id}/events");
    let all = house.get(&target).json();
    assert_eq!(all["next_cursor"], Value::Null);
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    for (seq, pair) in (1..).zip(items.windows(2)) {
        assert_eq!(pair[0]["seq"], seq);
        assert_eq!(pair[1]["prev"], pair[0]["hash"]);
    }
    assert_eq!(items[1]["event"], "bid_placed");
    let after = house.get(&format!("{target}?after=2&limit=1"));
    assert_eq!(after.json()["items"][0], items[2]);
    let next = after.json()["next_cursor"].as_str().unwrap().to_owned();
    let last = house.get(&format!("{target}?after=2&limit=1&cursor={next}")).json();
    assert_eq!(last["items"], json!([items[3]]));
    assert_eq!(last["next_cursor"], Value::Null);
    assert_eq!(house.get(&format!("{target}?after=4")).json()["items"], json!([]));
    let unknown = "/v1/auctions/auc_01jd0000000000000000000000/events";
    assert_eq!(house.get(unknown).refusal(), (404, "not_found".to_owned()));
    assert_eq!(house.get(&format!("{target}?after=x")).refusal().1, "invalid_request");
}

#[test]
fn a_shuffled_body_is_the_same_body() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let shuffled = r#" {"increments":"ebay_us", "duration_seconds":3600, "format":"english",
        "title":"A watch","start_price":{"currency":"USD","amount":1000},
        "category":"watches","description":"Runs."} "#;
    let replay = house.post_as("ana", "/v1/auctions", "k1", shuffled);
    assert_eq!(replay.json()["id"], json!(id));
    assert_eq!(watch(json!({}))["title"], "A watch");
}
