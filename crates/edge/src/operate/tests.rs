use ports::{Delivery, Statement};
use serde_json::{Value as Json, json};

use super::Refusal;
use crate::testing::Site;
use crate::{Edge, Outgoing, Task, World};

const QUEUE: &str = "/_edge/queues/probe/thing.v1";

fn ask<W: World>(edge: &Edge<W>, method: &str, target: &str, body: &str) -> Result<Json, Refusal> {
    let answer = edge.operate(method, target, body.as_bytes())?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

/// A probe whose only message was given up.
fn with_a_dead_letter(site: &Site) -> Edge<impl World> {
    let edge = site.edge_that("consumers = [{ topic = \"thing.v1\", max_receives = 1 }]");
    let topic = "thing.v1".to_owned();
    let message = Outgoing { topic, key: "k".to_owned(), body: b"{\"n\":1}".to_vec() };
    edge.batch_and_tell(vec![Statement::new("SELECT 1", [])], vec![message]).unwrap();
    let lease = edge.next_work().unwrap().unwrap();
    edge.settle_work(&lease.id, &[Delivery::Retry("it is poison".to_owned())]).unwrap();
    edge
}

#[test]
fn operators_see_redrive_and_purge_dead_letters() {
    let site = Site::new();
    let edge = with_a_dead_letter(&site);
    let queues = ask(&edge, "GET", "/_edge/queues", "").unwrap();
    let shown = json!([{"queue": "probe/thing.v1", "messages": 0, "dead_letters": 1}]);
    assert_eq!(queues["items"], shown);
    let letters = ask(&edge, "GET", &format!("{QUEUE}/dead-letters"), "").unwrap();
    let letter = &letters["items"][0];
    assert_eq!(
        (&letter["last_error"], &letter["event"]["data"]),
        (&json!("it is poison"), &json!({"n": 1}))
    );
    let id = letter["event"]["id"].as_str().unwrap();
    let others = json!({"ids": ["another"]}).to_string();
    assert_eq!(
        ask(&edge, "POST", &format!("{QUEUE}/redrive"), &others),
        Ok(json!({"redriven": 0}))
    );
    let ids = json!({"ids": [id]}).to_string();
    assert_eq!(ask(&edge, "POST", &format!("{QUEUE}/redrive"), &ids), Ok(json!({"redriven": 1})));
    assert_eq!(ask(&edge, "POST", &format!("{QUEUE}/redrive"), "{}"), Ok(json!({"redriven": 0})));
    let again = edge.next_work().unwrap().unwrap();
    assert!(matches!(&again.task, Task::Consume(messages) if messages[0].id == id));
    edge.settle_work(&again.id, &[Delivery::Retry("still".to_owned())]).unwrap();
    assert_eq!(ask(&edge, "POST", &format!("{QUEUE}/purge"), "{}"), Ok(json!({"purged": 1})));
    assert_eq!(edge.next_work().unwrap(), None);
}

#[test]
fn what_a_subscription_left_behind_is_seen_and_purged() {
    let site = Site::new();
    drop(with_a_dead_letter(&site));
    let edge = site.edge();
    let queues = ask(&edge, "GET", "/_edge/queues", "").unwrap();
    assert_eq!(queues["items"][0]["queue"], "probe/thing.v1");
    assert_eq!(ask(&edge, "POST", &format!("{QUEUE}/purge"), "{}"), Ok(json!({"purged": 1})));
    assert_eq!(ask(&edge, "GET", "/_edge/queues", "").unwrap()["items"], json!([]));
}

#[test]
fn what_operators_ask_wrongly_changes_nothing() {
    let site = Site::new();
    let edge = with_a_dead_letter(&site);
    for (method, target, body, status) in [
        ("GET", "/_edge/queuesx", "", 404),
        ("GET", "/_edge/queues/probe/other.v1/dead-letters", "", 404),
        ("GET", "/_edge/queues/probe/thing.v1/anything", "", 404),
        ("GET", "/_edge/queues/probe/thing.v1/dead-letters?cursor=x", "", 400),
        ("POST", "/_edge/queues/probe/thing.v1/redrive", "", 400),
        ("POST", "/_edge/queues/probe/thing.v1/purge", "{\"all\":true}", 400),
        ("DELETE", "/_edge/queues/probe/thing.v1/dead-letters", "{}", 405),
        ("POST", "/_edge/queues", "{}", 405),
    ] {
        let refused = ask(&edge, method, target, body).unwrap_err();
        assert_eq!(refused.status, status, "{method} {target}");
    }
    let queues = ask(&edge, "GET", "/_edge/queues", "").unwrap();
    assert_eq!(queues["items"][0]["dead_letters"], json!(1));
}
