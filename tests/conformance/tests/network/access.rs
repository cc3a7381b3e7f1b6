//! Who may do what (reliability.md 3.1, object and function access): every route of the API
//! document by everybody, as one table says. A route without a row fails, and so does a row without
//! a route.

mod stage;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use conformance::document::{Document, Operation};
use conformance::pictures::png;
use conformance::{Reply, User, id_of, usd};
use serde_json::json;

use stage::{Place, Scene};
use table::{ROWS, Row};

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Whose it is: who bid, who was offered something, who sells where only the seller acts.
    Owner,
    /// Signed in, and nothing to do with it.
    Other,
    /// Sells the auction.
    Seller,
    /// An administrator, who has nothing to do with it.
    Admin,
    /// Without a token.
    Anonymous,
    /// Signed in while suspended.
    Suspended,
}

/// The order of the columns.
const COLUMNS: [Who; 6] =
    [Who::Owner, Who::Other, Who::Seller, Who::Admin, Who::Anonymous, Who::Suspended];

fn key(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.path)
}

fn row_of(operation: &Operation) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.route == key(operation))
}

#[test]
fn every_route_has_one_row_and_every_row_a_route() {
    let routes: BTreeSet<_> = Document::committed().operations().iter().map(key).collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|row| row.route.to_owned()).collect();
    assert_eq!(rows.len(), ROWS.len(), "a route has two rows");
    let missing: Vec<_> = routes.difference(&rows).collect();
    let stale: Vec<_> = rows.difference(&routes).collect();
    assert!(missing.is_empty(), "routes without a row in access/table.rs: {missing:#?}");
    assert!(stale.is_empty(), "rows without a route in docs/openapi.json: {stale:#?}");
}

