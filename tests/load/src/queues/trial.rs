//! One run against a server: publishers and consumers with a connection each, every message
//! counted. Threads wait in plain reads, so the client costs as little as it can.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use hdrhistogram::Histogram;

/// What is sent, and by how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    /// How many messages.
    pub(crate) messages: u64,
    /// Messages of a publication and of a delivery.
    pub(crate) batch: usize,
}

/// What it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// From the first publication to the last acknowledgement.
    pub(crate) seconds: f64,
    /// A publisher's wait for its confirmation, in milliseconds.
    pub(crate) p50_ms: f64,
    /// The same of the slowest hundredth.
    pub(crate) p99_ms: f64,
}

/// A connection that publishes.
pub(crate) trait Publisher: Send {
    /// Sends messages and waits until the server says that it keeps them.
    fn publish(&mut self, bodies: &[Vec<u8>]) -> anyhow::Result<()>;
}

/// A connection that consumes.
pub(crate) trait Consumer: Send {
    /// Acknowledges what the last exchange brought and takes the next, or nothing after a while;
    /// how many messages came.
    fn exchange(&mut self, see: &mut dyn FnMut(&[u8])) -> anyhow::Result<usize>;
    /// Acknowledges what the last exchange brought, and waits for that.
    fn settle(&mut self) -> anyhow::Result<()>;
}

/// A server to whose empty queue one can connect.
pub(crate) trait Server: Sync {
    /// Makes the queue, empty.
    fn prepare(&self) -> anyhow::Result<()>;
    /// Connects.
    fn publisher(&self) -> anyhow::Result<Box<dyn Publisher>>;
    /// Connects; takes at most `batch` at once.
    fn consumer(&self, batch: usize) -> anyhow::Result<Box<dyn Consumer>>;
}

/// Sends, takes and acknowledges every message, and checks that each came once.
pub(crate) fn run(server: &dyn Server, trial: Trial) -> anyhow::Result<Took> {
    server.prepare()?;
    let tally = Tally::of(trial.messages);
    let mut publishers = Vec::new();
    let mut consumers = Vec::new();
    for _ in 0..EACH {
        publishers.push(server.publisher()?);
        consumers.push(server.consumer(trial.batch)?);
    }
    let began = Instant::now();
    let (waits, ended) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let tally = &tally;
        let consuming: Vec<_> = consumers
            .into_iter()
            .map(|mut consumer| scope.spawn(move || tally.consume(consumer.as_mut())))
            .collect();
        let publishing: Vec<_> = publishers
            .into_iter()
            .zip(0..)
            .map(|(mut publisher, share)| {
                scope.spawn(move || tally.publish(publisher.as_mut(), share, trial))
            })
            .collect();
        let mut waits = Histogram::<u64>::new(3)?;
        for published in publishing {
            waits.add(tally.joined(published)?)?;
        }
        let mut ended = began;
        for consumed in consuming {
            ended = ended.max(tally.joined(consumed)?);
        }
        Ok((waits, ended))
    })?;
    tally.check()?;
    let ms = |quantile| waits.value_at_quantile(quantile) as f64 / 1e3;
    let seconds = (ended - began).as_secs_f64();
    Ok(Took { seconds, p50_ms: ms(0.5), p99_ms: ms(0.99) })
}

/// How often each message came.
struct Tally {
    seen: Vec<AtomicU8>,
    left: AtomicU64,
    failed: AtomicBool,
}

impl Tally {
    fn of(messages: u64) -> Self {
        let seen = (0..messages).map(|_| AtomicU8::new(0)).collect();
        Self { seen, left: AtomicU64::new(messages), failed: AtomicBool::new(false) }
    }

    fn publish(
        &self,
        publisher: &mut dyn Publisher,
        share: u64,
        trial: Trial,
    ) -> anyhow::Result<Histogram<u64>> {
        let mut waits = Histogram::new(3)?;
        let ids: Vec<u64> =
            (share * trial.messages / EACH..(share + 1) * trial.messages / EACH).collect();
        for ids in ids.chunks(trial.batch) {
            let bodies: Vec<Vec<u8>> = ids.iter().map(|id| body(*id)).collect();
            let asked = Instant::now();
            self.noting(publisher.publish(&bodies))?;
            waits.record(u64::try_from(asked.elapsed().as_micros())?)?;
        }
        Ok(waits)
    }

