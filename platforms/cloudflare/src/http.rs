//! A request as services know it, and their response on its way out.

mod body;

use std::cell::Cell;
use std::net::{IpAddr, Ipv6Addr};

use web::{Fields, Problem};
use worker::{Context, EncodeBody, Env, Headers, Request, Response, ResponseBody, ResponseBuilder};

use crate::fault::note;
use crate::ports::WorkerPorts;
use crate::wire::{self, Operated, ToInbox};
use crate::{live, messages, services, settings};

pub(crate) use body::{body_max_bytes, too_large};

/// Answers a request; what it wrote is told after the response.
pub(crate) async fn answer(
    request: Request,
    env: Env,
    context: &Context,
) -> worker::Result<Response> {
    let is_head = matches!(request.method(), worker::Method::Head);
    let wants_socket = live::is_upgrade(&request);
    let component = component_of(&request);
    let ports = WorkerPorts::of(&env, &component);
    let (request, refusal) = read(request, &ports).await;
    let response = match refusal {
        Some(problem) => web::refuse(&ports, &request, problem),
        None if is_flood(&env, &request).await => {
            let problem = Problem::new(429, "rate_limited", FLOOD);
            web::refuse(&ports, &request, problem).with("retry-after", FLOOD_SECONDS)
        }
        None if wants_socket => match opened(&ports, &request).await {
            Ok(opened) => return live::open(&env, &component, &request, opened).await,
            Err(response) => response,
        },
        None => served(&ports, request).await,
    };
    let told = ports.take_told();
    let is_first = is_first();
    if is_first || !told.is_empty() {
        let env = env.clone();
        context.wait_until(async move {
            messages::tell_inboxes(&env, told).await;
            if is_first {
                // Where nothing else wakes them after a restart, as in a local run.
                messages::wake_inboxes(&env).await;
            }
        });
    }
    said(response, is_head, &env, &component)
}

/// A socket that may be opened, or the response.
async fn opened(
    ports: &WorkerPorts<'_>,
    request: &web::Request,
) -> Result<web::live::Opened, web::Response> {
    migrated(ports, request).await?;
    match services::open(ports, request.clone()).await {
        Some(opened) => opened,
        None => Err(web::refuse(ports, request, Problem::unavailable())),
    }
}

/// Whose path it is; nobody's where it is empty.
fn component_of(request: &Request) -> String {
    let url = request.inner().url();
    let target = target_of(&url);
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    settings::composition(|all| all.serving(path).map(str::to_owned)).unwrap_or_default()
}

async fn served(ports: &WorkerPorts<'_>, request: web::Request) -> web::Response {
    if let Err(response) = migrated(ports, &request).await {
        return response;
    }
    if request.path().starts_with(OWN_PATHS)
        && bearer(&request).is_some_and(|shown| settings::vault(ports.env).is_tick_token(shown))
    {
        return operated(ports, request).await;
    }
    handled(ports, request).await
}

/// Brings the tables of a component up to date, or says what the caller hears where they are not.
pub(crate) async fn migrated(
    ports: &WorkerPorts<'_>,
    request: &web::Request,
) -> Result<(), web::Response> {
    services::migrate(ports).await.map_err(|why| {
        note(&format!("the tables cannot be brought up to date: {why}"));
        web::refuse(ports, request, Problem::unavailable())
    })
}

/// The answer of a component whose tables are up to date.
pub(crate) async fn handled(ports: &WorkerPorts<'_>, request: web::Request) -> web::Response {
    if !request.is_read()
        && let Some(why) = settings::vault(ports.env).problem()
    {
        note(&format!("nothing can be changed here: {why}"));
        return web::refuse(ports, &request, Problem::new(503, "unavailable", NO_KEYS));
    }
    // Without the body, which may be large.
    let (method, target) = (request.method.clone(), request.target.clone());
    let head = web::Request { method, target, headers: request.headers.clone(), body: Vec::new() };
    match services::handle(ports, request).await {
        Some(response) => response,
        None => {
            note(&format!("no service is linked for {}", head.path()));
            web::refuse(ports, &head, Problem::unavailable())
        }
    }
}

