//! The document as one page: no script, nothing from elsewhere, readable on a phone.
//!
//! Refusals link to what docs/errors says of them, at the end of the same page.

mod operation;
mod shape;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Error;
use crate::markdown::{self, escaped, inline};

/// The whole page; `errors` is the folder with a page for every code.
pub(crate) fn page(document: &Value, errors: &Path) -> Result<String, Error> {
    let mut body = String::new();
    let title = text(document, "/info/title");
    body.push_str(&format!("<header>\n<h1>{} API</h1>\n", escaped(title)));
    body.push_str(&markdown::html(text(document, "/info/description"), 2));
    body.push_str("<p>For machines: <a href=\"/openapi.json\">openapi.json</a>, and what is said ");
    body.push_str("live: <a href=\"/asyncapi.json\">asyncapi.json</a></p>\n</header>\n");
    body.push_str(&contents(document));
    body.push_str("<main>\n");
    for tag in list(document, "/tags") {
        let (name, about) = (text(tag, "/name"), text(tag, "/description"));
        body.push_str(&format!("<h2>{}</h2>\n<p>{}</p>\n", escaped(name), inline(about)));
        for (method, path, operation) in operations(document).filter(|found| is_of(found.2, name)) {
            body.push_str(&operation::section(document, method, path, operation));
        }
    }
    body.push_str("<h2 id=\"shapes\">Shapes</h2>\n");
    for (name, schema) in members(document, "/components/schemas") {
        body.push_str(&shape::section(name, schema));
    }
    body.push_str("<h2 id=\"errors\">Errors</h2>\n");
    for code in codes(document) {
        body.push_str(&error(&code, errors)?);
    }
    body.push_str("</main>\n");
    let head = HEAD.replace("TITLE", &escaped(title)).replace("STYLE", STYLE);
    Ok(format!("{head}<body>\n{body}</body>\n</html>\n"))
}

/// Every operation: method, path, object.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    members(document, "/paths").flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path, operation))
    })
}

fn is_of(operation: &Value, tag: &str) -> bool {
    list(operation, "/tags").any(|name| name == tag)
}

fn contents(document: &Value) -> String {
    let mut contents = "<nav aria-label=\"Contents\">\n<ul>\n".to_owned();
    for tag in list(document, "/tags") {
        let name = text(tag, "/name");
        contents.push_str(&format!("<li>{}<ul>\n", escaped(name)));
        for (method, path, operation) in operations(document).filter(|found| is_of(found.2, name)) {
            contents.push_str(&format!(
                "<li><a href=\"#{}\">{}</a> <small>{} {}</small></li>\n",
                escaped(text(operation, "/operationId")),
                inline(text(operation, "/summary")),
                method.to_uppercase(),
                escaped(path)
            ));
        }
        contents.push_str("</ul></li>\n");
    }
    contents.push_str("<li><a href=\"#shapes\">Shapes</a></li>\n");
    contents.push_str("<li><a href=\"#errors\">Errors</a></li>\n</ul>\n</nav>\n");
    contents
}

/// Every code that the document names.
pub(crate) fn codes(document: &Value) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let own = operations(document).flat_map(|(_, _, operation)| members(operation, "/responses"));
    for (_, response) in own.chain(members(document, "/components/responses")) {
        codes.extend(codes_of(response).map(str::to_owned));
    }
    codes
}

/// The codes that a response may have.
fn codes_of(response: &Value) -> impl Iterator<Item = &str> {
    let schema = response.pointer("/content/application~1problem+json/schema");
    let parts = schema.into_iter().flat_map(|schema| list(schema, "/allOf"));
    parts.flat_map(|part| list(part, "/properties/code/enum")).filter_map(Value::as_str)
}

fn error(code: &str, errors: &Path) -> Result<String, Error> {
    let path = errors.join(format!("{code}.md"));
    let page = fs::read_to_string(&path).map_err(Error::at(&path))?;
    let (heading, rest) = page.split_once('\n').unwrap_or((&page, ""));
    let heading = inline(heading.trim_start_matches("# "));
    let rest = markdown::html(rest, 4);
    Ok(format!("<section id=\"{code}\">\n<h3>{heading}</h3>\n{rest}</section>\n"))
}

/// A text below a pointer; empty where there is none.
fn text<'d>(value: &'d Value, pointer: &str) -> &'d str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of an array below a pointer.
fn list<'d>(value: &'d Value, pointer: &str) -> impl Iterator<Item = &'d Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The members of an object below a pointer.
fn members<'d>(value: &'d Value, pointer: &str) -> impl Iterator<Item = (&'d str, &'d Value)> {
    let members = value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>TITLE API</title>
<style>
STYLE</style>
</head>
";
const STYLE: &str = include_str!("style.css");
