//! The document and the route tables say the same, and what is committed is what they say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;

use api_document::{docs, document, live, make, sections};
use serde_json::Value;

/// Method and path, as the document writes them, and the operation id.
type Operation = (String, String, String);

fn documented(document: &Value) -> BTreeSet<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| {
            let id = operation["operationId"].as_str().unwrap();
            (method.clone(), path.clone(), id.to_owned())
        })
    });
    operations.collect()
}

#[test]
fn what_is_committed_is_up_to_date() {
    let made = make(&docs()).unwrap();
    let files =
        [("openapi.json", made.json), ("openapi.html", made.html), ("asyncapi.json", made.live)];
    for (name, made) in files {
        let committed = fs::read_to_string(docs().join(name)).unwrap_or_default();
        assert!(made == committed, "docs/{name} is out of date: cargo xtask openapi");
    }
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let mut routes = BTreeSet::new();
    for section in sections() {
        for (route, is_documented) in section.operations() {
            let method = route.method.as_str().to_ascii_lowercase();
            if is_documented {
                let new = routes.insert((method, route.path.into(), route.operation.to_owned()));
                assert!(new, "{} comes twice", route.path);
            } else {
                let path = route.path;
                assert!(path.starts_with("/_dev/"), "{path} is not documented");
            }
        }
    }
    assert_eq!(documented(&document().unwrap()), routes);
}

#[test]
fn operation_ids_are_unique() {
    let operations = documented(&document().unwrap());
    let ids: BTreeSet<_> = operations.iter().map(|(_, _, id)| id).collect();
    assert_eq!(ids.len(), operations.len());
}

#[test]
fn parameters_of_paths_are_those_of_the_templates() {
    let document = document().unwrap();
    for (method, path, id) in documented(&document) {
        let parts = path.split('/').filter_map(|part| part.strip_prefix('{'));
        let template: Vec<_> = parts.filter_map(|part| part.strip_suffix('}')).collect();
        let parameters = document["paths"][&path][&method]["parameters"].as_array().unwrap();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let named: Vec<_> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(named, template, "{id}");
    }
}

#[test]
fn an_operation_takes_a_body_where_its_route_allows_one() {
    let document = document().unwrap();
    for section in sections() {
        for (route, _) in section.operations().filter(|(_, is_documented)| *is_documented) {
            let method = route.method.as_str().to_ascii_lowercase();
            let takes = document["paths"][route.path][method]["requestBody"].is_object();
            assert_eq!(takes, route.body_max_bytes > 0, "{}", route.operation);
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document().unwrap();
    let ids: BTreeSet<_> = documented(&document).into_iter().map(|(_, _, id)| id).collect();
    let created = &document["paths"]["/v1/auctions"]["post"]["responses"]["201"];
    for link in created["links"].as_object().unwrap().values() {
        assert!(ids.contains(link["operationId"].as_str().unwrap()), "{link}");
    }
    for document in [document, live().unwrap()] {
        let mut references = BTreeSet::new();
        collect(&document, &mut references);
        assert!(references.len() > 30);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn every_event_that_the_log_names_has_a_shape() {
    let (document, live) = (document().unwrap(), live().unwrap());
    let names = document["components"]["schemas"]["EventName"]["enum"].as_array().unwrap();
    let messages = live["components"]["messages"].as_object().unwrap();
    for prefix in ["event", "logged"] {
        let told = messages.keys().filter(|key| key.starts_with(&format!("{prefix}.")));
        assert_eq!(told.count(), names.len());
        for name in names {
            let key = format!("{prefix}.{}", name.as_str().unwrap());
            assert!(messages.contains_key(&key), "{key}");
        }
    }
}

#[test]
fn the_page_shows_every_operation_and_every_code() {
    let html = make(&docs()).unwrap().html;
    for (_, _, id) in documented(&document().unwrap()) {
        assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
    let links = html.match_indices("href=\"#").map(|(at, start)| &html[at + start.len()..]);
    let targets: BTreeSet<_> = links.map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(targets.contains("bid_too_low") && targets.contains("shape-Money"));
    for target in targets {
        assert_eq!(html.matches(&format!("id=\"{target}\"")).count(), 1, "{target}");
    }
    for elsewhere in ["<script", "src=", "href=\"http", "@import", "url("] {
        assert!(!html.contains(elsewhere), "{elsewhere}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
