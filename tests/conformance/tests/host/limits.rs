//! Large heads and idle clients hurt nobody (reliability.md 3.3): bounds of the host's listener.

use std::time::{Duration, Instant};

use conformance::wire::send;
use conformance::{Host, Setup, User, id_of};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

async fn connected(platform: &Host) -> TcpStream {
    TcpStream::connect(platform.client().address()).await.unwrap()
}

async fn scene() -> (Host, User, String) {
    let platform = Setup::development().on_host().start().await;
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
async fn heads_beyond_their_bounds_are_refused() {
    let (platform, ben, id) = scene().await;
    let large = format!("x-large: {}", "a".repeat(1 << 20));
    let many = (0..500).map(|n| format!("x-{n}: 1")).collect::<Vec<_>>().join("\r\n");
    for rest in [large, many] {
        let head = head(&ben, &id, &rest);
        let answer = refused_head(&platform, &head).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let line = format!("GET /{} HTTP/1.1\r\nhost: here\r\n\r\n", "a".repeat(1 << 20));
    let answer = refused_head(&platform, &line).await;
    let refused = ["HTTP/1.1 414 ", "HTTP/1.1 431 "].iter().any(|s| answer.starts_with(s));
    assert!(answer.is_empty() || refused, "{answer}");
    for nonsense in ["\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "hello\r\n\r\n"] {
        let answer = refused_head(&platform, nonsense).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    // Two lengths, or a length and chunks, are how requests are smuggled.
    for rest in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, identity",
    ] {
        let answer =
            send(platform.client().address(), &head(&ben, &id, rest), b"0\r\n\r\n", 1).await;
        assert!(!answer.text.contains("HTTP/1.1 201 "), "{rest}: {}", answer.text);
        assert!(answer.closed, "{rest}: the connection stays open: {}", answer.text);
    }
    assert_eq!(ben.bids(&id, 5_000).await.status, 201);
}

/// The answer to a head that may not be read to its end; empty when there is none.
async fn refused_head(platform: &Host, head: &str) -> String {
    let mut stream = connected(platform).await;
    // The platform may close before it took everything.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let closed = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(closed.is_ok(), "the connection stays open: {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn five_thousand_idle_connections_hurt_nobody() {
    // The platform inherits the limit, so it is raised first.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let free = limit.current.unwrap_or(u64::MAX).saturating_sub(500);
    let wanted = usize::try_from(free.min(5_000)).unwrap();
    if wanted < 5_000 {
        println!("only {wanted} connections: this system allows no more");
    }
    let (platform, ben, id) = scene().await;
    let before = platform.memory_kib("VmRSS");
    let mut idle = Vec::with_capacity(wanted);
    for n in 0..wanted {
        // Of several clients: one alone may not have so many.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 2 + (n % 4) as u8], 0).into()).unwrap();
        let mut stream = socket.connect(platform.client().address()).await.unwrap();
        if n % 2 == 0 {
            // Half of them have begun a request.
            stream.write_all(b"GET /v1/auctions HTTP/1.1\r\nhost: ").await.unwrap();
        }
        idle.push(stream);
    }
    let mut slowest = Duration::ZERO;
    for n in 0..200 {
        let started = Instant::now();
        ben.bids(&id, 5_000 + n).await.expect(201);
        platform.client().view(&id).await;
        slowest = slowest.max(started.elapsed());
    }
    let each = platform.memory_kib("VmRSS").saturating_sub(before) / wanted as u64;
    println!("{wanted} idle: slowest bid and view {slowest:?}, about {each} KiB a connection");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(each <= 32, "{each} KiB a connection");
    let mut answer = [0; 64];
    // The newest that has begun: a head has ten seconds.
    let newest = &mut idle[(wanted - 1) / 2 * 2];
    newest.write_all(b"here\r\n\r\n").await.unwrap();
    let length = newest.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "an idle one is still served");
}
