//! Up and ready, and what an operator asks first when something is slow.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderValue, Method, Response, StatusCode, header};

use super::text_response;
use crate::http::{Body, problem};
use crate::machines::Machines;

/// Up and ready.
pub(crate) struct Health {
    /// The host serves and is not draining.
    serving: AtomicBool,
    machines: Arc<Machines>,
}

/// Does the host take commands?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It does.
    Ready,
    /// It was told to stop.
    Draining,
    /// The journal refuses to be written.
    Unwritable,
}

/// What was started.
pub(crate) struct About {
    /// When, milliseconds since the epoch.
    pub(crate) started_at: i64,
    /// The composition's name and version.
    pub(crate) composition: String,
    /// The machines and their components' SHA-256, hex.
    pub(crate) machines: Vec<(String, String)>,
    /// The data directory.
    pub(crate) data: PathBuf,
}

impl Health {
    pub(crate) fn new(machines: Arc<Machines>) -> Self {
        Self { serving: AtomicBool::new(true), machines }
    }

    /// From here on the host is not ready.
    pub(crate) fn drain(&self) {
        self.serving.store(false, Ordering::Relaxed);
    }

    /// Is it ready?
    pub(super) fn readiness(&self) -> Readiness {
        match (self.serving.load(Ordering::Relaxed), self.machines.around.journal.is_open()) {
            (false, _) => Readiness::Draining,
            (true, false) => Readiness::Unwritable,
            (true, true) => Readiness::Ready,
        }
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
        let (status, text) = match (path, self.readiness()) {
            ("/healthz", _) => (StatusCode::OK, r#"{"status":"up"}"#),
            (_, Readiness::Ready) => (StatusCode::OK, r#"{"status":"ready"}"#),
            (_, Readiness::Draining | Readiness::Unwritable) => {
                (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not_ready"}"#)
            }
        };
        Some(text_response(status, "application/json", text.to_owned()))
    }
}

/// The memory that the process has, in bytes; none where the system does not tell.
pub(super) fn resident_bytes() -> Option<u64> {
    resident_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_off_the_system_or_not_known() {
        let status = "Name:\tecomauction\nVmPeak:\t 9 kB\nVmRSS:\t   1024 kB\nThreads:\t3\n";
        assert_eq!(resident_in(status), Some(1 << 20));
        for odd in ["", "VmRSS:", "VmRSS: kB", "VmRSS: -1 kB", "VmRSS: 1024", "Rss: 1 kB"] {
            assert_eq!(resident_in(odd), None, "{odd}");
        }
    }
}
