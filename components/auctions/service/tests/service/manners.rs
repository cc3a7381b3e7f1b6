//! What every route does the same way (api.md §1).

use crate::house::{House, start, usd, watch};
use serde_json::json;

const UNKNOWN: &str = "/v1/auctions/auc_01jd0000000000000000000000";

#[test]
fn what_is_not_there_answers_404() {
    let house = House::open();
    for target in [
        "/",
        "/v1",
        "/v1/auctions/",
        "/v1/auctions/x",
        "/v1/auctions/usr_01jd0000000000000000000000",
        "/v1/auctions/AUC_01JD0000000000000000000000",
        "/v1/auctions/auc_01jd0000000000000000000000/nothing",
        "//v1/auctions",
        UNKNOWN,
    ] {
        assert_eq!(house.get(target).refusal(), (404, "not_found".to_owned()), "{target}");
    }
    let bidding = house.get_as("ana", &format!("{UNKNOWN}/bidding"));
    assert_eq!(bidding.refusal(), (404, "not_found".to_owned()));
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let house = House::open();
    let answer = house.send("DELETE", "/v1/auctions", &[], b"");
    assert_eq!(answer.refusal(), (405, "method_not_allowed".to_owned()));
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
    let options = house.send("OPTIONS", "/v1/auctions", &[], b"");
    assert_eq!((options.status, options.text.as_str()), (204, ""));
    assert_eq!(options.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
    assert_eq!(house.send("HEAD", "/v1/auctions", &[], b"").status, 200);
    let bidding = house.send("PUT", &format!("{UNKNOWN}/bidding"), &[], b"");
    assert_eq!(bidding.header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn a_known_representation_is_not_sent_again() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let target = format!("/v1/auctions/{id}");
    let first = house.get(&target);
    let etag = first.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"'), "a strong tag: {etag}");
    assert_eq!(first.header("vary"), Some("Authorization"));
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    for known in [&etag, "*", &format!("\"x\", W/{etag}")] {
        let again = house.send("GET", &target, &[("if-none-match", known)], b"");
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{known}");
        assert_eq!(again.header("etag"), Some(&*etag));
        assert_eq!(again.header("vary"), Some("Authorization"));
    }
    house.bid("ben", &id, "b1", 3_000);
    let changed = house.send("GET", &target, &[("if-none-match", &etag)], b"");
    assert_eq!(changed.status, 200, "every event changes the tag");
}

#[test]
fn tokens_are_checked_wherever_they_are_sent() {
    let house = House::open();
    let good = house.bearer("ana");
    let refused = [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic YTpi",
        &good.replacen("Bearer ", "", 1),
        &format!("{good}x"),
        &format!("Bearer {}", "x".repeat(10_000)),
    ];
    for header in refused {
        let answer = house.send("GET", "/v1/auctions", &[("authorization", header)], b"");
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{header}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let twice = [("authorization", &*good), ("authorization", &*good)];
    assert_eq!(house.send("GET", "/v1/auctions", &twice, b"").status, 401);
    let lower = good.replacen("Bearer", "bearer", 1);
    let kept = house.send("GET", "/v1/auctions", &[("authorization", &lower)], b"");
    assert_eq!((kept.status, kept.header("cache-control")), (200, Some("no-store")));
    assert_eq!(house.send("POST", "/v1/auctions", &[], b"{}").refusal().0, 401);
    // A remembered token expires like any other.
    house.memory.advance_asleep(start().plus_ms(91 * 24 * 3_600_000));
    let spent = house.send("GET", "/v1/auctions", &[("authorization", &lower)], b"");
    assert_eq!(spent.refusal(), (401, "unauthenticated".to_owned()));
}

#[test]
fn request_ids_are_accepted_or_made_and_echoed() {
    let house = House::open();
    for id in ["018f4d2e-7c1a-7def-8123-456789abcdef", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let answer = house.send("GET", "/nowhere", &[("x-request-id", id)], b"");
        assert_eq!(answer.header("x-request-id"), Some(id));
        assert_eq!(answer.json()["request_id"], id);
    }
    for id in ["", "1", "<script>", "018f4d2e-7c1a-7def-8123-456789abcdeg"] {
        let answer = house.send("GET", "/v1/auctions", &[("x-request-id", id)], b"");
        let made = answer.header("x-request-id").unwrap();
        assert_eq!(made.len(), 36, "{made}");
        assert_ne!(made, id);
    }
}

#[test]
fn only_plain_json_of_the_right_size_is_read() {
    let house = House::open();
    let bearer = house.bearer("ana");
    let post = |extra: &[(&str, &str)], body: &[u8]| {
        let mut headers = vec![("authorization", &*bearer), ("idempotency-key", "k")];
        headers.extend_from_slice(extra);
        house.send("POST", "/v1/auctions", &headers, body).refusal()
    };
    let unsupported = (415, "unsupported_media_type".to_owned());
    let body = watch(json!({})).to_string();
    assert_eq!(post(&[], body.as_bytes()), unsupported);
    for media_type in ["text/plain", "application/jsonx", "application/json; charset=latin1", ""] {
        assert_eq!(post(&[("content-type", media_type)], body.as_bytes()), unsupported);
    }
    let json = ("content-type", "application/json");
    assert_eq!(post(&[json, ("content-encoding", "gzip")], body.as_bytes()), unsupported);
    let big = vec![b' '; 256 * 1_024 + 1];
    assert_eq!(post(&[json], &big), (413, "payload_too_large".to_owned()));
    let utf8 = ("content-type", "Application/JSON; charset=\"UTF-8\"");
    assert_eq!(post(&[utf8, ("content-encoding", "identity")], body.as_bytes()).0, 201);
    let read = house.send("GET", "/v1/auctions", &[json], b"{}");
    assert_eq!(read.refusal(), (413, "payload_too_large".to_owned()), "a read takes no body");
}

#[test]
fn parameters_that_nobody_knows_are_not_ignored() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let bid = json!({"amount": usd(2_000)}).to_string();
    let answers = [
        house.get(&format!("/v1/auctions/{id}?x=1")),
        house.get_as("ana", &format!("/v1/auctions/{id}/bidding?x=1")),
        house.get(&format!("/v1/auctions/{id}/bids?x=1")),
        house.get(&format!("/v1/auctions/{id}/events?x=1")),
        house.post_as("ben", "/v1/auctions?x=1", "k", &watch(json!({})).to_string()),
        house.post_as("ben", &format!("/v1/auctions/{id}/bids?x=1"), "k", &bid),
    ];
    for answer in answers {
        assert_eq!(answer.refusal(), (400, "unknown_field".to_owned()));
        assert_eq!(answer.json()["errors"][0]["pointer"], "?x");
    }
}

#[test]
fn what_is_not_json_is_told_so() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
    let bodies: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"{\"amount\":}",
        b"{\"amount\":{\"amount\":+1,\"currency\":\"USD\"}}",
        b"{\"amount\":{\"amount\":01,\"currency\":\"USD\"}}",
        b"{\"amount\":{\"amount\":NaN,\"currency\":\"USD\"}}",
        b"{\"amount\":{\"amount\":0x10,\"currency\":\"USD\"}}",
        b"{\"amount\":{\"amount\":2000,\"currency\":\"US\xff\"}}",
        b"{\"amount\":{\"amount\":2000,\"currency\":\"USD\"}} x",
        b"{'amount':1}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let bearer = house.bearer("ben");
        let headers = [
            ("authorization", &*bearer),
            ("content-type", "application/json"),
            ("idempotency-key", "b1"),
        ];
        let answer = house.send("POST", &format!("/v1/auctions/{id}/bids"), &headers, body);
        let shown = String::from_utf8_lossy(body);
        assert_eq!(answer.refusal(), (400, "invalid_json".to_owned()), "{shown}");
    }
}

