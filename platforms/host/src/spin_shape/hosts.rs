//! `allowed_outbound_hosts` in Spin's syntax: `scheme://host[:port]`, with `*` for each of them.

use anyhow::{Context as _, bail};
use http::Uri;
use ports::neighbour;

/// Where a component may send requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AllowedHosts(Vec<Entry>);

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// None is any.
    scheme: Option<String>,
    host: Host,
    /// None is any.
    ports: Option<std::ops::Range<u32>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// A name that ends so, the dot included.
    Below(String),
    /// Any component of this application.
    AnyComponent,
    Exact(String),
}

impl AllowedHosts {
    /// Reads entries whose templates are resolved. One that was a template and became nothing
    /// allows nothing: an endpoint that is not configured.
    pub(super) fn parse(entries: impl IntoIterator<Item = (bool, String)>) -> anyhow::Result<Self> {
        let mut allowed = Vec::new();
        for (was_template, text) in entries {
            if was_template && matches!(text.as_str(), "" | "http://" | "https://") {
                continue;
            }
            allowed.push(Entry::parse(&text).with_context(|| format!("allowed host {text:?}"))?);
        }
        Ok(Self(allowed))
    }

    /// May a request go there? `is_component` tells of names of components.
    pub(super) fn allow(&self, uri: &Uri, is_component: impl Fn(&str) -> bool) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let Some(port) = uri.port_u16().or_else(|| standard_port(scheme)) else { return false };
        let host = host.to_lowercase();
        self.0.iter().any(|entry| {
            let is_host = match &entry.host {
                Host::Any => true,
                Host::Below(suffix) => host.ends_with(suffix),
                Host::AnyComponent => neighbour(&host).is_some_and(&is_component),
                Host::Exact(exact) => host == *exact,
            };
            is_host
                && entry.scheme.as_deref().is_none_or(|allowed| allowed == scheme)
                && entry.ports.as_ref().is_none_or(|ports| ports.contains(&u32::from(port)))
        })
    }
}

impl Entry {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = text.trim().split_once("://").context(
            "hosts must be in the form <scheme>://<host>[:<port>], with '*' wildcards for each",
        )?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // The colons of `[::1]` stand before its bracket.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (rest, ""),
        };
        if scheme != "*" && !scheme.chars().all(char::is_alphabetic) {
            bail!("a scheme has letters only");
        }
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Host::parse(host)?,
            ports: ports(scheme, port)?,
        })
    }
}

impl Host {
    fn parse(host: &str) -> anyhow::Result<Self> {
        let host = host.to_lowercase();
        Ok(match host.strip_prefix("*.") {
            _ if host == "*" => Self::Any,
            Some("spin.internal") => Self::AnyComponent,
            Some(domain) if !domain.is_empty() && !domain.contains(['*', '/']) => {
                Self::Below(format!(".{domain}"))
            }
            None if host == "self" || host == "self.alt" => {
                bail!("requests of an application to itself are Spin's alone")
            }
            None if host.is_empty() || host.contains(['*', '/', '@', '?', '#', '{', ' ']) => {
                bail!("no host, or one with more than a name")
            }
            None => Self::Exact(host),
            Some(_) => bail!("a wildcard stands alone, or before a domain"),
        })
    }
}

/// One port, `8000..8010` without the last, or `*`; the scheme's own when there is none.
fn ports(scheme: &str, port: &str) -> anyhow::Result<Option<std::ops::Range<u32>>> {
    let number = |text: &str| text.parse::<u16>().context("the port is no number").map(u32::from);
    let range = match port {
        "*" => return Ok(None),
        "" => {
            let port = standard_port(scheme).with_context(|| {
                format!("no port, and the scheme {scheme:?} has none that is known")
            })?;
            (u32::from(port), u32::from(port) + 1)
        }
        port => match port.split_once("..") {
            Some((start, end)) => (number(start)?, number(end)?),
            None => (number(port)?, number(port)? + 1),
        },
    };
    Ok(Some(range.0..range.1))
}

fn standard_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn allows(entry: &str, url: &str) -> bool {
        let hosts = AllowedHosts::parse([(false, entry.to_owned())]).unwrap();
        hosts.allow(&url.parse().unwrap(), |id| id == "identity")
    }

    #[test]
    fn hosts_are_allowed_as_in_spin() {
        for (entry, url, expected) in [
            ("https://example.com", "https://example.com/a?b", true),
            ("https://example.com/", "https://EXAMPLE.com", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com", "https://example.com.evil.test", false),
            ("https://example.com:*", "https://example.com:8443", true),
            ("http://example.com:8000..8010", "http://example.com:8009", true),
            ("http://example.com:8000..8010", "http://example.com:8010", false),
            ("*://example.com:443", "https://example.com", true),
            ("https://*.example.com", "https://a.b.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "https://aexample.com", false),
            ("*://*:*", "http://127.0.0.1:9/", true),
            ("http://[::1]:8080", "http://[::1]:8080/", true),
            ("http://identity.spin.internal", "http://identity.spin.internal/x", true),
            ("http://identity.spin.internal", "http://auctions.spin.internal/x", false),
            ("http://*.spin.internal", "http://identity.spin.internal/x", true),
            ("http://*.spin.internal", "http://unknown.spin.internal/x", false),
            ("http://*.spin.internal", "http://a.identity.spin.internal/x", false),
        ] {
            assert_eq!(allows(entry, url), expected, "{entry} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for entry in [
            "",
            "*",
            "example.com",
            "*://example.com",
            "https://",
            "https://a/b",
            "https://a*",
            "https://*.a*",
            "https://a:b",
            "h1://a:1",
            "https://self",
        ] {
            assert!(AllowedHosts::parse([(false, entry.to_owned())]).is_err(), "{entry:?}");
        }
    }

    #[test]
    fn an_empty_template_allows_nothing() {
        for text in ["", "https://"] {
            let hosts = AllowedHosts::parse([(true, text.to_owned())]).unwrap();
            assert_eq!(hosts, AllowedHosts::default());
            assert!(!hosts.allow(&"https://example.com".parse().unwrap(), |_| true));
        }
    }
}
