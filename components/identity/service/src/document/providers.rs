//! Signing in with a provider.

use serde_json::json;
use web::document::{Description, Parameter};

use super::bodies;

pub(super) const TAG: &str = "Providers";

pub(super) fn start() -> Description {
    let return_to = "Where the browser goes at the end: a path, or an address of this platform. \
        `ticket`, `link` or `error` is added to its query, and must not be there before.";
    let schema = json!({"type": "string", "maxLength": 1_024, "default": "/"});
    Description::new(TAG, "Go to a provider")
        .notes("For browsers. The way is tied to this browser by a cookie, for ten minutes.")
        .path(provider())
        .query([Parameter::new("return_to", return_to, schema)])
        .answers_empty(302, "To the provider.")
        .with_location()
        .refuses(429, &["rate_limited"])
}

pub(super) fn finish() -> Description {
    let notes = "For browsers, sent by the provider with `state`, and `code` or `error`; what else \
        it sends is ignored. At the end `ticket` is for `signInByTicket`, within a minute; `link` \
        is for `linkProvider`, with the code that was mailed; `error` is `access_denied`, \
        `provider_unavailable`, `provider_refused` or `mail_not_verified`.";
    let text = |text: &'static str, name| Parameter::new(name, text, json!({"type": "string"}));
    Description::new(TAG, "Come back from a provider")
        .notes(notes)
        .ignores_parameters()
        .path(provider())
        .query([
            text("Of the way that was begun.", "state"),
            text("What the provider vouches with.", "code"),
            text("Why it does not.", "error"),
        ])
        .answers_empty(303, "To where the browser wanted to return to.")
        .with_location()
        .refuses(400, &["invalid_state"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn sign_in() -> Description {
    Description::new(TAG, "Sign in with a ticket")
        .notes(
            "From the browser that came back: its cookie has to come along. A ticket that met \
            `otp_required` is good for the next try.",
        )
        .takes::<bodies::Ticket>(json!({"ticket": "…"}))
        .answers::<bodies::TokenPair>(201, "A session has begun.")
        .refuses(401, &["invalid_credentials", "invalid_ticket", "otp_required"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn link() -> Description {
    let notes = "Needed once where the provider does not vouch for the address, or where the \
        address has an account that is not linked yet. From the browser that came back: its \
        cookie has to come along.";
    Description::new(TAG, "Link a provider with a mailed code, and sign in")
        .notes(notes)
        .takes::<bodies::LinkTicket>(json!({"ticket": "…", "code": "123456"}))
        .answers::<bodies::TokenPair>(201, "A session has begun; the provider is enough next time.")
        .refuses(401, &["invalid_credentials", "invalid_ticket", "otp_required"])
        .refuses(422, &["invalid_code"])
        .refuses(429, &["rate_limited"])
}

fn provider() -> Parameter {
    let schema = json!({"type": "string", "enum": ["google", "facebook"]});
    Parameter::new("provider", "One that the deployer has set up.", schema)
}
