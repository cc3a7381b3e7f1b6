//! The committed document of sockets and event streams, and what it says of a frame.
//!
//! Frames are held to it more strictly than a client should: a member that no shape knows is wrong,
//! though the contract allows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::document::{close, parts_of_wholes};

/// The document.
pub struct Frames {
    /// As it is committed.
    pub text: String,
    messages: Value,
    closed: Value,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

static COMMITTED: LazyLock<Frames> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi.json");
    Frames::parse(std::fs::read_to_string(path).unwrap())
});

impl Frames {
    /// docs/asyncapi.json.
    pub fn committed() -> &'static Self {
        &COMMITTED
    }

    fn parse(text: String) -> Self {
        let json: Value = serde_json::from_str(&text).unwrap();
        let mut parts = BTreeSet::new();
        parts_of_wholes(&json, &mut parts);
        let mut closed = json["components"]["schemas"].clone();
        for (name, schema) in closed.as_object_mut().unwrap() {
            if !parts.contains(name) {
                close(schema);
            }
        }
        let messages = json["components"]["messages"].clone();
        Self { text, messages, closed, validators: Mutex::default() }
    }

    /// Everything about a frame of the server that the document does not say.
    pub fn judge(&self, frame: &Value) -> Vec<String> {
        match (frame["type"].as_str(), frame["event"].as_str()) {
            (Some("event"), Some(event)) => self.errors(&format!("event.{event}"), frame),
            (Some(kind), _) => self.errors(kind, frame),
            (None, _) => vec![format!("a frame without type: {frame}")],
        }
    }

    /// The same of a line of the log.
    pub fn judge_logged(&self, item: &Value) -> Vec<String> {
        let event = item["event"].as_str().unwrap_or_default();
        self.errors(&format!("logged.{event}"), item)
    }

    fn errors(&self, key: &str, frame: &Value) -> Vec<String> {
        if self.messages[key].is_null() {
            return vec![format!("{key} is not documented: {frame}")];
        }
        let validator = self.validator(key);
        let errors = validator.iter_errors(frame);
        errors.map(|error| format!("{key}{}: {error}", error.instance_path())).collect()
    }

    fn validator(&self, key: &str) -> Arc<Validator> {
        let mut known = self.validators.lock().unwrap();
        let validator = known.entry(key.to_owned()).or_insert_with(|| {
            let mut root = self.messages[key]["payload"].clone();
            close(&mut root);
            root["components"] = json!({"schemas": self.closed});
            Arc::new(jsonschema::draft202012::new(&root).expect("a schema"))
        });
        Arc::clone(validator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Value {
        json!({"type": "event", "seq": 3, "event": "auction_extended",
            "time": "2026-11-26T12:00:00.000Z",
            "data": {"old_end": "2026-11-26T12:00:00.000Z", "cause_seq": 2,
                "new_end": "2026-11-26T12:02:00.000Z"}})
    }

    #[test]
    fn a_frame_as_it_should_be_is_fine() {
        assert_eq!(Frames::committed().judge(&opened()), Vec::<String>::new());
        let time = json!({"type": "time", "t0": 1, "t1": 2.5, "t2": 3});
        assert_eq!(Frames::committed().judge(&time), Vec::<String>::new());
    }

    #[test]
    fn whatever_no_shape_knows_is_found() {
        let mut more = opened();
        more["data"]["reserve"] = json!({"amount": 1, "currency": "USD"});
        let mut less = opened();
        less["data"].as_object_mut().unwrap().remove("cause_seq");
        let mut other = opened();
        other["event"] = json!("auction_imploded");
        for wrong in [more, less, other, json!({"type": "confetti"}), json!({"seq": 1})] {
            assert!(!Frames::committed().judge(&wrong).is_empty(), "{wrong}");
        }
    }
}
