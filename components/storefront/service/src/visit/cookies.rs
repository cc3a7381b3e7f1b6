//! Cookies. Over HTTPS their names hold browsers to what is wanted of them: this host alone, never
//! without TLS (`__Host-`, RFC 6265bis).

use web::Request;

/// The cookies of a request.
pub(super) struct Cookies {
    /// Ties forms to a browser, also of somebody who has not signed in.
    pub(super) visitor: Option<String>,
    pub(super) access: Option<String>,
    pub(super) refresh: Option<String>,
    is_secure: bool,
}

impl Cookies {
    /// Reads them; of two by one name the first counts.
    pub(super) fn read(request: &Request, is_secure: bool) -> Self {
        let header = request.header("cookie").unwrap_or_default();
        let value = |name: &str| {
            let wanted = named(name, is_secure);
            let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
            let found = pairs.find(|(known, _)| *known == wanted).map(|(_, value)| value);
            found.filter(|value| is_value(value)).map(str::to_owned)
        };
        let (visitor, access, refresh) = (value(VISITOR), value(ACCESS), value(REFRESH));
        Self { visitor, access, refresh, is_secure }
    }

    /// As long as a session, so that the forms of restored tabs are good.
    pub(super) fn visitor_is(&self, value: &str) -> String {
        self.cookie(VISITOR, value, Some(REFRESH_SECONDS))
    }

    pub(super) fn access_is(&self, token: &str, seconds: i64) -> String {
        self.cookie(ACCESS, token, Some(seconds))
    }

    /// As long as the API may renew it.
    pub(super) fn refresh_is(&self, token: &str) -> String {
        self.cookie(REFRESH, token, Some(REFRESH_SECONDS))
    }

    /// The token is good for nothing any longer.
    pub(super) fn no_access(&self) -> String {
        self.cookie(ACCESS, "", Some(0))
    }

    /// Nobody is signed in.
    pub(super) fn none(&self) -> [String; 2] {
        [ACCESS, REFRESH].map(|name| self.cookie(name, "", Some(0)))
    }

    fn cookie(&self, name: &str, value: &str, seconds: Option<i64>) -> String {
        let name = named(name, self.is_secure);
        let mut cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
        if let Some(seconds) = seconds {
            cookie.push_str(&format!("; Max-Age={seconds}"));
        }
        if self.is_secure {
            cookie.push_str("; Secure");
        }
        cookie
    }
}

fn named(name: &str, is_secure: bool) -> String {
    format!("{}{name}", if is_secure { "__Host-" } else { "" })
}

/// Tokens are of these characters; whatever else stands there is not ours.
fn is_value(value: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !value.is_empty() && value.len() <= VALUE_MAX_BYTES && value.bytes().all(is_known)
}

const VISITOR: &str = "ecomauction-visitor";
const ACCESS: &str = "ecomauction-access";
const REFRESH: &str = "ecomauction-refresh";
/// 30 days, as the API's (rules.md B12).
const REFRESH_SECONDS: i64 = 30 * 24 * 60 * 60;
const VALUE_MAX_BYTES: usize = 4_096;