    /// Consumes until every message came to somebody; when this one's last was settled.
    fn consume(&self, consumer: &mut dyn Consumer) -> anyhow::Result<Instant> {
        let patience = Instant::now() + PATIENCE;
        let mut settled = Instant::now();
        let mut holds = 0;
        while self.left.load(Ordering::Relaxed) > 0 {
            ensure!(!self.failed.load(Ordering::Relaxed), "another connection failed");
            ensure!(Instant::now() < patience, "too slow");
            holds = self.noting(consumer.exchange(&mut |body| self.see(body)))?;
        }
        if holds > 0 {
            self.noting(consumer.settle())?;
            settled = Instant::now();
        }
        Ok(settled)
    }

    fn see(&self, body: &[u8]) {
        let id = body.first_chunk().map(|id| u64::from_le_bytes(*id));
        let seen = id.and_then(|id| self.seen.get(usize::try_from(id).ok()?));
        if body.len() == BODY_BYTES
            && seen.is_some_and(|seen| seen.fetch_add(1, Ordering::Relaxed) == 0)
        {
            self.left.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Everything came once.
    fn check(&self) -> anyhow::Result<()> {
        let wrong = self.seen.iter().filter(|seen| seen.load(Ordering::Relaxed) != 1).count();
        ensure!(wrong == 0, "{wrong} messages were not delivered exactly once");
        Ok(())
    }

    /// Whoever waits for the others must not wait for ever.
    fn noting<T>(&self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }

    fn joined<T>(&self, handle: ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
        let joined = handle.join().map_err(|_| anyhow!("a thread panicked"));
        self.noting(joined.and_then(|done| done)).context("a connection failed")
    }
}

/// The body of a message: its number and filling.
fn body(id: u64) -> Vec<u8> {
    let mut body = id.to_le_bytes().to_vec();
    body.resize(BODY_BYTES, b'x');
    body
}

/// Publishers, and consumers as many.
pub(crate) const EACH: u64 = 8;
/// Bytes of a message.
pub(crate) const BODY_BYTES: usize = 256;
const PATIENCE: Duration = Duration::from_secs(180);

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    /// A queue in memory, which may lose the first message or hand it out twice.
    #[derive(Clone, Default)]
    struct Memory {
        waiting: Arc<Mutex<Vec<Vec<u8>>>>,
        loses: bool,
        doubles: bool,
    }

    impl Server for Memory {
        fn prepare(&self) -> anyhow::Result<()> {
            Ok(())
        }

        fn publisher(&self) -> anyhow::Result<Box<dyn Publisher>> {
            Ok(Box::new(self.clone()))
        }

        fn consumer(&self, _batch: usize) -> anyhow::Result<Box<dyn Consumer>> {
            Ok(Box::new(self.clone()))
        }
    }

    impl Publisher for Memory {
        fn publish(&mut self, bodies: &[Vec<u8>]) -> anyhow::Result<()> {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for kept in bodies {
                if *kept == body(0) && self.doubles {
                    waiting.push(kept.clone());
                }
                ensure!(*kept != body(0) || !self.loses, "no room");
                waiting.push(kept.clone());
            }
            Ok(())
        }
    }

    impl Consumer for Memory {
        fn exchange(&mut self, see: &mut dyn FnMut(&[u8])) -> anyhow::Result<usize> {
            let taken = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *waiting)
            };
            taken.iter().for_each(|body| see(body));
            Ok(taken.len())
        }

        fn settle(&mut self) -> anyhow::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_run_counts_every_message_once() {
        let trial = Trial { messages: 1_001, batch: 10 };
        assert!(run(&Memory::default(), trial).is_ok());
        let doubling = Memory { doubles: true, ..Memory::default() };
        assert!(run(&doubling, trial).is_err_and(|error| error.to_string().contains("1 messages")));
        let losing = Memory { loses: true, ..Memory::default() };
        assert!(run(&losing, trial).is_err_and(|error| format!("{error:#}").contains("no room")));
    }
}
