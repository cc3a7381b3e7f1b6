//! Bad input changes nothing and is told why: status, code, shape and words of every refusal.

use conformance::{Client, Kind, Reply, Setup, User, id_of, usd};
use serde_json::{Value, json};

/// A problem document in full (RFC 9457, api.md §1).
#[track_caller]
fn problem(reply: &Reply, status: u16, code: &str, path: &str) -> Value {
    let reply = reply.clone().refused(status, code);
    let document = reply.json();
    assert!(document["type"].as_str().unwrap().ends_with(&format!("/{code}")), "{document}");
    assert_eq!(document["status"], status);
    assert_eq!(document["instance"], path);
    for member in ["title", "detail"] {
        assert!(!document[member].as_str().unwrap_or_default().is_empty(), "{member}: {document}");
    }
    let request_id = reply.header("x-request-id").expect("every answer has a request id");
    assert_eq!(document["request_id"], request_id);
    document
}

struct Scene {
    ana: User,
    ben: User,
    public: Client,
    auction: String,
    bids: String,
    _platform: conformance::Platform,
}

async fn scene() -> Scene {
    let platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let auction = id_of(&ana.lists(json!({})).await);
    let bids = format!("/v1/auctions/{auction}/bids");
    Scene { ana, ben, public: platform.client(), auction, bids, _platform: platform }
}

async fn raw_bid(scene: &Scene, body: impl Into<bytes::Bytes>) -> Reply {
    let call = scene.ben.client.call("POST", &scene.bids).key("raw");
    call.bytes("application/json", body).send().await.unwrap()
}

#[tokio::test]
async fn money_that_is_no_integer_in_range_is_refused_and_changes_nothing() {
    let scene = scene().await;
    // The code of an auction may come meanwhile: that is no change of the auction.
    let tag = |reply: Reply| reply.header("etag").map(|tag| tag.replace("-qr", ""));
    let path = format!("/v1/auctions/{}", scene.auction);
    let before = tag(scene.public.get(&path).await);
    for amount in NO_INTEGERS {
        let body = format!("{{\"amount\":{{\"amount\":{amount},\"currency\":\"USD\"}}}}");
        let reply = raw_bid(&scene, body.clone()).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_money"), "{body}");
        let document = problem(&reply, 400, "invalid_money", &scene.bids);
        assert_eq!(document["errors"][0]["pointer"], "/amount/amount", "{body}");
    }
    for money in NO_MONEY {
        let reply = raw_bid(&scene, format!("{{\"amount\":{money}}}")).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_money"), "{money}");
    }
    for money in [
        "{}",
        "{\"amount\":1000}",
        "{\"currency\":\"USD\"}",
        "{\"amount\":1000,\"currency\":5}",
        "{\"amount\":1000,\"currency\":null}",
    ] {
        let reply = raw_bid(&scene, format!("{{\"amount\":{money}}}")).await;
        assert_eq!(reply.status, 400, "{money}: {}", reply.text());
    }
    for amount in ["+1", "01", "0x10", "NaN", "Infinity", "1_000", "١٠٠", "", ".5", "1."] {
        let body = format!("{{\"amount\":{{\"amount\":{amount},\"currency\":\"USD\"}}}}");
        raw_bid(&scene, body).await.refused(400, "invalid_json");
    }
    let zero = scene.ben.bids(&scene.auction, 0).await;
    problem(&zero, 422, "bid_too_low", &scene.bids);
    assert_eq!(tag(scene.public.get(&path).await), before);
    // Listings read money the same way.
    for (member, value) in [
        ("start_price", json!(1_000)),
        ("reserve_price", json!({"amount": "1", "currency": "USD"})),
    ] {
        let mut body = User::terms(json!({}));
        body[member] = value;
        let reply = scene.ana.list_call("money", &body).send().await.unwrap();
        problem(&reply, 400, "invalid_money", "/v1/auctions");
    }
}

