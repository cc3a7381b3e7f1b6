//! Bodies that are announced and never come: how long the host waits for them.

use std::net::SocketAddr;

use conformance::document::{Document, Operation};
use conformance::wire::exchange;
use conformance::{Setup, User};
use tokio::task::JoinSet;

/// All operations at once, because each takes the platform's whole patience.
#[tokio::test]
async fn a_body_that_never_comes_is_refused_as_documented() {
    let platform = Setup::development().on_host().start().await;
    let ana = platform.user("ana").await;
    let mut waiting = JoinSet::new();
    for operation in Document::committed().operations() {
        let is_told = operation.refusals().iter().any(|(status, code)| (*status, &**code) == SLOW);
        assert!(is_told, "{}: no {} {}", operation.id, SLOW.0, SLOW.1);
        waiting.spawn(kept_waiting(ana.clone(), operation.clone(), platform.client().address()));
    }
    assert!(waiting.len() > 40, "{}", waiting.len());
    let wrong: Vec<String> = waiting.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the answer, if anything.
async fn kept_waiting(user: User, operation: Operation, address: SocketAddr) -> Option<String> {
    let target = operation.path.replace(['{', '}'], "");
    let token = user.client.token().unwrap();
    let head = format!(
        "{} {target} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: 5\r\n\r\n",
        operation.method
    );
    let Some(reply) = exchange(address, head.as_bytes()).await else {
        return Some(format!("{}: no answer", operation.id));
    };
    let mut wrong = Document::committed().judge(&operation.method, &target, &reply);
    if (reply.status, reply.code().as_str()) != SLOW {
        wrong.push(format!("{} {}", reply.status, reply.text()));
    }
    (!wrong.is_empty()).then(|| format!("{}: {}", operation.id, wrong.join("; ")))
}

const SLOW: (u16, &str) = (408, "request_timeout");
