//! Forms that come back: of our own pages, sent by whoever got them, and what stands in them.
//!
//! A cookie is sent by a browser whoever asks it to, so two things are wanted of a form: that the
//! browser says it comes from a page of this site, and the token that was put into that page, which
//! no other site can read.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Currency, Money};
use ports::Ports;
use serde_json::{Value, json};
use web::{Exchange, Problem, Request};

use crate::visit::{self, Visit};

/// The fields of a form.
#[derive(Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a form that is one of ours.
    pub(crate) async fn of<P: Ports>(
        ports: &P,
        exchange: &Exchange<'_>,
        visit: &Visit,
    ) -> Result<Self, Problem> {
        let form = Self::typed(ports, exchange)?;
        form.admit(visit)?;
        Ok(form)
    }

    /// Reads a form of this site that may be of a session before this one: to be shown again, not
    /// to be acted on before it is admitted.
    pub(crate) fn typed<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Self, Problem> {
        let kind = exchange.request.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Problem::new(415, "unsupported_media_type", "Send the form of the page."));
        }
        if !is_from_here(ports, exchange.request) {
            return Err(foreign());
        }
        let fields = form_urlencoded::parse(&exchange.request.body).into_owned();
        // Of two by one name the first counts.
        Ok(Self(fields.collect::<Vec<_>>().into_iter().rev().collect()))
    }

    /// Was it got in this visit's session?
    pub(crate) fn admit(&self, visit: &Visit) -> Result<(), Problem> {
        if is_same(self.get(TOKEN), &visit.form_token) { Ok(()) } else { Err(foreign()) }
    }

    /// A form as a page fills it, before anybody types.
    pub(crate) fn filled<'f>(fields: impl IntoIterator<Item = (&'f str, String)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The form with what stands in another one over it.
    #[must_use]
    pub(crate) fn under(mut self, typed: Self) -> Self {
        self.0.extend(typed.0);
        self
    }

    /// The fields as another form carries them on, each behind a word; but for the token, which is
    /// that form's own.
    pub(crate) fn carried(&self) -> impl Iterator<Item = (String, &str)> {
        let own = self.0.iter().filter(|(name, _)| *name != TOKEN).take(CARRIED_MAX);
        own.map(|(name, value)| (format!("{CARRIED}{name}"), value.as_str()))
    }

    /// The form that this one carries on; none where it carries nothing.
    pub(crate) fn carries(&self) -> Option<Self> {
        let named = |(name, value): (&String, &String)| {
            Some((name.strip_prefix(CARRIED)?.to_owned(), value.clone()))
        };
        let fields: BTreeMap<_, _> = self.0.iter().filter_map(named).collect();
        (!fields.is_empty()).then_some(Self(fields))
    }

    /// A field without the space around it; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// A field as it was typed, for passwords.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Is the box ticked, the button pressed?
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// An amount in a currency, as people write amounts; none where the field is empty.
    pub(crate) fn money(&self, name: &str, currency: Currency) -> Result<Option<Value>, String> {
        let text = self.get(name);
        if text.is_empty() {
            return Ok(None);
        }
        let minor = minor(text, currency.exponent())
            .ok_or_else(|| format!("{text:?} is no amount of {}.", currency.as_str()))?;
        Ok(Some(json!({ "amount": minor, "currency": currency.as_str() })))
    }
}

/// Is what was sent from a page of ours?
pub(crate) fn admit<P: Ports>(
    ports: &P,
    request: &Request,
    visit: &Visit,
    token: &str,
) -> Result<(), Problem> {
    let is_ours = is_from_here(ports, request) && is_same(token, &visit.form_token);
    if is_ours { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> Problem {
    let detail = "This did not come from a page of this site, or the page is too old. Load it \
        again and send it once more; nothing was changed.";
    Problem::new(403, "forbidden_origin", detail)
}

/// Does a script ask, that reads problems by itself?
pub(crate) fn is_from_script(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.starts_with("application/json"))
}

/// The token of the forms of a visitor.
pub(crate) async fn token<P: Ports>(ports: &P, visitor: &str) -> String {
    URL_SAFE_NO_PAD.encode(ports.mac("storefront.form", visitor.as_bytes()).await)
}

/// What nobody can guess, in text.
pub(crate) fn secret<P: Ports>(ports: &P) -> String {
    URL_SAFE_NO_PAD.encode(ports.secret_bytes())
}

fn is_from_here<P: Ports>(ports: &P, request: &Request) -> bool {
    if let Some(site) = request.header("sec-fetch-site") {
        return site == "same-origin";
    }
    // Browsers that do not say it say whence.
    let Some(origin) = request.header("origin") else { return false };
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    origin == visit::base_url(ports) || request.header("host").is_some_and(|own| own == host)
}

/// All of it is compared, so that time tells nothing about where it differs.
fn is_same(one: &str, other: &str) -> bool {
    let differs = one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    one.len() == other.len() && differs == 0
}

/// Minor units of an amount as people write it: `1250`, `1,250.5`, `1 250.50`.
pub(crate) fn minor(text: &str, exponent: u32) -> Option<i64> {
    // `12,50` means something else to many: groups have three digits.
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split([',', ' ', '\u{a0}', '\'']);
    let first = groups.next().unwrap_or_default();
    let groups: Vec<&str> = groups.collect();
    if groups.iter().any(|group| group.len() != 3) {
        return None;
    }
    let whole = format!("{first}{}", groups.concat());
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = usize::try_from(exponent).ok()?;
    if whole.is_empty() || !is_digits(&whole) || !is_digits(part) || part.len() > exponent {
        return None;
    }
    let minor: i64 = format!("{whole}{part:0<exponent$}").parse().ok()?;
    kernel::Minor::new(minor).is_ok().then_some(minor)
}

/// An amount as a form shows it again.
pub(crate) fn typed(money: &Money) -> String {
    let text = money.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The field with the token.
const TOKEN: &str = "form_token";
/// Before the names of the fields of another form.
const CARRIED: &str = "kept.";
/// No form has so many fields.
const CARRIED_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::{is_same, minor};

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, exponent, expected) in [
            ("12", 2, Some(1_200)),
            ("12.5", 2, Some(1_250)),
            ("1,250.50", 2, Some(125_050)),
            ("1 250", 0, Some(1_250)),
            ("12,50", 2, None),
            ("1,25.00", 2, None),
            ("1.250,00", 2, None),
            ("12 50", 2, None),
            ("12'50", 2, None),
            ("1.2,5", 2, None),
            ("1'250", 2, Some(125_000)),
            ("0.005", 3, Some(5)),
            ("12.345", 2, None),
            ("12.5", 0, None),
            ("-1", 2, None),
            ("+1", 2, None),
            ("", 2, None),
            (".5", 2, None),
            ("1e3", 2, None),
            ("12 USD", 2, None),
            ("99999999999999999999", 2, None),
        ] {
            assert_eq!(minor(text, exponent), expected, "{text:?}");
        }
    }

    #[test]
    fn tokens_are_the_same_or_not() {
        assert!(is_same("abc", "abc"));
        for (one, other) in [("abc", "abd"), ("abc", "ab"), ("", "a")] {
            assert!(!is_same(one, other));
        }
    }
}