#[tokio::test]
async fn bodies_that_are_not_the_documented_json_are_refused() {
    let scene = scene().await;
    let money = "{\"amount\":5000,\"currency\":\"USD\"}";
    let deep = format!("{{\"amount\":{}{}}}", "[".repeat(5_00), "]".repeat(5_00));
    let followed = format!("{{\"amount\":{money}}} x");
    for body in ["", "{", &followed, "{\"amount\":}", "\u{feff}{}", "{'amount':1}", &deep] {
        let reply = raw_bid(&scene, body.to_owned()).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_json"), "{body}");
    }
    let latin = raw_bid(&scene, vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}']).await;
    assert_eq!(latin.status, 400, "{}", latin.text());
    for body in ["null", "[]", "5", "\"bid\"", &format!("[{money}]"), "{}"] {
        let reply = raw_bid(&scene, body.to_owned()).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_request"), "{body}");
    }
    let twice = format!("{{\"amount\":{money},\"amount\":{money}}}");
    assert_eq!(raw_bid(&scene, twice).await.status, 400);
    for (body, pointer) in [
        (format!("{{\"amount\":{money},\"max\":1}}"), "/max"),
        (format!("{{\"amount\":{money},\"a/b~c\":1}}"), "/a~1b~0c"),
        ("{\"amount\":{\"amount\":1,\"currency\":\"USD\",\"x\":1}}".to_owned(), "/amount/x"),
    ] {
        let reply = raw_bid(&scene, body).await;
        let document = problem(&reply, 400, "unknown_field", &scene.bids);
        assert_eq!(document["errors"][0]["pointer"], pointer);
        assert_eq!(document["errors"][0]["code"], "unknown_field");
    }
    let listing = User::terms(json!({"soft_close": {"mode": "reset", "windows": 5}}));
    let reply = scene.ana.list_call("unknown", &listing).send().await.unwrap();
    let document = problem(&reply, 400, "unknown_field", "/v1/auctions");
    assert_eq!(document["errors"][0]["pointer"], "/soft_close/windows");
    let large = format!("{{\"amount\":{money},\"confirm\":{}true}}", " ".repeat(5_000));
    problem(&raw_bid(&scene, large).await, 413, "payload_too_large", &scene.bids);
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let call = scene.ben.client.call("POST", &scene.bids).key("type");
        let reply =
            call.bytes(content_type, format!("{{\"amount\":{money}}}")).send().await.unwrap();
        problem(&reply, 415, "unsupported_media_type", &scene.bids);
    }
    let call = scene.ben.client.call("POST", &scene.bids).key("charset");
    let body = format!("{{\"amount\":{money}}}");
    let fine = call.bytes("Application/JSON; charset=UTF-8", body).send().await.unwrap();
    fine.expect(201);
}

#[tokio::test]
async fn who_calls_must_be_known_where_it_matters() {
    let scene = scene().await;
    let good = scene.ben.client.token().unwrap().to_owned();
    let parts: Vec<_> = good.split('.').collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let mut flipped = good.clone().into_bytes();
    let middle = parts[0].len() + 5;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    for token in [
        "",
        "x",
        "a.b.c",
        &format!("{none}.{}.", parts[1]),
        &format!("{none}.{}.{}", parts[1], parts[2]),
        &format!("{}.{}.", parts[0], parts[1]),
        &format!("{good}x"),
        &"a".repeat(5_000),
        &String::from_utf8(flipped).unwrap(),
    ] {
        let stranger = scene.public.with_token(token);
        let call = stranger.post(&scene.bids, &json!({"amount": usd(5_000)})).key("token");
        let reply = call.send().await.unwrap();
        problem(&reply, 401, "unauthenticated", &scene.bids);
        assert!(reply.header("www-authenticate").is_some_and(|how| how.starts_with("Bearer")));
        let read = stranger.get(&format!("/v1/auctions/{}", scene.auction)).await;
        read.refused(401, "unauthenticated");
    }
    let anonymous = scene.public.post(&scene.bids, &json!({"amount": usd(5_000)})).key("none");
    problem(&anonymous.send().await.unwrap(), 401, "unauthenticated", &scene.bids);
    let basic = scene.public.post(&scene.bids, &json!({"amount": usd(5_000)})).key("basic");
    let basic = basic.header("authorization", "Basic YW5hOmFuYQ==").send().await.unwrap();
    problem(&basic, 401, "unauthenticated", &scene.bids);
    let listing = scene.public.post("/v1/auctions", &User::terms(json!({}))).key("anonymous");
    problem(&listing.send().await.unwrap(), 401, "unauthenticated", "/v1/auctions");
    let own = format!("/v1/auctions/{}/bidding", scene.auction);
    problem(&scene.public.get(&own).await, 401, "unauthenticated", &own);
    problem(&scene.ben.client.get(&own).await, 404, "not_found", &own);
}

