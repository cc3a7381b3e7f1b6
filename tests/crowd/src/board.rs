//! What everybody writes down: who heard which number when, and what it said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

/// Shared by all sockets of a crowd.
pub(crate) struct Board {
    size: usize,
    heard: Mutex<Heard>,
    news: Notify,
}

#[derive(Default)]
struct Heard {
    events: BTreeMap<u64, Told>,
    faults: Vec<String>,
}

/// One event as it arrived.
struct Told {
    text: String,
    arrived: Arrived,
}

/// When an event arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrived {
    /// How many have it.
    pub count: usize,
    /// When the first one had it.
    pub first: Instant,
    /// When the last one so far had it.
    pub last: Instant,
}

impl Arrived {
    /// From an instant before until the last one had it.
    pub fn since(&self, then: Instant) -> Duration {
        self.last.saturating_duration_since(then)
    }
}

impl Board {
    pub(crate) fn of(size: usize) -> Self {
        Self { size, heard: Mutex::default(), news: Notify::new() }
    }

    /// A socket heard of an event; wrong when another one was told something else.
    pub(crate) fn event(&self, seq: u64, text: &str) -> Result<(), String> {
        let now = Instant::now();
        let mut heard = self.heard.lock();
        let told = heard.events.entry(seq).or_insert_with(|| Told {
            text: text.to_owned(),
            arrived: Arrived { count: 0, first: now, last: now },
        });
        told.arrived.count += 1;
        told.arrived.last = now;
        let (count, known) = (told.arrived.count, told.text.as_str());
        if known != text && !says_the_same(known, text) {
            return Err(format!("event {seq} is {text} here and {known} elsewhere"));
        }
        drop(heard);
        if count >= self.size {
            self.news.notify_waiters();
        }
        Ok(())
    }

    pub(crate) fn fault(&self, what: String) {
        self.heard.lock().faults.push(what);
        self.news.notify_waiters();
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.heard.lock().faults.clone()
    }

    pub(crate) async fn all_heard(&self, seq: u64) -> anyhow::Result<Arrived> {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            {
                let heard = self.heard.lock();
                anyhow::ensure!(heard.faults.is_empty(), "{:?}", heard.faults);
                let arrived = heard.events.get(&seq).map(|told| told.arrived);
                if let Some(arrived) = arrived.filter(|arrived| arrived.count >= self.size) {
                    return Ok(arrived);
                }
            }
            news.await;
        }
    }

    pub(crate) fn describe(&self, seq: u64) -> String {
        let count = self.heard.lock().events.get(&seq).map_or(0, |told| told.arrived.count);
        format!("{count} of {} sockets heard of event {seq} in time", self.size)
    }

    pub(crate) fn log(&self) -> BTreeMap<u64, Value> {
        let heard = self.heard.lock();
        let said = heard.events.iter().map(|(seq, told)| (*seq, said(&told.text)));
        said.collect()
    }
}

/// What an event says, without what only a frame has.
fn said(text: &str) -> Value {
    let frame: Value = serde_json::from_str(text).unwrap_or_default();
    let members = ["data", "event", "seq", "time"];
    let members = members.map(|name| (name, frame.get(name).cloned().unwrap_or_default()));
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn says_the_same(one: &str, other: &str) -> bool {
    said(one) == said(other)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_heard_means_all() {
        let board = Board::of(2);
        board.event(8, r#"{"seq":8,"data":{}}"#).unwrap();
        let early = tokio::time::timeout(Duration::ZERO, board.all_heard(8));
        assert!(early.await.is_err());
        board.event(8, r#"{"data":{},"seq":8,"type":"event"}"#).unwrap();
        assert_eq!(board.all_heard(8).await.unwrap().count, 2);
        assert_eq!(board.describe(9), "0 of 2 sockets heard of event 9 in time");
    }

    #[test]
    fn another_story_is_a_fault() {
        let board = Board::of(2);
        board.event(8, r#"{"seq":8,"data":{"price":1}}"#).unwrap();
        assert!(board.event(8, r#"{"seq":8,"data":{"price":2}}"#).is_err());
    }

    #[tokio::test]
    async fn a_fault_ends_the_waiting() {
        let board = Board::of(1);
        board.fault("closed with 4008".to_owned());
        assert!(board.all_heard(1).await.unwrap_err().to_string().contains("4008"));
    }
}
