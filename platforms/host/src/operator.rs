//! What operators ask: is it up, is it ready, how is it doing.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::http::{Answer, Body, problem};
use crate::machines::Machines;
use crate::telemetry::{Meters, Readings};

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
}

impl Answer for Operator {
    async fn answer(&self, request: Request<Incoming>, _peer: IpAddr) -> Response<Body> {
        let path = request.uri().path();
        if let Some(response) = self.health.answer(request.method(), path) {
            return response;
        }
        if path != "/metrics" {
            let detail = "The operator address serves /healthz, /readyz and /metrics.";
            return problem(StatusCode::NOT_FOUND, "not_found", detail, path, "");
        }
        let around = &self.machines.around;
        let readings = Readings {
            entities_loaded: self.machines.loaded(),
            timers: around.timers.len(),
            outbox: around.outbox.len(),
            journal: around.journal.stats(),
        };
        match self.meters.render(&readings) {
            Ok(text) => text_response(StatusCode::OK, METRICS_TYPE, text),
            Err(_) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                problem(status, "internal_error", "The metrics could not be written.", path, "")
            }
        }
    }
}

fn text_response(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(Bytes::from(text)));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
