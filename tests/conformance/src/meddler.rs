//! Somebody between client and platform who cuts connections, repeats frames and swaps them.
//!
//! TCP itself loses and swaps nothing that a receiver would see, so the mischief is done to whole
//! frames. Every choice comes from a seed. The platform may move: each connection goes to where it
//! is then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::Client;

/// How often something happens to a frame of the platform, of a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mischief {
    /// The connection is cut instead.
    pub cuts: u32,
    /// The frame comes twice.
    pub repeats: u32,
    /// The frame comes after the next one.
    pub swaps: u32,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// Connections cut.
    pub cuts: AtomicU64,
    /// Frames that came twice.
    pub repeats: AtomicU64,
    /// Frames that came late.
    pub swaps: AtomicU64,
}

/// A listener between the two.
pub struct Meddler {
    /// Where clients connect.
    pub address: SocketAddr,
    /// What was done so far.
    pub done: Arc<Done>,
    task: JoinHandle<()>,
}

impl Meddler {
    /// Stands before the platform of a client.
    ///
    /// # Panics
    /// When nothing can listen.
    pub async fn before(platform: &Client, mischief: Mischief, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let done = Arc::new(Done::default());
        let task = tokio::spawn(serve(listener, platform.clone(), mischief, seed, done.clone()));
        Self { address, done, task }
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    platform: Client,
    mischief: Mischief,
    seed: u64,
    done: Arc<Done>,
) {
    let opened = AtomicUsize::new(0);
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let at = opened.fetch_add(1, Ordering::Relaxed);
        let rng = Rng::with_seed(seed.wrapping_add(at as u64));
        let (platform, done) = (platform.clone(), Arc::clone(&done));
        connections.spawn(async move {
            // Either side may go at any time: that is what this is for.
            let _ = pass(stream, &platform, at, Hand::of(mischief, rng, done)).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

type Socket = WebSocketStream<TcpStream>;

/// One connection, from both sides.
async fn pass(
    stream: TcpStream,
    platform: &Client,
    at: usize,
    mut hand: Hand,
) -> anyhow::Result<()> {
    let (mut path, mut protocols) = (String::new(), None);
    #[allow(clippy::result_large_err, reason = "the library's own signature")]
    let note = |request: &Request, mut answer: Response| {
        path = request.uri().to_string();
        protocols = request.headers().get(SEC_WEBSOCKET_PROTOCOL).cloned();
        let selected = "ecomauction.v1".parse().expect("a header value");
        answer.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, selected);
        Ok(answer)
    };
    let client = accept_hdr_async(stream, note).await?;
    let to = platform.try_address().ok_or_else(|| anyhow::anyhow!("the platform is down"))?;
    let socket = TcpSocket::new_v4()?;
    if let Some(from) = crowd::source(to, at) {
        socket.bind((from, 0).into())?;
    }
    let mut request = format!("ws://{to}{path}").into_client_request()?;
    if let Some(protocols) = protocols {
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocols);
    }
    let (upstream, _) = client_async(request, socket.connect(to).await?).await?;
    let (mut to_client, mut from_client) = client.split();
    let (mut to_platform, mut from_platform) = upstream.split();
    loop {
        tokio::select! {
            said = from_client.next() => {
                let Some(said) = said.transpose()? else { return Ok(()) };
                to_platform.send(said).await?;
            }
            said = from_platform.next() => {
                let Some(said) = said.transpose()? else { return Ok(()) };
                hand.deal(said, &mut to_client).await?;
            }
            () = tokio::time::sleep(LATE), if hand.held.is_some() => {
                hand.give_up(&mut to_client).await?;
            }
        }
    }
}

struct Hand {
    mischief: Mischief,
    rng: Rng,
    done: Arc<Done>,
    greeted: bool,
    held: Option<Message>,
}

impl Hand {
    fn of(mischief: Mischief, rng: Rng, done: Arc<Done>) -> Self {
        Self { mischief, rng, done, greeted: false, held: None }
    }

    async fn deal(
        &mut self,
        said: Message,
        client: &mut SplitSink<Socket, Message>,
    ) -> anyhow::Result<()> {
        if said.is_text() {
            if self.happens(self.mischief.cuts) {
                self.done.cuts.fetch_add(1, Ordering::Relaxed);
                anyhow::bail!("cut");
            }
            let may_wait = std::mem::replace(&mut self.greeted, true) && self.held.is_none();
            if may_wait && self.happens(self.mischief.swaps) {
                self.held = Some(said);
                return Ok(());
            }
            if self.happens(self.mischief.repeats) {
                self.done.repeats.fetch_add(1, Ordering::Relaxed);
                client.send(said.clone()).await?;
            }
        }
        client.send(said).await?;
        if let Some(held) = self.held.take() {
            self.done.swaps.fetch_add(1, Ordering::Relaxed);
            client.send(held).await?;
        }
        Ok(())
    }

    /// No frame came in whose place the held one could stand.
    async fn give_up(&mut self, client: &mut SplitSink<Socket, Message>) -> anyhow::Result<()> {
        if let Some(held) = self.held.take() {
            client.send(held).await?;
        }
        Ok(())
    }

    fn happens(&mut self, of_a_thousand: u32) -> bool {
        self.rng.u32(0..1_000) < of_a_thousand
    }
}

/// So long a frame waits for another one to come before it.
const LATE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
