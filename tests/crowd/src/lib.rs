//! Many sockets on one auction, and what each of them heard: each number once, none left out, the
//! same text for everybody, and when the last one had it.
//!
//! The suite asks whether that is so, the benches how long it takes. Connections that break are
//! faults here: who comes back is `ecomauction-client`.

mod board;
mod socket;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use board::Arrived;
use board::Board;
pub use socket::{Reader, Stalled};

/// Sockets that read as fast as they can.
pub struct Crowd {
    board: Arc<Board>,
    readers: JoinSet<()>,
}

impl Crowd {
    /// Opens that many sockets, each of which has heard hello.
    pub async fn gather(to: SocketAddr, auction: &str, size: usize) -> anyhow::Result<Self> {
        let board = Arc::new(Board::of(size));
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        let mut opening = JoinSet::new();
        for at in 0..size {
            let (gate, auction) = (Arc::clone(&gate), auction.to_owned());
            opening.spawn(async move {
                let _turn = gate.acquire_owned().await?;
                Reader::open(to, &auction, source(to, at)).await
            });
        }
        let mut readers = JoinSet::new();
        while let Some(opened) = opening.join_next().await {
            let reader = opened.context("a socket's task")??;
            readers.spawn(reader.read(Arc::clone(&board)));
        }
        Ok(Self { board, readers })
    }

    /// Waits until everybody has heard of an event; when the first and the last one did.
    pub async fn all_heard(&self, seq: u64, within: Duration) -> anyhow::Result<Arrived> {
        let waiting = self.board.all_heard(seq);
        let heard = tokio::time::timeout(within, waiting).await;
        heard.with_context(|| self.board.describe(seq))?
    }

    /// Sockets that heard something else than they should have, or nothing any more.
    pub fn faults(&self) -> Vec<String> {
        self.board.faults()
    }

    /// What was heard, by number: `event`, `time`, `data`.
    pub fn log(&self) -> BTreeMap<u64, Value> {
        self.board.log()
    }

    /// Closes them all.
    pub async fn disperse(mut self) {
        self.readers.shutdown().await;
    }
}

/// Where the socket of that number connects from: one address may have so many and no more. On the
/// loopback every address of 127/8 is this machine's.
pub fn source(to: SocketAddr, at: usize) -> Option<IpAddr> {
    if !to.ip().is_loopback() || !to.is_ipv4() {
        return None;
    }
    let address = at / PER_ADDRESS;
    let [third, fourth] = [address / 250 % 250, address % 250 + 2];
    let byte = |part: usize| u8::try_from(part).unwrap_or(u8::MAX);
    Some(Ipv4Addr::new(127, 0, byte(third), byte(fourth)).into())
}

/// Raises the soft limit of open files to the hard one, for this process and those that it starts;
/// what it is now.
pub fn raise_open_files() -> anyhow::Result<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    setrlimit(Resource::Nofile, raised).context("the limit of open files")?;
    Ok(now.maximum.unwrap_or(u64::MAX))
}

/// Connections that are opened at a time.
const AT_ONCE: usize = 64;
/// Below what the platform allows one address.
const PER_ADDRESS: usize = 40;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn sockets_spread_over_addresses_of_this_machine() {
        let to: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let from = |at| source(to, at).unwrap().to_string();
        assert_eq!([from(0), from(39), from(40)], ["127.0.0.2", "127.0.0.2", "127.0.0.3"]);
        assert_eq!(from(10_000), "127.0.1.2");
        assert_eq!(source("192.0.2.1:80".parse().unwrap(), 0), None);
    }
}
