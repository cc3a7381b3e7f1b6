//! Problem documents (RFC 9457): every error of the API has this shape.

use std::borrow::Cow;

use ports::Policy;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{Header, Response};

/// An error answer: status, stable code and what helps the caller to repair the request.
#[derive(Debug, Clone)]
pub struct Problem(
    /// Boxed: errors are rare, and every `Result` on the way would carry their size.
    Box<Parts>,
);

#[derive(Debug, Clone)]
struct Parts {
    status: u16,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    members: Vec<(&'static str, Box<RawValue>)>,
    headers: Vec<Header>,
}

/// One wrong field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable snake_case code.
    pub code: Cow<'static, str>,
    /// A sentence for the person.
    pub detail: String,
}

/// Where the pages about the codes live.
const ERRORS_URL: &str = "https://ecomauction.dev/errors/";

impl Problem {
    /// A problem with a stable snake_case code and a sentence for the person.
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            members: Vec::new(),
            headers: Vec::new(),
        }))
    }

    /// 400 for one wrong field; the code names both the problem and the field error.
    pub fn field(code: &'static str, pointer: String, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(400, code, detail.clone()).with_error(FieldError {
            pointer,
            code: code.into(),
            detail,
        })
    }

    /// 404 for anything that the caller may not know of.
    pub fn not_found() -> Self {
        Self::new(404, "not_found", "There is nothing here that you may see.")
    }

    /// 500: a bug or a broken contract; trying again will not help.
    pub fn internal() -> Self {
        Self::new(500, "internal_error", "This is our mistake. It changed nothing that we know of.")
    }

    /// 503: something that the service stands on did not answer.
    pub fn unavailable() -> Self {
        Self::new(503, "unavailable", "Try again in a moment, with the same idempotency key.")
            .with_header("retry-after", "1")
    }

    /// 503: more is asked for at once than there is memory for.
    pub fn overloaded() -> Self {
        Self::new(503, "overloaded", "Too many ask for this at once. Try again in a moment.")
            .with_header("retry-after", "1")
    }

    /// 429: a rate is used up. `wait_ms` is the time until there is one more; `name` is what the
    /// rate is called in `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    pub fn rate_limited(name: &'static str, policy: Policy, wait_ms: u64) -> Self {
        let wait = wait_ms.div_ceil(1_000).max(1);
        let Policy { capacity, refill_ms } = policy;
        let window = (u64::from(capacity) * u64::from(refill_ms)).div_ceil(1_000).max(1);
        let detail = format!("Too many of these. Try again in {wait} seconds.");
        Self::new(429, "rate_limited", detail)
            .with_header("retry-after", wait.to_string())
            .with_header("ratelimit", format!("\"{name}\";r=0;t={wait}"))
            .with_header("ratelimit-policy", format!("\"{name}\";q={capacity};w={window}"))
    }

    /// The same problem with one more wrong field.
    #[must_use]
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    /// The same problem with one more header; `name` is lower case.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// The same problem with one more member (RFC 9457 §3.2). A value that cannot be written is
    /// left out: the problem itself must still reach the caller.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: &impl Serialize) -> Self {
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            self.0.members.push((name, raw));
        }
        self
    }

    /// Status code.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The response that carries the problem.
    pub fn into_response(self, instance: &str, request_id: &str) -> Response {
        let document = Document { problem: &self, instance, request_id };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let Parts { status, mut headers, .. } = *self.0;
        headers.push(("content-type", "application/problem+json".into()));
        Response { status, headers, body, live: None }
    }

    /// The code as a title: `bid_too_low` reads "Bid too low".
    fn title(&self) -> String {
        let mut title = self.0.code.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        title
    }
}

struct Document<'a> {
    problem: &'a Problem,
    instance: &'a str,
    request_id: &'a str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let problem = &self.problem.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("{ERRORS_URL}{}", problem.code))?;
        map.serialize_entry("title", &self.problem.title())?;
        map.serialize_entry("status", &problem.status)?;
        map.serialize_entry("detail", &problem.detail)?;
        map.serialize_entry("instance", self.instance)?;
        map.serialize_entry("code", &problem.code)?;
        map.serialize_entry("request_id", self.request_id)?;
        if !problem.errors.is_empty() {
            map.serialize_entry("errors", &problem.errors)?;
        }
        for (name, value) in &problem.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
