//! A market with something at every documented path, and requests that are accepted there.

use std::sync::atomic::{AtomicU64, Ordering};

use conformance::document::Operation;
use conformance::{Client, Platform, Reply, Setup, User, id_of};
use serde_json::{Value, json};

pub(crate) struct Scene {
    /// Sells.
    pub(crate) ana: User,
    /// Bids.
    pub(crate) ben: User,
    pub(crate) platform: Platform,
    /// An open auction of Ana's, on which Ben has bid.
    pub(crate) auction: String,
}

/// A request that can still be spoilt.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Scene {
    pub(crate) async fn open() -> Self {
        let platform = Setup::development().start().await;
        let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
        let auction = id_of(&ana.lists(json!({})).await);
        ben.bids(&auction, 1_000).await.expect(201);
        Self { ana, ben, platform, auction }
    }

    /// Speaks without a token; requests carry their own.
    pub(crate) fn client(&self) -> Client {
        self.platform.client()
    }

    /// A path at which there is something.
    pub(crate) fn path(&self, template: &str) -> String {
        template.replace("{id}", &self.auction).replace("{auction_id}", &self.auction)
    }

    /// A request of Ben's that is accepted: with the example of the document, which is a higher bid
    /// each time, because a bid must be.
    pub(crate) fn request(&self, operation: &Operation) -> Request {
        let mut request = Request {
            method: operation.method.clone(),
            target: self.path(&operation.path),
            headers: Vec::new(),
            body: Vec::new(),
        };
        if operation.takes_a_token() {
            let token = self.ben.client.token().unwrap();
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        if operation.takes("header", "Idempotency-Key") {
            request = request.header("idempotency-key", &fresh());
        }
        if operation.takes("header", "If-Match") {
            request = request.header("if-match", "*");
        }
        if operation.example().is_null() { request } else { request.json(&self.example(operation)) }
    }

    fn example(&self, operation: &Operation) -> Value {
        static BIDS: AtomicU64 = AtomicU64::new(0);
        let mut example = operation.example().clone();
        if operation.id == "placeBid" {
            let amount = 100_000 + 10_000 * BIDS.fetch_add(1, Ordering::Relaxed);
            example["amount"]["amount"] = amount.into();
        }
        example
    }
}

impl Request {
    /// The same with a header; one of that name is replaced.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        let mut request = self.without(name);
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// The same with a query.
    pub(crate) fn query(self, query: &str) -> Self {
        Self { target: format!("{}?{query}", self.target), ..self }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    pub(crate) fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.header("content-type", "application/json") }
    }

    /// The body as JSON.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) async fn send(self, client: &Client) -> Reply {
        let mut call = client.call(&self.method, &self.target);
        let mut content_type = None;
        for (name, value) in &self.headers {
            if name == "content-type" {
                content_type = Some(value);
            } else {
                call = call.header(name, value);
            }
        }
        if let Some(content_type) = content_type {
            call = call.bytes(content_type, self.body);
        }
        call.send().await.unwrap()
    }
}

/// A key that nobody used before.
pub(crate) fn fresh() -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    format!("document-{}", USED.fetch_add(1, Ordering::Relaxed))
}
