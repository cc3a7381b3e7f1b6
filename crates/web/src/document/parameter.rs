//! Parameters of an operation.

use serde_json::{Value, json};

/// A parameter of a path or a query.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub(super) name: &'static str,
    text: &'static str,
    schema: Value,
}

impl Parameter {
    /// A parameter with its schema.
    pub fn new(name: &'static str, text: &'static str, schema: Value) -> Self {
        Self { name, text, schema }
    }

    pub(super) fn in_path(&self) -> Value {
        self.render("path", true)
    }

    pub(super) fn in_query(&self) -> Value {
        self.render("query", false)
    }

    pub(super) fn in_header(&self, required: bool) -> Value {
        self.render("header", required)
    }

    fn render(&self, place: &str, required: bool) -> Value {
        let Self { name, text, schema } = self;
        json!({"name": name, "in": place, "required": required, "description": text,
            "schema": schema})
    }
}
