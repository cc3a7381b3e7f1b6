//! Who asks, behind proxies.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

/// Who asks. A proxy that is trusted appends the address that it saw to `X-Forwarded-For`, which
/// may be another such proxy's; whatever stands before the first that is none is the client's own
/// invention.
pub(super) fn client_address(peer: IpAddr, proxies: &[IpAddr], headers: &HeaderMap) -> IpAddr {
    let mut client = peer.to_canonical();
    let values = headers.get_all("x-forwarded-for").into_iter().rev();
    // What is no text is no address.
    let mut seen = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    while proxies.contains(&client) {
        let Some(before) = seen.next().and_then(address) else { break };
        client = before;
    }
    client
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.parse().ok().or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_proxy_tells_who_asks() {
        let mut headers = HeaderMap::new();
        let proxies = [ip("10.0.0.1")];
        assert_eq!(client_address(ip("10.0.0.1"), &proxies, &headers), ip("10.0.0.1"));
        headers.append("x-forwarded-for", "1.1.1.1".parse().unwrap());
        headers.append("x-forwarded-for", "2.2.2.2, 2001:db8::7".parse().unwrap());
        assert_eq!(client_address(ip("10.0.0.1"), &proxies, &headers), ip("2001:db8::7"));
        assert_eq!(client_address(ip("10.0.0.2"), &proxies, &headers), ip("10.0.0.2"));
        let mapped = client_address(ip("::ffff:10.0.0.1"), &proxies, &headers);
        assert_eq!(mapped, ip("2001:db8::7"), "a listener for both families names it so");
        assert_eq!(client_address(ip("::ffff:10.0.0.2"), &proxies, &headers), ip("10.0.0.2"));
    }

    #[test]
    fn the_client_is_whom_the_outermost_trusted_proxy_saw() {
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        for (said, client) in [
            ("1.1.1.1, 2.2.2.2, 10.0.0.2", "2.2.2.2"),
            ("1.1.1.1, ::ffff:2.2.2.2, ::ffff:10.0.0.2, 10.0.0.2", "2.2.2.2"),
            ("2.2.2.2:4711", "2.2.2.2"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("10.0.0.2", "10.0.0.2"),
            ("2.2.2.2, unknown", "10.0.0.1"),
            ("2.2.2.2, , 10.0.0.2", "10.0.0.2"),
            ("2.2.2.2, 10.0.0.2, 10.0.0.3", "10.0.0.3"),
        ] {
            // In one field or in several, that is the same.
            let mut apart = HeaderMap::new();
            for part in said.split(", ") {
                apart.append("x-forwarded-for", part.parse().unwrap());
            }
            let together = HeaderMap::from_iter([(
                HeaderName::from_static("x-forwarded-for"),
                said.parse().unwrap(),
            )]);
            for headers in [apart, together] {
                assert_eq!(
                    client_address(ip("10.0.0.1"), &proxies, &headers),
                    ip(client),
                    "{said}"
                );
            }
        }
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "2.2.2.2".parse().unwrap());
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(client_address(ip("10.0.0.1"), &proxies, &headers), ip("10.0.0.1"));
    }
}
