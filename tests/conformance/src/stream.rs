//! A stream of server-sent events, read as it comes.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::Client;
use crate::frames::Frames;

/// An open stream.
pub struct Stream {
    body: Incoming,
    text: String,
    /// Lines that begin with a colon.
    pub comments: usize,
    connection: JoinHandle<()>,
}

/// One event of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// `id`.
    pub id: String,
    /// `event`.
    pub event: String,
    /// `data`, which is JSON.
    pub data: Value,
}

impl Stream {
    /// Opens the stream of an auction; `after` goes as `Last-Event-ID` or as a parameter.
    ///
    /// # Panics
    /// When the platform answers with anything but a stream.
    pub async fn open(client: &Client, auction: &str, after: After) -> Self {
        let stream = TcpStream::connect(client.address()).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let query =
            if let After::Parameter(seq) = after { format!("?after={seq}") } else { String::new() };
        let mut request = http::Request::get(format!("/v1/auctions/{auction}/events{query}"))
            .header("host", client.address().to_string())
            .header("accept", "text/event-stream");
        if let After::LastEventId(seq) = after {
            request = request.header("last-event-id", seq.to_string());
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let answer = tokio::time::timeout(PATIENCE, sender.send_request(request));
        let answer = answer.await.expect("an answer").unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: answer.into_body(), text: String::new(), comments: 0, connection }
    }

    /// The next event.
    ///
    /// # Panics
    /// When none comes, or one that the document does not know.
    pub async fn next(&mut self) -> Told {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(told) = self.told(&block) {
                    return told;
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let frame = frame.expect("news in time").expect("the stream goes on").unwrap();
            let bytes = frame.into_data().expect("a piece of the body");
            self.text.push_str(core::str::from_utf8(&bytes).expect("whole characters"));
        }
    }

    /// Events up to a number, that one included.
    ///
    /// # Panics
    /// As [`Self::next`].
    pub async fn until(&mut self, seq: u64) -> Vec<Told> {
        let mut told: Vec<Told> = Vec::new();
        while told.last().is_none_or(|told| told.data["seq"] != seq) {
            told.push(self.next().await);
        }
        told
    }

    fn told(&mut self, block: &str) -> Option<Told> {
        let (mut id, mut event, mut data) = (String::new(), String::new(), String::new());
        for line in block.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("id", value) => value.clone_into(&mut id),
                ("event", value) => value.clone_into(&mut event),
                ("data", value) => data.push_str(value),
                ("retry", _) => {}
                _ if line.starts_with(':') => self.comments += 1,
                _ => panic!("a line that no event stream has: {line:?}"),
            }
        }
        if data.is_empty() {
            return None;
        }
        let data = serde_json::from_str(&data).expect("data is JSON");
        let wrong = Frames::committed().judge_logged(&data);
        assert!(wrong.is_empty(), "{}\nin {data}", wrong.join("\n"));
        Some(Told { id, event, data })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Where a stream begins.
#[derive(Debug, Clone, Copy)]
pub enum After {
    /// At the first event.
    Nothing,
    /// After the number in the header.
    LastEventId(u64),
    /// After the number in the address.
    Parameter(u64),
}

/// Longer than the pause between two comments.
const PATIENCE: Duration = Duration::from_secs(30);
