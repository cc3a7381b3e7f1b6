//! The streaming face, `wasi:http/handler`: for every platform but the project's own host. It reads
//! the request whole, as the buffered face gets it, and does between requests what waits.

use std::cell::Cell;
use std::net::IpAddr;

use kernel::Timestamp;
use ports::{Delivery, Message, PublicEvent, Variables as _};
use web::Problem;
use web::live::Told;
use wit_bindgen::StreamResult;

use crate::WasiPorts;
use crate::attend::{Occasion, attend};
use crate::bindings::ecomauction::edge::work;
use crate::bindings::wasi::http::types::{ErrorCode, Fields, Method, Request, Response};
use crate::bindings::{wit_future, wit_stream};
use crate::pump::pump;

/// A service's functions over the ports of its component.
#[derive(Clone, Copy)]
pub struct Service {
    /// Brings its tables up to date.
    pub migrate: fn() -> Result<(), String>,
    /// Answers a request.
    pub handle: fn(web::Request) -> web::Response,
    /// Encodes events for those who follow a log.
    pub tell: fn(&str, &[PublicEvent]) -> Told,
    /// Takes messages.
    pub consume: fn(Vec<Message>) -> Vec<Delivery>,
    /// Runs a job for a slot.
    pub run: fn(&str, Timestamp) -> Result<(), String>,
}

/// Answers a request, then attends to what waits.
pub async fn streamed(request: Request, service: Service) -> Result<Response, ErrorCode> {
    let (request, refusal) = read(request).await;
    let is_head = request.method == "HEAD";
    let (response, occasion) = match refusal {
        Some(problem) => (web::refuse(&WasiPorts, &request, problem), None),
        None => answer(request, service),
    };
    let web::Response { status, headers, body, live } = response;
    let live = live.filter(|_| !is_head);
    let fields = fields(status, &headers, live.is_none().then_some(body.len()))?;
    let (mut contents, readable) = wit_stream::new();
    let readable = (!is_head && has_body(status)).then_some(readable);
    let has_readable = readable.is_some();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, readable, trailers);
    response.set_status_code(status).map_err(|()| ErrorCode::InternalError(None))?;
    wit_bindgen::spawn_local(async move {
        if has_readable {
            // A client that went away leaves a rest, which nobody wants.
            let rest = contents.write_all(body).await;
            if let Some(following) = live.filter(|_| rest.is_empty()) {
                pump(&mut contents, following, service).await;
            }
        }
        drop(contents);
        if let Some(occasion) = occasion {
            attend(service, occasion).await;
        }
    });
    Ok(response)
}

/// The service's answer, and whether it is an occasion to look what waits.
fn answer(request: web::Request, service: Service) -> (web::Response, Option<Occasion>) {
    if let Err(why) = migrated(service) {
        eprintln!("the tables cannot be brought up to date: {why}");
        return (web::refuse(&WasiPorts, &request, Problem::unavailable()), None);
    }
    if is_admitted(&request) {
        return operated(&request);
    }
    let is_read = request.is_read();
    if !is_read && let Some(why) = work::obstacle() {
        eprintln!("nothing can be changed here: {why}");
        let problem = Problem::new(503, "unavailable", NO_KEYS);
        return (web::refuse(&WasiPorts, &request, problem), None);
    }
    let occasion = if is_read { Occasion::Read } else { Occasion::Write };
    ((service.handle)(request), Some(occasion))
}

/// Once in the life of an instance.
fn migrated(service: Service) -> Result<(), String> {
    thread_local! {
        static MIGRATED: Cell<bool> = const { Cell::new(false) };
    }
    if !MIGRATED.get() {
        (service.migrate)()?;
        MIGRATED.set(true);
    }
    Ok(())
}

/// Whoever may not come here learns nothing of the paths: the service answers that it has no such
/// route.
fn is_admitted(request: &web::Request) -> bool {
    let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    request.path().starts_with(OWN_PATHS) && token.is_some_and(work::admits)
}

