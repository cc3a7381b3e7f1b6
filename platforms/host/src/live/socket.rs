//! One socket: pumps what is told to the client, brings its messages to the component, and closes
//! with a reason.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use ports::live::{bounds, close};
use tokio::net::TcpStream;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as SocketError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::hub::{Decision, Follower, Said};
use super::{Live, catch_up};
use crate::services::socket::{Answered, Opened};

/// A socket that is open.
pub(super) struct Socket {
    live: Arc<Live>,
    follower: Follower,
    stream: WebSocketStream<TcpStream>,
    opened: Opened,
    /// The client has all events up to this one.
    after: u64,
    heard_at: Instant,
    flood: Flood,
}

/// Why a socket ends.
enum End {
    /// With a close code.
    Close(u16),
    /// The connection is of no more use.
    Broken,
}

type Step = Result<(), End>;

impl Socket {
    pub(super) fn new(
        live: Arc<Live>,
        follower: Follower,
        stream: WebSocketStream<TcpStream>,
        opened: Opened,
        after: u64,
    ) -> Self {
        let now = Instant::now();
        if let Some(ends_at) = opened.ends_at {
            follower.topic.ends_at.store(ends_at, std::sync::atomic::Ordering::Relaxed);
        }
        Self { live, follower, stream, opened, after, heard_at: now, flood: Flood::new(now) }
    }