#[test]
fn wrong_fields_are_refused_with_a_pointer() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let refused = |target: &str, body: &str, code: &str, pointer: &str| {
        let answer = house.post_as("ben", target, "k", body);
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{body}: {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    };
    let bids = format!("/v1/auctions/{id}/bids");
    let money = r#"{"amount":2000,"currency":"USD"}"#;
    let bid = |rest: &str| format!("{{\"amount\":{money}{rest}}}");
    refused(&bids, "{}", "invalid_request", "/amount");
    refused(&bids, "[]", "invalid_request", "");
    refused(&bids, &format!("[{money}]"), "invalid_request", "");
    refused(&bids, "null", "invalid_request", "");
    refused(&bids, &bid(r#","max":1"#), "unknown_field", "/max");
    refused(&bids, &bid(r#","a/b~c":1"#), "unknown_field", "/a~1b~0c");
    refused(&bids, &bid(r#","quantity":"1""#), "invalid_request", "/quantity");
    refused(&bids, &bid(r#","quantity":-1"#), "invalid_request", "/quantity");
    refused(&bids, &bid(r#","confirm":"yes""#), "invalid_request", "/confirm");
    refused(&bids, &bid(&format!(r#","amount":{money}"#)), "invalid_request", "/amount");
    let extra = r#"{"amount":{"amount":1,"currency":"USD","x":1}}"#;
    refused(&bids, extra, "unknown_field", "/amount/x");
    refused(&bids, r#"{"amount":{"amount":1}}"#, "invalid_request", "/amount/currency");

    let auctions = |changes| watch(changes).to_string();
    let create = |changes, code: &str, pointer: &str| {
        refused("/v1/auctions", &auctions(changes), code, pointer);
    };
    create(json!({"colour": 1}), "unknown_field", "/colour");
    create(json!({"title": 1}), "invalid_request", "/title");
    create(json!({"ends_at": "tomorrow"}), "invalid_request", "/ends_at");
    create(json!({"increments": 5}), "invalid_request", "/increments");
    let bands = json!([{"from": 1, "step": 5}, {"from": 100, "step": 1.5}]);
    create(json!({"increments": bands}), "invalid_money", "/increments/1/step");
    create(json!({"increments": [{"from": 1, "stop": 5}]}), "unknown_field", "/increments/0/stop");
    create(json!({"increments": [[1, 5]]}), "invalid_request", "/increments/0");
    create(json!({"soft_close": {"mode": "never"}}), "invalid_request", "/soft_close/mode");
    create(json!({"soft_close": ["reset"]}), "invalid_request", "/soft_close");
    create(json!({"reserve_price": 5}), "invalid_money", "/reserve_price");
}

#[test]
fn no_mangled_body_is_our_mistake() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let target = format!("/v1/auctions/{id}/bids");
    let bearer = house.bearer("ben");
    let whole = br#"{"amount":{"amount":2000,"currency":"USD"},"quantity":1,"confirm":true}"#;
    let bytes = b"{}[]:,\"\\-+.eE0159nulltrueaZ \xff\x00";
    let mut random = 1_u64;
    let mut draw = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(random >> 33).unwrap() % below
    };
    for round in 0..5_000 {
        let mut body = whole.to_vec();
        for _ in 0..=draw(4) {
            let place = draw(body.len());
            match draw(3) {
                0 => body[place] = bytes[draw(bytes.len())],
                1 => body.insert(place, bytes[draw(bytes.len())]),
                _ => drop(body.remove(place)),
            }
        }
        let key = round.to_string();
        let headers = [
            ("authorization", &*bearer),
            ("content-type", "application/json"),
            ("idempotency-key", &key),
        ];
        let answer = house.send("POST", &target, &headers, &body);
        let shown = String::from_utf8_lossy(&body);
        assert!(matches!(answer.status, 201 | 400 | 422), "{} {shown}", answer.status);
    }
}

#[test]
fn money_is_an_integer_of_minor_units_or_nothing() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let bids = format!("/v1/auctions/{id}/bids");
    let garbage = [
        "10.5",
        "10.0",
        "1e3",
        "1E3",
        "1e309",
        "-1",
        "-0",
        "-0.0",
        "0.0",
        "\"1000\"",
        "\"\"",
        "null",
        "true",
        "[]",
        "[1]",
        "{}",
        "9007199254740992",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e-2",
        "0.1e1",
        "99999999999999999999999999999999999999",
    ];
    for amount in garbage {
        let body = format!("{{\"amount\":{{\"amount\":{amount},\"currency\":\"USD\"}}}}");
        let answer = house.post_as("ben", &bids, "b", &body);
        assert_eq!(answer.refusal(), (400, "invalid_money".to_owned()), "{amount}");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/amount/amount", "{amount}");
    }
    for money in ["2000", "\"20.00 USD\"", "[2000,\"USD\"]", "null", "20.5"] {
        let answer = house.post_as("ben", &bids, "b", &format!("{{\"amount\":{money}}}"));
        assert_eq!(answer.refusal(), (400, "invalid_money".to_owned()), "{money}");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/amount", "{money}");
    }
    for currency in ["usd", "US", "", "XXX", "USDX"] {
        let body = format!("{{\"amount\":{{\"amount\":2000,\"currency\":\"{currency}\"}}}}");
        let answer = house.post_as("ben", &bids, "b", &body);
        assert_eq!(answer.refusal(), (400, "invalid_money".to_owned()), "{currency}");
    }
    let largest = house.bid("ben", &id, "b", 9_007_199_254_740_991);
    assert_eq!(largest.refusal(), (409, "confirmation_required".to_owned()));
    let body = json!({"amount": usd(9_007_199_254_740_991), "confirm": true}).to_string();
    assert_eq!(house.post_as("ben", &bids, "b", &body).status, 201);
    assert_eq!(house.get(&format!("/v1/auctions/{id}")).json()["price"], usd(1_000));
}
