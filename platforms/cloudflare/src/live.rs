//! Sockets and streams where they arrive: the Worker asks the service, then hands the socket to the
//! entity's object, and pumps streams by asking it again and again.

use futures_util::stream;
use ports::live::bounds;
use web::live::{Following, Opened};
use worker::{Env, Headers, Method, Request, RequestInit, Response, ResponseBuilder};

use crate::fault::note;
use crate::messages::ENTITIES;
use crate::services;
use crate::sockets::OPENING;
use crate::wire::{self, Answer, Opening, ToEntity, Told4};

/// Does the request ask for a WebSocket?
pub(crate) fn is_upgrade(request: &Request) -> bool {
    let upgrade = request.headers().get("upgrade").ok().flatten();
    matches!(request.method(), Method::Get)
        && upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Hands a socket to the object of its entity.
pub(crate) async fn open(
    env: &Env,
    component: &str,
    request: &web::Request,
    opened: Opened,
) -> worker::Result<Response> {
    let Opened { following, hello, principal, expires_at, ends_at, closes_with, context } = opened;
    let Following { machine, key, after } = following;
    let offered = request.header("sec-websocket-protocol").unwrap_or_default();
    let is_offered = offered.split(',').any(|name| name.trim() == PROTOCOL);
    let entity = env.durable_object(ENTITIES)?.get_by_name(&format!("{machine}/{key}"))?;
    let opening = Opening {
        component: component.to_owned(),
        machine,
        key,
        after,
        hello,
        principal,
        expires_at,
        ends_at,
        closes_with,
        context,
        protocol: is_offered.then(|| PROTOCOL.to_owned()),
    };
    let id: u64 = wire::ask(&entity, &ToEntity::Prepare(Box::new(opening))).await?;
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    headers.set(OPENING, &id.to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    let request = Request::new_with_init("https://object/", &init)?;
    entity.fetch_with_request(request).await
}

/// The body of a stream: the beginning, and then what the entity's object tells.
pub(crate) fn stream(
    env: &Env,
    component: &str,
    head: ResponseBuilder,
    begins: Vec<u8>,
    following: Following,
) -> worker::Result<Response> {
    let pump = Pump {
        env: env.clone(),
        component: component.to_owned(),
        following,
        begins: Some(begins),
        rounds: 0,
        until: wire::now().plus_ms(bounds::STREAM_MAX_MS).as_ms(),
    };
    head.from_stream(stream::unfold(pump, |mut pump| async move {
        let piece = pump.next().await?;
        Some((Ok::<_, worker::Error>(piece), pump))
    }))
}

struct Pump {
    env: Env,
    component: String,
    following: Following,
    begins: Option<Vec<u8>>,
    rounds: u32,
    until: i64,
}

impl Pump {
    async fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(begins) = self.begins.take() {
            return Some(begins);
        }
        self.rounds += 1;
        if self.rounds > ROUNDS_MAX || wire::now().as_ms() >= self.until {
            return None;
        }
        let Following { machine, key, after } = self.following.clone();
        let asked = async {
            let name = format!("{machine}/{key}");
            let objects = self.env.durable_object(ENTITIES).map_err(|error| error.to_string())?;
            let entity = objects.get_by_name(&name).map_err(|error| error.to_string())?;
            let follow = ToEntity::Follow { machine, key: key.clone(), after };
            let events = wire::ask::<_, Answer<Vec<Told4>>>(&entity, &follow).await?;
            events.map_err(|trouble| ports::EntityError::from(trouble).to_string())
        };
        let events = asked.await.inspect_err(|why| note(&format!("a stream ends: {why}"))).ok()?;
        let events: Vec<_> = events.into_iter().map(wire::public_event).collect();
        let Some(last) = events.last() else { return Some(ALIVE.to_vec()) };
        self.following.after = last.seq;
        let told = services::tell(&self.component, &key, &events, &[]);
        let pieces: String = told.events.iter().map(|event| event.piece.as_str()).collect();
        Some(pieces.into_bytes())
    }
}

const PROTOCOL: &str = "ecomauction.v1";
/// A comment, which clients pass over.
const ALIVE: &[u8] = b":\n\n";
/// A request may ask so often (50 times on the free plan).
const ROUNDS_MAX: u32 = 45;