/// A tick, or what operators ask.
fn operated(request: &web::Request) -> (web::Response, Option<Occasion>) {
    if request.path() == TICK && request.method == "POST" {
        let is_told = request.query() == TOLD;
        let occasion = if is_told { Occasion::Told } else { Occasion::Tick };
        return (web::Response::empty(202), Some(occasion));
    }
    match work::operate(&request.method, &request.target, &request.body) {
        Ok(json) => (web::Response::json_bytes(200, json), Some(Occasion::Write)),
        Err(work::Refusal { status, code, detail }) => {
            let problem = Problem::new(status, code, detail);
            (web::refuse(&WasiPorts, request, problem), None)
        }
    }
}

/// The request as the buffered face would get it, or why it is refused.
async fn read(request: Request) -> (web::Request, Option<Problem>) {
    let method = name_of(request.get_method());
    let target = request.get_path_with_query().unwrap_or_default();
    let (mut headers, mut refusal) = match inward(request.get_headers().copy_all()) {
        Some(headers) => (headers, None),
        None => {
            let problem = Problem::new(400, "invalid_header", "A header value is not UTF-8.");
            (web::Fields::default(), Some(problem))
        }
    };
    // Where fields are wasi:http's, `host` is none of them.
    if let Some(authority) = request.get_authority().filter(|_| headers.get("host").is_none()) {
        headers.push("host", &authority);
    }
    let mut head = web::Request { method, target, headers, body: Vec::new() };
    match body(request, &head).await {
        Ok(body) => head.body = body,
        Err(problem) => refusal = refusal.or(Some(problem)),
    }
    (head, refusal)
}

/// The whole body. What the manifest sets beyond what everyone may send is for who is signed in;
/// the route bounds it again.
async fn body(request: Request, head: &web::Request) -> Result<Vec<u8>, Problem> {
    let (_, handled) = wit_future::new(|| Ok(()));
    let (mut contents, trailers) = Request::consume_body(request, handled);
    let mut body = Vec::new();
    let mut most = BODY_MAX_BYTES;
    loop {
        let (status, chunk) = contents.read(Vec::with_capacity(CHUNK_BYTES)).await;
        body.extend(chunk);
        if body.len() > most {
            most = most_for(head).await?;
        }
        if body.len() > most {
            return Err(too_large());
        }
        if !matches!(status, StreamResult::Complete(_)) {
            break;
        }
    }
    drop(contents);
    match trailers.await {
        Ok(_) => Ok(body),
        Err(_) => Err(Problem::new(400, "invalid_request", "The request body broke off.")),
    }
}

/// What a caller may send who sends more than everyone may.
async fn most_for(head: &web::Request) -> Result<usize, Problem> {
    let set = WasiPorts.variable("body_max_bytes").and_then(|bytes| bytes.parse().ok());
    let Some(most) = set.filter(|_| !head.is_read()) else { return Err(too_large()) };
    let token_cookie = WasiPorts.variable("token_cookie");
    let is_known = web::auth::is_known(&WasiPorts, head, token_cookie.as_deref()).await;
    if is_known { Ok(most) } else { Err(web::auth::unauthenticated()) }
}

fn too_large() -> Problem {
    Problem::new(413, "payload_too_large", "The request body is larger than this platform takes.")
}

