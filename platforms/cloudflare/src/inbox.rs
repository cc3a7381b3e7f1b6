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
use crate::wire::{self, Refused, ToInbox};
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
                let refused = |refusal: edge::Refusal| {
                    (refusal.status, refusal.code.to_owned(), refusal.detail)
                };
                wire::answer::<std::result::Result<Vec<u8>, Refused>>(&told.map_err(refused))
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.inside.rung();
        let component = self.component()?;
        let edge = self.inside.edge(|| composed(component.clone()))?;
        let ports = WorkerPorts::of(&self.inside.env, &component);
        if let Err(why) = self.work(&edge, &ports).await {
            note(&format!("{component}: {why}"));
        }
        messages::tell_inboxes(&self.inside.env, ports.take_told()).await;
        self.inside.arm(&edge, Some(wire::now().plus_ms(NOT_AT_ONCE_MS))).await;
        Response::empty()
    }
}

impl InboxObject {
    /// Takes in what waits in the tables' outbox, then does what is due, several things at once.
    async fn work(
        &self,
        edge: &Edge<ObjectWorld>,
        ports: &WorkerPorts<'_>,
    ) -> std::result::Result<(), String> {
        services::migrate(ports).await?;
        messages::pull(edge, ports).await?;
        let (mut running, mut begun) = (FuturesUnordered::new(), 0);
        loop {
            while running.len() < AT_ONCE_MAX && begun < LEASES_MAX {
                let Some(lease) = edge.next_work().map_err(|error| error.0)? else { break };
                begun += 1;
                running.push(done(ports, lease));
            }
            let Some((lease, outcomes)) = running.next().await else { return Ok(()) };
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
/// Leases of one alarm: each asks D1 several times, and an invocation may do so a thousand times.
const LEASES_MAX: usize = 64;
/// What could not be taken by one alarm is not tried again at once.
const NOT_AT_ONCE_MS: i64 = 250;
