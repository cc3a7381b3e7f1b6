//! One socket, frame by frame. Whatever the platform says on it is held to the document.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::frames::Frames;
use crate::{Call, Client};

/// What an upgrade asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    auction: String,
    query: Vec<String>,
    protocols: Vec<String>,
    origin: Option<String>,
    from: Option<IpAddr>,
}

impl Ask {
    /// To watch, without signing in.
    pub fn to_watch(auction: &str) -> Self {
        let protocols = vec!["ecomauction.v1".to_owned()];
        let (query, origin, from) = (Vec::new(), None, None);
        Self { auction: auction.to_owned(), query, protocols, origin, from }
    }

    /// With a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.query.push(format!("{name}={value}"));
        self
    }

    /// Signed in by the token of a client.
    #[must_use]
    pub fn as_user(self, client: &Client) -> Self {
        self.with_token(client.token().expect("somebody with a token"))
    }

    /// Signed in by any token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.protocols.push(format!("bearer.{token}"));
        self
    }

    /// From a page of that origin.
    #[must_use]
    pub fn from_page(self, origin: &str) -> Self {
        Self { origin: Some(origin.to_owned()), ..self }
    }

    fn path(&self) -> String {
        let joint = if self.query.is_empty() { "" } else { "?" };
        format!("/v1/auctions/{}/live{joint}{}", self.auction, self.query.join("&"))
    }

    /// The same as a request whose answer is read whole: for upgrades that are refused.
    pub fn call<'c>(&self, client: &'c Client) -> Call<'c> {
        let mut call = client
            .call("GET", &self.path())
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", &self.protocols.join(", "));
        if let Some(origin) = &self.origin {
            call = call.header("origin", origin);
        }
        call
    }

    /// Opens it.
    ///
    /// # Panics
    /// When it is refused, or another subprotocol is selected than the public one.
    pub async fn open(&self, client: &Client) -> Socket {
        let address = client.address();
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(from) = self.from {
            socket.bind((from, 0).into()).unwrap();
        }
        let stream = socket.connect(address).await.unwrap();
        let mut request = format!("ws://{address}{}", self.path()).into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", self.protocols.join(", ").parse().unwrap());
        if let Some(origin) = &self.origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        let opening = tokio::time::timeout(PATIENCE, client_async(request, stream));
        let (stream, answer) = match opening.await.expect("an answer to the upgrade") {
            Ok(opened) => opened,
            Err(error) => panic!("{}: {error:?}", self.path()),
        };
        let selected = answer.headers().get("sec-websocket-protocol");
        assert_eq!(selected.unwrap(), "ecomauction.v1", "a token is never echoed");
        Socket { stream, heard: Vec::new() }
    }
}

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Every frame of the server, in order.
    pub heard: Vec<Value>,
}

impl Socket {
    /// The next frame.
    ///
    /// # Panics
    /// When the document does not say that of it, and when none comes.
    pub async fn next(&mut self) -> Value {
        match self.heard_or_closed().await {
            Ok(frame) => frame,
            Err(code) => panic!("closed with {code} after {:?}", self.heard.last()),
        }
    }

    /// The next frame of a type; others on the way are kept in `heard`.
    ///
    /// # Panics
    /// As [`Self::next`].
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Events up to a number, that one included.
    ///
    /// # Panics
    /// As [`Self::next`].
    pub async fn events_until(&mut self, seq: u64) -> Vec<Value> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Value| event["seq"] != seq) {
            events.push(self.next_of("event").await);
        }
        events
    }

    /// Reads until it is closed; the code.
    ///
    /// # Panics
    /// When it is not closed, or without a code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.heard_or_closed().await {
                return code;
            }
        }
    }

    /// The close code, if it is closed by now; frames that wait are read.
    ///
    /// # Panics
    /// When a frame is not as documented.
    pub async fn closed_by_now(&mut self) -> Option<u16> {
        loop {
            let next = tokio::time::timeout(Duration::from_millis(1), self.heard_or_closed());
            match next.await {
                Ok(Ok(_)) => {}
                Ok(Err(code)) => return Some(code),
                Err(_) => return None,
            }
        }
    }

    /// Says a frame.
    pub async fn say(&mut self, frame: Value) {
        self.send(Message::text(frame.to_string())).await;
    }

    /// Sends anything; whether it arrives shows in the answer.
    pub async fn send(&mut self, message: Message) {
        let _ = self.stream.send(message).await;
    }

    /// Sends bytes as if they were text.
    pub async fn send_as_text(&mut self, bytes: Vec<u8>) {
        let frame = Frame::message(bytes, OpCode::Data(Data::Text), true);
        self.send(Message::Frame(frame)).await;
    }

    /// Bids, and waits for the reply to that command.
    ///
    /// # Panics
    /// As [`Self::next`], and when the reply is to another command.
    pub async fn bids(&mut self, command_id: &str, amount: Value) -> Value {
        self.say(json!({"type": "bid", "command_id": command_id, "amount": amount})).await;
        let reply = self.next_of("reply").await;
        assert_eq!(reply["command_id"], command_id, "{reply}");
        reply
    }

    async fn heard_or_closed(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let message = message
                .unwrap_or_else(|_| panic!("nothing was said after {:?}", self.heard.last()));
            match message {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value =
                        serde_json::from_str(text.as_str()).expect("frames are JSON");
                    let wrong = Frames::committed().judge(&frame);
                    assert!(wrong.is_empty(), "{}\nin {frame}", wrong.join("\n"));
                    self.heard.push(frame.clone());
                    return Ok(frame);
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }
}

/// An event frame as the log has it, but for the hashes.
pub fn as_logged(frame: &Value) -> Value {
    json!({"seq": frame["seq"], "event": frame["event"], "time": frame["time"],
        "data": frame["data"]})
}

/// Longer than two pings of the platform, and than a busy machine takes for anything.
const PATIENCE: Duration = Duration::from_secs(60);
