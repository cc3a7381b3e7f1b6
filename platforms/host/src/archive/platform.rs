//! The log of an entity, asked of the platform on which it lives: Spin and Cloudflare.

use ::archive::Commit;
use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use crate::outbound;

/// A platform, and what opens it to operators.
struct Platform {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    base: String,
    token: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Commit>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    detail: String,
}

/// All commits of an entity, in order; what they say is not looked at.
pub(super) fn commits(url: &str, machine: &str, key: &str) -> anyhow::Result<Vec<Commit>> {
    ensure!([machine, key].iter().all(|name| is_plain(name)), "{machine} {key} is no address");
    let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let token = token.with_context(|| format!("the platform's tick_token is wanted in {TOKEN}"))?;
    let uri: Uri = url.parse().with_context(|| format!("--from {url}"))?;
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let is_plain = !authority.is_empty() && !authority.contains('@') && uri.query().is_none();
    ensure!(is_plain, "--from takes https://HOST alone");
    let is_here = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_safe = uri.scheme_str() == Some("https") || is_here;
    ensure!(is_safe, "--from takes https: hidden values, and the token, would be there to read");
    let base = format!("{}/_edge/archives/{machine}/{key}", url.trim_end_matches('/'));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).build(outbound::connector()?);
        let platform = Platform { client, base, token };
        let (mut commits, mut cursor) = (Vec::new(), None::<u64>);
        loop {
            let asked = platform.page(cursor);
            let page = tokio::time::timeout(PATIENCE, asked).await.context("no answer in time")?;
            let Page { items, next_cursor } = page.with_context(|| url.to_owned())?;
            commits.extend(items);
            let Some(next) = next_cursor else { return Ok(commits) };
            let next = next.parse().ok().filter(|next| Some(*next) > cursor);
            cursor = Some(next.context("its pages do not follow each other")?);
            eprintln!("{} commits of {machine} {key}", commits.len());
        }
    })
}

impl Platform {
    async fn page(&self, cursor: Option<u64>) -> anyhow::Result<Page> {
        let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        let request = Request::get(format!("{}{query}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Empty::new())?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), PAGE_MAX_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        if status == StatusCode::NOT_FOUND {
            bail!("no such entity there, or another {TOKEN}");
        }
        if !status.is_success() {
            let told = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.detail);
            bail!("{status}: {}", told.unwrap_or_default());
        }
        serde_json::from_slice(&body).context("its answer is no page of a log")
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    !name.is_empty() && name.chars().all(plain)
}

/// Where the token is looked for: on a command line everybody could read it.
const TOKEN: &str = "ECOMAUCTION_TICK_TOKEN";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
const PAGE_MAX_BYTES: usize = 64 << 20;