/// What the document says of tokens is what the table expects: no cell can be lenient by mistake.
#[test]
fn the_table_is_as_strict_as_the_document() {
    let mut wrong = Vec::new();
    for operation in Document::committed().operations() {
        let Some(row) = row_of(operation) else { continue };
        let [.., anonymous, suspended] = row.expected;
        let schemes = operation.json["security"].as_array().unwrap();
        let is_demanded = !schemes.is_empty() && !schemes.contains(&json!({}));
        if is_demanded && anonymous != 401 {
            wrong.push(format!("{}: anonymous gets {anonymous}", row.route));
        }
        let codes = operation.refusals();
        let is_active = codes.iter().any(|(_, code)| code == "account_suspended");
        if is_active && suspended != 403 {
            wrong.push(format!("{}: suspended gets {suspended}", row.route));
        }
        let changes = operation.method != "GET" && is_demanded;
        if changes && !is_active && !table::OPEN_TO_SUSPENDED.contains(&row.route) {
            wrong.push(format!("{}: a suspended account may change something", row.route));
        }
        if row.route.contains(" /v1/admin/") && row.expected != table::ADMINS {
            wrong.push(format!("{}: not for administrators alone", row.route));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_what_the_table_says() {
    let scene = Scene::open().await;
    let mut wrong = Vec::new();
    let mut cells = 0;
    for operation in Document::committed().operations() {
        let Some(row) = row_of(operation) else { continue };
        for (who, status) in COLUMNS.into_iter().zip(row.expected) {
            let reply = attempt(&scene, operation, row, who).await;
            wrong.extend(fault(operation, who, status, &reply));
            cells += 1;
        }
    }
    println!("{cells} cells");
    assert!(cells >= COLUMNS.len() * 20, "only {cells} cells were tried");
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
}

/// A well-formed request where it is possible, on a stage of its own.
async fn attempt(scene: &Scene, operation: &Operation, row: &Row, who: Who) -> Reply {
    let stage = scene.set(row.place, who).await;
    let public = scene.platform.client();
    let client = stage.actor.as_ref().map_or(&public, |user| &user.client);
    let mut call = client.call(&operation.method, &stage.path(&operation.path));
    if operation.takes("header", "Idempotency-Key") {
        call = call.key(&stage::fresh("access"));
    }
    if operation.takes("header", "If-Match") {
        call = call.header("if-match", "*");
    }
    if operation.id == "setPicture" {
        return call.bytes("image/png", png(40, 30, 40, "")).send().await.unwrap();
    }
    let body = match row.body {
        "" if operation.example().is_null() => return call.send().await.unwrap(),
        "" => operation.example().to_string(),
        body => stage.body(body),
    };
    let is_form = body.starts_with("List-Unsubscribe=");
    let media_type = if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
    call.bytes(media_type, body).send().await.unwrap()
}

/// What is wrong with a cell; none when it is as the table says.
fn fault(operation: &Operation, who: Who, status: u16, reply: &Reply) -> Option<String> {
    let name = format!("{} by {who:?}", key(operation));
    if reply.status != status {
        return Some(format!("{name}: expected {status}, came {} {}", reply.status, reply.text()));
    }
    let code = if status < 400 { String::new() } else { reply.code() };
    let is_asked = operation.takes_a_token();
    // Who is suspended goes on to look, and is refused as everybody else is.
    let is_change = operation.method != "GET";
    let right = match (who, status) {
        (Who::Anonymous, 401) if is_asked => {
            code == "unauthenticated" && reply.header("www-authenticate").is_some()
        }
        (Who::Suspended, 403) if is_change => code == "account_suspended",
        (_, 401) if is_asked => false,
        (_, 403) => code != "account_suspended",
        _ => true,
    };
    (!right).then(|| format!("{name}: {status} is right, {code:?} is not: {}", reply.text()))
}

/// Ids are looked up where they belong: a bid or an offer of one auction is not there in another.
#[tokio::test]
async fn nested_ids_belong_to_their_parents() {
    let scene = Scene::open().await;
    let here = scene.set(Place::Bid, Who::Owner).await;
    let sealed = scene.set(Place::Sealed, Who::Owner).await;
    let offered = scene.set(Place::Offer, Who::Owner).await;
    let elsewhere = id_of(&scene.ana.lists(json!({})).await);
    scene.ben.bids(&elsewhere, 1_000).await.expect(201);
    let reason = json!({"reason": "wrong_amount"});
    let (bid, offer) = (&here.inner, &offered.inner);
    for (method, path, body) in [
        ("POST", format!("/v1/auctions/{elsewhere}/bids/{bid}/retraction"), Some(&reason)),
        ("DELETE", format!("/v1/auctions/{elsewhere}/bids/{}", sealed.inner), None),
        (
            "POST",
            format!("/v1/auctions/{elsewhere}/second-chance-offers/{offer}/acceptance"),
            Some(&json!({})),
        ),
        (
            "POST",
            format!("/v1/auctions/{elsewhere}/second-chance-offers/{offer}/decline"),
            Some(&json!({})),
        ),
    ] {
        let mut call = scene.ben.client.call(method, &path);
        if let Some(body) = body {
            call = call.json(body);
        }
        let reply = call.send().await.unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{method} {path}");
    }
}

/// Members that only the platform may set are refused, not overlooked.
#[tokio::test]
async fn nobody_sets_what_is_not_theirs() {
    let scene = Scene::open().await;
    let auction = id_of(&scene.ana.lists(json!({})).await);
    let other = json!({"id": scene.ben.id, "display_name": "ben"});
    for (member, value) in [
        ("seller", other.clone()),
        ("seller_id", json!(scene.ben.id)),
        ("status", json!("sold")),
        ("winner", other),
        ("price", usd(1)),
        ("bid_count", json!(0)),
        ("id", json!(auction)),
    ] {
        let body = User::terms(json!({member: value}));
        let reply = scene.ana.list_call(&stage::fresh("set"), &body).send().await.unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (400, "unknown_field"), "{member}");
        let change = scene.ana.client.call("PATCH", &format!("/v1/auctions/{auction}"));
        let reply = change.json(&json!({member: value})).header("if-match", "*").send().await;
        assert_eq!(reply.unwrap().code(), "unknown_field", "PATCH {member}");
    }
    let path = format!("/v1/auctions/{auction}/bids");
    for member in ["bidder", "bidder_id", "user_id", "time"] {
        let bid = json!({"amount": usd(5_000), member: scene.cy.id});
        let reply = scene.ben.client.post(&path, &bid).key("set").send().await.unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (400, "unknown_field"), "{member}");
    }
}

/// What operators may do is not there for the public, whoever asks (V8).
#[tokio::test]
async fn operators_routes_are_not_on_the_public_address() {
    let scene = Scene::open().await;
    let public = scene.platform.client();
    let mut seen = BTreeMap::new();
    for client in [&public, &scene.ben.client, &scene.root.client] {
        for (method, path) in [
            ("GET", "/metrics"),
            ("GET", "/v1/admin/queues"),
            ("GET", "/v1/admin/queues/notifications/auction.ended.v1/dead-letters"),
            ("POST", "/v1/admin/queues/notifications/auction.ended.v1/redrive"),
            ("DELETE", "/v1/admin/queues/notifications/auction.ended.v1/dead-letters"),
        ] {
            let reply = client.call(method, path).send().await.unwrap();
            if reply.status != 404 {
                seen.insert(format!("{method} {path}"), reply.status);
            }
        }
    }
    assert!(seen.is_empty(), "the public sees {seen:?}");
}