    /// Until the client, the entity or the platform ends it.
    pub(super) async fn run(mut self) {
        let end = self.served().await;
        if let Err(End::Close(code)) = end {
            let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::default() };
            let closed = async {
                self.stream.close(Some(frame)).await?;
                // Until the client's own close frame, or its connection would be reset before it
                // has read ours.
                while let Some(Ok(_)) = self.stream.next().await {}
                Ok::<_, SocketError>(())
            };
            let _ = tokio::time::timeout(FAREWELL, closed).await;
        }
    }

    async fn served(&mut self) -> Step {
        let hello = std::mem::take(&mut self.opened.hello);
        self.send(hello.into()).await?;
        if let Some(code) = self.opened.closes_with {
            return Err(End::Close(code));
        }
        self.catch_up().await?;
        let mut stopped = self.live.stopped.clone();
        let expires = expires(self.opened.expires_at, self.live.machines.around.world.now_ms());
        let mut ping_at = Instant::now() + ms(bounds::PING_MS);
        loop {
            let next = expires.map_or(ping_at, |expires| expires.min(ping_at));
            tokio::select! {
                biased;
                () = super::stop(&mut stopped) => return Err(End::Close(close::RESTART)),
                said = self.follower.said.recv() => match said {
                    Ok(said) => self.tell(said).await?,
                    Err(RecvError::Lagged(_)) => return Err(End::Close(close::SLOW)),
                    Err(RecvError::Closed) => return Err(End::Close(close::RESTART)),
                },
                message = self.stream.next() => self.heard(message).await?,
                () = tokio::time::sleep_until(next) => {
                    if expires.is_some_and(|expires| expires <= Instant::now()) {
                        return Err(End::Close(close::BAD_AUTH));
                    }
                    if self.heard_at.elapsed() > 2 * ms(bounds::PING_MS) {
                        return Err(End::Broken);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                    ping_at = Instant::now() + ms(bounds::PING_MS);
                }
            }
        }
    }

    /// Tells the client this and whatever else is there, in one piece.
    async fn tell(&mut self, said: Arc<Said>) -> Step {
        self.put(&said).await?;
        for _ in 1..TOLD_AT_ONCE {
            match self.follower.said.try_recv() {
                Ok(said) => self.put(&said).await?,
                Err(TryRecvError::Lagged(_)) => return Err(End::Close(close::SLOW)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        patiently(self.stream.flush()).await
    }

    async fn put(&mut self, said: &Said) -> Step {
        match said {
            Said::Time(frame) => patiently(self.stream.feed(Message::Text(frame.clone()))).await,
            Said::Decision(decision) => {
                let first = decision.events.iter().find(|event| event.seq > self.after);
                if first.is_some_and(|first| first.seq != self.after + 1) {
                    self.catch_up().await?;
                }
                self.put_events(decision).await?;
                for (principal, frame) in &decision.whispers {
                    if self.opened.principal.as_ref() == Some(principal) {
                        patiently(self.stream.feed(Message::Text(frame.clone()))).await?;
                    }
                }
                if decision.is_gone {
                    return Err(End::Close(close::GONE));
                }
                Ok(())
            }
        }
    }

    async fn put_events(&mut self, decision: &Decision) -> Step {
        for event in &decision.events {
            if event.seq == self.after + 1 {
                patiently(self.stream.feed(Message::Text(event.frame.clone()))).await?;
                self.after = event.seq;
            }
        }
        Ok(())
    }

    async fn catch_up(&mut self) -> Step {
        loop {
            let missed = catch_up::next(&self.live.machines, &self.follower.topic, self.after);
            // The client comes back, and the log may be readable again.
            let missed = missed.await.map_err(|_| End::Close(close::RESTART))?;
            if missed.events.is_empty() {
                return patiently(self.stream.flush()).await;
            }
            self.put_events(&missed).await?;
        }
    }

    async fn heard(&mut self, message: Option<Result<Message, SocketError>>) -> Step {
        let message = match message {
            None => return Err(End::Broken),
            Some(Err(error)) => return Err(of_error(&error)),
            Some(Ok(message)) => message,
        };
        self.heard_at = Instant::now();
        if !self.flood.takes_one(self.heard_at) {
            return Err(End::Close(close::RATE_LIMITED));
        }
        match message {
            Message::Text(text) => self.answer(&text).await,
            Message::Binary(_) => Err(End::Close(UNSUPPORTED)),
            Message::Close(_) => Err(End::Broken),
            Message::Ping(_) => patiently(self.stream.flush()).await,
            Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    /// The answer leaves before anything that is told meanwhile.
    async fn answer(&mut self, text: &str) -> Step {
        let received_at = self.live.machines.around.world.now_ms();
        let service = Arc::clone(&self.follower.topic.service);
        let answered = service.message(&self.opened.context, text, received_at).await;
        let Answered { frames, closes_with } = match answered {
            Ok(answered) => answered,
            Err(error) => {
                tracing::error!(%error, key = self.follower.topic.followed.key, "a frame failed");
                // The client comes back and sends its command again, under the same id.
                return Err(End::Close(INTERNAL));
            }
        };
        for frame in frames {
            patiently(self.stream.feed(Message::Text(frame.into()))).await?;
        }
        patiently(self.stream.flush()).await?;
        closes_with.map_or(Ok(()), |code| Err(End::Close(code)))
    }

    async fn send(&mut self, message: Message) -> Step {
        patiently(self.stream.send(message)).await
    }
}

/// Whoever takes nothing for so long is cut. There is no way left to say why.
async fn patiently(sent: impl Future<Output = Result<(), SocketError>>) -> Step {
    match tokio::time::timeout(PATIENCE, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(SocketError::WriteBufferFull(_))) => Err(End::Close(close::SLOW)),
        Ok(Err(_)) | Err(_) => Err(End::Broken),
    }
}

fn of_error(error: &SocketError) -> End {
    match error {
        SocketError::Capacity(CapacityError::MessageTooLong { .. }) => End::Close(close::TOO_BIG),
        SocketError::Utf8(_) => End::Close(INVALID_TEXT),
        SocketError::Protocol(_) => End::Close(PROTOCOL_ERROR),
        _ => End::Broken,
    }
}

/// Messages of one client: so many at once, and then one at a time.
struct Flood {
    left: u32,
    since: Instant,
}

impl Flood {
    const fn new(now: Instant) -> Self {
        Self { left: bounds::MESSAGES_AT_ONCE, since: now }
    }

    fn takes_one(&mut self, now: Instant) -> bool {
        let every = Duration::from_millis(bounds::MESSAGE_EVERY_MS.into());
        let back = now.duration_since(self.since).as_millis() / every.as_millis().max(1);
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        if back > 0 {
            self.left = self.left.saturating_add(back).min(bounds::MESSAGES_AT_ONCE);
            self.since = now;
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

/// When the token of whoever is behind it ends, by the clock that only goes forward.
fn expires(at_ms: Option<i64>, now_ms: i64) -> Option<Instant> {
    let left = at_ms?.saturating_sub(now_ms).max(0).unsigned_abs();
    Instant::now().checked_add(Duration::from_millis(left))
}

const fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

/// Decisions that are written in one go.
const TOLD_AT_ONCE: usize = 64;
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a client may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);
const UNSUPPORTED: u16 = 1003;
const INVALID_TEXT: u16 = 1007;
const PROTOCOL_ERROR: u16 = 1002;
const INTERNAL: u16 = 1011;
