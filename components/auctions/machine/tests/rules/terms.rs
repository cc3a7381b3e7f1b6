//! What a seller may offer: every wrong field is named, special faults have codes of their own.

use auction_machine::contract::{Command, Reply, Terms};
use kernel::Entity;
use serde_json::{Value, json};

use crate::bench::{Bench, START};

fn good() -> Value {
    json!({
        "title": "A watch", "description": "", "category": "watches", "format": "english",
        "start_price": {"amount": 1000, "currency": "USD"}, "reserve_price": null,
        "buy_now_price": null, "increments": "ebay_us", "starts_at": null,
        "ends_at": START.plus_ms(60_000),
        "soft_close": {"mode": "reset", "window_seconds": 120, "extension_seconds": 120,
            "hard_stop_at": null},
        "retraction": "ebay", "quantity": 1
    })
}

fn with(changes: Value) -> Value {
    let mut terms = good();
    for (name, value) in changes.as_object().unwrap() {
        terms[name] = value.clone();
    }
    terms
}

fn create(terms: &Value) -> Reply {
    let terms: Terms = serde_json::from_value(terms.clone()).unwrap();
    Bench::new().send(0, Some("sam"), "c", &Command::Create(terms))
}

/// The refusal's code and `pointer code` of every wrong field.
fn refused(changes: Value) -> (String, Vec<String>) {
    match create(&with(changes.clone())) {
        Reply::Refused(refused) => {
            assert!(refused.now.is_none());
            assert!(!refused.detail.is_empty());
            let errors = refused.errors.iter();
            (refused.code, errors.map(|e| format!("{} {}", e.pointer, e.code)).collect())
        }
        other => panic!("{changes}: {other:?}"),
    }
}

#[test]
fn good_terms_are_pinned_and_shown() {
    let Reply::Created { view, replayed: false } = create(&good()) else { panic!() };
    assert_eq!(view.fixed.increments.len(), 10);
    assert_eq!(view.fixed.starts_at, START);
    assert_eq!(view.fixed.scheduled_end, START.plus_ms(60_000));
    assert_eq!(view.row.ends_at, view.fixed.scheduled_end);
    assert_eq!((view.row.seq, view.row.bid_count), (1, 0));
}

#[test]
fn one_wrong_field_is_named() {
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let end = |ms: i64| json!(START.plus_ms(ms));
    let soft = |member: &str, value: Value| {
        let mut rule = json!({"mode": "reset", "window_seconds": 120, "extension_seconds": 120});
        rule[member] = value;
        json!({"soft_close": rule})
    };
    let day = 86_400_000_i64;
    for (changes, error) in [
        (json!({"title": " "}), "/title required"),
        (json!({"title": "x".repeat(201)}), "/title too_long"),
        (json!({"description": "é".repeat(20_001)}), "/description too_long"),
        (json!({"category": "x".repeat(65)}), "/category too_long"),
        (json!({"start_price": usd(0)}), "/start_price/amount too_low"),
        (json!({"reserve_price": usd(999)}), "/reserve_price/amount below_start_price"),
        (json!({"buy_now_price": usd(1_299)}), "/buy_now_price/amount too_low"),
        (json!({"increments": "mine"}), "/increments unknown_value"),
        (json!({"increments": []}), "/increments wrong_length"),
        (
            json!({"increments": [{"from": 1001, "step": 1}]}),
            "/increments/0/from above_start_price",
        ),
        (json!({"increments": [{"from": 1, "step": 0}]}), "/increments/0/step too_low"),
        (
            json!({"increments": [{"from": 1, "step": 5}, {"from": 1, "step": 9}]}),
            "/increments/1/from not_ascending",
        ),
        (json!({"ends_at": null}), "/ends_at required"),
        (json!({"duration_seconds": 60}), "/duration_seconds conflict"),
        (json!({"ends_at": end(4_999)}), "/ends_at too_short"),
        (json!({"ends_at": end(90 * day + 1)}), "/ends_at too_long"),
        (json!({"ends_at": null, "duration_seconds": -1}), "/duration_seconds too_short"),
        (json!({"ends_at": null, "duration_seconds": i64::MAX}), "/duration_seconds too_long"),
        (json!({"starts_at": end(56_000)}), "/ends_at too_short"),
        (soft("window_seconds", json!(0)), "/soft_close/window_seconds out_of_range"),
        (soft("extension_seconds", json!(86_401)), "/soft_close/extension_seconds out_of_range"),
        (soft("hard_stop_at", end(59_999)), "/soft_close/hard_stop_at before_end"),
        (json!({"retraction": "until(2161)"}), "/retraction unknown_value"),
        (json!({"retraction": "until(+1)"}), "/retraction unknown_value"),
        (json!({"retraction": "maybe"}), "/retraction unknown_value"),
    ] {
        let expected = ("validation_failed".to_owned(), vec![error.to_owned()]);
        assert_eq!(refused(changes), expected);
    }
}

