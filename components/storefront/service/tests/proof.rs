//! What is rendered of a proof and of the sandbox, on ports in memory.

#![allow(clippy::unwrap_used, reason = "tests")]

use kernel::Timestamp;
use ports::memory::Memory;
use ports::{HttpResponse, ready};
use serde_json::{Value, json};
use web::{Request, Response};

const ID: &str = "auc_01jd0000000000000000000000";

#[test]
fn the_page_of_a_proof_tells_where_the_log_stands_without_any_script() {
    let response = get(&format!("/auctions/{ID}/proof"));
    assert_eq!(response.status, 200);
    let page = String::from_utf8(response.body).unwrap();
    let told = [
        "Verify “A &#60;watch&#62;”".to_owned(),
        "f".repeat(64),
        "e".repeat(64),
        "0123456789abcdef".to_owned(),
        format!("ecomauction verify http://shop.test/auctions/{ID}"),
        format!("href=\"/v1/auctions/{ID}/events?limit=100\""),
        "/.well-known/proof-keys.json".to_owned(),
    ];
    for told in told {
        assert!(page.contains(&told), "{told} is not in {page}");
    }
    let rows: Vec<&str> = page.matches("data-seq=\"").collect();
    assert_eq!(rows.len(), 2);
    let (newest, oldest) = (page.find("data-seq=\"22\""), page.find("data-seq=\"21\""));
    assert!(newest.unwrap() < oldest.unwrap());
    // Natively there is no module, and the page says so.
    assert!(page.contains("no verifier for browsers") && !page.contains("proof.js"));
    assert_eq!(get("/auctions/other/proof").status, 404);
}

#[test]
fn the_sandbox_explains_bidding_where_nothing_can_be_played() {
    let response = get("/sandbox");
    assert_eq!(response.status, 200);
    let page = String::from_utf8(response.body).unwrap();
    for price in ["33.00", "51.00", "52.00", "54.00"] {
        assert!(page.contains(price), "{price}");
    }
    assert!(page.contains("no sandbox for browsers") && !page.contains("sandbox.js"));
}

#[test]
fn a_module_that_was_not_built_is_not_found() {
    assert_eq!(get("/assets/any/auction_verifier.core.wasm").status, 404);
    let script = get("/assets/any/verifier.mjs");
    assert_eq!((script.status, script.header("content-encoding")), (200, None));
}

fn get(target: &str) -> Response {
    let memory = Memory::new("storefront", Timestamp::from_ms(1_800_000_000_000));
    let memory = memory.with_variable("public_base_url", "http://shop.test");
    memory.outbound.serve(|request| {
        let path = request.url.split_once(".spin.internal").map_or("", |(_, path)| path);
        let body = answer(path);
        let status = if body.is_null() { 404 } else { 200 };
        Ok(HttpResponse { status, headers: Vec::new(), body: body.to_string().into_bytes() })
    });
    let (method, target) = ("GET".to_owned(), target.to_owned());
    let headers = [("x-client-address", "203.0.113.7")].into_iter().collect();
    let request = Request { method, target, headers, body: Vec::new() };
    ready(storefront_service::handle(&memory, request))
}

/// What the API says of the auction.
fn answer(path: &str) -> Value {
    match path.strip_prefix(&format!("/v1/auctions/{ID}")) {
        Some("") => auction(),
        Some("/proof") => json!({
            "auction_id": ID, "seq": 22, "head": "f".repeat(64), "key_id": "0123456789abcdef",
            "signature": "x", "closed": true, "merkle_root": "e".repeat(64), "events_url": "",
            "engine": {"component_sha256": null, "version": "0.1.0"},
        }),
        Some("/events?after=2&limit=20") => {
            let event = |seq: u64| {
                let time = "2026-01-01T00:00:00.000Z";
                json!({"seq": seq, "event": "bid_placed", "time": time, "data": {},
                    "prev": "0".repeat(64), "hash": "f".repeat(64)})
            };
            json!({"items": [event(21), event(22)], "next_cursor": null})
        }
        _ => Value::Null,
    }
}

fn auction() -> Value {
    let (time, price) = ("2026-01-01T00:00:00.000Z", json!({"amount": 1_000, "currency": "USD"}));
    json!({
        "id": ID, "title": "A <watch>", "description": "", "category": "", "format": "english",
        "seller": {"id": "usr_1", "display_name": "Ana"}, "status": "sold", "start_price": price,
        "price": price, "next_minimum": null, "bid_count": 2, "bidder_count": 2,
        "leader": "bidder-1", "reserve": "none", "buy_now_price": null, "increments": [],
        "soft_close": {"mode": "off"}, "retraction": "ebay", "quantity": 1, "starts_at": time,
        "ends_at": time, "scheduled_end": time, "seq": 22, "server_time": time, "pictures": [],
        "qr": null, "result": null,
    })
}
