//! Shapes of bodies: schemas by name, gathered from types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// Schemas by name, and names that came with two of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Schemas {
    pub(super) known: BTreeMap<String, Value>,
    pub(super) clashes: BTreeSet<String>,
}

impl Schemas {
    /// A reference to the schema of `T`, which is added with all that it refers to.
    pub(super) fn named<T: ToSchema>(&mut self) -> Value {
        let mut found: Vec<(String, RefOr<Schema>)> = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        for (name, schema) in found {
            self.insert(name, plain(serde_json::to_value(schema).unwrap_or_default()));
        }
        json!({"$ref": format!("#/components/schemas/{}", T::name())})
    }

    /// Adds what others know.
    pub(super) fn extend(&mut self, others: &Self) {
        self.clashes.extend(others.clashes.iter().cloned());
        for (name, schema) in &others.known {
            self.insert(name.clone(), schema.clone());
        }
    }

    fn insert(&mut self, name: String, schema: Value) {
        if self.known.get(&name).is_some_and(|known| *known != schema) {
            self.clashes.insert(name.clone());
        }
        self.known.insert(name, schema);
    }
}

/// utoipa writes what may be null with null first, where readers look for the type; and it names
/// Rust's integers, of which it thinks `u32` were 32 bits with a sign.
fn plain(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for member in members.values_mut() {
                *member = plain(member.take());
            }
            if let Some(Value::Array(choices)) = members.get_mut("oneOf")
                && choices.len() == 2
                && choices.first() == Some(&json!({"type": "null"}))
            {
                choices.rotate_left(1);
            }
            let format = members.get("format").and_then(Value::as_str);
            if format.is_some_and(|format| format.starts_with("int")) {
                members.remove("format");
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = plain(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}
