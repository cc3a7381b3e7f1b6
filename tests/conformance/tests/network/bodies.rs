//! Large and endless bodies hurt nobody (reliability.md 3.3).

use std::time::Duration;

use conformance::wire::send;
use conformance::{Platform, Setup, User, id_of};
use serde_json::json;

async fn scene() -> (Platform, User, String) {
    let platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    (platform, ben, id)
}

fn head(user: &User, id: &str, rest: &str) -> String {
    let token = user.client.token().unwrap();
    format!(
        "POST /v1/auctions/{id}/bids HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: large\r\ncontent-type: application/json\r\n{rest}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_declared_body_of_five_gigabytes_is_refused_at_once() {
    let (platform, ben, id) = scene().await;
    let before = platform.memory_kib("VmHWM");
    let head = head(&ben, &id, "content-length: 5368709120");
    let answer = send(platform.client().address(), &head, &[b' '; 65_536], 81_920).await;
    assert!(answer.text.starts_with("HTTP/1.1 413 "), "{}", answer.text);
    assert!(answer.text.contains("\"code\":\"payload_too_large\""), "{}", answer.text);
    assert!(answer.closed && answer.took < Duration::from_secs(2), "{:?}", answer.took);
    let grown = platform.memory_kib("VmHWM") - before;
    println!("413 after {:?} and {} bytes; {grown} KiB more", answer.took, answer.sent);
    assert!(grown < 32 << 10, "{grown} KiB");
    assert_eq!(ben.bids(&id, 5_000).await.status, 201);
}

#[tokio::test]
async fn an_endless_chunked_body_is_refused_at_the_limit() {
    let (platform, ben, id) = scene().await;
    let before = platform.memory_kib("VmHWM");
    let head = head(&ben, &id, "transfer-encoding: chunked");
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend([b' '; 65_536]);
    chunk.extend(b"\r\n");
    let answer = send(platform.client().address(), &head, &chunk, 80_000).await;
    assert!(answer.text.starts_with("HTTP/1.1 413 "), "{} {}", answer.sent, answer.text);
    assert!(answer.closed && answer.sent < 64 << 20, "{} bytes were taken", answer.sent);
    let grown = platform.memory_kib("VmHWM") - before;
    println!("413 after {:?} and {} bytes; {grown} KiB more", answer.took, answer.sent);
    assert!(grown < 32 << 10, "{grown} KiB");
    assert_eq!(ben.bids(&id, 5_000).await.status, 201);
}
