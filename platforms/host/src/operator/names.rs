//! What the operator address may be called. Nobody has to sign in there, so a page from elsewhere
//! must not become its neighbour by giving its own name that address: who is called by another name
//! does not answer.

use std::net::IpAddr;

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

/// The names beside `localhost` and addresses, which no stranger can give a meaning.
#[derive(Debug, Clone)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn new(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// Is every name known by which a request calls the platform, and is there one?
    pub(super) fn are_known(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let hosts = headers.get_all(header::HOST).into_iter();
        let hosts = hosts.map(|host| host.to_str().ok()?.parse::<Authority>().ok());
        let mut called = hosts.chain(uri.authority().cloned().map(Some)).peekable();
        let is_called = called.peek().is_some();
        is_called && called.all(|host| host.is_some_and(|host| self.is_known(&host)))
    }

    fn is_known(&self, called: &Authority) -> bool {
        let host = called.host();
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_address = literal.unwrap_or(host).parse::<IpAddr>().is_ok();
        let is = |name: &str| name.eq_ignore_ascii_case(host);
        let is_name = is("localhost") || self.0.iter().any(|name| is(name));
        !called.as_str().contains('@') && (is_address || is_name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn is_known(uri: &str, hosts: &[&str]) -> bool {
        let names = Names::new(&["Auctions.internal".to_owned(), "ops".to_owned()]);
        let host = |host: &&str| (header::HOST, host.parse().unwrap());
        let mut headers = HeaderMap::new();
        headers.extend(hosts.iter().map(host).map(|(name, value)| (Some(name), value)));
        names.are_known(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn only_who_is_called_by_its_name_answers() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9090",
            "10.0.0.5:9090",
            "[::1]:9090",
            "[2001:db8::1]",
            "localhost:9090",
            "LOCALHOST",
            "auctions.internal:9090",
            "ops",
        ] {
            assert!(is_known("/", &[host]), "{host}");
        }
        for host in [
            "",
            "evil.example:9090",
            "localhost.evil.example",
            "ops.evil.example",
            "ops@evil.example",
            "evil@ops",
            "127.0.0.1.evil.example",
            "127.0.0.1.",
            "127.1",
            "[::1",
            ":9090",
            "two words",
        ] {
            assert!(!is_known("/", &[host]), "{host}");
        }
        assert!(!is_known("/", &[]), "nobody");
        assert!(!is_known("/", &["ops", "evil.example"]), "one of two");
        assert!(is_known("http://ops:9090/", &[]), "as HTTP/2 says it");
        assert!(!is_known("http://evil.example/", &["ops"]));
        assert!(!is_known("http://ops/", &["evil.example"]));
    }
}
