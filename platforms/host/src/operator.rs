//! What operators ask: is it up, is it ready, how is it doing, what became of its messages.

mod names;
mod page;
mod queues;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::Serialize;

use crate::http::{Answer, Body, HttpLimits, problem, read_body};
use crate::machines::Machines;
use crate::outage::Outage;
use crate::queues::{DeadLetter, QueueError, Queues, Stats};
use crate::telemetry::{Meters, Readings};
pub(crate) use names::Names;

/// Up and ready.
pub(crate) struct Health {
    /// The host serves and is not draining.
    serving: AtomicBool,
    machines: Arc<Machines>,
}

impl Health {
    pub(crate) fn new(machines: Arc<Machines>) -> Self {
        Self { serving: AtomicBool::new(true), machines }
    }

    /// From here on the host is not ready.
    pub(crate) fn drain(&self) {
        self.serving.store(false, Ordering::Relaxed);
    }

    /// Answers `/healthz` and `/readyz`.
    pub(crate) fn answer(&self, method: &Method, path: &str) -> Option<Response<Body>> {
        let is_probe = path == "/healthz" || path == "/readyz";
        if !is_probe {
            return None;
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let mut response = problem(status, "method_not_allowed", "Use GET.", path, "");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Some(response);
        }
        let ready = self.serving.load(Ordering::Relaxed) && self.machines.around.journal.is_open();
        let (status, text) = match (path, ready) {
            ("/healthz", _) => (StatusCode::OK, r#"{"status":"up"}"#),
            (_, true) => (StatusCode::OK, r#"{"status":"ready"}"#),
            (_, false) => (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not_ready"}"#),
        };
        Some(text_response(status, "application/json", text.to_owned()))
    }
}

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
            "/" => self.page().await,
            "/metrics" => self.metrics().await,
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
        let (parts, incoming) = request.into_parts();
        let path = parts.uri.path();
        let limits = HttpLimits::default();
        let body = match read_body(incoming, limits.body_max_bytes, limits.body_timeout).await {
            Ok(body) => body,
            Err(error) => {
                let (status, code, detail) = crate::http::body_refusal(error);
                return problem(status, code, detail, path, "");
            }
        };
        let (query, headers) = (parts.uri.query().unwrap_or_default(), &parts.headers);
        let asked = queues::Asked { method: &parts.method, path, query, headers, body };
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

    async fn page(&self) -> Response<Body> {
        let Ok(queues) = self.queues_and_letters().await else {
            let (status, detail) = (StatusCode::SERVICE_UNAVAILABLE, "The queues do not answer.");
            return problem(status, "unavailable", detail, "/", "");
        };
        let html = page::page(&queues, self.queues.world().now_ms());
        let mut response = text_response(StatusCode::OK, "text/html; charset=utf-8", html);
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, page::POLICY),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn queues_and_letters(&self) -> Result<Vec<(Stats, Vec<DeadLetter>)>, QueueError> {
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
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
