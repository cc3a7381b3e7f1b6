//! A request and a response, whole and owned, as `ecomauction:edge/http` carries them.

use std::borrow::Cow;

use serde::Serialize;

use crate::live::Following;
use crate::{Fields, Problem};

/// A request whose body is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Method, upper case.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Header fields in order.
    pub headers: Fields,
    /// Body bytes.
    pub body: Vec<u8>,
}

/// A response header: a name in lower case and its value.
pub type Header = (&'static str, Cow<'static, str>);

/// A whole response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers in order; the platform adds `date`, `content-length` and connection headers.
    pub headers: Vec<Header>,
    /// Body bytes. A HEAD request gets the body of its GET: the platform does not send it.
    pub body: Vec<u8>,
    /// What the platform goes on with behind the body; none for an ordinary response.
    pub live: Option<Following>,
}

impl Request {
    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query without its question mark; empty when there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The first cookie of that name, with or without the prefix of those that need TLS
    /// (`__Host-`, RFC 6265bis).
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut pairs = self.header("cookie").unwrap_or_default().split(';');
        pairs.find_map(|pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known.strip_prefix("__Host-").unwrap_or(known) == name).then_some(value)
        })
    }

    /// The address of the client, as the platform tells it; empty where it tells none.
    pub fn client_address(&self) -> &str {
        self.header("x-client-address").unwrap_or_default()
    }

    /// Does its method change nothing (safe methods, RFC 9110, 9.2.1)?
    pub fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// Does the caller ask for a page rather than for JSON? The first of the two kinds that it
    /// names counts; JSON when it names neither.
    pub fn wants_page(&self) -> bool {
        let accept = self.header("accept").unwrap_or_default();
        let kinds = accept.split(',');
        let kinds = kinds.map(|part| part.split(';').next().unwrap_or_default().trim());
        let mut known = kinds.filter(|kind| matches!(*kind, "text/html" | "application/json"));
        known.next() == Some("text/html")
    }

    /// Does the caller ask for a stream of server-sent events?
    pub fn wants_stream(&self) -> bool {
        let accept = self.header("accept").unwrap_or_default();
        let mut kinds = accept.split(',');
        let kind = |part: &str| part.split(';').next().unwrap_or_default().trim().to_owned();
        kinds.any(|part| kind(part).eq_ignore_ascii_case("text/event-stream"))
    }

    /// How often a header of that name (lower case) was sent.
    pub fn header_count(&self, name: &str) -> usize {
        self.headers.count(name)
    }
}

impl Response {
    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::with_capacity(8), body: Vec::new(), live: None }
    }

    /// A response whose body is JSON already.
    pub fn json_bytes(status: u16, body: Vec<u8>) -> Self {
        Self { body, ..Self::empty(status) }.with("content-type", "application/json")
    }

    /// A response with a value as JSON. A value that cannot be written is a bug and answers 500.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
        Ok(Self::json_bytes(status, body))
    }

    /// The same response with one more header; `name` is lower case.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| &**value)
    }
}
