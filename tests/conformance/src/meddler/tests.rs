//! The hand between, and the followers behind it, before a platform that is made up here: what it
//! says is known, so that what is found wrong is found wrongly.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::*;
use crate::subscribers::Subscribers;

const EVENTS: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(60);

fn event(seq: u64) -> Value {
    json!({"seq": seq, "event": "bid_placed", "time": "2026-11-26T12:00:00.000Z",
        "data": {"at": seq}})
}

/// Says hello, then all events after the one that was asked for; leaves one out when it lies.
async fn speak(stream: TcpStream, lies: bool) {
    let mut after = None;
    #[allow(clippy::result_large_err, reason = "the library's own signature")]
    let note = |request: &Request, mut answer: Response| {
        let selected = "ecomauction.v1".parse().expect("a header value");
        answer.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, selected);
        let query = request.uri().query().unwrap_or_default();
        let asked = query.split('&').find_map(|part| part.strip_prefix("after="));
        after = asked.and_then(|seq| seq.parse::<u64>().ok());
        Ok(answer)
    };
    let Ok(mut socket) = accept_hdr_async(stream, note).await else { return };
    let seq = after.unwrap_or(0);
    let hello = json!({"type": "hello", "epoch": "e", "seq": seq, "resumed": after.is_some(),
        "server_time": "2026-11-26T12:00:00.000Z", "auction": {}});
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    for seq in seq + 1..=EVENTS {
        let mut frame = event(if lies && seq == 100 { 99 } else { seq });
        frame["type"] = json!("event");
        if socket.send(Message::text(frame.to_string())).await.is_err() {
            return;
        }
    }
    while socket.next().await.is_some_and(|said| said.is_ok()) {}
}

async fn platform(lies: bool) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(speak(stream, lies));
        }
    });
    Client::new(Arc::new(RwLock::new(Some(address))))
}

async fn follow(mischief: Mischief, seed: u64) -> (Meddler, Subscribers) {
    let meddler = Meddler::before(&platform(false).await, mischief, seed).await;
    let followers = Subscribers::follow(meddler.address, "auc_x", 8);
    followers.caught_up(EVENTS, PATIENCE).await.unwrap();
    (meddler, followers)
}

#[tokio::test]
async fn mischief_changes_nobodys_map() {
    let mischief = Mischief { cuts: 5, repeats: 50, swaps: 5 };
    let (meddler, followers) = follow(mischief, 7).await;
    let log: Vec<Value> = (1..=EVENTS).map(event).collect();
    assert_eq!(followers.against(&log), Vec::<String>::new());
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let Done { cuts, repeats, swaps } = &*meddler.done;
    assert!(count(cuts) > 0 && count(repeats) > 0 && count(swaps) > 0, "{:?}", meddler.done);
    // A line that is cut in the middle of a swap shows none.
    assert!(!followers.gaps().is_empty(), "a swap is a gap that is told: {:?}", meddler.done);
}

#[tokio::test]
async fn without_mischief_nothing_is_lost() {
    let (meddler, followers) = follow(Mischief::default(), 7).await;
    assert_eq!(followers.sum(|heard| heard.lost), 0);
    assert_eq!(meddler.done.cuts.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_log_that_says_something_else_is_found() {
    let (_meddler, followers) = follow(Mischief::default(), 7).await;
    let mut log: Vec<Value> = (1..=EVENTS).map(event).collect();
    log[41]["data"]["at"] = json!(0);
    let wrong = followers.against(&log);
    assert_eq!(wrong.len(), 8);
    assert!(wrong[0].contains("changed [(42"), "{}", wrong[0]);
    log.pop();
    assert!(followers.against(&log)[0].contains("[200] not in the log"));
}

#[tokio::test]
async fn a_platform_that_leaves_an_event_out_is_found() {
    let client = platform(true).await;
    let followers = Subscribers::follow(client.address(), "auc_x", 1);
    let stuck = followers.caught_up(100, Duration::from_secs(1)).await;
    assert!(stuck.is_err());
    assert!(followers.gaps()[0].contains("event 101 came where 100 was due"));
}
