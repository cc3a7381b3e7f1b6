//! How many connections there may be, and how many of one client: an address of IPv4, or a network
//! of IPv6, of which a client commonly has all addresses (reliability.md 3.3).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

use super::HttpLimits;

/// The open connections of a listener.
#[derive(Default)]
pub(super) struct Seats(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    all: usize,
    of_clients: HashMap<IpAddr, usize>,
}

/// One of them, until it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    /// Of whom it is; of nobody when that is a proxy.
    client: Option<IpAddr>,
}

/// The seat of a connection that may become a socket: it is taken as long as the socket is open.
pub(crate) type ConnectionSeat = Arc<Seat>;

impl Seats {
    /// Lets a connection in, if there is room. Proxies speak for many.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr, limits: &HttpLimits) -> Option<Seat> {
        let peer = peer.to_canonical();
        let client = (!limits.proxies.contains(&peer)).then(|| block(peer));
        let mut taken = self.0.lock();
        if taken.all >= limits.connections_max {
            return None;
        }
        if let Some(client) = client {
            let of_client = taken.of_clients.entry(client).or_default();
            if *of_client >= limits.connections_per_client_max {
                return None;
            }
            *of_client += 1;
        }
        taken.all += 1;
        Some(Seat { seats: Arc::clone(self), client })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock();
        taken.all = taken.all.saturating_sub(1);
        let Some(client) = self.client else { return };
        if let Some(of_client) = taken.of_clients.get_mut(&client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                taken.of_clients.remove(&client);
            }
        }
    }
}

/// The addresses that are one client's: one of IPv4, 2^64 of IPv6.
fn block(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limits(all: usize, of_client: usize) -> HttpLimits {
        HttpLimits {
            connections_max: all,
            connections_per_client_max: of_client,
            proxies: vec![ip("10.0.0.1")],
            ..HttpLimits::default()
        }
    }

    #[test]
    fn a_client_has_so_many_connections_and_others_have_theirs() {
        let (seats, limits) = (Arc::<Seats>::default(), limits(100, 2));
        let take = |peer: &str| seats.take(ip(peer), &limits);
        for [first, second, other] in [
            ["192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"],
            ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"],
        ] {
            let (one, two) = (take(first).unwrap(), take(second).unwrap());
            assert!(take(first).is_none() && take(second).is_none());
            assert!(take(other).is_some());
            drop(one);
            let again = take(second).unwrap();
            assert!(take(first).is_none());
            drop((two, again));
        }
        assert_eq!(seats.0.lock().all, 0);
        assert!(seats.0.lock().of_clients.is_empty(), "nobody is remembered who left");
    }

    #[test]
    fn a_proxy_has_as_many_as_there_are() {
        let (seats, limits) = (Arc::<Seats>::default(), limits(5, 2));
        let take = |peer: &str| seats.take(ip(peer), &limits);
        let taken: Vec<_> = (0..5).map(|_| take("::ffff:10.0.0.1").unwrap()).collect();
        assert!(take("10.0.0.1").is_none() && take("192.0.2.7").is_none(), "no more for anybody");
        drop(taken);
        assert!(take("192.0.2.7").is_some());
    }
}