/// Does one address send more than anybody needs? Counted where the request arrived, before any
/// object is asked; what an operation allows is counted exactly, behind it.
async fn is_flood(env: &Env, request: &web::Request) -> bool {
    let Some(address) = request.client_address().parse().ok().map(network) else { return false };
    let counted = async { env.rate_limiter(REQUESTS)?.limit(address.to_string()).await };
    match counted.await {
        Ok(outcome) => !outcome.success,
        Err(error) => {
            note(&format!("requests are not counted: {error}"));
            false
        }
    }
}

/// Whoever has one address of version 6 has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        IpAddr::V4(address) => address.into(),
    }
}

fn bearer(request: &web::Request) -> Option<&str> {
    request.header("authorization").and_then(|value| value.strip_prefix("Bearer "))
}

/// A tick, or what operators ask. All queues are told by all inboxes, one of them by its own.
async fn operated(ports: &WorkerPorts<'_>, request: web::Request) -> web::Response {
    if request.path() == TICK && request.method == "POST" {
        messages::wake_inboxes(ports.env).await;
        return web::Response::empty(202);
    }
    let answer = match request.path().strip_prefix(ARCHIVES) {
        Some(rest) => archives(ports, &request, rest).await,
        None => queues(ports, &request).await,
    };
    match answer {
        Ok(Ok(json)) => web::Response::json_bytes(200, json),
        Ok(Err((status, code, detail))) => {
            let code = CODES.iter().find(|known| **known == code).copied();
            let problem = Problem::new(status, code.unwrap_or("unavailable"), detail);
            web::refuse(ports, &request, problem)
        }
        Err(why) => {
            note(&why);
            web::refuse(ports, &request, Problem::unavailable())
        }
    }
}

/// A log that is exported, or an archive that is replayed.
async fn archives(
    ports: &WorkerPorts<'_>,
    request: &web::Request,
    rest: &str,
) -> Result<Operated, String> {
    match (request.method.as_str(), rest.split('/').collect::<Vec<_>>().as_slice()) {
        ("POST", [""]) => {
            let replayed = edge::replay(&settings::machines(), &request.body);
            Ok(replayed.map_err(wire::refused))
        }
        ("GET", ["", machine, key]) => ports.archived(machine, key, request.query()).await,
        (_, [""] | ["", _, _]) => {
            let what = "GET exports a log, POST replays an archive.".to_owned();
            Ok(Err((405, "method_not_allowed".to_owned(), what)))
        }
        _ => Ok(Err(wire::nothing())),
    }
}

async fn queues(ports: &WorkerPorts<'_>, request: &web::Request) -> Result<Operated, String> {
    let asked = |component: String| {
        let (method, target) = (request.method.clone(), request.target.clone());
        let question = ToInbox::Operate { method, target, body: request.body.clone() };
        async move {
            let inbox = messages::inbox(ports.env, &component)?;
            wire::ask_at::<_, Operated>(&inbox, &component, &question).await
        }
    };
    let one = request.path().strip_prefix(QUEUES).and_then(|rest| rest.split('/').nth(1));
    let known: Vec<String> =
        settings::composition(|composition| composition.components.keys().cloned().collect());
    match one {
        Some(one) if known.iter().any(|id| id == one) => asked(one.to_owned()).await,
        Some(_) => Ok(Err((404, "not_found".to_owned(), NO_QUEUE.to_owned()))),
        None => all_queues(known, asked).await,
    }
}

async fn all_queues<F>(
    components: Vec<String>,
    asked: impl Fn(String) -> F,
) -> Result<Operated, String>
where
    F: Future<Output = Result<Operated, String>>,
{
    let mut items = Vec::new();
    for component in components {
        let mut page: serde_json::Value = match asked(component).await? {
            Ok(json) => serde_json::from_slice(&json).unwrap_or_default(),
            Err(refused) => return Ok(Err(refused)),
        };
        if let Some(own) = page.get_mut("items").and_then(serde_json::Value::as_array_mut) {
            items.append(own);
        }
    }
    let page = serde_json::json!({ "items": items, "next_cursor": null });
    Ok(Ok(page.to_string().into_bytes()))
}

