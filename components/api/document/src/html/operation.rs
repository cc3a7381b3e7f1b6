//! One operation in words.

use serde_json::Value;

use super::{codes_of, list, members, shape, text};
use crate::markdown::{self, escaped, inline};

/// What it takes, what it answers, what it refuses.
pub(super) fn section(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let (id, summary) = (text(operation, "/operationId"), text(operation, "/summary"));
    let mut html = format!("<section id=\"{}\">\n<h3>{}</h3>\n", escaped(id), inline(summary));
    let (method, path) = (method.to_uppercase(), escaped(path));
    html.push_str(&format!("<p><b class=\"method\">{method}</b> <code>{path}</code></p>\n"));
    html.push_str(&markdown::html(text(operation, "/description"), 4));
    html.push_str(&format!("<p>{}</p>\n", caller(operation)));
    html.push_str(&parameters(operation));
    html.push_str(&body(operation));
    html.push_str(&answers(operation));
    html.push_str(&refusals(document, operation));
    html.push_str("</section>\n");
    html
}

fn caller(operation: &Value) -> &'static str {
    let mut ways = list(operation, "/security");
    match (ways.next(), ways.next()) {
        (None, _) => "Anybody may call.",
        (Some(_), Some(_)) => "Anybody may call; a token that is sent must be valid.",
        (Some(_), None) => "Only with an access token.",
    }
}

fn parameters(operation: &Value) -> String {
    let mut html = String::new();
    for parameter in list(operation, "/parameters") {
        let (name, place) = (text(parameter, "/name"), text(parameter, "/in"));
        let kind = parameter.get("schema").map(shape::kind).unwrap_or_default();
        let required = parameter.get("required") == Some(&Value::Bool(true));
        let required = if required { ", required" } else { "" };
        html.push_str(&format!(
            "<dt><code>{}</code> in {place}: {kind}{required}</dt>\n<dd>{}</dd>\n",
            escaped(name),
            inline(text(parameter, "/description"))
        ));
    }
    if html.is_empty() { html } else { format!("<h4>Parameters</h4>\n<dl>\n{html}</dl>\n") }
}

fn body(operation: &Value) -> String {
    let Some(body) = operation.get("requestBody") else { return String::new() };
    let mut html = format!("<h4>Body</h4>\n<p>{}</p>\n", inline(text(body, "/description")));
    for (media_type, content) in members(body, "/content") {
        let kind = content.get("schema").map(shape::kind).unwrap_or_default();
        html.push_str(&format!("<p><code>{}</code>: {kind}</p>\n", escaped(media_type)));
        if let Some(example) = content.get("example") {
            html.push_str(&format!(
                "<pre><code>{}</code></pre>\n",
                escaped(&format!("{example:#}"))
            ));
        }
    }
    html
}

fn answers(operation: &Value) -> String {
    let mut html = "<h4>Answers</h4>\n<dl>\n".to_owned();
    let answers = members(operation, "/responses").filter(|(status, _)| *status < "400");
    for (status, response) in answers {
        let about = inline(text(response, "/description"));
        html.push_str(&format!("<dt><strong>{status}</strong> {about}</dt>\n"));
        for (media_type, content) in members(response, "/content") {
            let schema = content.get("schema");
            let item = schema.and_then(|schema| schema.pointer("/properties/items/items"));
            let kind = match (item, schema) {
                (Some(item), _) => format!("a page of {}", shape::kind(item)),
                (None, Some(schema)) => shape::kind(schema),
                (None, None) => String::new(),
            };
            html.push_str(&format!("<dd><code>{}</code>: {kind}</dd>\n", escaped(media_type)));
        }
        let names: Vec<_> = members(response, "/headers").map(|(name, _)| escaped(name)).collect();
        html.push_str(&format!("<dd>With {}</dd>\n", names.join(", ")));
    }
    html.push_str("</dl>\n");
    html
}

fn refusals(document: &Value, operation: &Value) -> String {
    let mut html = "<h4>Refusals and faults</h4>\n<dl>\n".to_owned();
    let refusals = members(operation, "/responses").filter(|(status, _)| *status >= "400");
    for (status, response) in refusals {
        let named = text(response, "/$ref").strip_prefix('#');
        let response = named.and_then(|path| document.pointer(path)).unwrap_or(response);
        let links = codes_of(response).map(|code| format!("<a href=\"#{code}\">{code}</a>"));
        let links: Vec<_> = links.collect();
        html.push_str(&format!(
            "<dt><strong>{status}</strong></dt><dd>{}</dd>\n",
            links.join(", ")
        ));
    }
    html.push_str("</dl>\n");
    html
}
