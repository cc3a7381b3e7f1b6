//! The second factor. Its secret and its recovery codes are shown once: on pages that nobody can
//! load again.

use askama::Template;
use ports::Ports;
use serde_json::json;
use web::Problem;

use super::actions::{Act, Came, came};
use crate::api::{RecoveryCodes, TotpSecret};
use crate::page::{self, Frame};
use crate::sign::{Refused, code, later};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "account-factor.html")]
struct Offer<'a> {
    frame: Frame<'a>,
    refused: Refused,
    offer: &'a TotpSecret,
}

#[derive(Template)]
#[template(path = "account-codes.html")]
struct Codes<'a> {
    frame: Frame<'a>,
    codes: &'a [String],
}

/// A secret, and the form for a code of it.
pub(super) async fn offer<P: Ports>(act: &Act<'_, '_, P>, visit: &Visit) -> Result<Came, Problem> {
    let answer = act.ask(visit, "POST", "/v1/me/totp", Some(&act.proof())).await?;
    if !answer.is_done() {
        return Ok(Came::Refused(Refused::by("factor", &answer)));
    }
    offered(visit, &answer.json()?, Refused::nothing())
}

/// Puts the secret in force. The form brings it back, so that a code that was typed wrong is no
/// reason to begin anew.
pub(super) async fn confirm<P: Ports>(
    act: &Act<'_, '_, P>,
    visit: &Visit,
) -> Result<Came, Problem> {
    let body = json!({ "code": code(act.form, "code").unwrap_or_default() });
    let answer = act.ask(visit, "POST", "/v1/me/totp/confirm", Some(&body)).await?;
    if answer.is_done() {
        let RecoveryCodes { recovery_codes } = answer.json()?;
        let frame = Frame::of(visit, "The second factor is on");
        let shown = Codes { frame, codes: &recovery_codes };
        return Ok(Came::Page(page::page(200, visit, &shown)?));
    }
    let secret = act.form.get("secret").to_owned();
    let offer = TotpSecret { secret, otpauth_uri: act.form.get("uri").to_owned() };
    let refused = Refused::by("factor", &answer);
    let is_open = refused.is("invalid_code") || refused.is("rate_limited");
    if is_open && is_secret(&offer) {
        return offered(visit, &offer, refused);
    }
    Ok(Came::Refused(refused))
}

/// Switches it off.
pub(super) async fn remove<P: Ports>(act: &Act<'_, '_, P>, visit: &Visit) -> Result<Came, Problem> {
    let answer = act.ask(visit, "DELETE", "/v1/me/totp", Some(&act.proof())).await?;
    Ok(came(&answer, "factor", Came::Done("no-second-factor")))
}

fn offered(visit: &Visit, offer: &TotpSecret, refused: Refused) -> Result<Came, Problem> {
    let (status, again) = (refused.status(), refused.again());
    let shown = Offer { frame: Frame::of(visit, "Second factor"), refused, offer };
    Ok(Came::Page(later(page::page(status, visit, &shown)?, again)))
}

/// What a form brought back ends up in a link: is it what the API gives?
fn is_secret(offer: &TotpSecret) -> bool {
    let is_base32 = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    let TotpSecret { secret, otpauth_uri } = offer;
    let is_one = !secret.is_empty() && secret.bytes().all(is_base32);
    is_one && otpauth_uri.starts_with("otpauth://totp/") && otpauth_uri.contains(secret.as_str())
}
