//! What no HTTP client sends: bytes as they are.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Reply;

/// Sends bytes and reads what comes until the platform closes; none when that is no answer.
///
/// # Panics
/// When the platform closes too late.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Reply> {
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

/// What a raw connection answers until it is closed.
pub struct Answer {
    /// All of it.
    pub text: String,
    /// From the connection to its end.
    pub took: Duration,
    /// Did the platform end it?
    pub closed: bool,
    /// Bytes of a body that were taken.
    pub sent: u64,
}

/// Sends a head and then, while it may, one piece after the other; reads all the time.
pub async fn send(address: SocketAddr, head: &str, piece: &[u8], pieces: u64) -> Answer {
    let started = Instant::now();
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
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

/// Longer than the platform waits for a body.
const PATIENCE: Duration = Duration::from_secs(30);
