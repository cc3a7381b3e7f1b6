//! A thin HTTP client with kept connections. It never retries: an answer that did not come is for
//! the caller to judge.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use crate::document::Document;

/// Where a platform listens; it moves when the platform starts again.
pub(crate) type Address = Arc<RwLock<Option<SocketAddr>>>;

/// Speaks to one listener; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    address: Address,
    token: Option<String>,
    /// Is what answers held to the API document?
    is_public: bool,
    /// Where everything that was answered is kept, if anywhere.
    tape: Option<Tape>,
}

/// Everything that was answered, in order.
pub type Tape = Arc<Mutex<Vec<Heard>>>;

/// An answer, and who heard it.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Token of the request.
    pub token: Option<String>,
    /// Path and query of the request.
    pub path: String,
    /// Body of the answer.
    pub body: Bytes,
}

/// A request that can still be changed.
#[must_use]
pub struct Call<'c> {
    client: &'c Client,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body bytes.
    pub body: Bytes,
}

/// No answer: whether the request had an effect is unknown.
#[derive(Debug, Clone)]
pub struct Lost(pub String);

impl Client {
    pub(crate) fn new(address: Address) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .retry_canceled_requests(false)
            .build(connector);
        Self { http, address, token: None, is_public: true, tape: None }
    }

    /// For an address at which something else than the API is served.
    pub(crate) fn of_operators(address: Address) -> Self {
        Self { is_public: false, ..Self::new(address) }
    }

    /// The same connections with an access token on every request.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same connections, and every answer is kept.
    #[must_use]
    pub fn with_tape(&self, tape: &Tape) -> Self {
        Self { tape: Some(Arc::clone(tape)), ..self.clone() }
    }

    /// The access token, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Where the platform listens now.
    ///
    /// # Panics
    /// While it is down.
    pub fn address(&self) -> SocketAddr {
        self.address.read().unwrap().expect("the platform is up")
    }

    /// Where the platform listens now; none while it is down.
    pub(crate) fn try_address(&self) -> Option<SocketAddr> {
        *self.address.read().unwrap()
    }

    /// A request with any method.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let headers = self.token.iter();
        let headers = headers.map(|token| ("authorization".into(), format!("Bearer {token}")));
        Call {
            client: self,
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: headers.collect(),
            body: Bytes::new(),
        }
    }

    /// GET that must be answered.
    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send().await.unwrap()
    }

    /// POST of JSON, to be sent.
    pub fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call("POST", path).json(body)
    }
}

impl Call<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    /// Sets any body.
    pub fn bytes(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// Sends it once and reads the whole answer.
    ///
    /// # Panics
    /// When the answer is another than the API document says.
    pub async fn send(self) -> Result<Reply, Lost> {
        let address = *self.client.address.read().unwrap();
        let address = address.ok_or_else(|| Lost("the platform is down".to_owned()))?;
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(format!("http://{address}{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).map_err(lost)?;
        let exchange = async {
            let response = self.client.http.request(request).await.map_err(lost)?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(lost)?.to_bytes();
            Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        let reply: Reply = tokio::time::timeout(PATIENCE, exchange).await.map_err(lost)??;
        if let Some(tape) = &self.client.tape {
            let (token, path) = (self.client.token.clone(), self.path.clone());
            tape.lock().unwrap().push(Heard { token, path, body: reply.body.clone() });
        }
        if !self.client.is_public {
            return Ok(reply);
        }
        let wrong = Document::committed().judge(self.method.as_str(), &self.path, &reply);
        assert!(wrong.is_empty(), "{} {}: {}", self.method, self.path, wrong.join("\n"));
        Ok(reply)
    }
}

impl Reply {
    /// The same reply, if it has that status.
    ///
    /// # Panics
    /// With the whole answer when the status differs.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in a {} answer: {}", self.status, self.text());
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, if it was sent as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Is it the answer to an earlier request with the same idempotency key?
    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The `code` of a problem document.
    ///
    /// # Panics
    /// When the answer is none.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.text()
        );
        self.json()["code"].as_str().expect("a problem has a code").to_owned()
    }

    /// The same reply, if it is a problem with that status and code.
    ///
    /// # Panics
    /// With the whole answer otherwise.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text());
        self
    }
}

fn lost(error: impl core::fmt::Debug) -> Lost {
    Lost(format!("{error:?}"))
}

/// After that long an answer is given up.
const PATIENCE: Duration = Duration::from_secs(20);
