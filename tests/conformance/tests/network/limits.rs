//! Large, endless and idle clients hurt nobody (reliability.md 3.3).

use std::time::{Duration, Instant};

use conformance::{Platform, Setup, User, id_of};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// What a raw connection answers until it is closed.
struct Answer {
    text: String,
    took: Duration,
    closed: bool,
    sent: u64,
}

async fn connected(platform: &Platform) -> TcpStream {
    TcpStream::connect(platform.client().address()).await.unwrap()
}

/// Sends a head and then, while it may, one piece after the other; reads all the time.
async fn send(platform: &Platform, head: &str, piece: &[u8], pieces: u64) -> Answer {
    let started = Instant::now();
    let (mut read, mut write) = connected(platform).await.into_split();
    write.write_all(head.as_bytes()).await.unwrap();
    let piece = piece.to_vec();
    let writing = tokio::spawn(async move {
        let mut sent = 0;
        for _ in 0..pieces {
            if write.write_all(&piece).await.is_err() {
                break;
            }
            sent += piece.len() as u64;
        }
        (write, sent)
    });
    let (mut text, mut buffer, mut closed) = (Vec::new(), [0; 4_096], false);
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        match tokio::time::timeout_at(until, read.read(&mut buffer)).await {
            Ok(Ok(0)) | Ok(Err(_)) => {
                closed = true;
                break;
            }
            Ok(Ok(length)) => text.extend_from_slice(&buffer[..length]),
            Err(_) => break,
        }
    }
    let took = started.elapsed();
    drop(read);
    let (_, sent) = writing.await.unwrap();
    Answer { text: String::from_utf8_lossy(&text).into_owned(), took, closed, sent }
}

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
    let answer = send(&platform, &head, &[b' '; 65_536], 81_920).await;
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
    let answer = send(&platform, &head, &chunk, 80_000).await;
    assert!(answer.text.starts_with("HTTP/1.1 413 "), "{} {}", answer.sent, answer.text);
    assert!(answer.closed && answer.sent < 64 << 20, "{} bytes were taken", answer.sent);
    let grown = platform.memory_kib("VmHWM") - before;
    println!("413 after {:?} and {} bytes; {grown} KiB more", answer.took, answer.sent);
    assert!(grown < 32 << 10, "{grown} KiB");
    assert_eq!(ben.bids(&id, 5_000).await.status, 201);
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
        let answer = send(&platform, &head(&ben, &id, rest), b"0\r\n\r\n", 1).await;
        assert!(!answer.text.contains("HTTP/1.1 201 "), "{rest}: {}", answer.text);
        assert!(answer.closed, "{rest}: the connection stays open: {}", answer.text);
    }
    assert_eq!(ben.bids(&id, 5_000).await.status, 201);
}

/// The answer to a head that may not be read to its end; empty when there is none.
async fn refused_head(platform: &Platform, head: &str) -> String {
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