#[tokio::test]
async fn unknown_paths_methods_and_auctions_are_named() {
    let scene = scene().await;
    let nobody = "auc_01jd00000000700000000000zz";
    for path in [
        "/v1",
        "/v2/auctions",
        "/v1/auction",
        "/v1/auctions/",
        "/v1/auctions/x/y/z",
        "/v1/auctions//bids",
        "/index.html",
        "/v1/auctions/auc_x",
        "/v1/auctions/usr_x/bids",
        &format!("/v1/auctions/{nobody}"),
        &format!("/v1/auctions/{nobody}/bids"),
        &format!("/v1/auctions/{nobody}/events"),
        &format!("/v1/auctions/{}x", scene.auction),
        &format!("/v1/auctions/{}", scene.auction.to_uppercase()),
        "/v1/auctions/..%2f..",
    ] {
        problem(&scene.public.get(path).await, 404, "not_found", path);
    }
    let path = format!("/v1/auctions/{nobody}/bids");
    problem(&scene.ben.bids(nobody, 5_000).await, 404, "not_found", &path);
    let view = format!("/v1/auctions/{}", scene.auction);
    for (method, path, allowed) in [
        ("PUT", view.as_str(), "GET"),
        ("PUT", "/v1/auctions", "POST"),
        ("DELETE", "/v1/auctions", "GET"),
        ("DELETE", scene.bids.as_str(), "POST"),
        ("PATCH", scene.bids.as_str(), "GET"),
        ("TRACE", "/v1/auctions", "GET"),
        ("BREW", "/v1/auctions", "GET"),
    ] {
        if method == "BREW" && Kind::chosen() == Kind::Cloudflare {
            // The runtime answers methods that it does not know, with 501.
            continue;
        }
        let reply = scene.ben.client.call(method, path).send().await.unwrap();
        problem(&reply, 405, "method_not_allowed", path);
        let allow = reply.header("allow").expect("405 names what is allowed");
        assert!(allow.split(',').any(|method| method.trim() == allowed), "{path}: {allow}");
    }
}

#[tokio::test]
async fn request_ids_come_back_or_are_made() {
    let scene = scene().await;
    let nowhere = format!("{}x", scene.bids);
    for path in ["/v1/auctions", scene.bids.as_str(), nowhere.as_str(), "/nowhere"] {
        for id in ["018f4d2e-7c1a-7def-8123-456789abcdef", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            let call = scene.public.call("GET", path).header("x-request-id", id);
            assert_eq!(call.send().await.unwrap().header("x-request-id"), Some(id), "{path}");
        }
        for id in ["1", "a b", "<script>", &"a".repeat(300), "018f4d2e-7c1a-7def-8123-456789abcdeg"]
        {
            let call = scene.public.call("GET", path).header("x-request-id", id);
            let reply = call.send().await.unwrap();
            let made = reply.header("x-request-id").expect("one is made");
            assert!(made != id && made.len() == 36, "{path}: {made} for {id}");
        }
    }
    let bid = scene.ben.bid_call(&scene.auction, 5_000, "traced");
    let bid = bid.header("x-request-id", "018f4d2e-7c1a-7def-8123-456789abcdef").send().await;
    let echoed = bid.unwrap().expect(201);
    assert_eq!(echoed.header("x-request-id"), Some("018f4d2e-7c1a-7def-8123-456789abcdef"));
}

#[tokio::test]
async fn terms_that_cannot_hold_are_refused_with_every_wrong_field() {
    let scene = scene().await;
    let changes = json!({"title": " ", "category": "x".repeat(65), "retraction": "maybe",
        "reserve_price": usd(999), "duration_seconds": 4, "increments": "ebay_moon",
        "soft_close": {"mode": "reset", "window_seconds": 0}});
    let wrong = scene.ana.list_call("terms", &User::terms(changes)).send().await.unwrap();
    let document = problem(&wrong, 422, "validation_failed", "/v1/auctions");
    let errors = document["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    for pointer in [
        "/title",
        "/category",
        "/retraction",
        "/reserve_price/amount",
        "/duration_seconds",
        "/increments",
        "/soft_close/window_seconds",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} is not in {pointers:?}");
    }
}

