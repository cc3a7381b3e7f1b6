//! A stream of server-sent events: the same events as on sockets, for whoever has none.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ports::live::bounds;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::hub::{Decision, Followed, Follower, Said};
use super::seats::Seat;
use super::{Body, Live, catch_up};
use crate::services::{Service, face};

/// The body that begins with these bytes and goes on with what is told; none when this client has
/// as many as it may.
pub(crate) fn stream(
    live: &Arc<Live>,
    service: &Arc<Service>,
    client: IpAddr,
    begins: Bytes,
    following: face::Following,
) -> Option<Body> {
    let seat = live.seats.take(client, None)?;
    let face::Following { machine, key, after } = following;
    let follower = Follower::new(&live.machines, Followed { machine, key }, service);
    let (pieces, body) = mpsc::channel(PIECES_WAITING_MAX);
    let pump = Pump { live: Arc::clone(live), follower, pieces, after, _seat: seat };
    tokio::spawn(pump.run(begins));
    Some(Body::Stream(body))
}

struct Pump {
    live: Arc<Live>,
    follower: Follower,
    pieces: mpsc::Sender<Bytes>,
    after: u64,
    _seat: Seat,
}

impl Pump {
    /// Ends when the client is gone or too slow, when the stream is old, and when the platform
    /// stops: the client comes back and says what it has.
    async fn run(mut self, begins: Bytes) {
        let mut stopped = self.live.stopped.clone();
        let written = async {
            self.write(begins).await?;
            self.catch_up().await?;
            self.follow().await
        };
        tokio::select! {
            _ = written => {}
            () = super::stop(&mut stopped) => {}
        }
    }

    async fn follow(&mut self) -> Option<()> {
        let ends = Instant::now() + ms(bounds::STREAM_MAX_MS);
        while Instant::now() < ends {
            let said = tokio::time::timeout(ms(bounds::ALIVE_MS), self.follower.said.recv()).await;
            match said {
                Ok(Ok(said)) => match &*said {
                    Said::Decision(decision) => self.tell(decision).await?,
                    Said::Time(_) => {}
                },
                Ok(Err(RecvError::Lagged(_))) => self.catch_up().await?,
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => self.write(Bytes::from_static(b":\n\n")).await?,
            }
        }
        None
    }

    async fn tell(&mut self, decision: &Decision) -> Option<()> {
        let first = decision.events.iter().find(|event| event.seq > self.after);
        if first.is_some_and(|first| first.seq != self.after + 1) {
            self.catch_up().await?;
        }
        self.write_events(decision).await?;
        (!decision.is_gone).then_some(())
    }

    async fn catch_up(&mut self) -> Option<()> {
        loop {
            let missed = catch_up::next(&self.live.machines, &self.follower.topic, self.after);
            let missed = missed.await.ok()?;
            if missed.events.is_empty() {
                return Some(());
            }
            self.write_events(&missed).await?;
        }
    }

    async fn write_events(&mut self, decision: &Decision) -> Option<()> {
        for event in &decision.events {
            if event.seq == self.after + 1 {
                self.write(event.piece.clone()).await?;
                self.after = event.seq;
            }
        }
        Some(())
    }

    async fn write(&self, piece: Bytes) -> Option<()> {
        tokio::time::timeout(PATIENCE, self.pieces.send(piece)).await.ok()?.ok()
    }
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

/// Pieces that wait for the connection.
const PIECES_WAITING_MAX: usize = 8;
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(10);
