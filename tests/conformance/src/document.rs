//! The committed API document, and what it says of an answer.
//!
//! Answers are held to it more strictly than a client should: a member that no shape knows is
//! wrong, though the contract allows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::Reply;

/// The document.
pub struct Document {
    /// As it is committed.
    pub text: String,
    json: Value,
    /// Schemas in which objects without a word about further members have none.
    closed: Value,
    operations: Vec<Operation>,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// One documented operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Operation id.
    pub id: String,
    /// Method, upper case.
    pub method: String,
    /// Path template.
    pub path: String,
    /// The operation object, responses resolved.
    pub json: Value,
}

static COMMITTED: LazyLock<Document> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    Document::parse(std::fs::read_to_string(path).unwrap())
});

impl Document {
    /// docs/openapi.json.
    pub fn committed() -> &'static Self {
        &COMMITTED
    }

    fn parse(text: String) -> Self {
        let json: Value = serde_json::from_str(&text).unwrap();
        let mut operations = Vec::new();
        for (path, item) in json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let mut operation = operation.clone();
                for response in operation["responses"].as_object_mut().unwrap().values_mut() {
                    *response = resolved(&json, response).clone();
                }
                operations.push(Operation {
                    id: operation["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    json: operation,
                });
            }
        }
        let mut parts = BTreeSet::new();
        parts_of_wholes(&json, &mut parts);
        let mut closed = json["components"]["schemas"].clone();
        for (name, schema) in closed.as_object_mut().unwrap() {
            if !parts.contains(name) {
                close(schema);
            }
        }
        Self { text, closed, operations, json, validators: Mutex::default() }
    }

    /// Every operation.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operations of a path; none where no template fits. A template that names all segments
    /// comes before one that leaves some open (OpenAPI 3.1, Paths Object).
    pub fn at(&self, path: &str) -> Vec<&Operation> {
        let fitting = || self.operations.iter().filter(|operation| fits(&operation.path, path));
        let open = |operation: &Operation| operation.path.matches('{').count();
        let fewest = fitting().map(open).min();
        fitting().filter(|operation| Some(open(operation)) == fewest).collect()
    }

    /// Everything about an answer that the document does not say; of answers at other paths it
    /// says nothing.
    pub fn judge(&self, method: &str, target: &str, reply: &Reply) -> Vec<String> {
        let known = self.at(target.split('?').next().unwrap_or_default());
        if known.is_empty() || method == "OPTIONS" {
            return Vec::new();
        }
        let asked = if method == "HEAD" { "GET" } else { method };
        let found = known.iter().find(|operation| operation.method == asked);
        let (name, response) = match found {
            Some(operation) => {
                let response = &operation.json["responses"][reply.status.to_string()];
                (operation.id.as_str(), response)
            }
            None if reply.status == 405 => {
                ("405", &self.json["components"]["responses"]["MethodNotAllowed"])
            }
            // Refused by the platform before the path was looked at.
            None if matches!(reply.status, 400 | 408 | 413) => return Vec::new(),
            None => return vec![format!("{} for a method without operation", reply.status)],
        };
        if response.is_null() {
            return vec![format!("{name} does not answer {}", reply.status)];
        }
        let mut wrong = self.headers(response, reply);
        wrong.extend(self.content(response, reply, method == "HEAD"));
        wrong.iter().map(|what| format!("{name}, {}: {what}", reply.status)).collect()
    }

    fn headers(&self, response: &Value, reply: &Reply) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, header) in response["headers"].as_object().unwrap_or(&Map::new()) {
            let header = resolved(&self.json, header);
            let Some(sent) = reply.header(&name.to_ascii_lowercase()) else {
                if header["required"] == true {
                    wrong.push(format!("no {name}"));
                }
                continue;
            };
            let is_integer = header["schema"]["type"] == "integer";
            let value = sent.parse::<i64>().ok().filter(|_| is_integer);
            let value = value.map_or_else(|| Value::from(sent), Value::from);
            wrong
                .extend(self.errors(&header["schema"], &value).map(|why| format!("{name}: {why}")));
        }
        wrong
    }

    fn content(&self, response: &Value, reply: &Reply, is_head: bool) -> Option<String> {
        let Some(content) = response["content"].as_object() else {
            return (!reply.body.is_empty()).then(|| "a body where none is documented".to_owned());
        };
        let media_type = reply.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default();
        let Some(documented) = content.get(media_type) else {
            return Some(format!("{media_type:?} is not documented"));
        };
        if is_head {
            return None;
        }
        let value = if media_type.ends_with("json") {
            let Ok(value) = serde_json::from_slice(&reply.body) else {
                return Some(format!("no JSON: {}", reply.text()));
            };
            value
        } else {
            Value::from(reply.text())
        };
        self.errors(&documented["schema"], &value).map(|why| format!("{why} in {}", reply.text()))
    }

    fn errors(&self, schema: &Value, value: &Value) -> Option<String> {
        let validator = self.validator(schema);
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    /// Validators are kept: making one takes longer than most of what they look at.
    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut known = self.validators.lock().unwrap();
        let validator = known.entry(schema.to_string()).or_insert_with(|| {
            let mut root = schema.clone();
            if root.get("allOf").is_some() {
                root["unevaluatedProperties"] = false.into();
            } else {
                close(&mut root);
            }
            root["components"] = json!({"schemas": self.closed});
            Arc::new(jsonschema::draft202012::new(&root).expect("a schema"))
        });
        Arc::clone(validator)
    }
}

