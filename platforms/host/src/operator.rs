//! What operators ask: is it up, is it ready, how is it doing, what became of its messages.

mod forms;
mod health;
mod names;
mod page;
mod queues;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::Serialize;

use crate::data::Room;
use crate::http::{Answer, Body, HttpLimits, problem, read_body};
use crate::machines::Machines;
use crate::outage::Outage;
use crate::queues::{QueueError, Queues};
use crate::telemetry::{Meters, Readings, Recent, Samples};
use page::{Condition, Mailbox, Outcome, Plans, Population, Seen};

pub(crate) use forms::Guard;
pub(crate) use health::{About, Health};
pub(crate) use names::Names;

/// The operator listener.
pub(crate) struct Operator {
    /// Probes.
    pub(crate) health: Arc<Health>,
    /// Counters.
    pub(crate) meters: Arc<Meters>,
    /// Entities, timers, outbox, journal.
    pub(crate) machines: Arc<Machines>,
    /// Messages.
    pub(crate) queues: Arc<Queues>,
    /// How it may be called.
    pub(crate) names: Names,
    /// Whose forms it takes.
    pub(crate) guard: Guard,
    /// What was started.
    pub(crate) about: About,
    /// The log's warnings and errors.
    pub(crate) log: Arc<Recent>,
    /// The last hour.
    pub(crate) samples: Arc<Samples>,
}

impl Answer for Operator {
    async fn answer(&self, request: Request<Incoming>, _peer: IpAddr) -> Response<Body> {
        let path = request.uri().path();
        if !self.names.are_known(request.uri(), request.headers()) {
            let detail = "The operator address answers to addresses, localhost, and the names that \
                          the platform was started with: --operator-host NAME.";
            return problem(
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected_request",
                detail,
                path,
                "",
            );
        }
        if let Some(response) = self.health.answer(request.method(), path) {
            return response;
        }
        match path {
            "/" => self.page(&request).await,
            "/metrics" => self.metrics().await,
            path if is_under(path, forms::PATH) => match whole(request).await {
                Ok((parts, body)) => forms::answer(&self.queues, &self.guard, &parts, &body).await,
                Err(refused) => refused,
            },
            path if is_under(path, queues::PATH) => self.queues(request).await,
            OUTAGES => self.outage(request).await,
            path => {
                let detail = "The operator address serves /, /healthz, /readyz, /metrics, \
                              /v1/admin/queues and /v1/admin/outages.";
                problem(StatusCode::NOT_FOUND, "not_found", detail, path, "")
            }
        }
    }
}

