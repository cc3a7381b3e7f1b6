//! What no HTTP client sends: values that are no text, bodies that break off or never come.

use std::net::SocketAddr;
use std::time::Duration;

use conformance::Reply;
use conformance::document::{Document, Operation};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

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

/// Bodies that are announced and never come, at all operations at once, because each takes the
/// platform's whole patience. What was not refused so.
pub(crate) async fn timeouts(scene: &Scene, operations: &[Operation]) -> Vec<String> {
    let mut waiting = JoinSet::new();
    for operation in operations {
        let (address, request) = (scene.client().address(), scene.request(operation).await);
        let id = operation.id.clone();
        waiting.spawn(async move {
            let reply = exchange(address, &head(&request, "content-length: 5")).await;
            let reply = reply.map(|reply| judged(&request, reply));
            let met = reply.is_some_and(|reply| (reply.status, reply.code().as_str()) == SLOW);
            (!met).then(|| format!("{id} {} {}", SLOW.0, SLOW.1))
        });
    }
    waiting.join_all().await.into_iter().flatten().collect()
}

const SLOW: (u16, &str) = (408, "request_timeout");

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

/// Sends bytes and reads what comes until the platform closes; none when that is no answer.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut read = Vec::new();
    let reading = stream.read_to_end(&mut read);
    tokio::time::timeout(PATIENCE, reading).await.expect("an end").ok()?;
    let text = String::from_utf8_lossy(&read);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name: HeaderName = name.parse().unwrap();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    Some(Reply { status, headers, body: body.to_owned().into() })
}

/// Longer than the platform waits for a body.
const PATIENCE: Duration = Duration::from_secs(30);