/// Header fields as services know them. The client's address is what the platform says it is: Spin
/// puts its word behind whatever the client sent under that name. Where that is no client's,
/// another component asks, and says itself for whom (docs/adr/0049).
fn inward(fields: Vec<(String, Vec<u8>)>) -> Option<web::Fields> {
    let (mut kept, mut cookies, mut address, mut stated) = (Vec::new(), Vec::new(), None, None);
    for (name, value) in fields {
        let value = String::from_utf8(value).ok()?;
        match name.to_ascii_lowercase() {
            name if name == CLIENT => address = Some(value),
            name if name == STATED => stated = Some(value),
            name if name == "cookie" => cookies.push(value),
            name if is_of_the_platform(&name) => {}
            name => kept.push((name, value)),
        }
    }
    if !cookies.is_empty() {
        kept.push(("cookie".to_owned(), cookies.join("; ")));
    }
    let address = match address.as_deref() {
        Some(COMPONENT) => stated.filter(|stated| stated.parse::<IpAddr>().is_ok()),
        address => address.map(|address| without_port(address).to_owned()),
    };
    kept.extend(address.map(|address| (STATED.to_owned(), address)));
    Some(kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
}

/// Fields that end at the platform, and those that it sets itself.
fn is_of_the_platform(name: &str) -> bool {
    name.starts_with("spin-")
        || matches!(
            name,
            "connection"
                | "keep-alive"
                | "proxy-authorization"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
}

/// `192.0.2.1:8080` and `[2001:db8::1]:8080` without what follows the address.
fn without_port(address: &str) -> &str {
    let address = address.rsplit_once(':').map_or(address, |(address, _)| address);
    address.trim_start_matches('[').trim_end_matches(']')
}

/// With the length where there is one, or the client waits for the end of a chunked body. `Upgrade`
/// would promise what is not to be had here.
fn fields(
    status: u16,
    headers: &[web::Header],
    length: Option<usize>,
) -> Result<Fields, ErrorCode> {
    let headers = headers.iter().filter(|(name, _)| *name != "upgrade");
    let fields = headers.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    let length = length.filter(|_| has_body(status));
    let length =
        length.map(|length| ("content-length".to_owned(), length.to_string().into_bytes()));
    let fields: Vec<_> = fields.chain(length).collect();
    Fields::from_list(&fields).map_err(|error| ErrorCode::InternalError(Some(error.to_string())))
}

fn has_body(status: u16) -> bool {
    !matches!(status, 100..200 | 204 | 304)
}

fn name_of(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

/// What a developer reads who typed `spin up` and no more. The log has the whole sentence.
const NO_KEYS: &str = "This platform has no keys yet, so nothing can be changed. Its deployer sets \
    the variable platform_secret, or development=true to try it out.";
/// What the face serves by itself.
const OWN_PATHS: &str = "/_edge/";
/// Where somebody says that something is due.
const TICK: &str = "/_edge/tick";
/// … and that this somebody is a component.
const TOLD: &str = "told";
/// Who calls, as Spin tells it.
const CLIENT: &str = "spin-client-addr";
/// … where another component of the application does.
const COMPONENT: &str = "0.0.0.0:0";
/// Who the client is, as services know it.
const STATED: &str = "x-client-address";
const CHUNK_BYTES: usize = 16 << 10;
/// As the project's own host.
const BODY_MAX_BYTES: usize = 256 << 10;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::inward;

    /// The client's address as a service sees it.
    fn address(fields: &[(&str, &str)]) -> Option<String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        let inward = inward(fields.iter().map(owned).collect()).unwrap();
        assert!(inward.count("x-client-address") <= 1 && inward.count("spin-client-addr") == 0);
        inward.get("x-client-address").map(str::to_owned)
    }

    #[test]
    fn a_client_does_not_say_who_it_is() {
        let (forged, stated) = (("spin-client-addr", "0.0.0.0:0"), ("X-Client-Address", "9.9.9.9"));
        for (seen, told) in [("192.0.2.1:8080", "192.0.2.1"), ("[2001:db8::1]:80", "2001:db8::1")] {
            let seen = ("spin-client-addr", seen);
            for fields in [&[seen][..], &[stated, seen], &[seen, stated], &[forged, stated, seen]] {
                assert_eq!(address(fields).as_deref(), Some(told), "{fields:?}");
            }
        }
        assert_eq!(address(&[stated]), None, "no platform says that a component asks");
    }

    #[test]
    fn a_component_says_for_whom_it_asks_or_nobody_does() {
        let asked = ("spin-client-addr", "0.0.0.0:0");
        let stated = |address| ("x-client-address", address);
        assert_eq!(address(&[stated("192.0.2.7"), asked]).as_deref(), Some("192.0.2.7"));
        assert_eq!(address(&[asked, stated("2001:db8::7")]).as_deref(), Some("2001:db8::7"));
        assert_eq!(address(&[asked]), None);
        assert_eq!(address(&[stated("somebody"), asked]), None);
    }
}
