//! Frames that no client should send: each is told or closes its own socket, and nothing else.

use conformance::socket::Socket;
use conformance::usd;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{Scene, command_id};

/// It still answers.
async fn is_alive(socket: &mut Socket) {
    socket.say(json!({"type": "time", "t0": 7})).await;
    while socket.next_of("time").await["t0"] != 7 {}
}

#[tokio::test]
async fn what_is_not_understood_is_told_and_nothing_is_lost() {
    let scene = Scene::set().await;
    let ben = scene.user("ben").await;
    let mut socket = scene.socket_of(&ben).await;
    let bad = [
        r#"{"type":"confetti"}"#.to_owned(),
        r#"{"no":"type"}"#.to_owned(),
        r#"{"type":7}"#.to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "hello".to_owned(),
        "{".to_owned(),
        String::new(),
        format!("{}1{}", "[".repeat(500), "]".repeat(500)),
    ];
    for text in bad {
        socket.send(Message::text(text.clone())).await;
        let error = socket.next_of("error").await;
        assert!(error["code"].as_str().is_some_and(|code| !code.is_empty()), "{text}: {error}");
    }
    is_alive(&mut socket).await;
    let reply = socket.bids(&command_id(1), usd(2_500)).await;
    assert_eq!(reply["status"], 201);
    assert_eq!(scene.platform.client().view(&scene.auction).await["bid_count"], 1);
}

#[tokio::test]
async fn a_frame_above_four_kibibytes_closes_with_1009() {
    let scene = Scene::set().await;
    let (mut socket, _) = scene.watcher().await;
    let most = json!({"type": "time", "t0": 1}).to_string();
    let filled = format!("{most}{}", " ".repeat(4_096 - most.len()));
    socket.send(Message::text(filled.clone())).await;
    assert_eq!(socket.next_of("time").await["t0"], 1, "exactly 4 KiB are fine");
    socket.send(Message::text(format!("{filled} "))).await;
    assert_eq!(socket.closed().await, 1009);
    scene.watcher().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_close_with_1003_or_1007() {
    let scene = Scene::set().await;
    let (mut binary, _) = scene.watcher().await;
    binary.send(Message::binary(b"{}".to_vec())).await;
    assert_eq!(binary.closed().await, 1003);
    let (mut broken, _) = scene.watcher().await;
    broken.send_as_text(vec![b'"', 0xff, 0xfe, b'"']).await;
    assert_eq!(broken.closed().await, 1007);
    scene.watcher().await;
}

#[tokio::test]
async fn a_flood_closes_with_4029_and_hurts_nobody_else() {
    let scene = Scene::set().await;
    let (mut quiet, _) = scene.watcher().await;
    let ben = scene.user("ben").await;
    let mut flooding = scene.socket_of(&ben).await;
    let code = {
        let mut sent = 0_u32;
        loop {
            for _ in 0..100 {
                sent += 1;
                flooding.say(json!({"type": "confetti"})).await;
            }
            if let Some(code) = flooding.closed_by_now().await {
                break code;
            }
            assert!(sent < 20_000, "{sent} frames and still no end");
        }
    };
    assert_eq!(code, 4029);
    is_alive(&mut quiet).await;
    let cas = scene.user("cas").await;
    cas.bids(&scene.auction, 2_000).await.expect(201);
    quiet.next_of("event").await;
}
