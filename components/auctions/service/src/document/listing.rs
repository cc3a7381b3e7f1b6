//! What a listing must have by its format: rules over several members, as schemas.

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
    let stepped = json!({"increments": {"type": ["array", "string"]}, "quantity": one()});
    let sealed = json!({"buy_now_price": none(), "quantity": one()});
    let reverse = json!({"reverse": object(), "reserve_price": none(), "buy_now_price": none(),
        "quantity": one()});
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

/// `ends_at` or `duration_seconds`, or neither.
pub(super) fn one_end_at_most() -> Value {
    let absent = |name: &str| json!({"properties": {name: {"type": "null"}}});
    json!({"anyOf": [absent("ends_at"), absent("duration_seconds")]})
}

/// What holds for one format: a member that must not be null must be there.
fn format(name: &str, members: &[&Value], given: &[&str]) -> Value {
    let mut properties = Map::new();
    properties.insert("format".to_owned(), json!({"const": name}));
    for numbers in ["dutch", "reverse", "uniform_price"] {
        properties.insert(numbers.to_owned(), json!({"type": "null"}));
    }
    let all = members.iter().filter_map(|members| members.as_object()).flatten();
    properties.extend(all.map(|(name, schema)| (name.clone(), schema.clone())));
    let needed = ["increments", "dutch", "reverse", "uniform_price", "quantity"].into_iter();
    let needed = needed.filter(|name| {
        properties.get(*name).is_some_and(|schema| {
            let may_be_null = schema["type"].as_array();
            schema["type"] != "null" && may_be_null.is_none_or(|all| !all.contains(&"null".into()))
        })
    });
    let required: Vec<&str> = needed.chain(given.iter().copied()).collect();
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
