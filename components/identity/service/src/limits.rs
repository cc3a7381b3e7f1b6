//! How often: token buckets for each client address and for each account.
//!
//! What a bucket of an account counts does not depend on whether there is such an account. No
//! bucket locks anybody out for good: each refills by itself, and where somebody signed in before
//! it has a bucket of its own (`SIGN_IN_KNOWN`), so that strangers cannot use up the owner's tries.
//! Nobody but the owner gets the letters that strangers ask for.

use std::net::{IpAddr, Ipv6Addr};

use ports::{Policy, Ports};
use web::{Exchange, Problem};

/// A rate of one client address, which the deployer may change.
pub(crate) struct AddressRate {
    name: &'static str,
    /// The variable that holds the number.
    variable: &'static str,
    default: u32,
    period_ms: u32,
}

/// A rate of one account.
pub(crate) struct AccountRate {
    name: &'static str,
    policy: Policy,
}

/// An office behind one address signs up a few colleagues; a script would fill the tables.
pub(crate) const SIGN_UPS: AddressRate =
    AddressRate { name: "sign-up", variable: "sign_ups_per_hour", default: 20, period_ms: HOUR_MS };
/// Behind one address thirty people may sign in within a minute; of a thousand stuffed pairs most
/// are refused before a password is hashed. Sign-ins with a provider count here, too.
pub(crate) const SIGN_INS: AddressRate = AddressRate {
    name: "sign-in",
    variable: "sign_ins_per_minute",
    default: 30,
    period_ms: MINUTE_MS,
};
/// A session refreshes every ten minutes: room for hundreds of them behind one address.
pub(crate) const REFRESHES: AddressRate = AddressRate {
    name: "refresh",
    variable: "refreshes_per_minute",
    default: 120,
    period_ms: MINUTE_MS,
};
/// Typed codes and tickets. A person needs one or two; who guesses needs a million.
pub(crate) const CODES: AddressRate =
    AddressRate { name: "code", variable: "codes_per_hour", default: 60, period_ms: HOUR_MS };
/// Letters that one address asks for, to whomever.
pub(crate) const LETTERS: AddressRate =
    AddressRate { name: "letter", variable: "letters_per_hour", default: 30, period_ms: HOUR_MS };

/// Sign-ins to an account from where nobody signed in to it before: ten at once, then one in half a
/// minute. That is 3 000 guesses a day, against passwords that are not among the first 3 000.
pub(crate) const SIGN_IN: AccountRate = AccountRate::new("sign-in-account", 10, 30_000);
/// The same from an address that the account was signed in to from.
pub(crate) const SIGN_IN_KNOWN: AccountRate = AccountRate::new("sign-in-place", 10, 30_000);
/// One-time codes after a right password: five at once, then one in five minutes. Of a million
/// codes three are right at a time, so a guess is right once in three years.
pub(crate) const OTPS: AccountRate = AccountRate::new("one-time-code", 5, 300_000);
/// Letters to one address: five at once, then one in five minutes; nobody's mailbox is filled. Each
/// purpose has its own, so that whoever uses one up has sent its owner five codes that are good.
pub(crate) const LETTERS_TO_CONFIRM: AccountRate =
    AccountRate::new("letter-to-confirm", 5, 300_000);
/// The same about new passwords.
pub(crate) const LETTERS_TO_RESET: AccountRate = AccountRate::new("letter-to-reset", 5, 300_000);
/// The same about providers.
pub(crate) const LETTERS_TO_LINK: AccountRate = AccountRate::new("letter-to-link", 5, 300_000);
/// Codes typed for an account at one client address. For all addresses together the bound is in the
/// rows: each code has five tries, and letters have a rate. A bucket of all would keep its owner
/// out while strangers guess.
pub(crate) const CODES_OF: AccountRate = AccountRate::new("code-of", 15, 120_000);
/// Refreshes of all sessions of an account.
pub(crate) const REFRESHES_OF: AccountRate = AccountRate::new("refresh-of", 120, 1_000);

const MINUTE_MS: u32 = 60 * 1_000;
const HOUR_MS: u32 = 60 * MINUTE_MS;

impl AddressRate {
    /// Takes one for the client of a request, or 429. Clients whose address the platform does not
    /// tell share one bucket.
    pub(crate) async fn take<P: Ports>(
        &self,
        ports: &P,
        exchange: &Exchange<'_>,
    ) -> Result<(), Problem> {
        let count = ports.variable(self.variable).and_then(|count| count.parse().ok());
        let capacity = count.filter(|count| *count > 0).unwrap_or(self.default);
        let policy = Policy { capacity, refill_ms: (self.period_ms / capacity).max(1) };
        take(ports, self.name, policy, &block(exchange.request.client_address())).await
    }
}

impl AccountRate {
    const fn new(name: &'static str, capacity: u32, refill_ms: u32) -> Self {
        Self { name, policy: Policy { capacity, refill_ms } }
    }

    /// Takes one for an account, or 429.
    pub(crate) async fn take<P: Ports>(&self, ports: &P, account: &str) -> Result<(), Problem> {
        take(ports, self.name, self.policy, account).await
    }

    /// Takes one for an account and the client of a request, or 429.
    pub(crate) async fn take_here<P: Ports>(
        &self,
        ports: &P,
        exchange: &Exchange<'_>,
        account: &str,
    ) -> Result<(), Problem> {
        let client = block(exchange.request.client_address());
        take(ports, self.name, self.policy, &format!("{account} {client}")).await
    }
}

async fn take<P: Ports>(
    ports: &P,
    name: &'static str,
    policy: Policy,
    whose: &str,
) -> Result<(), Problem> {
    let taken = ports.take(&format!("{name}:{whose}"), policy).await;
    taken.map_err(|wait_ms| Problem::rate_limited(name, policy, wait_ms))
}

/// What one client can be expected to have: an IPv4 address, or a /64 of IPv6.
pub(crate) fn block(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_subnet() {
        for (address, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
            ("", ""),
        ] {
            assert_eq!(block(address), expected);
        }
    }
}
