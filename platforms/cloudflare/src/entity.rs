//! An entity: one object with its own log. Commands and questions to it are transactions on its
//! store; the runtime holds replies and messages back until what they rest on is durable.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use composition::Composition;
use edge::{Edge, Machines, Task};
use kernel::Timestamp;
use ports::live::bounds;
use ports::{Delivery, Entities as _, ready};
use worker::{
    Delay, DurableObject, Env, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, durable_object,
};

use crate::fault::note;
use crate::messages::{self, Parcel};
use crate::object::Inside;
use crate::ports::WorkerPorts;
use crate::sockets::{self, Attached, OPENING, Sockets, UNSUPPORTED};
use crate::wire::{self, Answer, Operated, ToEntity, Told, Told4, Trouble};
use crate::world::ObjectWorld;
use crate::{services, settings};

/// The object of an entity.
#[durable_object]
pub struct EntityObject {
    inside: Rc<Inside>,
    sockets: Sockets,
    /// The newest event that this instance has decided.
    newest: Cell<u64>,
}

impl DurableObject for EntityObject {
    fn new(state: State, env: Env) -> Self {
        let inside = Rc::new(Inside::new(state, env));
        Self { inside, sockets: Sockets::default(), newest: Cell::default() }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        if request.headers().has(OPENING)? {
            return self.open(&request).await;
        }
        let Some(question) = wire::asked::<ToEntity>(request).await? else {
            return wire::not_asked();
        };
        if self.is_unborn()?
            && let Some(answer) = of_nobody(&question)
        {
            return answer;
        }
        let question = match question {
            ToEntity::Prepare(opening) => return wire::answer(&self.sockets.prepare(*opening)),
            question => question,
        };
        let edge = self.inside.edge(composed)?;
        if let ToEntity::Follow { machine, key, after } = question {
            return self.follow(&edge, &machine, &key, after).await;
        }
        edge.listen();
        let answer = answer(&edge, question).await?;
        self.tell(&edge);
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
        edge.listen();
        if let Err(error) = edge.wake_due(WAKES_MAX) {
            note(&format!("an entity cannot be woken: {error}"));
        }
        self.tell(&edge);
        pass_on(&self.inside, &edge, &self.inside.state.id().to_string()).await;
        self.inside.arm(&edge, Some(a_moment_later())).await;
        Response::empty()
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> Result<()> {
        let WebSocketIncomingMessage::String(text) = message else {
            sockets::end(&socket, UNSUPPORTED);
            return Ok(());
        };
        let env = &self.inside.env;
        let answered = async |attached: Attached| {
            let ports = WorkerPorts::of(env, &attached.component);
            let answered = services::message(&ports, &attached.context, &text).await;
            messages::tell_inboxes(env, ports.take_told()).await;
            answered
        };
        self.sockets.heard(&socket, &text, answered).await;
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        _code: usize,
        _reason: String,
        _was_clean: bool,
    ) -> Result<()> {
        self.sockets.left(&socket);
        // The runtime waits for our side of the farewell.
        sockets::end(&socket, FAREWELL);
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: worker::Error) -> Result<()> {
        self.sockets.left(&socket);
        Ok(())
    }
}

impl EntityObject {
    /// Opens a socket. Nothing is decided between what its client missed and what it will be told.
    async fn open(&self, request: &Request) -> Result<Response> {
        let edge = self.inside.edge(composed)?;
        let missed = |machine: &str, component: &str, key: &str, after: u64| {
            let events = ready(edge.events(machine, key, after, MISSED_MAX));
            let events = events.map_err(|error| error.to_string())?;
            Ok(services::tell(component, key, &events, &[]))
        };
        let response = self.sockets.open(&self.inside.state, request, missed)?;
        self.inside.also.set(self.sockets.attend(&self.inside.state));
        self.inside.arm(&edge, None).await;
        Ok(response)
    }

    /// Tells those who follow what was decided, and does what is due for them.
    fn tell(&self, edge: &Edge<ObjectWorld>) {
        let decided = edge.take_decided();
        let newest = decided.iter().flat_map(|decided| &decided.events).map(|event| event.seq);
        self.newest.set(newest.max().unwrap_or(0).max(self.newest.get()));
        self.sockets.tell(&self.inside.state, decided);
        self.inside.also.set(self.sockets.attend(&self.inside.state));
    }

    /// The events after one: at once when there are some, or when there are, or none for now.
    async fn follow(
        &self,
        edge: &Edge<ObjectWorld>,
        machine: &str,
        key: &str,
        after: u64,
    ) -> Result<Response> {
        let read = || ready(edge.events(machine, key, after, FOLLOWED_AT_ONCE));
        let mut events = read();
        let until = wire::now().plus_ms(bounds::ALIVE_MS);
        while events.as_ref().is_ok_and(Vec::is_empty) && wire::now() < until {
            Delay::from(LOOK_EVERY).await;
            if self.newest.get() > after {
                events = read();
            }
        }
        let events = events.map(|events| events.into_iter().map(wire::told4).collect());
        wire::answer::<Answer<Vec<Told4>>>(&events.map_err(Trouble::from))
    }

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
        ToEntity::Call { .. }
        | ToEntity::Arrived { .. }
        | ToEntity::Prepare(_)
        | ToEntity::Follow { .. } => None,
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
        ToEntity::Prepare(_) | ToEntity::Follow { .. } => wire::not_asked(),
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

/// Events that a socket may have missed: its service lets it go on after no more than these.
const MISSED_MAX: u32 = 1_100;
const FOLLOWED_AT_ONCE: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A close frame that answers another.
const FAREWELL: u16 = 1000;
/// Wakes of one alarm.
const WAKES_MAX: usize = 16;
/// Parcels that are sent after one event.
const PARCELS_MAX: usize = 16;
/// What could not be done by one alarm is not tried again at once.
const NOT_AT_ONCE_MS: i64 = 250;
/// When a store that cannot be opened is tried again.
const CLOSED_MS: i64 = 60_000;
