//! An entity: one object with its own log. Commands and questions to it are transactions on its
//! store; the runtime holds replies and messages back until what they rest on is durable.

use std::rc::Rc;

use composition::Composition;
use edge::{Edge, Machines, Task};
use kernel::Timestamp;
use ports::{Delivery, Entities as _};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::fault::note;
use crate::messages::{self, Parcel};
use crate::object::Inside;
use crate::settings;
use crate::wire::{self, Answer, Operated, ToEntity, Told, Told4, Trouble};
use crate::world::ObjectWorld;

/// The object of an entity.
#[durable_object]
pub struct EntityObject {
    inside: Rc<Inside>,
}

impl DurableObject for EntityObject {
    fn new(state: State, env: Env) -> Self {
        Self { inside: Rc::new(Inside::new(state, env)) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(question) = wire::asked::<ToEntity>(request).await? else {
            return wire::not_asked();
        };
        if self.is_unborn()?
            && let Some(answer) = of_nobody(&question)
        {
            return answer;
        }
        let edge = self.inside.edge(composed)?;
        let answer = answer(&edge, question).await?;
        self.inside.arm(&edge, None).await;
        let (inside, id) = (Rc::clone(&self.inside), self.inside.state.id().to_string());
        self.inside.state.wait_until(async move { pass_on(&inside, &edge, &id).await });
        Ok(answer)
    }

    async fn alarm(&self) -> Result<Response> {
        self.inside.rung();
        let edge = match self.inside.edge(composed) {
            Ok(edge) => edge,
            Err(why) => {
                // The runtime would ring again for two minutes, and then never.
                note(&format!("an entity's store cannot be opened: {why}"));
                self.inside.ring_at(wire::now().plus_ms(CLOSED_MS)).await;
                return Response::empty();
            }
        };
        if let Err(error) = edge.wake_due(WAKES_MAX) {
            note(&format!("an entity cannot be woken: {error}"));
        }
        pass_on(&self.inside, &edge, &self.inside.state.id().to_string()).await;
        self.inside.arm(&edge, Some(a_moment_later())).await;
        Response::empty()
    }
}

impl EntityObject {
    /// Has nobody commanded this entity? Then its store stays empty, whoever asks.
    fn is_unborn(&self) -> Result<bool> {
        if self.inside.is_open() {
            return Ok(false);
        }
        let sql = "select 1 from sqlite_schema where name = 'edge_entities'";
        let mut found = self.inside.state.storage().sql().exec(sql, None)?.raw();
        Ok(found.next().transpose()?.is_none())
    }
}

/// What is said of an entity without history; none for a command.
fn of_nobody(question: &ToEntity) -> Option<Result<Response>> {
    match question {
        ToEntity::Query { machine, key, principal, body } => {
            let asked = (machine.as_str(), key.as_str());
            let view =
                settings::machines().of_nobody(asked, principal.as_deref(), wire::now(), body);
            Some(wire::answer::<Answer<Vec<u8>>>(&view.map_err(Trouble::from)))
        }
        ToEntity::Events { .. } => Some(wire::answer::<Answer<Vec<Told4>>>(&Ok(Vec::new()))),
        ToEntity::Archive { .. } => Some(wire::answer::<Operated>(&Err(wire::nothing()))),
        ToEntity::Call { .. } | ToEntity::Arrived { .. } => None,
    }
}

async fn answer(edge: &Edge<ObjectWorld>, question: ToEntity) -> Result<Response> {
    match question {
        ToEntity::Call { machine, key, command_id, principal, body } => {
            let reply = edge.call(&machine, &key, &command_id, principal.as_deref(), body).await;
            wire::answer::<Answer<Vec<u8>>>(&reply.map_err(Trouble::from))
        }
        ToEntity::Query { machine, key, principal, body } => {
            let view = edge.query(&machine, &key, principal.as_deref(), body).await;
            wire::answer::<Answer<Vec<u8>>>(&view.map_err(Trouble::from))
        }
        ToEntity::Events { machine, key, after, limit } => {
            let events = edge.events(&machine, &key, after, limit).await;
            let events = events.map(|events| events.into_iter().map(wire::told4).collect());
            wire::answer::<Answer<Vec<Told4>>>(&events.map_err(Trouble::from))
        }
        ToEntity::Archive { machine, key, query } => {
            let page = edge.archive(&machine, &key, &query);
            wire::answer::<Operated>(&page.map_err(wire::refused))
        }
        ToEntity::Arrived { component, ids } => {
            let arrived = edge.arrived(&component, &ids);
            wire::answer::<Answer<()>>(&arrived.map_err(|error| Trouble::Unavailable(error.0)))
        }
    }
}

/// Sends what its consumers have not yet got. What is lost on the way is sent again when its lease
/// has run out.
async fn pass_on(inside: &Inside, edge: &Edge<ObjectWorld>, id: &str) {
    let mut is_any = false;
    for _ in 0..PARCELS_MAX {
        let (component, lease) = match edge.take_for_others() {
            Ok(Some(taken)) => taken,
            Ok(None) => break,
            Err(error) => {
                note(&format!("the messages of an entity cannot be read: {error}"));
                break;
            }
        };
        is_any = true;
        let Task::Consume(batch) = lease.task else { continue };
        let count = batch.len();
        let parcel = Parcel {
            origin: Some(id.to_owned()),
            component: component.clone(),
            messages: batch.into_iter().map(Told::from).collect(),
        };
        if let Err(why) = messages::send(&inside.env, parcel).await {
            note(&format!("messages for {component} wait: {why}"));
            let refused = vec![Delivery::Retry(why); count];
            if let Err(error) = edge.settle_for(&component, &lease.id, &refused) {
                note(&format!("the messages of an entity cannot be written: {error}"));
            }
        }
    }
    if is_any {
        inside.arm(edge, None).await;
    }
}

/// All machines; messages stay until they have arrived.
fn composed() -> (Machines, Composition, String) {
    let mut composition = settings::own_composition();
    let mut owner = String::new();
    for (id, tool) in &mut composition.components {
        tool.consumers = tool.consumers.iter().map(composition::Consumer::passed_on).collect();
        tool.crons.clear();
        if !tool.machines.is_empty() {
            owner.clone_from(id);
        }
    }
    (settings::machines(), composition, owner)
}

fn a_moment_later() -> Timestamp {
    wire::now().plus_ms(NOT_AT_ONCE_MS)
}

/// Wakes of one alarm.
const WAKES_MAX: usize = 16;
/// Parcels that are sent after one event.
const PARCELS_MAX: usize = 16;
/// What could not be done by one alarm is not tried again at once.
const NOT_AT_ONCE_MS: i64 = 250;
/// When a store that cannot be opened is tried again.
const CLOSED_MS: i64 = 60_000;
