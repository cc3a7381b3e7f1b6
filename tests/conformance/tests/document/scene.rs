//! A market with something at every documented path, and requests that are accepted there.

use std::sync::atomic::{AtomicU64, Ordering};

use conformance::document::Operation;
use conformance::pictures::png;
use conformance::provider::{Kind, Provider};
use conformance::{Client, Platform, Reply, Setup, User, id_of};
use serde_json::{Value, json};

use crate::stage::Stage;

pub(crate) struct Scene {
    /// Sells.
    pub(crate) ana: User,
    /// Bids.
    pub(crate) ben: User,
    /// Bids too, and has nothing to do with most of it.
    pub(crate) cy: User,
    /// Administers.
    pub(crate) root: User,
    /// Signed in after being suspended.
    pub(crate) sue: User,
    /// Where people can sign in, too.
    pub(crate) provider: Provider,
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
        let provider = Provider::open(Kind::Google).await;
        let setup = Setup::development()
            .variable("public_base_url=http://ecomauction.test")
            .variable("admin_emails=root@example.test");
        let setup = provider.variables().into_iter().fold(setup, Setup::variable);
        let platform = setup.start().await;
        let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
        let (cy, root) = (platform.user("cy").await, platform.user("root").await);
        let sue = platform.user("sue").await;
        let path = format!("/v1/admin/users/{}/suspension", sue.id);
        root.client.call("PUT", &path).send().await.unwrap().expect(204);
        let sue = platform.user("sue").await;
        let auction = id_of(&ana.lists(json!({})).await);
        ben.bids(&auction, 1_000).await.expect(201);
        Self { ana, ben, cy, root, sue, provider, platform, auction }
    }

    /// Speaks without a token; requests carry their own.
    pub(crate) fn client(&self) -> Client {
        self.platform.client()
    }

    /// A path that fits a template; what its last parameter names need not be there.
    pub(crate) fn somewhere(&self, template: &str) -> String {
        let path = template.replace("{id}", &self.auction).replace("{auction_id}", &self.auction);
        path.replace(['{', '}'], "")
    }

    /// A request that is accepted, with the example of the document.
    pub(crate) async fn request(&self, operation: &Operation) -> Request {
        let stage = Stage::set(self, &operation.id).await;
        let mut request = Request {
            method: operation.method.clone(),
            target: stage.target.clone().unwrap_or_else(|| stage.path(&operation.path)),
            headers: Vec::new(),
            body: Vec::new(),
        };
        if operation.takes_a_token() {
            request = request.by(&stage.who);
        }
        if operation.takes("header", "Idempotency-Key") {
            request = request.header("idempotency-key", &fresh());
        }
        if operation.takes("header", "If-Match") {
            let seen = stage.who.client.get(&request.target).await.expect(200);
            request = request.header("if-match", seen.header("etag").expect("a tag"));
        }
        if let Some(cookie) = &stage.cookie {
            request = request.header("cookie", cookie);
        }
        if operation.id == "unsubscribe" {
            let form = request.header("content-type", "application/x-www-form-urlencoded");
            return Request { body: b"List-Unsubscribe=One-Click".to_vec(), ..form };
        }
        if operation.id == "setPicture" {
            let picture = request.header("content-type", "image/png");
            return Request { body: png(40, 30, 40, ""), ..picture };
        }
        let example = stage.body.as_ref().unwrap_or_else(|| operation.example());
        if example.is_null() { request } else { request.json(example) }
    }
}

impl Request {
    /// The same from somebody else.
    pub(crate) fn by(self, user: &User) -> Self {
        let token = user.client.token().unwrap();
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The same at another auction.
    pub(crate) fn auction(self, id: &str) -> Self {
        Self { target: self.target.replace(self.id(), id), ..self }
    }

    /// The auction in the path.
    pub(crate) fn id(&self) -> &str {
        let mut parts = self.target.split('/');
        parts.find(|part| part.starts_with("auc_")).expect("an auction in the path")
    }

    /// The same with one member changed.
    pub(crate) fn member(self, name: &str, value: Value) -> Self {
        let mut body = self.value();
        body[name] = value;
        self.json(&body)
    }

    /// What a header of that name holds.
    pub(crate) fn value_of(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let header = headers.find(|(known, _)| known == name);
        header.map_or("", |(_, value)| value)
    }

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
        let joint = if self.target.contains('?') { '&' } else { '?' };
        Self { target: format!("{}{joint}{query}", self.target), ..self }
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
