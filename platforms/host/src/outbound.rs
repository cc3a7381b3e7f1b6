//! Requests of guests to other servers, as far as the manifest allows them. What is for another
//! component of the application never leaves this process (`services::neighbours`).

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The client of all components.
#[derive(Clone)]
pub(crate) struct Outbound {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// A response, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Header fields; values that are not UTF-8 are left out.
    pub(crate) headers: Vec<(String, String)>,
    /// Body bytes.
    pub(crate) body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OutboundError {
    /// The manifest does not allow the host.
    Forbidden(String),
    /// No connection, no answer in time, or too large a one.
    Unavailable(String),
}

/// An entry of `allowed_outbound_hosts`, as Spin writes them: `https://accounts.google.com`,
/// `http://127.0.0.1:8081`, `https://*.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed {
    scheme: String,
    host: String,
    port: u16,
}

impl Allowed {
    /// Reads an entry.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let (scheme, rest) =
            text.split_once("://").context("an allowed host begins with https://")?;
        let standard = standard_port(scheme);
        let standard = standard.with_context(|| format!("no requests by {scheme:?}"))?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().context("the port is no number")?),
            None => (authority, standard),
        };
        if host.is_empty() || host == "*" || host.contains(['/', '@', '?', '#']) {
            bail!("{text:?} names no host");
        }
        Ok(Self { scheme: scheme.to_owned(), host: host.to_lowercase(), port })
    }

    fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let is_host = match self.host.strip_prefix('*') {
            Some(suffix) => host.ends_with(suffix) && host.len() > suffix.len(),
            None => host == self.host,
        };
        is_host && self.scheme == scheme && self.port == port
    }
}

impl Outbound {
    /// A client that trusts what the system trusts.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let connector = connector()?;
        let client = Client::builder(TokioExecutor::new());
        Ok(Self { client: { client }.pool_idle_timeout(IDLE_MAX).build(connector) })
    }

    /// Sends a request and reads the whole response, within a time and a size.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, OutboundError> {
        let exchange = async {
            let sent = self.client.request(request.map(Full::new));
            whole(sent.await.map_err(unavailable)?).await
        };
        let late = || OutboundError::Unavailable("no answer in time".to_owned());
        tokio::time::timeout(ANSWER_MAX, exchange).await.unwrap_or_else(|_| Err(late()))
    }
}

/// A request to where the manifest allows it.
pub(crate) fn admit(
    allowed: &[Allowed],
    method: &str,
    url: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Result<Request<Bytes>, OutboundError> {
    let forbidden = || OutboundError::Forbidden(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| forbidden())?;
    let scheme = uri.scheme_str().ok_or_else(forbidden)?;
    let host = uri.host().ok_or_else(forbidden)?.to_lowercase();
    let port = uri.port_u16().or(standard_port(scheme)).ok_or_else(forbidden)?;
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if has_user || !allowed.iter().any(|entry| entry.allows(scheme, &host, port)) {
        return Err(forbidden());
    }
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Bytes::from(body)).map_err(unavailable)
}

/// Reads a response whole, within a size.
pub(crate) async fn whole<B>(response: Response<B>) -> Result<Answer, OutboundError>
where
    B: hyper::body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await;
    let body = body.map_err(|error| OutboundError::Unavailable(error.to_string()))?;
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = head.headers.iter().filter_map(field).collect();
    Ok(Answer { status: head.status.as_u16(), headers, body: body.to_bytes().to_vec() })
}

/// Opens connections, with TLS for `https`; it trusts what the system trusts.
pub(crate) fn connector() -> anyhow::Result<HttpsConnector<HttpConnector>> {
    let provider = rustls::crypto::ring::default_provider();
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .or_else(|_| {
            // A system without certificates can still speak to servers without TLS.
            let provider = rustls::crypto::ring::default_provider();
            let config = rustls::ClientConfig::builder_with_provider(provider.into())
                .with_safe_default_protocol_versions()?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            anyhow::Ok(hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config))
        })?;
    Ok(connector.https_or_http().enable_http1().build())
}

fn standard_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

fn unavailable(error: impl std::error::Error) -> OutboundError {
    OutboundError::Unavailable(error.to_string())
}

/// A sign-in waits for no server longer than that.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A page of the longest listings is half of it.
const ANSWER_MAX_BYTES: usize = 10 << 20;
const IDLE_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_allowed_by_scheme_name_and_port() {
        let entry = |text| Allowed::parse(text).unwrap();
        let google = entry("https://accounts.google.com");
        assert!(google.allows("https", "accounts.google.com", 443));
        for (scheme, host, port) in [
            ("http", "accounts.google.com", 443),
            ("https", "accounts.google.com.evil.test", 443),
            ("https", "evil.accounts.google.com", 443),
            ("https", "accounts.google.com", 8443),
        ] {
            assert!(!google.allows(scheme, host, port), "{scheme} {host} {port}");
        }
        let wild = entry("https://*.example.com");
        assert!(wild.allows("https", "a.example.com", 443));
        assert!(!wild.allows("https", "example.com", 443));
        assert!(!wild.allows("https", "aexample.com", 443));
        assert!(entry("http://127.0.0.1:8081").allows("http", "127.0.0.1", 8081));
        for wrong in
            ["", "example.com", "ftp://x", "https://", "https://*", "https://a@b", "https://a:b"]
        {
            assert!(Allowed::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn what_is_not_allowed_is_not_asked() {
        let outbound = Outbound::new().unwrap();
        let allowed = [Allowed::parse("http://127.0.0.1:1").unwrap()];
        let admit = |url: &str| admit(&allowed, "GET", url, Vec::new(), Vec::new());
        for url in ["http://127.0.0.1:2/", "http://localhost:1/", "/", "http://x@127.0.0.1:1/"] {
            assert_eq!(admit(url).unwrap_err(), OutboundError::Forbidden(url.to_owned()));
        }
        let absent = outbound.send(admit("http://127.0.0.1:1/").unwrap()).await;
        assert!(matches!(absent, Err(OutboundError::Unavailable(_))));
    }

    #[test]
    fn components_are_allowed_by_name_or_all_at_once() {
        let admit = |entry: &str, url: &str| {
            let allowed = [Allowed::parse(entry).unwrap()];
            admit(&allowed, "GET", url, Vec::new(), Vec::new()).is_ok()
        };
        let (one, all) = ("http://auctions.spin.internal", "http://*.spin.internal");
        for (entry, url, is_allowed) in [
            (one, "http://auctions.spin.internal/v1/auctions?limit=1", true),
            (one, "http://Auctions.spin.internal:80/", true),
            (one, "http://identity.spin.internal/", false),
            (all, "http://identity.spin.internal/", true),
            (all, "https://identity.spin.internal/", false),
            (all, "http://identity.spin.internal:8080/", false),
            (all, "http://ana@identity.spin.internal/", false),
        ] {
            assert_eq!(admit(entry, url), is_allowed, "{entry} {url}");
        }
    }
}