impl Operation {
    /// Every documented refusal: status and code. Faults are none.
    pub fn refusals(&self) -> Vec<(u16, String)> {
        let mut refusals = Vec::new();
        for (status, response) in self.json["responses"].as_object().unwrap() {
            let status: u16 = status.parse().unwrap();
            let schema = &response["content"]["application/problem+json"]["schema"];
            for part in schema["allOf"].as_array().into_iter().flatten() {
                let codes = part["properties"]["code"]["enum"].as_array();
                let codes = codes.into_iter().flatten().filter(|_| status < 500);
                refusals.extend(codes.map(|code| (status, code.as_str().unwrap().to_owned())));
            }
        }
        refusals
    }

    /// Must callers sign in?
    pub fn takes_a_token(&self) -> bool {
        !self.json["security"].as_array().unwrap().is_empty()
    }

    /// Does it know that parameter there?
    pub fn takes(&self, place: &str, name: &str) -> bool {
        self.parameter(place, name).is_some()
    }

    /// What a parameter looks like, if it has to look like something.
    pub fn pattern(&self, place: &str, name: &str) -> Option<&str> {
        self.parameter(place, name)?["schema"]["pattern"].as_str()
    }

    fn parameter(&self, place: &str, name: &str) -> Option<&Value> {
        let mut parameters = self.json["parameters"].as_array().unwrap().iter();
        parameters.find(|known| known["in"] == place && known["name"] == name)
    }

    /// The example of its body; null when it takes none.
    pub fn example(&self) -> &Value {
        &self.json["requestBody"]["content"]["application/json"]["example"]
    }
}

/// What a reference stands for, or the value itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.map_or(value, |pointer| document.pointer(pointer).expect("a reference that leads on"))
}

/// Does a path fit a template?
fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(&given).all(|(wanted, given)| {
            if wanted.starts_with('{') { !given.is_empty() } else { wanted == given }
        })
}

/// Names of shapes that are one part of an object among several: alone they stay open.
pub(crate) fn parts_of_wholes(value: &Value, parts: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
                let name = part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
                parts.extend(name.map(str::to_owned));
            }
            members.values().for_each(|member| parts_of_wholes(member, parts));
        }
        Value::Array(items) => items.iter().for_each(|item| parts_of_wholes(item, parts)),
        _ => {}
    }
}

/// Forbids members that an object does not name, unless it says something about them.
pub(crate) fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) {
                members.entry("additionalProperties").or_insert(false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
