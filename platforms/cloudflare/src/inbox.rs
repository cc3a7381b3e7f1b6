//! The inbox of a component: messages on their last way, and jobs by the clock. It hands them to
//! the component's own consumer, with the queue semantics of every other platform.

use std::rc::Rc;

use composition::Composition;
use edge::{Edge, Lease, Machines, Task};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use ports::{Delivery, Message};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::fault::note;
use crate::object::Inside;
use crate::ports::WorkerPorts;
use crate::wire::{self, Operated, ToInbox};
use crate::world::ObjectWorld;
use crate::{messages, services, settings};

/// The object of an inbox.
#[durable_object]
pub struct InboxObject {
    inside: Rc<Inside>,
}

impl DurableObject for InboxObject {
    fn new(state: State, env: Env) -> Self {
        Self { inside: Rc::new(Inside::new(state, env)) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let component = request.path().trim_start_matches('/').to_owned();
        let Some(question) = wire::asked::<ToInbox>(request).await? else {
            return wire::not_asked();
        };
        self.remember(&component)?;
        let edge = self.inside.edge(|| composed(component))?;
        match question {
            ToInbox::Take(told) => {
                let taken = edge.accept(told.into_iter().map(Message::from).collect());
                self.inside.arm(&edge, None).await;
                wire::answer::<std::result::Result<(), String>>(&taken.map_err(|error| error.0))
            }
            ToInbox::Wake => {
                self.inside.ring_now().await;
                wire::answer(&Ok::<(), String>(()))
            }
            ToInbox::Operate { method, target, body } => {
                let told = edge.operate(&method, &target, &body);
                self.inside.arm(&edge, None).await;
                wire::answer::<Operated>(&told.map_err(wire::refused))
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.inside.rung();
        let component = self.component()?;
        let edge = self.inside.edge(|| composed(component.clone()))?;
        let ports = WorkerPorts::of(&self.inside.env, &component);
        let pause = match self.work(&edge, &ports).await {
            Ok(0) => NOTHING_DONE_MS,
            Ok(_) => NOT_AT_ONCE_MS,
            Err(why) => {
                note(&format!("{component}: {why}"));
                // What waits in the tables is in no alarm of this store.
                self.inside.ring_at(wire::now().plus_ms(AFTER_FAULT_MS)).await;
                AFTER_FAULT_MS
            }
        };
        messages::tell_inboxes(&self.inside.env, ports.take_told()).await;
        self.inside.arm(&edge, Some(wire::now().plus_ms(pause))).await;
        Response::empty()
    }
}

impl InboxObject {
    /// Takes in what waits in the tables' outbox, then does what is due, several things at once;
    /// how much.
    async fn work(
        &self,
        edge: &Edge<ObjectWorld>,
        ports: &WorkerPorts<'_>,
    ) -> std::result::Result<usize, String> {
        services::migrate(ports).await?;
        messages::pull(edge, ports).await?;
        let (mut running, mut begun) = (FuturesUnordered::new(), 0);
        loop {
            while running.len() < AT_ONCE_MAX && begun < BEGUN_MAX {
                let Some(lease) = edge.next_work().map_err(|error| error.0)? else { break };
                begun += match &lease.task {
                    Task::Consume(batch) => batch.len(),
                    Task::Run { .. } => BEGUN_BY_A_JOB,
                };
                running.push(done(ports, lease));
            }
            let Some((lease, outcomes)) = running.next().await else { return Ok(begun) };
            edge.settle_work(&lease, &outcomes).map_err(|error| error.0)?;
        }
    }

    /// An alarm does not tell whose inbox this is.
    fn remember(&self, component: &str) -> Result<()> {
        if self.component().is_ok() {
            return Ok(());
        }
        let sql = self.inside.state.storage().sql();
        sql.exec("create table if not exists inbox (component text not null)", None)?;
        sql.exec("insert into inbox (component) values (?1)", vec![component.into()])?;
        Ok(())
    }

    fn component(&self) -> Result<String> {
        let sql = self.inside.state.storage().sql();
        let found = sql.exec("select component from inbox", None)?.raw().next();
        match found.transpose()?.and_then(|row| row.into_iter().next()) {
            Some(worker::SqlStorageValue::String(component)) => Ok(component),
            _ => Err("this inbox is nobody's".into()),
        }
    }
}

async fn done(ports: &WorkerPorts<'_>, lease: Lease) -> (String, Vec<Delivery>) {
    let outcomes = match lease.task {
        Task::Consume(batch) => services::consume(ports, batch).await,
        Task::Run { job, at } => vec![match services::run(ports, &job, at).await {
            Ok(()) => Delivery::Ack,
            Err(why) => Delivery::Retry(why),
        }],
    };
    (lease.id, outcomes)
}

/// What concerns the component, and nobody else.
fn composed(component: String) -> (Machines, Composition, String) {
    let mut composition = settings::own_composition();
    composition.components.retain(|id, _| *id == component);
    for tool in composition.components.values_mut() {
        tool.consumers = tool.consumers.iter().map(composition::Consumer::received).collect();
    }
    (Machines::default(), composition, component)
}

/// Leases that are worked on side by side.
const AT_ONCE_MAX: usize = 8;
/// Messages of one alarm: each asks D1 some four times, and an event may do so a thousand times.
const BEGUN_MAX: usize = 120;
/// As many as a job counts for.
const BEGUN_BY_A_JOB: usize = 20;
/// When an alarm that could do nothing rings again.
const NOTHING_DONE_MS: i64 = 1_000;
const AFTER_FAULT_MS: i64 = 5_000;
/// What could not be taken by one alarm is not tried again at once.
const NOT_AT_ONCE_MS: i64 = 250;
