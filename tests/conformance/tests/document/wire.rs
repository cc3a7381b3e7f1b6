//! What no HTTP client sends: values that are no text, bodies that break off.

use conformance::Reply;
use conformance::document::Document;
use conformance::wire::exchange;

use crate::scene::{Request, Scene};

/// A header value of bytes that are no UTF-8.
pub(crate) async fn no_text(scene: &Scene, request: &Request) -> Option<Reply> {
    let mut bytes = head(request, &format!("content-length: {}", request.body.len()));
    let end = bytes.len() - 4;
    bytes.splice(end..end, b"\r\nx-odd: \xff\xfe".iter().copied());
    bytes.extend_from_slice(&request.body);
    answer(scene, request, &bytes).await
}

/// A body whose framing breaks.
pub(crate) async fn broken(scene: &Scene, request: &Request) -> Option<Reply> {
    let mut bytes = head(request, "transfer-encoding: chunked");
    bytes.extend_from_slice(b"this is no chunk\r\n\r\n");
    answer(scene, request, &bytes).await
}

async fn answer(scene: &Scene, request: &Request, bytes: &[u8]) -> Option<Reply> {
    let reply = exchange(scene.client().address(), bytes).await?;
    Some(judged(request, reply))
}

/// As the client judges its answers.
fn judged(request: &Request, reply: Reply) -> Reply {
    let wrong = Document::committed().judge(&request.method, &request.target, &reply);
    assert!(wrong.is_empty(), "{} {}: {wrong:?}", request.method, request.target);
    reply
}

/// The head of a request without its own idea of a body.
fn head(request: &Request, length: &str) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\nhost: here\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("connection: close\r\n{length}\r\n\r\n"));
    head.into_bytes()
}
