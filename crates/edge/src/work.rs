//! What waits for a component, for whoever has an instance of it.

use composition::Composition;
use kernel::Timestamp;
use ports::{Delivery, Message};

use crate::moment::Moment;
use crate::store::Store;
use crate::world::{Connection, StoreError};
use crate::{jobs, queue};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Messages of one topic, for `consumer`.
    Consume(Vec<Message>),
    /// A job, for `schedule`.
    Run {
        /// Its name.
        job: String,
        /// The instant of its schedule.
        at: Timestamp,
    },
}

/// A task that nobody else gets while the lease lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Names the lease.
    pub id: String,
    /// What is to be done.
    pub task: Task,
}

/// Takes what is due for a component. Jobs come first: each has one slot at most, while messages
/// may never end.
pub(crate) fn next<C: Connection>(
    store: &Store<C>,
    composition: &Composition,
    component: &str,
    moment: &Moment,
) -> Result<Option<Lease>, StoreError> {
    let Some(tool) = composition.of(component) else { return Ok(None) };
    if let Some(slot) = jobs::next_slot(store, component, &tool.crons, moment)? {
        let jobs::Slot { lease: id, job, at } = slot;
        return Ok(Some(Lease { id, task: Task::Run { job, at } }));
    }
    let batch = queue::lease(store, component, &tool.consumers, moment)?;
    Ok(batch.map(|batch| Lease { id: batch.lease, task: Task::Consume(batch.messages) }))
}

/// Ends a lease: one outcome for each message, or one for the job. One that ran out changes
/// nothing. Returns lines for operators: what failed, and what comes of it.
pub(crate) fn settle<C: Connection>(
    store: &Store<C>,
    composition: &Composition,
    component: &str,
    (lease, outcomes): (&str, &[Delivery]),
    moment: &Moment,
) -> Result<Vec<String>, StoreError> {
    let Some(tool) = composition.of(component) else { return Ok(Vec::new()) };
    if !jobs::is_run(lease) {
        let consumers = &tool.consumers;
        return queue::settle(store, component, consumers, (lease, outcomes), moment);
    }
    jobs::settle(store, lease)?;
    let failed = outcomes.iter().filter_map(|outcome| match outcome {
        Delivery::Ack => None,
        Delivery::Retry(why) => Some(format!("{component}: a job failed: {why}")),
    });
    Ok(failed.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::bench::Bench;
    use crate::outbox::{Outbox as _, Sent, Subscriptions};

    #[test]
    fn a_job_goes_before_messages_and_a_failure_waits_for_the_next_slot() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::over(folder.path());
        let store = bench.store();
        let text = "[component.shop.tool.ecomauction]
            consumers = [{ topic = \"t\" }]
            crons = [{ job = \"sweep\", schedule = \"* * * * *\" }]";
        let composition = Composition::parse(text).unwrap();
        let next = || next(&store, &composition, "shop", &bench.moment()).unwrap();
        assert_eq!(next(), None);
        bench.pass(60_000);
        let at = bench.moment().now;
        let names = ["id", "/components/stall", "t", "key"].map(str::to_owned);
        let [id, source, topic, key] = names;
        let sent = vec![Sent { id, source, topic, key, body: b"{}".to_vec(), time: None }];
        let subscriptions = Subscriptions::of(&composition);
        store.write(|connection| subscriptions.send(connection, sent, at)).unwrap();
        let lease = next().unwrap();
        assert_eq!(lease.task, Task::Run { job: "sweep".to_owned(), at });
        let failed = [Delivery::Retry("not today".to_owned())];
        let notes = settle(&store, &composition, "shop", (&lease.id, &failed), &bench.moment());
        assert_eq!(notes.unwrap(), ["shop: a job failed: not today"]);
        assert!(matches!(next().unwrap().task, Task::Consume(messages) if messages.len() == 1));
        assert_eq!(next(), None);
        bench.pass(60_000);
        assert!(matches!(next().unwrap().task, Task::Run { .. }));
    }
}
