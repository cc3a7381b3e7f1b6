//! What Spin does to a request before a component sees it.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri, header};
use ports::neighbour;

/// The route that a request took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Matched {
    /// The route as the manifest writes it.
    pub(super) route: String,
    /// Values of `:name`.
    pub(super) names: Vec<(String, String)>,
    /// What stands for `/...`.
    pub(super) rest: String,
}

impl Matched {
    /// The route of a request from another component.
    pub(super) fn chained(uri: &Uri) -> Self {
        Self { route: "/...".to_owned(), names: Vec::new(), rest: uri.path().to_owned() }
    }
}

/// Removes what no client may say: it is about the connection, or would pass for another component.
pub(super) fn strip<T>(request: &mut Request<T>) {
    let headers = request.headers_mut();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.map(|host| host.rsplit_once(':').map_or(host, |(host, _)| host));
    if host.is_some_and(|host| neighbour(host).is_some()) {
        headers.remove(header::HOST);
    }
    headers.remove(header::CONNECTION);
}

/// Gives the request an absolute URI. An error means that nobody can say for whom it is.
pub(super) fn address<T>(request: &mut Request<T>) -> anyhow::Result<()> {
    let mut parts = request.uri().clone().into_parts();
    let host = request.headers().get(header::HOST);
    let host = host.map(|host| anyhow::Ok(host.to_str()?.parse::<Authority>()?)).transpose();
    let authority = match (host.context("the Host header is no authority")?, parts.authority) {
        (None, None) => bail!("no Host header"),
        (Some(host), Some(authority)) if host != authority => {
            bail!("the Host header and the URI name different authorities")
        }
        (_, Some(authority)) | (Some(authority), None) => authority,
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(())
}

/// Adds Spin's own headers. What the client sent under their names stays, in front of them: the
/// last value is Spin's.
pub(super) fn add<T>(
    request: &mut Request<T>,
    matched: &Matched,
    client: SocketAddr,
) -> anyhow::Result<()> {
    for (name, value) in request.headers() {
        std::str::from_utf8(value.as_bytes()).with_context(|| format!("header {name}"))?;
    }
    let host =
        request.headers().get(header::HOST).map_or("localhost".as_bytes(), |host| host.as_bytes());
    let host = std::str::from_utf8(host)?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let route = &matched.route;
    let based = format!("/{}", route.strip_prefix('/').unwrap_or(route));
    let mut added = vec![
        ("spin-path-info".to_owned(), matched.rest.clone()),
        ("spin-full-url".to_owned(), format!("http://{host}{path}")),
        ("spin-matched-route".to_owned(), based.strip_suffix('/').unwrap_or(&based).to_owned()),
        ("spin-base-path".to_owned(), "/".to_owned()),
        ("spin-raw-component-route".to_owned(), route.clone()),
        ("spin-component-route".to_owned(), route.strip_suffix("/...").unwrap_or(route).to_owned()),
        ("spin-client-addr".to_owned(), client.to_string()),
    ];
    for (name, value) in &matched.names {
        let name = name.to_ascii_lowercase().replace('_', "-");
        added.push((format!("spin-path-match-{name}"), value.clone()));
    }
    for (name, value) in added {
        // As in Spin, what cannot be a header is left out.
        let (name, value) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value));
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn get(target: &str) -> Request<()> {
        Request::get(target).header("host", "shop.test:3000").body(()).unwrap()
    }

    fn values<'a>(request: &'a Request<()>, name: &str) -> Vec<&'a str> {
        request.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn a_component_sees_the_headers_of_spin() {
        let mut request = get("/a/7/b?c=d");
        address(&mut request).unwrap();
        assert_eq!(request.uri(), "http://shop.test:3000/a/7/b?c=d");
        let matched = Matched {
            route: "/a/:item_id/...".to_owned(),
            names: vec![("item_id".to_owned(), "7".to_owned())],
            rest: "/b".to_owned(),
        };
        add(&mut request, &matched, "10.0.0.9:77".parse().unwrap()).unwrap();
        for (name, value) in [
            ("spin-path-info", "/b"),
            ("spin-full-url", "http://shop.test:3000/a/7/b?c=d"),
            ("spin-matched-route", "/a/:item_id/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/a/:item_id/..."),
            ("spin-component-route", "/a/:item_id"),
            ("spin-client-addr", "10.0.0.9:77"),
            ("spin-path-match-item-id", "7"),
        ] {
            assert_eq!(values(&request, name), [value], "{name}");
        }
    }

    #[test]
    fn what_a_client_forges_stands_before_what_spin_says() {
        let mut request = get("/");
        let forged = HeaderValue::from_static("0.0.0.0:0");
        request.headers_mut().insert("spin-client-addr", forged);
        let matched = Matched { route: "/".to_owned(), names: Vec::new(), rest: String::new() };
        add(&mut request, &matched, "10.0.0.9:77".parse().unwrap()).unwrap();
        assert_eq!(values(&request, "spin-client-addr"), ["0.0.0.0:0", "10.0.0.9:77"]);
        assert_eq!(values(&request, "spin-matched-route"), [""]);
    }

    #[test]
    fn a_client_does_not_pass_for_a_component() {
        for host in ["identity.spin.internal", "identity.spin.internal:80"] {
            let request = Request::get("/").header("host", host).header("connection", "close");
            let mut request = request.body(()).unwrap();
            strip(&mut request);
            assert!(request.headers().is_empty());
            assert!(address(&mut request).is_err(), "nobody says for whom it is");
        }
        let mut request = Request::get("http://a.test/").header("host", "b.test").body(()).unwrap();
        assert!(address(&mut request).is_err());
    }

    #[test]
    fn a_chained_request_is_marked_by_its_address() {
        let mut request = Request::get("http://identity.spin.internal/x?y").body(()).unwrap();
        let matched = Matched::chained(request.uri());
        address(&mut request).unwrap();
        add(&mut request, &matched, "0.0.0.0:0".parse().unwrap()).unwrap();
        for (name, value) in [
            ("spin-path-info", "/x"),
            ("spin-full-url", "http://localhost/x?y"),
            ("spin-component-route", ""),
            ("spin-client-addr", "0.0.0.0:0"),
        ] {
            assert_eq!(values(&request, name), [value], "{name}");
        }
        assert_eq!(request.uri().host(), Some("identity.spin.internal"));
    }
}
