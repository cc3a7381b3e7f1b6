//! How many live connections there may be of one user and of one client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Live connections of the platform.
pub(crate) struct Seats {
    per_client_max: usize,
    per_user_max: usize,
    taken: Mutex<HashMap<Whose, usize>>,
    /// The last one left.
    emptied: Notify,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Client(IpAddr),
    User(String),
}

/// One of them, until it is dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    whose: Vec<Whose>,
}

impl Seats {
    pub(crate) fn new(per_client_max: usize, per_user_max: usize) -> Self {
        let (taken, emptied) = (Mutex::default(), Notify::new());
        Self { per_client_max, per_user_max, taken, emptied }
    }

    /// Waits until all have left, but no longer than that.
    pub(crate) async fn left(&self, patience: Duration) {
        let left = async {
            loop {
                let emptied = self.emptied.notified();
                if self.taken.lock().is_empty() {
                    break;
                }
                emptied.await;
            }
        };
        let _ = tokio::time::timeout(patience, left).await;
    }

    /// Lets a connection in, if there is room.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr, user: Option<&str>) -> Option<Seat> {
        let client = (Whose::Client(network(client)), self.per_client_max);
        let user = user.map(|user| (Whose::User(user.to_owned()), self.per_user_max));
        let mut taken = self.taken.lock();
        let wanted: Vec<_> = [Some(client), user].into_iter().flatten().collect();
        if wanted.iter().any(|(whose, most)| taken.get(whose).is_some_and(|n| n >= most)) {
            return None;
        }
        let whose: Vec<Whose> = wanted.into_iter().map(|(whose, _)| whose).collect();
        for whose in &whose {
            *taken.entry(whose.clone()).or_default() += 1;
        }
        Some(Seat { seats: Arc::clone(self), whose })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock();
        for whose in &self.whose {
            if let Some(count) = taken.get_mut(whose) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    taken.remove(whose);
                }
            }
        }
        if taken.is_empty() {
            self.seats.emptied.notify_waiters();
        }
    }
}

/// Whoever has one address of version 6 has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Of one client address: people of an office or a household (reliability.md 3.3).
pub(crate) const SOCKETS_PER_CLIENT_MAX: usize = 50;
/// Of one user: some pages in some browsers.
pub(crate) const SOCKETS_PER_USER_MAX: usize = 10;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_an_address_have_so_many_and_get_them_back() {
        let seats = Arc::new(Seats::new(3, 2));
        let take = |client: &str, user| seats.take(client.parse().unwrap(), user);
        let (one, two) =
            (take("10.0.0.1", Some("a")).unwrap(), take("10.0.0.2", Some("a")).unwrap());
        assert!(take("10.0.0.3", Some("a")).is_none(), "a third of the same user");
        let three = take("10.0.0.1", None).unwrap();
        let four = take("10.0.0.1", Some("b")).unwrap();
        assert!(take("10.0.0.1", None).is_none(), "a fourth of the same address");
        drop((one, four));
        drop((take("10.0.0.1", Some("a")).unwrap(), two, three));
        assert!(seats.taken.lock().is_empty(), "nobody is remembered who left");
    }
}
