//! What a listing must have by its format: rules over several members, as schemas.

use auction_machine::ladder::Ladder;
use kernel::limits;
use serde_json::{Map, Value, json};

/// A listing that is accepted at any time.
pub(super) fn example() -> Value {
    json!({
        "title": "A watch",
        "description": "Runs.",
        "category": "watches",
        "format": "english",
        "start_price": {"amount": 1_000, "currency": "USD"},
        "reserve_price": null,
        "buy_now_price": null,
        "increments": "ebay_us",
        "starts_at": null,
        "duration_seconds": 3_600,
        "soft_close": {"mode": "reset", "window_seconds": 120, "extension_seconds": 120},
        "retraction": "ebay",
        "quantity": 1,
    })
}

/// Each format has its own numbers and no others; all but the clock need an end.
pub(super) fn by_format() -> Value {
    let ended = |name: &str, members: Value| {
        let alternative = |given: &str, kind: &str, absent: &str| {
            let ends = json!({given: {"type": kind}, absent: {"type": "null"}});
            format(name, &[&members, &ends], &[given])
        };
        [
            alternative("ends_at", "string", "duration_seconds"),
            alternative("duration_seconds", "integer", "ends_at"),
        ]
    };
    let one = || json!({"type": ["integer", "null"], "maximum": 1});
    let (none, object) = (|| json!({"type": "null"}), || json!({"type": "object"}));
    let stepped = json!({"increments": ladder(), "soft_close": movement(), "quantity": one()});
    let sealed = json!({"buy_now_price": none(), "quantity": one()});
    let reverse = json!({"reverse": step(), "reserve_price": none(), "buy_now_price": none(),
        "soft_close": movement(), "quantity": one()});
    let uniform = json!({"uniform_price": object(), "buy_now_price": none(),
        "quantity": {"type": "integer", "minimum": 2}});
    let clock = json!({"dutch": object(), "reserve_price": none(), "buy_now_price": none(),
        "ends_at": none(), "duration_seconds": none()});
    let alternatives = [
        ended("english", stepped.clone()),
        ended("open_outcry", stepped),
        ended("sealed_first_price", sealed.clone()),
        ended("vickrey", sealed),
        ended("reverse", reverse),
        ended("uniform_price", uniform),
    ];
    let clock = format("dutch", &[&clock], &[]);
    json!({"oneOf": alternatives.into_iter().flatten().chain([clock]).collect::<Vec<_>>()})
}

/// What holds for a change in every format: not two ends, not two steps.
pub(super) fn change() -> Value {
    let absent = |name: &str| json!({"properties": {name: {"type": "null"}}});
    json!({
        "anyOf": [absent("ends_at"), absent("duration_seconds")],
        "properties": {
            "reverse": {"anyOf": [{"type": "null"}, step()]},
            "start_price": positive(),
        },
    })
}

/// A ladder by name, or bands.
fn ladder() -> Value {
    let names: Vec<_> = Ladder::preset_names().collect();
    json!({"anyOf": [
        {"type": "string", "enum": names},
        {"type": "array", "minItems": 1, "maxItems": limits::LADDER_MAX_BANDS},
    ]})
}

/// How late bids move the end, where they can.
fn movement() -> Value {
    let seconds = json!({"type": ["integer", "null"], "minimum": 1,
        "maximum": limits::SOFT_CLOSE_MAX_SECONDS});
    json!({"anyOf": [
        {"type": "null"},
        {"type": "object", "properties": {"mode": {"const": "off"}}},
        {"type": "object", "properties": {"mode": {"enum": ["reset", "add"]},
            "window_seconds": seconds, "extension_seconds": seconds}},
    ]})
}

/// One of the two steps of `reverse`.
fn step() -> Value {
    let either = |given: &str, kind: &str, absent: &str| {
        json!({"required": [given],
            "properties": {given: {"type": kind}, absent: {"type": "null"}}})
    };
    json!({"type": "object", "oneOf": [
        either("decrement", "object", "decrement_bps"),
        either("decrement_bps", "integer", "decrement"),
    ]})
}

/// At least one minor unit.
fn positive() -> Value {
    json!({"properties": {"amount": {"minimum": 1}}})
}

/// What holds for one format. `given` must be there, and so must each of the format's own members.
fn format(name: &str, members: &[&Value], given: &[&str]) -> Value {
    let mut properties = Map::new();
    properties.insert("format".to_owned(), json!({"const": name}));
    properties.insert("start_price".to_owned(), positive());
    let all = members.iter().filter_map(|members| members.as_object()).flatten();
    properties.extend(all.map(|(name, schema)| (name.clone(), schema.clone())));
    let mut required: Vec<&str> = given.to_vec();
    for numbers in ["dutch", "reverse", "uniform_price"] {
        if properties.contains_key(numbers) {
            required.push(numbers);
        } else {
            properties.insert(numbers.to_owned(), json!({"type": "null"}));
        }
    }
    let steps = properties.contains_key("increments").then_some("increments");
    required.extend(steps);
    required.extend((name == "uniform_price").then_some("quantity"));
    json!({"required": required, "properties": properties})
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use web::json::Object;

    use super::*;
    use crate::wire;

    #[test]
    fn the_example_is_read() {
        let listing = example().to_string();
        serde_json::from_str::<Object<wire::CreateAuction>>(&listing).unwrap();
    }
}