#[test]
fn special_faults_have_their_own_code() {
    let eur = json!({"amount": 5000, "currency": "EUR"});
    let yen = json!({"amount": 5000, "currency": "JPY"});
    for (changes, code, pointer) in [
        (json!({"format": "penny"}), "format_not_allowed", "/format"),
        (json!({"format": "candle"}), "format_not_allowed", "/format"),
        (json!({"quantity": 2}), "invalid_quantity", "/quantity"),
        (json!({"quantity": 0}), "invalid_quantity", "/quantity"),
        (json!({"reserve_price": eur}), "currency_mismatch", "/reserve_price/currency"),
        (json!({"start_price": yen}), "increments_required", "/increments"),
    ] {
        let errors = vec![format!("{pointer} {code}")];
        assert_eq!(refused(changes), (code.to_owned(), errors));
    }
    let refusal = create(&with(json!({"format": "penny"})));
    assert!(format!("{refusal:?}").contains("offered are english"), "{refusal:?}");
}

#[test]
fn all_wrong_fields_come_at_once() {
    let (code, errors) = refused(json!({
        "title": "", "format": "penny", "buy_now_price": {"amount": 1, "currency": "USD"},
        "ends_at": null, "retraction": "?", "increments": [],
        "soft_close": {"mode": "add", "window_seconds": -1, "extension_seconds": 0}
    }));
    assert_eq!(code, "format_not_allowed");
    assert_eq!(errors.len(), 8, "{errors:?}");
}

#[test]
fn the_limits_themselves_are_allowed() {
    let end = |ms: i64| json!(START.plus_ms(ms));
    for changes in [
        json!({"title": "é".repeat(200), "description": "é".repeat(20_000)}),
        json!({"ends_at": end(5_000)}),
        json!({"ends_at": end(90 * 86_400_000)}),
        json!({"ends_at": null, "duration_seconds": 5}),
        json!({"starts_at": end(-60_000), "ends_at": end(5_000)}),
        json!({"starts_at": end(55_000)}),
        json!({"reserve_price": {"amount": 1000, "currency": "USD"}}),
        json!({"soft_close": {"mode": "off"}}),
        json!({"soft_close": {"mode": "add", "window_seconds": 1, "extension_seconds": 86_400,
            "hard_stop_at": end(60_000)}}),
        json!({"retraction": "none"}),
        json!({"retraction": "until(2160)"}),
        json!({"increments": "trade_me"}),
        json!({"increments": "gun_broker"}),
        json!({"increments": "copart"}),
        json!({"increments": [{"from": 1000, "step": 1}]}),
        json!({"start_price": {"amount": 5, "currency": "JPY"},
            "increments": [{"from": 0, "step": 1}]}),
    ] {
        let reply = create(&with(changes.clone()));
        assert!(matches!(reply, Reply::Created { .. }), "{changes}: {reply:?}");
    }
}

#[test]
fn defaults_fill_in_what_is_left_out() {
    let terms = json!({
        "title": "x", "format": "english", "increments": "ebay_uk", "duration_seconds": 60,
        "start_price": {"amount": 1, "currency": "GBP"}
    });
    let Reply::Created { view, .. } = create(&terms) else { panic!() };
    let soft_close = serde_json::to_value(&view.fixed.soft_close).unwrap();
    let expected = json!({"mode": "reset", "window_seconds": 120, "extension_seconds": 120});
    assert_eq!(soft_close, expected);
    assert_eq!((view.fixed.retraction.as_str(), view.fixed.quantity), ("ebay", 1));
    assert_eq!(view.row.ends_at, START.plus_ms(60_000));
}

#[test]
fn an_auction_without_bids_is_small() {
    let mut bench = Bench::new();
    let terms: Terms = serde_json::from_value(good()).unwrap();
    bench.send(0, Some("sam"), "c", &Command::Create(terms));
    let bytes = bench.entity.snapshot().len();
    assert!(bytes < 400, "{bytes}");
    let lot = bench.entity.state().lot().unwrap();
    let bands = size_of_val(lot.listing.ladder.as_ref().unwrap().bands());
    let resident = size_of::<Entity<auction_machine::Auction>>() + size_of_val(lot) + bands;
    assert!(resident < 1_200, "{resident}");
    assert!(size_of::<auction_machine::lot::Bid>() <= 240);
}
