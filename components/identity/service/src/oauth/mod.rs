//! Signing in with a provider: authorization code with PKCE, state and nonce (RFC 9700, OIDC Core).
//!
//! A browser goes `start` → provider → `callback` → where it wanted to return to, with a ticket.
//! The tickets are exchanged for tokens by requests of their own (`tickets.rs`), so that no token
//! stands in an address.

pub(crate) mod callback;
mod provider;
pub(crate) mod start;
pub(crate) mod tickets;
mod vouched;

use ports::{Ports, Sql, Statement};
use web::{Problem, Request};

use crate::schema::{blob, integer, text};
use crate::secrets;

/// A way that a browser has set out on.
struct Way {
    /// Hash of the browser's cookie.
    browser: Vec<u8>,
    return_to: String,
    expires_at: i64,
}

impl Way {
    /// Takes the way of a state: nobody takes it twice.
    async fn take<P: Ports>(
        ports: &P,
        provider: &str,
        state: &str,
    ) -> Result<Option<Self>, Problem> {
        let sql = "DELETE FROM identity_states WHERE hash = ?1 AND provider = ?2
            RETURNING browser, return_to, expires_at";
        let values = [secrets::hash(state).into(), provider.into()];
        let outcomes = Sql::batch(ports, vec![Statement::new(sql, values)]).await?;
        let row = outcomes.first().and_then(|outcome| outcome.rows.first());
        let read = |row: &Vec<_>| {
            let (browser, return_to) = (blob(row, 0)?, text(row, 1)?);
            Ok(Self { browser, return_to, expires_at: integer(row, 2)? })
        };
        row.map(read).transpose()
    }
}

/// The word that goes to the provider and must come back in its token.
async fn nonce<P: Ports>(ports: &P, state: &str) -> String {
    secrets::derived(ports, "identity.oauth.nonce", state).await
}

/// The verifier of PKCE (RFC 7636): 43 characters.
async fn verifier<P: Ports>(ports: &P, state: &str) -> String {
    secrets::derived(ports, "identity.oauth.verifier", state).await
}

/// Under which address browsers reach the platform; without one there is no way back to it.
fn base_url<P: Ports>(ports: &P) -> Option<String> {
    let url = ports.variable("public_base_url")?.trim_end_matches('/').to_owned();
    (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
}

/// The name of the cookie that ties a way to a browser. Over https no other host can set it.
fn cookie_name(base_url: &str) -> &'static str {
    if base_url.starts_with("https://") { "__Host-ecomauction-oauth" } else { "ecomauction-oauth" }
}

/// The cookie that the browser has.
fn cookie<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let cookies = request.header("cookie")?.split(';');
    let mut pairs = cookies.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The header that sets it: for as long as the next step of the way may take.
fn set_cookie(base_url: &str, browser: &str) -> String {
    let secure = if base_url.starts_with("https://") { "; Secure" } else { "" };
    let (name, max_age) = (cookie_name(base_url), WAY_KEPT_MS / 1_000);
    format!("{name}={browser}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
}

/// An address with one more parameter in its query.
fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let (front, fragment) = url.split_once('#').map_or((url, None), |(a, b)| (a, Some(b)));
    let joint = if front.contains('?') { '&' } else { '?' };
    let mut query = form_urlencoded::Serializer::new(String::new());
    let parameter = query.append_pair(name, value).finish();
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{front}{joint}{parameter}{fragment}")
}

/// What an address says at the end of a way.
const WORDS_BACK: [&str; 3] = ["ticket", "link", "error"];
/// How long a browser may be with the provider, and how long a person may look for the letter.
const WAY_KEPT_MS: i64 = 10 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_goes_into_the_query() {
        for (url, expected) in [
            ("/", "/?t=a%26b"),
            ("/a?b=c", "/a?b=c&t=a%26b"),
            ("/a#f?x", "/a?t=a%26b#f?x"),
            ("https://x.test/a?b#f", "https://x.test/a?b&t=a%26b#f"),
        ] {
            assert_eq!(with_parameter(url, "t", "a&b"), expected);
        }
    }
}
