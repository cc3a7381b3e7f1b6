//! One socket: opened, greeted, read; or opened and never read again.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::board::Board;

/// A socket that was greeted.
pub struct Reader {
    stream: WebSocketStream<TcpStream>,
    seq: u64,
}

/// What counts of a frame.
#[derive(Deserialize)]
struct Head {
    r#type: String,
    seq: Option<u64>,
}

impl Reader {
    /// Opens a socket that watches, and waits for hello.
    pub async fn open(to: SocketAddr, auction: &str, from: Option<IpAddr>) -> anyhow::Result<Self> {
        let opening = async {
            let stream = connect(to, from, None).await?;
            let mut request =
                format!("ws://{to}/v1/auctions/{auction}/live").into_client_request()?;
            let protocol = "ecomauction.v1".parse()?;
            request.headers_mut().insert("sec-websocket-protocol", protocol);
            let (mut stream, _) = client_async(request, stream).await?;
            let hello = text(&mut stream).await?;
            let head: Head = serde_json::from_str(&hello)?;
            ensure!(head.r#type == "hello", "the first frame is {hello}");
            Ok(Self { stream, seq: head.seq.context("a hello without seq")? })
        };
        tokio::time::timeout(OPENING_MAX, opening).await.context("opening a socket")?
    }

    /// Reads until it ends, and writes down what it hears.
    pub(crate) async fn read(mut self, board: Arc<Board>) {
        loop {
            let heard = self.next().await;
            let noted = match heard {
                Ok((seq, text)) => board.event(seq, &text),
                Err(error) => Err(format!("{error:#}")),
            };
            if let Err(fault) = noted {
                board.fault(fault);
                return;
            }
        }
    }

    /// The next event.
    async fn next(&mut self) -> anyhow::Result<(u64, String)> {
        loop {
            let text = text(&mut self.stream).await?;
            let head: Head = serde_json::from_str(&text).with_context(|| text.clone())?;
            match (head.r#type.as_str(), head.seq) {
                ("event", Some(seq)) => {
                    let due = self.seq + 1;
                    ensure!(seq == due, "event {seq} came where {due} was due");
                    self.seq = seq;
                    return Ok((seq, text));
                }
                ("time", _) => {}
                _ => bail!("a watcher was sent {text}"),
            }
        }
    }
}

async fn text(stream: &mut WebSocketStream<TcpStream>) -> anyhow::Result<String> {
    loop {
        match stream.next().await.context("the stream ended")?? {
            Message::Text(text) => return Ok(text.as_str().to_owned()),
            Message::Close(frame) => bail!("closed with {frame:?}"),
            _ => {}
        }
    }
}

/// A socket whose owner never reads: what the platform sends stays in its buffers.
pub struct Stalled {
    _stream: TcpStream,
}

impl Stalled {
    /// Asks for a socket and reads nothing, not even the answer.
    pub async fn open(to: SocketAddr, auction: &str, from: Option<IpAddr>) -> anyhow::Result<Self> {
        let mut stream = connect(to, from, Some(SMALL_BUFFER)).await?;
        let head = format!(
            "GET /v1/auctions/{auction}/live HTTP/1.1\r\nHost: {to}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: ecomauction.v1\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        Ok(Self { _stream: stream })
    }
}

async fn connect(
    to: SocketAddr,
    from: Option<IpAddr>,
    receive_buffer: Option<u32>,
) -> anyhow::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Longer than a busy machine needs for ten thousand.
const OPENING_MAX: Duration = Duration::from_secs(60);
const SMALL_BUFFER: u32 = 4_096;
