//! Schemas in words.

use serde_json::Value;

use super::{list, members, text};
use crate::markdown::{escaped, inline};

/// A shape with its members.
pub(super) fn section(name: &str, schema: &Value) -> String {
    let about = inline(text(schema, "/description"));
    let about = if about.is_empty() { about } else { format!("<p>{about}</p>\n") };
    let name = escaped(name);
    let described = if schema.get("properties").is_some() {
        properties(schema)
    } else {
        format!("<p>{}</p>\n", kind(schema))
    };
    format!("<section id=\"shape-{name}\">\n<h3>{name}</h3>\n{about}{described}</section>\n")
}

/// Members of an object.
fn properties(schema: &Value) -> String {
    let mut html = "<dl>\n".to_owned();
    for (name, member) in members(schema, "/properties") {
        let required = list(schema, "/required").any(|required| required == name);
        let optional = if required { "" } else { ", may be absent" };
        let (name, kind) = (escaped(name), kind(member));
        let about = inline(text(member, "/description"));
        html.push_str(&format!("<dt><code>{name}</code>: {kind}{optional}</dt>\n"));
        if !about.is_empty() {
            html.push_str(&format!("<dd>{about}</dd>\n"));
        }
    }
    html.push_str("</dl>\n");
    html
}

/// What a value is, in a line.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = escaped(name.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#shape-{name}\">{name}</a>");
    }
    for (keyword, joint) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " with ")] {
        if let Some(parts) = schema.get(keyword).and_then(Value::as_array) {
            let kinds = parts.iter().map(kind).filter(|kind| !kind.is_empty());
            return kinds.collect::<Vec<_>>().join(joint);
        }
    }
    if let Some(known) = schema.get("enum").and_then(Value::as_array) {
        return values(known);
    }
    let mut words = match schema.get("type") {
        Some(Value::Array(names)) => {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            names.join(" or ")
        }
        Some(Value::String(name)) if name == "array" => {
            format!("array of {}", schema.get("items").map(kind).unwrap_or_default())
        }
        Some(Value::String(name)) => name.clone(),
        _ => String::new(),
    };
    for bound in bounds(schema) {
        words.push_str(&format!(", {bound}"));
    }
    words
}

fn values(known: &[Value]) -> String {
    let words = known.iter().map(|value| {
        let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("<code>{}</code>", escaped(&word))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn bounds(schema: &Value) -> Vec<String> {
    let number = |name: &str| schema.get(name).map(Value::to_string);
    let range = |least: &str, most: &str, unit: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("at least {least}{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (None, None) => None,
    };
    let pattern = schema.get("pattern").and_then(Value::as_str);
    let default = number("default").map(|default| format!("{default} when absent"));
    let known = [
        range("minimum", "maximum", ""),
        range("minLength", "maxLength", " characters"),
        range("minItems", "maxItems", " items"),
        pattern.map(|pattern| format!("<code>{}</code>", escaped(pattern))),
        default,
    ];
    known.into_iter().flatten().collect()
}
