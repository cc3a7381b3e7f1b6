//! Brings the messages of a queue to their consumer.
//!
//! Batches travel side by side, as many as the subscription allows. When a batch breaks its
//! consumer (a trap, a deadline), its messages travel alone from then on, and one way is kept free
//! of them: what breaks its consumer delays nobody else.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use composition::{Terms, backoff};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::queues::{Event, QueueError, Queues, Taken, Taking, Verdict};
use crate::services::{Service, ServiceError, consume};

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
pub(crate) async fn run<H: Handler>(delivery: Delivery<H>, stop: watch::Receiver<bool>) {
    let delivery = Arc::new(delivery);
    let suspects = Arc::new(Suspects::of(&delivery.terms));
    let mut ways = JoinSet::new();
    let way = |pause: Duration| {
        let (delivery, suspects, mut stop) =
            (Arc::clone(&delivery), Arc::clone(&suspects), stop.clone());
        async move {
            let _ = tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await;
            delivery.go(&suspects, stop).await;
        }
    };
    for _ in 0..delivery.terms.concurrency {
        ways.spawn(way(Duration::ZERO));
    }
    while let Some(ended) = ways.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, queue = delivery.name, "a delivery broke; it begins again");
            ways.spawn(way(QUEUES_PAUSE));
        }
    }
}

impl<H: Handler> Delivery<H> {
    /// One way: batch after batch. The next one is asked for together with the settlement of the
    /// last, so that both share a commit.
    async fn go(&self, suspects: &Arc<Suspects>, mut stop: watch::Receiver<bool>) {
        let mut settled = None;
        while !*stop.borrow() {
            let allowed = suspects.allow();
            let taking = self.take(allowed.is_some());
            let taken = match settled.take() {
                Some(settled) => tokio::join!(self.hear(settled), taking).1,
                None => taking.await,
            };
            let messages = taken.as_ref().map_or(&[][..], |taken| taken.messages.as_slice());
            let (is_empty, is_suspect) =
                (messages.is_empty(), messages.iter().any(|message| message.suspect));
            let allowed = if is_suspect { allowed } else { self.pass_on(suspects, allowed) };
            let pause = match taken {
                Ok(taken) if is_empty => self.idle(taken.next_at, &stop).await,
                Ok(taken) => {
                    // There may be more than this way takes.
                    self.queues.stir(&self.name);
                    settled = Some(self.deliver(taken, allowed).await);
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, queue = self.name, "nothing can be taken");
                    QUEUES_PAUSE
                }
            };
            if !pause.is_zero() {
                let _ = tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await;
            }
        }
        if let Some(settled) = settled {
            self.hear(settled).await;
        }
    }

    fn take(
        &self,
        suspects: bool,
    ) -> impl Future<Output = Result<Taken, QueueError>> + Send + use<H> {
        let Terms { batch_size: limit, visibility_ms, max_receives, .. } = self.terms;
        self.queues.take(&self.name, Taking { limit, visibility_ms, max_receives, suspects })
    }

    /// The permission was not needed; who was denied one may ask again.
    fn pass_on(&self, suspects: &Suspects, allowed: Option<Allowed>) -> Option<Allowed> {
        if allowed.is_some() {
            drop(allowed);
            if suspects.denied.swap(false, Ordering::Relaxed) {
                self.queues.stir(&self.name);
            }
        }
        None
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

    /// Has a batch handled and says what became of it; the answer to that comes later.
    async fn deliver(
        &self,
        taken: Taken,
        allowed: Option<Allowed>,
    ) -> impl Future<Output = Result<usize, QueueError>> + Send + use<H> {
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
        drop(allowed);
        self.queues.settle(&self.name, lease, self.terms.max_receives, verdicts)
    }

    /// Waits for the answer to a settlement.
    async fn hear(&self, settled: impl Future<Output = Result<usize, QueueError>>) {
        match settled.await {
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

/// How many ways may be with messages that may break the consumer: all but one, if there are more.
struct Suspects {
    most: u32,
    count: AtomicU32,
    /// Somebody asked in vain.
    denied: AtomicBool,
}

/// The permission to be with such a message.
struct Allowed(Arc<Suspects>);

impl Suspects {
    fn of(terms: &Terms) -> Self {
        let most = terms.concurrency.saturating_sub(1).max(1);
        Self { most, count: AtomicU32::new(0), denied: AtomicBool::new(false) }
    }

    fn allow(self: &Arc<Self>) -> Option<Allowed> {
        let more = |count| Some(count + 1).filter(|count| *count <= self.most);
        let counted = self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if counted.is_err() {
            self.denied.store(true, Ordering::Relaxed);
        }
        counted.ok().map(|_| Allowed(Arc::clone(self)))
    }
}

impl Drop for Allowed {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
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

/// Longest explanation of a failure.
const WHY_MAX_BYTES: usize = 1_000;
/// Pause after the file of the queues refused something.
const QUEUES_PAUSE: Duration = Duration::from_secs(1);
