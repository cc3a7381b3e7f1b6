//! A mail server on loopback that keeps every letter (RFC 5321), and fails when it is told to.
//!
//! It is as strict as servers on the Internet are by now: lines end in CRLF, a letter ends in
//! CRLF.CRLF and nothing else, commands come in their order. What it had to frown at is kept as
//! well: a sender that works with this sink works with others.

mod letter;
mod session;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use letter::Letter;

/// A running sink; it closes when this is dropped.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
struct Shared {
    state: Mutex<State>,
    /// Counts letters, so that somebody can wait for the next one.
    arrivals: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    letters: Vec<Letter>,
    is_busy: bool,
    refused: BTreeSet<String>,
    cuts: usize,
    /// Letters that are answered late, and how late.
    slow: (usize, Duration),
    refused_at_end: BTreeSet<String>,
    /// … on a connection that had brought a letter before.
    refused_again: usize,
    is_locked: bool,
    locked_out: usize,
    deferred: usize,
    complaints: Vec<String>,
}

impl Sink {
    /// Listens on a port of its own.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared { state: Mutex::default(), arrivals: watch::Sender::new(0) };
        let shared = Arc::new(shared);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How a sender finds it.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The same, with a password.
    pub fn url_with_password(&self) -> String {
        format!("smtp://us:secret@{}", self.address)
    }

    /// Answers so many further letters that much later; they are kept at once.
    pub fn is_slow(&self, letters: usize, by: Duration) {
        self.shared.state.lock().unwrap().slow = (letters, by);
    }

    /// Refuses every password from here on (535), and ends connections that were let in before; or
    /// lets in again.
    pub fn is_locked(&self, is_locked: bool) {
        self.shared.state.lock().unwrap().is_locked = is_locked;
    }

    /// How many passwords were refused.
    pub fn locked_out(&self) -> usize {
        self.shared.state.lock().unwrap().locked_out
    }

    /// Answers 550 at the end of every letter to that recipient.
    pub fn refuses_at_end(&self, address: &str) {
        self.shared.state.lock().unwrap().refused_at_end.insert(address.to_ascii_lowercase());
    }

    /// How many letters were refused at their end on a connection that was used again.
    pub fn refused_again(&self) -> usize {
        self.shared.state.lock().unwrap().refused_again
    }

    /// Answers 451 to every recipient from here on, or takes letters again.
    pub fn is_busy(&self, is_busy: bool) {
        self.shared.state.lock().unwrap().is_busy = is_busy;
    }

    /// Answers 550 to that recipient for good.
    pub fn refuses(&self, address: &str) {
        self.shared.state.lock().unwrap().refused.insert(address.to_ascii_lowercase());
    }

    /// Cuts the connection of so many further letters: they are kept, but their sender never reads
    /// the 250.
    pub fn cuts(&self, letters: usize) {
        self.shared.state.lock().unwrap().cuts = letters;
    }

    /// Every letter that came, duplicates and those without 250 included, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        self.shared.state.lock().unwrap().letters.clone()
    }

    /// The letters to an address.
    pub fn to(&self, address: &str) -> Vec<Letter> {
        let mut letters = self.letters();
        letters.retain(|letter| letter.to == [address]);
        letters
    }

    /// How many recipients were answered 451.
    pub fn deferred(&self) -> usize {
        self.shared.state.lock().unwrap().deferred
    }

    /// Every sentence is something that a stricter server would have refused.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().complaints.clone()
    }

    /// Waits until the letters are what somebody wants.
    ///
    /// # Panics
    /// With what came, when that takes longer than `within`.
    pub async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&[Letter]) -> Option<T>,
    ) -> T {
        let mut arrivals = self.shared.arrivals.subscribe();
        let found = tokio::time::timeout(within, async {
            loop {
                if let Some(found) = wanted(&self.letters()) {
                    return found;
                }
                arrivals.changed().await.expect("the sink outlives its users");
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => {
                let came = self.letters();
                let came: Vec<_> = came.iter().map(Letter::summary).collect();
                panic!("{within:?} later still not: {what}; came:\n{}", came.join("\n"));
            }
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the listener.
    let mut sessions = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        sessions.spawn(session::serve(stream, Arc::clone(&shared)));
        while sessions.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests;
