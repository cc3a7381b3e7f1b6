//! The API document against the running binary, in both directions: what it says is so, and what
//! is refused is in it. Every answer of the client is held to its shape besides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod accounts;
mod generic;
mod own;
mod people;
mod scene;
mod stage;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use conformance::document::{Document, Operation};
use conformance::{Kind, Setup};
use scene::Scene;

#[tokio::test]
async fn the_committed_document_is_served_with_a_tag() {
    let platform = Setup::production().start().await;
    let client = platform.client();
    let served = [
        ("/openapi.json", "application/json"),
        ("/asyncapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
    ];
    for (path, media_type) in served {
        let first = client.get(path).await.expect(200);
        assert_eq!(first.header("content-type"), Some(media_type));
        assert_eq!(first.header("cache-control"), Some("no-cache"));
        let tag = first.header("etag").expect("a tag").to_owned();
        let again = client.call("GET", path).header("if-none-match", &tag).send().await.unwrap();
        assert!(again.expect(304).body.is_empty());
        let other = client.call("GET", path).header("if-none-match", "\"x\"").send().await.unwrap();
        assert_eq!(other.expect(200).body, first.body);
    }
    let served = client.get("/openapi.json").await.text();
    assert!(served == Document::committed().text, "another document is served");
    let page = client.get("/docs").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

#[tokio::test]
async fn every_documented_operation_is_answered_as_documented() {
    let scene = Scene::open().await;
    for operation in Document::committed().operations() {
        let request = scene.request(operation).await;
        let reply = request.clone().send(&scene.client()).await;
        // A redirect is what a way to another provider is made of.
        let fine = match operation.path.as_str() {
            path if path.starts_with("/v1/oauth/{") => 302..304,
            // What asks for no socket is told where else to look.
            path if path.ends_with("/live") => 426..427,
            _ => 200..300,
        };
        assert!(fine.contains(&reply.status), "{}: {}", operation.id, reply.text());
        if operation.takes("header", "If-None-Match") {
            let tag = reply.header("etag").expect("a tag").to_owned();
            let known = request.header("if-none-match", &tag);
            known.send(&scene.client()).await.expect(304);
        }
    }
}

#[tokio::test]
async fn an_undocumented_method_is_405_and_every_path_tells_its_methods() {
    let scene = Scene::open().await;
    let mut paths: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for operation in Document::committed().operations() {
        let methods = paths.entry(&operation.path).or_default();
        methods.insert(operation.method.clone());
        if operation.method == "GET" {
            methods.insert("HEAD".to_owned());
        }
    }
    for (template, mut methods) in paths {
        let path = scene.somewhere(template);
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "QUERY", "BREW"] {
            // The runtime of Workers answers methods that it does not know, with 501.
            let is_runtimes = method == "BREW" && Kind::chosen() == Kind::Cloudflare;
            if !methods.contains(method) && !is_runtimes {
                let reply = scene.ben.client.call(method, &path).send().await.unwrap();
                reply.refused(405, "method_not_allowed");
            }
        }
        let told = scene.ben.client.call("OPTIONS", &path).send().await.unwrap().expect(204);
        let allow = told.header("allow").expect("OPTIONS tells the methods").split(", ");
        methods.insert("OPTIONS".to_owned());
        assert_eq!(allow.map(str::to_owned).collect::<BTreeSet<_>>(), methods, "{template}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_refusal_can_be_met() {
    let scene = Scene::open().await;
    let operations = Document::committed().operations();
    let mut unseen = Vec::new();
    for operation in operations {
        for (status, code) in operation.refusals() {
            let is_unseen =
                UNSEEN.iter().any(|(id, unseen, _)| *id == operation.id && *unseen == code);
            // How long a body may take is its host's to say: tests/host/patience.rs. Spin answers
            // heads that are no text by itself, with 500 and nothing else.
            let is_listeners = code == "request_timeout"
                || code == "invalid_header" && Kind::chosen() == Kind::Spin;
            if !is_listeners && !is_unseen {
                unseen.extend(provoke(&scene, operation, status, &code).await);
            }
        }
    }
    assert!(unseen.is_empty(), "documented, but never seen:\n{}", unseen.join("\n"));
}

#[test]
fn what_is_left_out_is_documented() {
    let operations = Document::committed().operations();
    for (id, code, why) in UNSEEN {
        let operation = operations.iter().find(|operation| operation.id == *id);
        let mut refusals = operation.expect(id).refusals().into_iter();
        assert!(refusals.any(|(_, known)| known == *code), "{id} {code}");
        assert!(!why.is_empty());
    }
}

/// Refusals that no test meets over the network: operation, code, and why.
const UNSEEN: &[(&str, &str, &str)] = &[
    ("offerSecondChance", "too_late", "sixty days must pass"),
    ("watchLive", "too_many_sockets", "nobody asks for a socket here"),
    ("watchAuction", "too_many_watches", "ten thousand auctions must be listed"),
    ("setPicture", "precondition_failed", "two of the seller's requests must meet, three times"),
    ("removePicture", "precondition_failed", "two of the seller's requests must meet"),
    ("eraseMe", "reauthentication_required", "ten minutes must pass"),
    ("offerTotp", "reauthentication_required", "ten minutes must pass"),
    ("removeTotp", "reauthentication_required", "ten minutes must pass"),
    ("eraseMe", "rate_limited", "passwords are asked for when ten minutes have passed"),
    ("offerTotp", "rate_limited", "passwords are asked for when ten minutes have passed"),
    ("removeTotp", "rate_limited", "passwords are asked for when ten minutes have passed"),
    ("linkProvider", "rate_limited", "rates by address are wide in tests"),
    ("signInByTicket", "rate_limited", "rates by address are wide in tests"),
    ("startOauth", "rate_limited", "rates by address are wide in tests"),
    ("finishOauth", "rate_limited", "rates by address are wide in tests"),
];

/// Why that refusal was not seen; none when it was.
async fn provoke(scene: &Scene, operation: &Operation, status: u16, code: &str) -> Option<String> {
    let name = format!("{} {status} {code}", operation.id);
    let reply = match own::provoked(scene, operation, code).await {
        None => generic::provoked(scene, operation, code).await,
        own => own,
    };
    let Some(reply) = reply else {
        return Some(format!("{name}: add to own.rs how it is provoked"));
    };
    let met = reply.status == status && reply.code() == code;
    (!met).then(|| format!("{name}: {} {}", reply.status, reply.text()))
}
