//! Brings the messages of a queue to their consumer.
//!
//! Batches travel side by side, as many as the subscription allows. When a batch breaks its
//! consumer (a trap, a deadline), its messages travel alone from then on, and one way is kept free
//! of them: what breaks its consumer delays nobody else.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::queues::{Event, PUT_OFF_MAX_MS, QueueError, Queues, Taken, Taking, Verdict};
use crate::services::{Service, ServiceError, consume};
use crate::subscription::Terms;

/// Who handles messages.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Handles a batch: for each message nothing, or why it must come again.
    fn handle(
        &self,
        batch: Vec<Event>,
    ) -> impl Future<Output = Result<Vec<Option<String>>, Failure>> + Send;
}

/// Why a batch was not handled.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For the log and the dead letter.
    pub(crate) why: String,
    /// The platform's doing, not that of a message.
    pub(crate) is_ours: bool,
}

/// One queue and its consumer.
pub(crate) struct Delivery<H> {
    /// All queues.
    pub(crate) queues: Arc<Queues>,
    /// Name of the queue.
    pub(crate) name: String,
    /// How.
    pub(crate) terms: Terms,
    /// To whom.
    pub(crate) handler: Arc<H>,
}

/// Delivers until `stop` turns true; what is under way then is finished.
pub(crate) async fn run<H: Handler>(delivery: Delivery<H>, mut stop: watch::Receiver<bool>) {
    let delivery = Arc::new(delivery);
    let ways = Arc::new(Semaphore::new(delivery.terms.concurrency as usize));
    let suspects = Arc::new(AtomicU32::new(0));
    let mut under_way = JoinSet::new();
    loop {
        let way = tokio::select! {
            way = Arc::clone(&ways).acquire_owned() => way,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok(way) = way else { break };
        while under_way.try_join_next().is_some() {}
        if *stop.borrow() {
            break;
        }
        let may_suspect = suspects.load(Ordering::Relaxed) < delivery.terms.suspects_max();
        let pause = match delivery.take(may_suspect).await {
            Ok(taken) if taken.messages.is_empty() => delivery.idle(taken.next_at, &stop).await,
            Ok(taken) => {
                let suspect = taken.messages.iter().any(|message| message.suspect);
                let suspect = suspect.then(|| Suspect::count(&suspects));
                let delivery = Arc::clone(&delivery);
                under_way.spawn(async move { delivery.deliver(taken, way, suspect).await });
                continue;
            }
            Err(error) => {
                tracing::error!(%error, queue = delivery.name, "nothing can be taken");
                QUEUES_PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

impl<H: Handler> Delivery<H> {
    async fn take(&self, suspects: bool) -> Result<Taken, QueueError> {
        let Terms { batch_size: limit, visibility_ms, max_receives, .. } = self.terms;
        self.queues.take(&self.name, Taking { limit, visibility_ms, max_receives, suspects }).await
    }

    /// Waits until there may be something to take; how long to gather more of it.
    async fn idle(&self, next_at: Option<i64>, stop: &watch::Receiver<bool>) -> Duration {
        let mut stop = stop.clone();
        tokio::select! {
            () = self.queues.stirred(&self.name, next_at) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        Duration::from_millis(self.terms.linger_ms)
    }

    async fn deliver(&self, taken: Taken, _way: OwnedSemaphorePermit, suspect: Option<Suspect>) {
        let Taken { lease, messages, .. } = taken;
        let batch: Vec<Event> = messages.iter().map(|message| message.event.clone()).collect();
        let visible = Duration::from_millis(u64::try_from(self.terms.visibility_ms).unwrap_or(0));
        let handled = tokio::time::timeout(visible, self.handler.handle(batch)).await;
        let outcomes = match handled {
            Ok(Ok(outcomes)) if outcomes.len() == messages.len() => Ok(outcomes),
            Ok(Ok(outcomes)) => {
                let why = format!("{} outcomes for {} messages", outcomes.len(), messages.len());
                Err(Failure { why, is_ours: false })
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure { why: "visibility time-out".to_owned(), is_ours: false }),
        };
        let outcomes = outcomes.map_err(|failure| Failure { why: short(failure.why), ..failure });
        let mut verdicts = Vec::with_capacity(messages.len());
        for (at, message) in messages.iter().enumerate() {
            let verdict = match &outcomes {
                Ok(outcomes) => match outcomes.get(at).cloned().flatten() {
                    None => Verdict::Done,
                    Some(why) => {
                        Verdict::Refused { why: short(why), at: self.later(message.attempts) }
                    }
                },
                Err(Failure { why, is_ours: true }) => {
                    Verdict::Spared { why: why.clone(), at: self.later(1) }
                }
                Err(Failure { why, .. }) if messages.len() > 1 => {
                    Verdict::Unclear { why: why.clone() }
                }
                Err(Failure { why, .. }) => {
                    Verdict::Broke { why: why.clone(), at: self.later(message.attempts) }
                }
            };
            if let Some(why) = verdict.why() {
                let (queue, id, receives) = (&self.name, &message.event.id, message.receives);
                tracing::warn!(why, queue, id, receives, "delivery failed");
            }
            verdicts.push((message.seq, verdict));
        }
        // Settling wakes who takes the next one, which may be as suspect as this one was.
        drop(suspect);
        match self.queues.settle(&self.name, lease, self.terms.max_receives, verdicts).await {
            Ok(0) => {}
            Ok(dead) => tracing::error!(dead, queue = self.name, "messages became dead letters"),
            Err(error) => {
                tracing::error!(%error, queue = self.name, "outcomes lost; messages come again");
            }
        }
    }

    /// When a message comes again that failed for the `attempts`th time.
    fn later(&self, attempts: u32) -> i64 {
        let world = self.queues.world();
        let mut random = [0; 8];
        // Without randomness all come at once, which is better than never.
        let _ = world.fill(&mut random);
        let pause = backoff(self.terms.retry_first_ms, attempts, u64::from_le_bytes(random));
        world.now_ms().saturating_add(pause)
    }
}

impl Terms {
    /// Most messages at once that may break the consumer.
    fn suspects_max(&self) -> u32 {
        self.concurrency.saturating_sub(1).max(1)
    }
}

/// Counts a message that may break the consumer while it is under way.
struct Suspect(Arc<AtomicU32>);

impl Suspect {
    fn count(counter: &Arc<AtomicU32>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for Suspect {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Handler for Service {
    async fn handle(&self, batch: Vec<Event>) -> Result<Vec<Option<String>>, Failure> {
        let outward = |event: Event| {
            let Event { id, source, topic, key, time, body } = event;
            consume::Message { id, source, topic, key, time, body }
        };
        let batch: Vec<consume::Message> = batch.into_iter().map(outward).collect();
        let outcomes = self.consume(&batch).await.map_err(|error| Failure {
            is_ours: matches!(error, ServiceError::Unavailable(_) | ServiceError::Overloaded),
            why: error.to_string(),
        })?;
        let refusal = |outcome| match outcome {
            consume::Outcome::Ack => None,
            consume::Outcome::Retry(why) => Some(why),
        };
        Ok(outcomes.into_iter().map(refusal).collect())
    }
}

/// As much of what was said as is kept.
fn short(mut why: String) -> String {
    why.truncate(why.floor_char_boundary(WHY_MAX_BYTES));
    why
}

/// The pause after the `attempts`th failure: it doubles, and half of it is chance, so that those
/// who failed together do not come together.
fn backoff(first_ms: i64, attempts: u32, random: u64) -> i64 {
    let doublings = attempts.saturating_sub(1).min(DOUBLINGS_MAX);
    let pause = first_ms.saturating_mul(1 << doublings).clamp(1, PUT_OFF_MAX_MS);
    let half = pause / 2;
    let chance = i64::try_from(random % (half.unsigned_abs() + 1)).unwrap_or(0);
    pause - half + chance
}

/// Longest explanation of a failure.
const WHY_MAX_BYTES: usize = 1_000;
const DOUBLINGS_MAX: u32 = 20;
/// Pause after the file of the queues refused something.
const QUEUES_PAUSE: Duration = Duration::from_secs(1);