impl Operator {
    async fn metrics(&self) -> Response<Body> {
        let around = &self.machines.around;
        // Without its queues the host still has something to tell.
        let queues = self.queues.stats().await.unwrap_or_default();
        let readings = Readings {
            entities_loaded: self.machines.loaded(),
            timers: around.timers.len(),
            outbox: around.outbox.len(),
            journal: around.journal.stats(),
            queues,
        };
        match self.meters.render(&readings) {
            Ok(text) => text_response(StatusCode::OK, METRICS_TYPE, text),
            Err(_) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                let detail = "The metrics could not be written.";
                problem(status, "internal_error", detail, "/metrics", "")
            }
        }
    }

    async fn queues(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = match whole(request).await {
            Ok(whole) => whole,
            Err(refused) => return refused,
        };
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let asked =
            queues::Asked { method: &parts.method, path, query, headers: &parts.headers, body };
        queues::answer(&self.queues, asked).await
    }

    /// Declares an outage.
    async fn outage(&self, request: Request<Incoming>) -> Response<Body> {
        let refuse = |status, code, detail: &str| problem(status, code, detail, OUTAGES, "");
        if request.method() != http::Method::POST {
            let detail = "An outage is declared with POST.";
            let mut refused = refuse(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            return refused;
        }
        let limits = HttpLimits::default();
        let body = read_body(request.into_body(), limits.body_max_bytes, limits.body_timeout);
        let outage = match body.await.map(|body| serde_json::from_slice::<Outage>(&body)) {
            Ok(Ok(outage)) => outage,
            Ok(Err(error)) => {
                return refuse(StatusCode::BAD_REQUEST, "invalid_json", &error.to_string());
            }
            Err(error) => {
                let (status, code, detail) = crate::http::body_refusal(error);
                return refuse(status, code, detail);
            }
        };
        if outage.from >= outage.until || outage.until.as_ms() > self.queues.world().now_ms() {
            let detail = "An outage is declared when it is over: from < until <= now.";
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail);
        }
        match crate::outage::declare(&self.machines, outage).await {
            Ok(declared) => json_response(&declared),
            Err(error) => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &error.to_string())
            }
        }
    }

    async fn page<B>(&self, request: &Request<B>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let mut refused = problem(status, "method_not_allowed", "Use GET.", "/", "");
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        let outcome = Outcome::of(request.uri().query().unwrap_or_default());
        match page::page(&self.seen().await, self.guard.token(), outcome) {
            Ok(html) => page::response(StatusCode::OK, html),
            Err(_) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                problem(status, "internal_error", "The page could not be written.", "/", "")
            }
        }
    }

    /// Everything that the page shows. What takes files or the locks of shards is seen off the
    /// async threads.
    async fn seen(&self) -> Seen<'_> {
        let (around, now) = (&self.machines.around, self.queues.world().now_ms());
        let (machines, data) = (Arc::clone(&self.machines), self.about.data.clone());
        let looking = tokio::task::spawn_blocking(move || {
            (population(&machines, now), Room::of(&data), health::resident_bytes())
        });
        let (population, room, memory) = looking.await.unwrap_or_default();
        let readiness = self.health.readiness();
        Seen {
            now,
            condition: Condition { about: &self.about, readiness, memory, room },
            queues: self.queues_and_letters().await.ok(),
            plans: Plans { count: around.timers.len(), next: around.timers.next(WAKES_ON_PAGE) },
            population,
            journal: around.journal.stats(),
            log: self.log.kept(),
            samples: self.samples.all(),
        }
    }

    async fn queues_and_letters(&self) -> Result<Vec<Mailbox>, QueueError> {
        let mut shown = Vec::new();
        for stats in self.queues.stats().await? {
            let letters = match stats.dead {
                0 => None,
                _ => self.queues.dead_letters(&stats.name, 0, LETTERS_ON_PAGE).await?,
            };
            shown.push((stats, letters.unwrap_or_default()));
        }
        Ok(shown)
    }
}

fn population(machines: &Machines, now: i64) -> Population {
    let (census, touched) = machines.census(now, ENTITIES_ON_PAGE);
    let stored = |name: &str| {
        let stored = machines.stored(name);
        stored.inspect_err(|error| tracing::warn!(%error, "entities cannot be counted")).ok()
    };
    let machines = census.into_iter().map(|census| {
        let stored = stored(&census.machine);
        (census, stored)
    });
    Population { machines: machines.collect(), touched }
}

/// A request with its body, or what is said to one that does not send it.
async fn whole(request: Request<Incoming>) -> Result<(Parts, Bytes), Response<Body>> {
    let (parts, incoming) = request.into_parts();
    let limits = HttpLimits::default();
    match read_body(incoming, limits.body_max_bytes, limits.body_timeout).await {
        Ok(body) => Ok((parts, body)),
        Err(error) => {
            let (status, code, detail) = crate::http::body_refusal(error);
            Err(problem(status, code, detail, parts.uri.path(), ""))
        }
    }
}

/// Where outages are declared.
pub(crate) const OUTAGES: &str = "/v1/admin/outages";

fn is_under(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn json_response(value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut response = text_response(StatusCode::OK, "application/json", text);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

fn text_response(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(Bytes::from(text)));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Dead letters of one queue on the page.
const LETTERS_ON_PAGE: u32 = 20;
const WAKES_ON_PAGE: usize = 10;
const ENTITIES_ON_PAGE: usize = 10;
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
