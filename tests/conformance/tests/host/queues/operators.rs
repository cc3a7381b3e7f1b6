//! Dead letters, as operators see them and send them back.

use conformance::Host;
use serde_json::{Value, json};

use super::{QUEUE, items, letters, platform, sends, until_empty};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_are_told_what_is_wrong_with_what_they_ask() {
    let platform = platform().await;
    let operator = platform.operator();
    let queues = "/v1/admin/queues";
    let dead = format!("{queues}/{QUEUE}/dead-letters");
    for (path, status, code) in [
        (format!("{queues}/"), 404, "not_found"),
        (format!("{queues}/faulty/nothing/dead-letters"), 404, "not_found"),
        (format!("{dead}/7-0"), 404, "not_found"),
        (format!("{dead}?limit=0"), 400, "invalid_limit"),
        (format!("{dead}?limit=101"), 400, "invalid_limit"),
        (format!("{dead}?cursor=x"), 400, "invalid_cursor"),
        (format!("{dead}?max=1"), 400, "invalid_request"),
    ] {
        operator.get(&path).await.refused(status, code);
    }
    let redrive = format!("{queues}/{QUEUE}/redrive");
    let post = |path: &str| operator.call("POST", path);
    let refused = post(&redrive).send().await.unwrap();
    refused.refused(415, "unsupported_media_type");
    for body in ["", "[]", "{\"id\": [\"1\"]}", "{\"ids\": \"1\"}"] {
        let call = post(&redrive).bytes("application/json", body.to_owned());
        call.send().await.unwrap().refused(400, "invalid_json");
    }
    let unknown = operator.post(&format!("{queues}/faulty/nothing/redrive"), &json!({}));
    unknown.send().await.unwrap().refused(404, "not_found");
    for (method, path) in [("POST", queues), ("PUT", &dead), ("GET", &redrive)] {
        let refused = operator.call(method, path).send().await.unwrap();
        refused.refused(405, "method_not_allowed");
    }
    let public = platform.client();
    public.get(queues).await.refused(404, "not_found");
    public.get(&dead).await.refused(404, "not_found");
    let page = operator.get("/").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert!(page.text().contains(QUEUE) && page.text().contains("No dead letters."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_does_what_the_address_does() {
    let platform = platform().await;
    let client = platform.client();
    let poison: Vec<(&str, Value)> = (0..3).map(|n| ("poison", json!(n))).collect();
    sends(&client, &poison).await;
    until_empty(&platform, QUEUE, 3).await;
    let address = format!("http://{}", platform.operator().address());
    let said = async |arguments: &[&str]| {
        let rest = ["--operator", &address];
        Host::run(&[["queues"].as_slice(), arguments, &rest].concat()).await
    };
    let (status, list) = said(&[]).await;
    assert!(status.success() && list.contains(QUEUE) && list.contains("DEAD LETTERS"), "{list}");
    let (_, page) = said(&["dead-letters", QUEUE, "--limit", "2", "--json"]).await;
    let page: Value = serde_json::from_str(&page).unwrap();
    let all = letters(&platform, "?limit=2").await;
    assert_eq!(page, all);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, rest) = said(&["dead-letters", QUEUE, "--cursor", cursor]).await;
    let last = letters(&platform, &format!("?cursor={cursor}")).await;
    let last_id = last["items"][0]["event"]["id"].as_str().unwrap();
    assert!(last["next_cursor"].is_null() && rest.contains(last_id), "{rest}");
    let html = platform.operator().get("/").await.expect(200).text();
    assert!(html.contains("3 dead letters wait for you.") && html.contains(last_id), "{html}");
    let (status, told) = said(&["purge", QUEUE]).await;
    assert!(!status.success() && told.contains("--all"), "{told}");
    let (_, told) = said(&["purge", QUEUE, last_id]).await;
    assert_eq!(told, "1 purged\n");
    client.call("POST", "/faulty/heal").send().await.unwrap().expect(200);
    let (_, told) = said(&["redrive", QUEUE]).await;
    assert_eq!(told, "2 redriven\n");
    until_empty(&platform, QUEUE, 0).await;
    let got = items(&client, "/faulty/got").await;
    let bodies: Vec<&Value> = got.iter().map(|got| &got["body"]).collect();
    assert_eq!(bodies, [0, 1]);
    let (status, told) = said(&["redrive", "faulty/nothing"]).await;
    assert!(!status.success() && told.contains("404"), "{told}");
    let (status, told) = said(&["redrive", "nothing"]).await;
    assert!(!status.success() && told.contains("COMPONENT/TOPIC"), "{told}");
}
