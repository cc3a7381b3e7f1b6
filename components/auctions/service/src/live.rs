//! Watching an auction live (api.md §4): who may open a socket, and its first frame.
//!
//! The platform keeps the socket and pumps the log to it; what frames say is in [`frames`], what
//! clients say in [`message`].

mod frames;
mod message;
mod tickets;

use std::cell::RefCell;

use auction_machine::contract::Query;
use kernel::Timestamp;
use ports::live::close;
use ports::{Claims, Ports};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use web::live::{Following, Opened};
use web::{Exchange, Fields, Problem, Request, Response};

use crate::view::{Beside, Seen};
use crate::{MACHINE, Operation, names, qr, read, routes};

pub use frames::{tell, time};
pub use message::message;
pub(crate) use tickets::issue;

/// What a socket's messages come with: where it watches, and as whom.
#[derive(Serialize, Deserialize)]
struct Context {
    auction_id: String,
    caller: Option<Caller>,
}

#[derive(Serialize, Deserialize)]
struct Caller {
    subject: String,
    name: String,
    roles: Vec<String>,
    expires_at: i64,
}

#[derive(Serialize)]
struct Hello<'a> {
    r#type: &'static str,
    epoch: &'a str,
    seq: u64,
    resumed: bool,
    server_time: Timestamp,
    auction: &'a RawValue,
}

/// May this request become a socket?
pub async fn open<P: Ports>(ports: &P, mut request: Request) -> Result<Opened, Response> {
    sign_in_by_protocol(&mut request);
    let opened = RefCell::new(None);
    let refused = web::serve(ports, routes(), &request, async |exchange, operation| {
        if operation != Operation::WatchLive {
            return crate::run(ports, exchange, operation).await;
        }
        opened.replace(Some(open_here(ports, exchange).await?));
        Ok(Response::empty(101))
    })
    .await;
    opened.into_inner().ok_or(refused)
}

/// `GET /v1/auctions/{id}/live` of somebody who does not ask for a socket.
pub(crate) async fn without_socket<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    check_origin(ports, exchange.request)?;
    after(&asked(exchange)?)?;
    read::ask(ports, id, None, &Query::View).await?.ok_or_else(Problem::not_found)?;
    let detail = "This is a WebSocket. The stream of server-sent events carries the same events.";
    let stream = format!("</v1/auctions/{id}/events>; rel=\"alternate\"; type=\"{STREAM}\"");
    Err(Problem::new(426, "upgrade_unsupported", detail)
        .with_member("events_url", &format!("/v1/auctions/{id}/events"))
        .with_header("link", stream)
        .with_header("upgrade", "websocket"))
}

/// `GET /v1/auctions/{id}/events` of somebody who wants a stream.
pub(crate) async fn stream<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    let query = web::Query::parse(exchange.request.query(), &["after"])?;
    let after = query.parsed("after", "is the seq of an event, or 0")?.unwrap_or(0);
    let after = match exchange.request.header("last-event-id") {
        // A client that comes back says what it has; the address still says where it began.
        Some(last) => last.trim().parse().unwrap_or(after),
        None => after,
    };
    read::ask(ports, id, None, &Query::View).await?.ok_or_else(Problem::not_found)?;
    let response = Response { body: STREAM_BEGINS.to_vec(), ..Response::empty(200) }
        .with("content-type", STREAM)
        .with("cache-control", "no-store")
        .with("x-accel-buffering", "no");
    Ok(response.followed_by(following(id, after)))
}

