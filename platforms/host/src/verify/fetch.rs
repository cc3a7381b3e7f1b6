//! A public log, asked of the platform that shows it.

use anyhow::{Context as _, anyhow, ensure};
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::saved::{Found, Wrong};
use crate::outbound;

/// Where an auction is.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    /// What comes before `/v1`.
    base: String,
    auction: String,
}

struct Asking {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// Proof, keys and all events of an auction, as they are shown.
pub(super) fn auction(url: &str) -> Result<Found, Wrong> {
    let address = Address::of(url).map_err(Wrong::Usage)?;
    let log = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(fetched(&address))
    };
    log().map(Found::Public).map_err(Wrong::Unproven)
}

async fn fetched(address: &Address) -> anyhow::Result<Vec<u8>> {
    let client = Client::builder(TokioExecutor::new()).build(outbound::connector()?);
    let asking = Asking { client };
    let Address { base, auction } = address;
    // The proof first: whatever happens meanwhile comes behind it in the log.
    let proof = asking.json(&format!("{base}/v1/auctions/{auction}/proof")).await?;
    let keys = asking.json(&format!("{base}/.well-known/proof-keys.json")).await?;
    let mut events: Vec<Box<RawValue>> = Vec::new();
    loop {
        let after = events.len();
        let path = format!("v1/auctions/{auction}/events?after={after}&limit={PAGE_ITEMS}");
        let page = asking.json(&format!("{base}/{path}")).await?;
        let page: Page = serde_json::from_str(page.get()).context("a page of events")?;
        let is_last = page.next_cursor.is_none();
        ensure!(is_last || !page.items.is_empty(), "its pages do not follow each other");
        events.extend(page.items);
        ensure!(events.len() <= EVENTS_MAX, "more than {EVENTS_MAX} events");
        if is_last {
            break;
        }
    }
    let events: Vec<&str> = events.iter().map(|event| event.get()).collect();
    let (events, proof, keys) = (events.join(","), proof.get(), keys.get());
    let id = serde_json::to_string(auction)?;
    let log = format!(r#"{{"auction_id":{id},"events":[{events}],"proof":{proof},"keys":{keys}}}"#);
    Ok(log.into_bytes())
}

impl Asking {
    async fn json(&self, url: &str) -> anyhow::Result<Box<RawValue>> {
        let asked = async {
            let request = Request::get(url).body(Empty::new())?;
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
            let body = body.map_err(|error| anyhow!("{error}"))?.to_bytes();
            ensure!(status.is_success(), "the answer is {status}");
            serde_json::from_slice(&body).context("the answer is no JSON")
        };
        let answered = tokio::time::timeout(PATIENCE, asked).await.context("no answer in time");
        answered.and_then(|answer| answer).with_context(|| url.to_owned())
    }
}

impl Address {
    /// Of the address of an auction in the API, or of its page.
    fn of(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        ensure!(!authority.is_empty() && !authority.contains('@'), "{url} names no host");
        let is_here = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let scheme = uri.scheme_str().unwrap_or_default();
        let is_safe = scheme == "https" || scheme == "http" && is_here;
        ensure!(is_safe, "an auction is at https://…, or at http://… on this machine");
        let path = uri.path().trim_end_matches('/');
        let path = path.strip_suffix("/proof").or(path.strip_suffix("/events")).unwrap_or(path);
        let (before, auction) = path.rsplit_once('/').context("an auction has an id")?;
        let before = before.strip_suffix("/auctions").context("…/auctions/ID is an auction")?;
        let before = before.strip_suffix("/v1").unwrap_or(before);
        let plain = |symbol: char| symbol.is_ascii_alphanumeric() || symbol == '_';
        ensure!(!auction.is_empty() && auction.chars().all(plain), "{auction} is no id");
        let base = format!("{scheme}://{authority}{before}");
        Ok(Self { base, auction: auction.to_owned() })
    }
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
const ANSWER_MAX_BYTES: usize = 64 << 20;
const PAGE_ITEMS: u32 = 100;
const EVENTS_MAX: usize = 1_000_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_auction_is_found_in_its_addresses_and_nothing_else_is_taken() {
        let at = |base: &str| Address { base: base.to_owned(), auction: "auc_1".to_owned() };
        for (url, base) in [
            ("https://a.example/v1/auctions/auc_1", "https://a.example"),
            ("https://a.example/auctions/auc_1", "https://a.example"),
            ("https://a.example:8443/shop/v1/auctions/auc_1/proof", "https://a.example:8443/shop"),
            ("http://127.0.0.1:8080/v1/auctions/auc_1/", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(Address::of(url).unwrap(), at(base), "{url}");
        }
        for wrong in [
            "http://a.example/v1/auctions/auc_1",
            "https://user@a.example/v1/auctions/auc_1",
            "https://a.example/v1/orders/ord_1",
            "https://a.example/v1/auctions/",
            "https://a.example/v1/auctions/a%2F..",
            "ftp://a.example/v1/auctions/auc_1",
            "://",
        ] {
            assert!(Address::of(wrong).is_err(), "{wrong}");
        }
    }
}
