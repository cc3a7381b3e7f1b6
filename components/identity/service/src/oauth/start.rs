//! The way to a provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Digest;
use ports::{Ports, Sql, Statement};
use web::{Exchange, Problem, Query, Response};

use super::provider::Provider;
use crate::{limits, secrets};

/// `GET /v1/oauth/{provider}/start`.
pub(crate) async fn start<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let provider = Provider::named(ports, exchange)?;
    let base_url = super::base_url(ports).ok_or_else(Problem::not_found)?;
    let query = Query::parse(exchange.request.query(), &["return_to"])?;
    let return_to = query.get("return_to").unwrap_or("/");
    if !is_ours(return_to, &base_url) || speaks_for_us(return_to) {
        let detail = "`return_to` is a path, or an address of this platform, and has no `ticket`, \
            `link` or `error`.";
        return Err(Problem::field("invalid_request", "?return_to".to_owned(), detail));
    }
    limits::SIGN_INS.take(ports, exchange).await?;
    let state = secrets::random(ports);
    // Two tabs of a browser share a cookie: neither takes the other's way from it.
    let known = super::cookie(exchange.request, super::cookie_name(&base_url));
    let known = known.filter(|value| is_word(value));
    let browser = known.map_or_else(|| secrets::random(ports), str::to_owned);
    let sql = "INSERT INTO identity_states (hash, provider, browser, return_to, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let expires_at = exchange.now.plus_ms(super::WAY_KEPT_MS).as_ms();
    let values = [
        secrets::hash(&state).into(),
        provider.name.into(),
        secrets::hash(&browser).into(),
        return_to.into(),
        expires_at.into(),
    ];
    Sql::batch(ports, vec![Statement::new(sql, values)]).await?;
    let cookie = super::set_cookie(&base_url, &browser);
    let location = location(ports, &provider, &base_url, &state).await;
    Ok(Response::empty(302).with("location", location).with("set-cookie", cookie))
}

async fn location<P: Ports>(ports: &P, provider: &Provider, base_url: &str, state: &str) -> String {
    let verifier = super::verifier(ports, state).await;
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(&[verifier.as_bytes()]).as_bytes());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", &provider.redirect_uri(base_url))
        .append_pair("scope", provider.scope())
        .append_pair("state", state)
        .append_pair("nonce", &super::nonce(ports, state).await)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    let joint = if provider.authorization_url.contains('?') { '&' } else { '?' };
    format!("{}{joint}{}", provider.authorization_url, query.finish())
}

/// A path of this platform: browsers read `//host` and `/\host` as other hosts, and drop tabs and
/// line breaks before they read.
fn is_ours(return_to: &str, base_url: &str) -> bool {
    let path = return_to.strip_prefix(base_url).unwrap_or(return_to);
    let is_base = path.is_empty() && return_to == base_url;
    let is_path = path.starts_with('/') && !path.starts_with("//");
    (is_base || is_path)
        && return_to.len() <= RETURN_TO_MAX_BYTES
        && return_to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// Does it bring along what only the way back may say? A page that was returned to would take
/// somebody else's ticket for the one that belongs to this browser. Pages read fragments, too.
fn speaks_for_us(return_to: &str) -> bool {
    let parts = return_to.split(['?', '#', '&', ';']).skip(1);
    let mut pairs = parts.flat_map(|part| form_urlencoded::parse(part.as_bytes()));
    pairs.any(|(name, _)| super::WORDS_BACK.contains(&name.trim().to_lowercase().as_str()))
}

fn is_word(value: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    value.len() == 43 && value.bytes().all(known)
}

const RETURN_TO_MAX_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_return_to_this_platform_only() {
        let base = "https://shop.test";
        for ours in ["/", "/a?b=c#d", "https://shop.test", "https://shop.test/a"] {
            assert!(is_ours(ours, base), "{ours}");
        }
        for foreign in [
            "",
            "a",
            "//evil.test",
            "/\\evil.test",
            "\\evil",
            "https://evil.test/",
            "https://shop.test.evil.test/",
            "https://shop.test@evil.test/",
            "https://shop.test:1/",
            "http://shop.test/",
            "javascript:alert(1)",
            "/\t/evil.test",
            "/a b",
            "/\r\nx: y",
            "/ä",
            "https://shop.test//evil.test",
            "HTTPS://shop.test/",
            "?x",
            "https://shop.test?x",
        ] {
            assert!(!is_ours(foreign, base), "{foreign:?}");
        }
        assert!(!is_ours(&format!("/{}", "a".repeat(1_024)), base));
    }

    #[test]
    fn nobody_puts_a_ticket_into_the_way_back() {
        for fine in ["/", "/ticket", "/a?b=ticket", "/a?tickets=1", "/link?x=error#ticke"] {
            assert!(!speaks_for_us(fine), "{fine}");
        }
        for foreign in [
            "/?ticket=x",
            "/a?b=c&link=x",
            "/a?error",
            "/a?%74icket=x",
            "/a?+ticket=x",
            "/a?Ticket=x",
            "/a?b;ticket=x",
            "/a#ticket=x",
            "/#/welcome?ticket=x",
            "https://shop.test?ticket=x",
        ] {
            assert!(speaks_for_us(foreign), "{foreign}");
        }
    }
}