async fn open_here<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Opened, Problem> {
    let id = read::id(exchange)?;
    check_origin(ports, exchange.request)?;
    let query = asked(exchange)?;
    let after = after(&query)?;
    let caller = match query.get("ticket") {
        Some(ticket) => Some(tickets::redeem(ports, id, ticket, exchange.now).await?),
        None => exchange.caller.as_deref().cloned(),
    };
    let viewer = caller.as_ref().map(|caller| caller.subject.as_str());
    let view = read::ask(ports, id, None, &Query::View).await?.ok_or_else(Problem::not_found)?;
    let seen = Seen::parse(&view)?;
    let now = ports.now();
    let name = names::display_name(ports, seen.fixed.seller, now).await?;
    let has_qr = seen.has_opened() && qr::is_made(ports, id, now).await?;
    let beside = Beside { seller_name: &name, has_qr };
    let shown = seen.render(id, seen.viewer(viewer), beside, now)?.into_body();
    let shown = String::from_utf8(shown).map_err(|_| Problem::internal())?;
    let epoch = epoch(ports).await;
    let seq = seen.seq();
    let resumed = after.filter(|after| *after <= seq && seq - after <= RETAINED_EVENTS);
    let hello = Hello {
        r#type: "hello",
        epoch: &epoch,
        seq: resumed.unwrap_or(seq),
        resumed: resumed.is_some(),
        server_time: now,
        auction: &RawValue::from_string(shown).map_err(|_| Problem::internal())?,
    };
    let is_other_epoch = query.get("epoch").is_some_and(|known| known != epoch);
    Ok(Opened {
        following: following(id, resumed.unwrap_or(seq)),
        hello: serde_json::to_string(&hello).map_err(|_| Problem::internal())?,
        principal: caller.as_ref().map(|caller| caller.subject.clone()),
        expires_at: caller.as_ref().map(|caller| caller.expires_at.saturating_mul(1_000)),
        ends_at: seen.pending_end().map(Timestamp::as_ms),
        closes_with: is_other_epoch.then_some(close::EPOCH_CHANGED),
        context: Context::of(id, caller).written()?,
    })
}

/// The query of a socket.
fn asked<'r>(exchange: &Exchange<'r>) -> Result<web::Query<'r>, Problem> {
    web::Query::parse(exchange.request.query(), &["after", "epoch", "ticket"])
}

fn after(query: &web::Query<'_>) -> Result<Option<u64>, Problem> {
    query.parsed("after", "is the seq of an event, or 0")
}

impl Context {
    fn of(id: &str, caller: Option<Claims>) -> Self {
        let caller = caller.map(|claims| {
            let Claims { subject, name, roles, expires_at } = claims;
            Caller { subject, name, roles, expires_at }
        });
        Self { auction_id: id.to_owned(), caller }
    }

    fn written(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(|_| Problem::internal())
    }
}

impl Caller {
    fn claims(self) -> Claims {
        let Self { subject, name, roles, expires_at } = self;
        Claims { subject, name, roles, expires_at }
    }
}

fn following(id: &str, after: u64) -> Following {
    Following { machine: MACHINE.to_owned(), key: id.to_owned(), after }
}

/// Which history the numbers of events belong to. They hold as long as the platform keeps its keys;
/// whoever puts an older state back raises the variable `live_epoch`.
async fn epoch<P: Ports>(ports: &P) -> String {
    let raised = ports.variable("live_epoch").unwrap_or_default();
    let mac = ports.mac("live-epoch", raised.as_bytes()).await;
    mac.iter().take(EPOCH_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Browsers cannot send a header with a socket, but name protocols: one may be a token.
fn sign_in_by_protocol(request: &mut Request) {
    let protocols = request.header("sec-websocket-protocol").unwrap_or_default();
    let token = protocols.split(',').find_map(|name| name.trim().strip_prefix("bearer."));
    let Some(bearer) = token.map(|token| format!("Bearer {token}")) else { return };
    let others = request.headers.iter().filter(|(name, _)| *name != "authorization");
    let fields: Fields = others.chain([("authorization", bearer.as_str())]).collect();
    request.headers = fields;
}

/// A browser says from which page a socket comes: from this platform's own, or from one of
/// `allowed_origins`. A client that is no browser says nothing, and nothing of the user's comes
/// along with it by itself.
fn check_origin(ports: &impl Ports, request: &Request) -> Result<(), Problem> {
    let Some(origin) = request.header("origin") else { return Ok(()) };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_own = authority.is_some() && authority == request.header("host");
    let known = [ports.variable("public_base_url"), ports.variable("allowed_origins")];
    let known = known.iter().flatten().flat_map(|list| list.split(','));
    if is_own || known.map(|known| known.trim().trim_end_matches('/')).any(|known| known == origin)
    {
        return Ok(());
    }
    let detail = "Sockets are not opened from pages of this origin.";
    Err(Problem::new(403, "forbidden_origin", detail))
}

const STREAM: &str = "text/event-stream";
/// How long a client waits before it comes back, in milliseconds.
const STREAM_BEGINS: &[u8] = b"retry: 1000\n\n";
/// Whoever missed more gets a snapshot (rules.md B10).
const RETAINED_EVENTS: u64 = 1_000;
const EPOCH_BYTES: usize = 8;
