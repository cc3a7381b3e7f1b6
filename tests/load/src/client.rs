//! One request after the other, for what stands around a measurement.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::connection::Connection;

/// A connection that waits for each reply.
pub(crate) struct Client {
    runtime: Runtime,
    connection: Connection,
}

impl Client {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(Connection::open(address))?;
        Ok(Self { runtime, connection })
    }

    /// Status and body of a GET.
    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<(u16, String)> {
        self.exchange(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
    }

    /// Status and body of a request that is written out.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> anyhow::Result<(u16, String)> {
        let exchanged = self.connection.exchange(request);
        let reply =
            self.runtime.block_on(async { tokio::time::timeout(PATIENCE, exchanged).await });
        let reply = reply.context("no reply in time")??;
        Ok((reply.status, String::from_utf8_lossy(reply.body).into_owned()))
    }

    /// A development token for a user.
    pub(crate) fn token(&mut self, user: &str) -> anyhow::Result<String> {
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
        }
        let body = format!("{{\"user\":\"{user}\"}}");
        let request = format!(
            "POST /_dev/token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, body) = self.exchange(request.as_bytes())?;
        ensure!(status == 200, "no token: {status} {body}");
        Ok(serde_json::from_str::<Token>(&body)?.access_token)
    }

    /// Tokens for `<role>-0`, `<role>-1`, …
    pub(crate) fn tokens(&mut self, role: &str, count: usize) -> anyhow::Result<Vec<String>> {
        (0..count).map(|at| self.token(&format!("{role}-{at}"))).collect()
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
