//! What forms lead to, held against the machine that decides about it.
#![allow(clippy::unwrap_used, reason = "tests")]

use kernel::{Id, kind};
use ports::memory::Memory;
use ports::{Entities, ready};
use serde_json::{Value, json};

use super::super::again::usual;
use super::*;

fn form(fields: &[(&'static str, &str)]) -> Form {
    let typed = [("title", "A watch"), ("start_price", "10")];
    let fields = typed.iter().chain(fields).map(|(name, value)| (*name, (*value).to_owned()));
    usual().under(Form::filled(fields))
}

fn body(fields: &[(&'static str, &str)]) -> Value {
    match Draft::read(&form(fields)) {
        Ok(draft) => draft.body(),
        Err(faults) => panic!("{fields:?}: {faults:?}"),
    }
}

fn wrong(fields: &[(&'static str, &str)]) -> Vec<&'static str> {
    let faults = Draft::read(&form(fields)).err().unwrap();
    faults.all().iter().map(|fault| fault.field).collect()
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// What the machine answers to a listing.
fn listed(body: &Value) -> String {
    let now = "2026-11-24T12:00:00.000Z".parse().unwrap();
    let memory = Memory::new("auctions", now).with_machine::<auction_machine::Auction>("auction");
    let (id, user) = (Id::<kind::Auction>::from_u128(1), Id::<kind::User>::from_u128(2));
    let (id, user) = (id.to_string(), user.to_string());
    let command = json!({"create": body}).to_string().into_bytes();
    let reply = ready(memory.call("auction", &id, &id, Some(&user), command)).unwrap();
    String::from_utf8(reply).unwrap()
}

/// What each format takes beyond a title and a start price.
const FORMATS: &[(&str, &[(&str, &str)])] = &[
    ("english", &[]),
    ("open_outcry", &[]),
    ("dutch", &[("dutch_floor_price", "2"), ("dutch_decrement", "0.5"), ("quantity", "3")]),
    ("sealed_first_price", &[("reserve_price", "20")]),
    ("vickrey", &[]),
    ("reverse", &[]),
    ("uniform_price", &[("quantity", "5")]),
];

#[test]
fn the_machine_takes_what_each_format_fills_in() {
    assert_eq!(FORMATS.len(), show::FORMATS.len());
    for (format, fields) in FORMATS {
        let fields: Vec<_> = fields.iter().copied().chain([("format", *format)]).collect();
        let body = body(&fields);
        let reply = listed(&body);
        assert!(reply.contains("\"created\""), "{format}: {body} {reply}");
    }
}

#[test]
fn the_machine_takes_every_ladder_and_currency() {
    for code in ["USD", "JPY", "KWD", "CLF"] {
        for preset in ladders::PRESETS {
            let body = body(&[("currency", code), ("increments", preset.code)]);
            let reply = listed(&body);
            assert!(reply.contains("\"created\""), "{code} {}: {reply}", preset.code);
        }
    }
}

#[test]
fn a_title_and_a_price_are_enough() {
    let expected = json!({
        "title": "A watch", "description": "", "category": "", "format": "english",
        "start_price": usd(1_000), "quantity": 1, "duration_seconds": 604_800,
        "increments": "ebay_us", "retraction": "ebay",
        "soft_close": {"mode": "reset", "window_seconds": 120, "extension_seconds": 120},
    });
    assert_eq!(body(&[]), expected);
}

#[test]
fn what_was_typed_is_sent_as_it_is_meant() {
    let body = body(&[
        ("title", "  A <b>lamp</b> "),
        ("description", "\r\nOne.\r\n\r\nTwo.\r\n"),
        ("currency", "JPY"),
        ("start_price", "1,250"),
        ("reserve_price", "2 000"),
        ("buy_now_price", "5000"),
        ("starts_at", "2026-11-25T08:30"),
        ("duration_seconds", "25"),
        ("increments", "own"),
        ("bands", "0 50\n1000 100"),
        ("soft_close", "off"),
        ("retraction", "until"),
        ("retraction_hours", "24"),
    ]);
    let yen = |amount: i64| json!({"amount": amount, "currency": "JPY"});
    let expected = json!({
        "title": "A <b>lamp</b>", "description": "One.\n\nTwo.", "category": "",
        "format": "english", "start_price": yen(1_250), "reserve_price": yen(2_000),
        "buy_now_price": yen(5_000), "quantity": 1, "starts_at": "2026-11-25T08:30:00.000Z",
        "duration_seconds": 25, "retraction": "until(24)", "soft_close": {"mode": "off"},
        "increments": [{"from": 0, "step": 50}, {"from": 1_000, "step": 100}],
    });
    assert_eq!(body, expected);
    assert!(listed(&body).contains("\"created\""));
}

#[test]
fn each_format_sends_what_is_its_own() {
    let own = |format: &'static str, more: &[(&'static str, &str)]| {
        let mut fields = vec![("format", format), ("dutch_floor_price", "2")];
        fields.extend([("dutch_decrement", "0.5"), ("reverse_percent", "0.25")]);
        fields.extend(more);
        body(&fields)
    };
    let members = |body: &Value, names: &[&str]| {
        names.iter().filter(|name| body.get(**name).is_some()).count()
    };
    let dutch = own("dutch", &[("duration", ""), ("increments", ""), ("retraction", "")]);
    let clock = json!({"floor_price": usd(200), "decrement": usd(50), "tick_seconds": 60,
        "dwell_seconds": 600});
    assert_eq!(dutch.get("dutch"), Some(&clock));
    let others = ["duration_seconds", "increments", "soft_close", "retraction", "reverse"];
    assert_eq!(members(&dutch, &others), 0, "{dutch}");
    let reverse = own("reverse", &[]);
    assert_eq!(reverse.get("reverse"), Some(&json!({"decrement_bps": 25})));
    assert_eq!(members(&reverse, &["increments", "dutch", "uniform_price"]), 0);
    assert_eq!(members(&reverse, &["duration_seconds", "soft_close", "retraction"]), 3);
    let reverse = own("reverse", &[("reverse_decrement", "5")]);
    assert_eq!(reverse.get("reverse"), Some(&json!({"decrement": usd(500)})));
    let uniform = own("uniform_price", &[("pricing", "highest_rejected"), ("quantity", "5")]);
    assert_eq!(uniform.get("uniform_price"), Some(&json!({"pricing": "highest_rejected"})));
    let sealed = own("vickrey", &[]);
    assert_eq!(members(&sealed, &["increments", "soft_close", "retraction", "dutch"]), 0);
    assert_eq!(members(&sealed, &["duration_seconds"]), 1);
}

#[test]
fn a_promise_that_does_not_fit_is_refused_and_not_forgotten() {
    let body = body(&[
        ("format", "dutch"),
        ("dutch_floor_price", "2"),
        ("dutch_decrement", "0.5"),
        ("reserve_price", "20"),
        ("buy_now_price", "50"),
    ]);
    let reply = listed(&body);
    assert!(reply.contains("/reserve_price") && reply.contains("/buy_now_price"), "{reply}");
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let fields = [
        ("title", " "),
        ("start_price", "ten"),
        ("reserve_price", "1.234"),
        ("quantity", "-1"),
        ("starts_at", "tomorrow"),
        ("duration_seconds", "1.5"),
        ("increments", "own"),
        ("bands", "1"),
        ("soft_close", "sometimes"),
        ("soft_close_window", "99999999999"),
        ("retraction", "until"),
    ];
    let expected = [
        "title",
        "start_price",
        "reserve_price",
        "quantity",
        "starts_at",
        "duration_seconds",
        "bands",
        "soft_close",
        "soft_close_window",
        "retraction_hours",
    ];
    assert_eq!(wrong(&fields), expected);
    assert_eq!(wrong(&[("currency", "XYZ")]), ["currency"]);
    assert_eq!(wrong(&[("format", "penny")]), ["format"]);
    assert_eq!(wrong(&[("start_price", "")]), ["start_price"]);
    assert_eq!(wrong(&[("format", "dutch")]), ["dutch_floor_price", "dutch_decrement"]);
    assert_eq!(wrong(&[("format", "reverse"), ("reverse_percent", "x")]), ["reverse_percent"]);
    assert_eq!(wrong(&[("format", "uniform_price"), ("pricing", "")]), ["pricing"]);
    let labelled =
        |field: &&str| FIELDS.iter().any(|(_, name, label)| name == field && !label.is_empty());
    assert!(expected.iter().all(labelled));
}

#[test]
fn refusals_lead_to_what_was_typed_into() {
    let at = |fields: &[(&'static str, &str)]| {
        let form = form(fields);
        let reply: Value = serde_json::from_str(&listed(&body(fields))).unwrap();
        let refused = reply.get("refused").unwrap_or_else(|| panic!("{fields:?} is taken"));
        let refusal = Refusal::read(422, refused.to_string().as_bytes());
        let faults = super::refused(&refusal, &form);
        faults.all().iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    for (fields, expected) in [
        (&[("start_price", "0")][..], "start_price"),
        (&[("reserve_price", "5")], "reserve_price"),
        (&[("buy_now_price", "12")], "buy_now_price"),
        (&[("quantity", "2")], "quantity"),
        (&[("duration", "1")], "duration"),
        (&[("duration_seconds", "1")], "duration_seconds"),
        (&[("increments", "own"), ("bands", "20 1")], "bands"),
        (&[("increments", "own"), ("bands", "1 1\n1 1")], "bands"),
        (&[("soft_close_window", "0")], "soft_close_window"),
        (&[("soft_close_extension", "90000")], "soft_close_extension"),
        (&[("retraction", "until"), ("retraction_hours", "9999")], "retraction_hours"),
        (&[("format", "reverse"), ("reverse_percent", "0")], "reverse_percent"),
        (&[("format", "reverse"), ("reverse_decrement", "0")], "reverse_decrement"),
        (&[("format", "uniform_price")], "quantity"),
        (
            &[("format", "dutch"), ("dutch_floor_price", "20"), ("dutch_decrement", "1")],
            "dutch_floor_price",
        ),
    ] {
        assert_eq!(at(fields), [expected], "{fields:?}");
    }
}