#[tokio::test]
async fn terms_that_cannot_hold_have_codes_of_their_own_where_it_helps() {
    let scene = scene().await;
    let list = async |changes: Value| {
        scene.ana.list_call("terms", &User::terms(changes)).send().await.unwrap()
    };
    for (changes, code) in [
        (json!({"format": "penny"}), "format_not_allowed"),
        (json!({"format": "pay_per_bid"}), "format_not_allowed"),
        (json!({"quantity": 2}), "invalid_quantity"),
        (json!({"reserve_price": {"amount": 5_000, "currency": "EUR"}}), "currency_mismatch"),
        (json!({"start_price": {"amount": 500, "currency": "JPY"}}), "increments_required"),
        (json!({"start_price": {"amount": 500, "currency": "KWD"}}), "increments_required"),
        (json!({"duration_seconds": 90 * 86_400 + 1}), "validation_failed"),
        (json!({"duration_seconds": null}), "validation_failed"),
        (json!({"ends_at": "2099-01-01T00:00:00Z", "duration_seconds": null}), "validation_failed"),
        (json!({"ends_at": "2020-01-01T00:00:00Z", "duration_seconds": null}), "validation_failed"),
        (json!({"title": "x".repeat(201)}), "validation_failed"),
        (json!({"increments": []}), "validation_failed"),
        (json!({"increments": [{"from": 1, "step": 0}]}), "validation_failed"),
        (
            json!({"increments": [{"from": 5, "step": 1}, {"from": 5, "step": 2}]}),
            "validation_failed",
        ),
    ] {
        let told = changes.to_string();
        let reply = list(changes).await;
        assert_eq!((reply.status, reply.code().as_str()), (422, code), "{told}: {}", reply.text());
    }
    for changes in [
        json!({"title": 5}),
        json!({"ends_at": "tomorrow", "duration_seconds": null}),
        json!({"soft_close": "off"}),
        json!({"soft_close": {"mode": "maybe"}}),
        json!({"quantity": -1}),
        json!({"format": null}),
        json!({"duration_seconds": 1.5}),
    ] {
        let told = changes.to_string();
        let reply = list(changes).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_request"), "{told}");
    }
    // Nothing was remembered under the key that all of them shared.
    list(json!({})).await.expect(201);
}

#[tokio::test]
async fn refused_bids_say_what_would_do() {
    let scene = scene().await;
    let (auction, path) = (scene.auction.as_str(), scene.bids.as_str());
    let own = problem(&scene.ana.bids(auction, 9_000).await, 403, "seller_cannot_bid", path);
    assert_eq!((&own["price"], &own["next_minimum"]), (&Value::Null, &usd(1_000)));
    let low = problem(&scene.ben.bids(auction, 999).await, 422, "bid_too_low", path);
    assert_eq!((&low["next_minimum"], &low["seq"]), (&usd(1_000), &json!(1)));
    scene.ben.bids(auction, 5_000).await.expect(201);
    let same = problem(&scene.ben.bids(auction, 5_000).await, 422, "own_max_not_raised", path);
    assert_eq!((&same["price"], &same["next_minimum"]), (&usd(1_000), &usd(1_050)));
    assert_eq!(same["seq"], 2);
    assert!(same["ends_at"].is_string() && same["server_time"].is_string(), "{same}");
    let post = async |body: Value| {
        let call = scene.ben.client.post(path, &body).key("various");
        call.send().await.unwrap()
    };
    let euro = post(json!({"amount": {"amount": 9_000, "currency": "EUR"}})).await;
    problem(&euro, 422, "currency_mismatch", path);
    for quantity in [0, 2, 4_000_000_000_u32] {
        let reply = post(json!({"amount": usd(9_000), "quantity": quantity})).await;
        problem(&reply, 422, "invalid_quantity", path);
    }
    let fine = post(json!({"amount": usd(9_000), "quantity": 1, "min_quantity": 1})).await;
    fine.expect(201);
}

/// In the place of an amount: JSON, but no integer in [0, 2^53 − 1].
const NO_INTEGERS: &[&str] = &[
    "1.5",
    "1.0",
    "\"100\"",
    "1e3",
    "1E3",
    "10e-1",
    "-1",
    "-0",
    "-0.0",
    "9007199254740992",
    "18446744073709551616",
    "-9223372036854775809",
    "1e400",
    "null",
    "true",
    "[]",
    "[1]",
    "{}",
    "\"\"",
    "100000000000000000000000000000000000000000",
];
/// In the place of money.
const NO_MONEY: &[&str] = &[
    "1000",
    "\"10.00 USD\"",
    "null",
    "[]",
    "{\"amount\":1000,\"currency\":\"usd\"}",
    "{\"amount\":1000,\"currency\":\"US\"}",
    "{\"amount\":1000,\"currency\":\"DOLLAR\"}",
];
