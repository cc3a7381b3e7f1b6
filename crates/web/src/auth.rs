//! Who calls: bearer tokens, verified by the vault and remembered until they expire.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use kernel::Timestamp;
use ports::{Claims, Clock, Vault};

use crate::{Auth, Problem, Request};

/// 401: no token, or one that is not valid now.
pub fn unauthenticated() -> Problem {
    Problem::new(401, "unauthenticated", "Send a valid access token: Authorization: Bearer …")
        .with_header("www-authenticate", "Bearer")
}

/// 403: the account may look, and change nothing.
pub fn suspended() -> Problem {
    let detail = "This account is suspended. It can look, and change nothing.";
    Problem::new(403, "account_suspended", detail)
}

/// 403 when the roles of the caller do not reach for the route.
pub(crate) fn admit(caller: &Claims, auth: Auth) -> Result<(), Problem> {
    let has = |wanted: &str| caller.roles.iter().any(|role| role == wanted);
    if auth != Auth::Required && has(SUSPENDED) {
        return Err(suspended());
    }
    if auth == Auth::Admin && !has(ADMIN) {
        return Err(Problem::new(403, "forbidden", "Only administrators may do this."));
    }
    Ok(())
}

/// Role of everybody whose account is in order.
pub const USER: &str = "user";
/// Role of administrators, besides [`USER`].
pub const ADMIN: &str = "admin";
/// Role in place of all others: signed in, but nothing can be changed.
pub const SUSPENDED: &str = "suspended";

/// Is the caller signed in, by the token of the request or one in the cookie of that name?
/// Platforms ask before they take more than everyone may send; the service asks again, and more.
pub async fn is_known(
    ports: &(impl Clock + Vault),
    request: &Request,
    token_cookie: Option<&str>,
) -> bool {
    let now = ports.now();
    if matches!(caller(ports, request, now).await, Ok(Some(_))) {
        return true;
    }
    let token = token_cookie.and_then(|name| request.cookie(name));
    let Some(token) = token.filter(|token| token.len() <= TOKEN_MAX_BYTES) else { return false };
    verified(ports, token, now).await.is_some()
}

/// Who calls; none without an `Authorization` header, 401 with a bad one.
pub(crate) async fn caller(
    vault: &impl Vault,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Rc<Claims>>, Problem> {
    let Some(header) = request.header("authorization") else { return Ok(None) };
    if request.header_count("authorization") > 1 {
        return Err(unauthenticated());
    }
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_MAX_BYTES)
        .ok_or_else(unauthenticated)?;
    verified(vault, token, now).await.map(Some).ok_or_else(unauthenticated)
}

/// Verifying costs a signature check and a call out of the component, far more than all the rest of
/// a bid's way through the service; a token cannot become invalid before it expires.
async fn verified(vault: &impl Vault, token: &str, now: Timestamp) -> Option<Rc<Claims>> {
    let alive = |claims: &Claims| is_alive(claims, now);
    let known = VERIFIED.with_borrow(|tokens| {
        let known = tokens.get(end(token)).filter(|known| equal(&known.token, token));
        known.map(|known| Rc::clone(&known.claims))
    });
    if let Some(claims) = known {
        return alive(&claims).then_some(claims);
    }
    let claims = Rc::new(vault.verify_access_token(token).await?);
    if !alive(&claims) {
        return None;
    }
    VERIFIED.with_borrow_mut(|tokens| {
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(end(token).into(), Known { token: token.into(), claims: claims.clone() });
    });
    Some(claims)
}

/// Are these claims still good?
pub(crate) fn is_alive(claims: &Claims, now: Timestamp) -> bool {
    claims.expires_at.saturating_mul(1_000) > now.as_ms()
}

/// A token and what it says.
struct Known {
    token: Box<str>,
    claims: Rc<Claims>,
}

thread_local! {
    /// By the ends of the tokens: those are signatures, as good as random, and short to hash.
    static VERIFIED: RefCell<HashMap<Box<[u8]>, Known>> = RefCell::default();
}

/// By words: a guest's `memcmp` goes by bytes, and tokens are the longest text of a bid.
fn equal(one: &str, other: &str) -> bool {
    let (one, one_rest) = one.as_bytes().as_chunks::<8>();
    let (other, other_rest) = other.as_bytes().as_chunks::<8>();
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    one.len() == other.len()
        && one_rest == other_rest
        && one.iter().zip(other).all(|(one, other)| word(one) == word(other))
}

fn end(token: &str) -> &[u8] {
    token.as_bytes().last_chunk::<16>().map_or(token.as_bytes(), |end| end)
}

const TOKEN_MAX_BYTES: usize = 4_096;
/// Most tokens that an instance remembers.
const TOKENS_MAX: usize = 1_024;
