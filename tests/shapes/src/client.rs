//! What a client of the counter service sends.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client with its connections.
#[derive(Debug, Clone)]
pub struct Counters {
    server: SocketAddr,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Counters {
    /// A client of the service that listens there.
    pub fn at(server: SocketAddr) -> Self {
        Self { server, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// `POST /count/{key}`: status and body.
    pub async fn add(&self, key: &str, command_id: &str, n: u32) -> anyhow::Result<(u16, String)> {
        let request = http::Request::post(self.uri(key)).header("idempotency-key", command_id);
        self.send(request.body(Full::from(format!("{{\"add\":{n}}}")))?).await
    }

    /// `GET /count/{key}`: status and body.
    pub async fn total(&self, key: &str) -> anyhow::Result<(u16, String)> {
        self.send(http::Request::get(self.uri(key)).body(Full::default())?).await
    }

    fn uri(&self, key: &str) -> String {
        format!("http://{}/count/{key}", self.server)
    }

    async fn send(&self, request: http::Request<Full<Bytes>>) -> anyhow::Result<(u16, String)> {
        let response = self.http.request(request).await.context("no response")?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8(body.to_vec())?))
    }
}
