//! Terms of all seven formats. Most can be accepted, with numbers at the edges of what can.

use kernel::limits;
use serde_json::{Value, json};

use super::draw::Draw;
use super::make::{CURRENCY, Scene, TEXTS, hidden, priced};

/// What a seller may ask for.
pub(super) fn terms(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Value {
    let format = *draw.pick(&FORMATS);
    let start = *draw.pick(&[100, 1, 1_000, 12_345_678_900, limits::AMOUNT_MAX_MINOR - 9]);
    let seconds = *draw.pick(&[259_200, 60, 5, 7_200, 43_201, 7_776_000, 100_000]);
    let retraction = *draw.pick(&["ebay", "none", "until(1)", "until(0)", "until(24)"]);
    let mut terms = json!({
        "title": "A watch",
        "format": format,
        "start_price": priced(start),
        "duration_seconds": seconds,
        "retraction": retraction,
    });
    match format {
        "dutch" => clock(draw, &mut terms),
        "reverse" => {
            terms["start_price"] = priced(start.saturating_mul(10_000));
            terms["reverse"] = match draw.below(2) {
                0 => json!({ "decrement": priced(i64::from(draw.byte()) + 1) }),
                _ => json!({ "decrement_bps": u32::from(draw.byte()) * 39 + 1 }),
            };
        }
        "uniform_price" => {
            let pricing = *draw.pick(&["lowest_accepted", "highest_rejected"]);
            terms["uniform_price"] = json!({ "pricing": pricing });
            terms["quantity"] = json!(2 + draw.below(9));
        }
        "english" | "open_outcry" => ladder(draw, &mut terms),
        _ => {}
    }
    extras(draw, scene, (format, start, seconds), &mut terms);
    terms
}

fn clock(draw: &mut Draw<'_>, terms: &mut Value) {
    let floor = i64::from(draw.byte()) + 1;
    let fall = i64::from(draw.byte()) + 1;
    let ticks = i64::from(draw.byte());
    terms["start_price"] = priced(floor + fall * ticks + i64::from(draw.below(3)) + 1);
    terms["dutch"] = json!({
        "floor_price": priced(floor),
        "decrement": priced(fall),
        "tick_seconds": draw.pick(&[1, 5, 60, 3_600]),
        "dwell_seconds": i64::from(draw.byte()) + 5,
    });
    terms["quantity"] = json!(1 + draw.below(9));
    terms.as_object_mut().unwrap().remove("duration_seconds");
}

fn ladder(draw: &mut Draw<'_>, terms: &mut Value) {
    terms["increments"] = match draw.below(4) {
        0 => json!("ebay_us"),
        1 => json!(draw.pick(&["ebay_uk", "trade_me", "gun_broker", "copart", "no_such"])),
        _ => {
            let step = i64::from(draw.byte()) + 1;
            json!([{ "from": 0, "step": step }, { "from": 1_000, "step": step * 3 }])
        }
    };
}

/// Members that most auctions do without.
fn extras(
    draw: &mut Draw<'_>,
    scene: &Scene<'_>,
    (format, start, seconds): (&str, i64, i64),
    terms: &mut Value,
) {
    let chosen = draw.byte();
    let has = |bit: u8| chosen & (1 << bit) != 0;
    let mut least = start.saturating_mul(2);
    if has(0) && !matches!(format, "dutch" | "reverse") {
        let reserve = start.saturating_add(hidden(draw));
        terms["reserve_price"] = priced(reserve);
        least = least.max(reserve);
    }
    if has(1) && matches!(format, "english" | "open_outcry") {
        terms["buy_now_price"] = priced(least.saturating_add(i64::from(draw.byte())));
    }
    if has(2) {
        let lengths = [60, 1, 3_600, 86_400];
        terms["soft_close"] = json!({
            "mode": draw.pick(&["add", "reset", "off"]),
            "window_seconds": draw.pick(&lengths),
            "extension_seconds": draw.pick(&lengths),
        });
        if has(3) {
            let stop = scene.now.plus_ms(seconds * 1_000 + i64::from(draw.byte()) * 500);
            terms["soft_close"]["hard_stop_at"] = json!(stop);
        }
    }
    if has(4) {
        terms["starts_at"] = json!(scene.now.plus_ms(i64::from(draw.byte()) * 1_000));
    }
    if has(5) {
        terms["title"] = json!(draw.pick(&TEXTS));
        terms["description"] = json!(draw.pick(&TEXTS));
        terms["category"] = json!(draw.pick(&TEXTS));
    }
    if has(6) && has(7) {
        spoil(draw, terms);
    }
}

/// Puts one member out of place.
fn spoil(draw: &mut Draw<'_>, terms: &mut Value) {
    let name = *draw.pick(&[
        "quantity",
        "starts_at",
        "ends_at",
        "duration_seconds",
        "retraction",
        "reserve_price",
        "buy_now_price",
        "increments",
        "dutch",
        "reverse",
        "soft_close",
        "oddity",
    ]);
    let amount = i64::from(draw.byte());
    let euros = json!({ "amount": amount, "currency": "EUR" });
    let values = [json!(amount), Value::Null, json!([]), json!("x"), priced(amount), euros];
    terms[name] = draw.pick(&values).clone();
    if amount == 0 {
        terms["start_price"] = json!({ "amount": 0, "currency": CURRENCY });
    }
}

const FORMATS: [&str; 9] = [
    "english",
    "open_outcry",
    "dutch",
    "sealed_first_price",
    "vickrey",
    "reverse",
    "uniform_price",
    "english",
    "penny",
];