/// Once in the life of an isolate.
fn is_first() -> bool {
    thread_local! {
        static SERVED: Cell<bool> = const { Cell::new(false) };
    }
    !SERVED.replace(true)
}

/// The request as the buffered face would get it, or why it is refused.
async fn read(mut request: Request, ports: &WorkerPorts<'_>) -> (web::Request, Option<Problem>) {
    // Not `request.method()`, which takes what it does not know for GET.
    let method = request.inner().method();
    let target = target_of(&request.inner().url()).to_owned();
    let headers = request.headers();
    let headers = inward(headers.entries(), headers.get(CLIENT).ok().flatten());
    // What is no UTF-8 the runtime has replaced.
    let is_odd = |(_, value): (&str, &str)| value.contains('\u{fffd}');
    let is_text = !headers.iter().any(is_odd);
    let odd = || Problem::new(400, "invalid_header", "A header value is not UTF-8.");
    let refusal = (!is_text).then(odd);
    let mut head = web::Request { method, target, headers, body: Vec::new() };
    match body::read(&mut request, &head, ports).await {
        Ok(body) => {
            head.body = body;
            (head, refusal)
        }
        Err(problem) => (head, refusal.or(Some(problem))),
    }
}

/// Path and query of an absolute URL.
fn target_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// Header fields as services know them. The client's address is what the runtime says it is, or the
/// component that asks.
pub(crate) fn inward(
    fields: impl Iterator<Item = (String, String)>,
    address: Option<String>,
) -> Fields {
    let mut inward = Fields::default();
    for (name, value) in fields.filter(|(name, _)| !is_of_the_platform(name)) {
        inward.push(&name, &value);
    }
    if let Some(address) = address {
        inward.push("x-client-address", &address);
    }
    inward
}

/// Fields that end at the platform, and those that it sets itself.
fn is_of_the_platform(name: &str) -> bool {
    name.starts_with("cf-")
        || matches!(
            name,
            "connection"
                | "keep-alive"
                | "proxy-authorization"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "x-client-address"
        )
}

fn said(
    response: web::Response,
    is_head: bool,
    env: &Env,
    component: &str,
) -> worker::Result<Response> {
    let web::Response { status, headers, body, live } = response;
    let fields = Headers::new();
    for (name, value) in &headers {
        fields.append(name, value)?;
    }
    if let Some(following) = live.filter(|_| !is_head) {
        let head = ResponseBuilder::new().with_status(status).with_headers(fields);
        return live::stream(env, component, head, body, following);
    }
    let has_body = !matches!(status, 100..200 | 204 | 304);
    if has_body {
        fields.set("content-length", &body.len().to_string())?;
    }
    let body = if has_body && !is_head { ResponseBody::Body(body) } else { ResponseBody::Empty };
    // What says that it is compressed is so already.
    let head = ResponseBuilder::new().with_status(status).with_headers(fields);
    Ok(head.with_encode_body(EncodeBody::Manual).body(body))
}

/// What a developer reads who has set no secret. The log has the whole sentence.
const NO_KEYS: &str = "This platform has no keys yet, so nothing can be changed. Its deployer sets \
    the secret platform_secret.";
const FLOOD: &str = "Your address sends more requests than this platform takes.";
/// The period of the binding.
const FLOOD_SECONDS: &str = "10";
const REQUESTS: &str = "REQUESTS";
const NO_QUEUE: &str = "There is no such queue. GET /_edge/queues names them all.";
/// Codes of what operators are refused.
const CODES: [&str; 8] = [
    "not_found",
    "method_not_allowed",
    "invalid_cursor",
    "invalid_json",
    "invalid_request",
    "invalid_state",
    "validation_failed",
    "unavailable",
];
/// What the platform serves by itself.
const OWN_PATHS: &str = "/_edge/";
const TICK: &str = "/_edge/tick";
const QUEUES: &str = "/_edge/queues";
const ARCHIVES: &str = "/_edge/archives";
/// Who calls, as Cloudflare tells it.
const CLIENT: &str = "cf-connecting-ip";
