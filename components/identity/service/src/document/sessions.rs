//! Signing in and out.

use serde_json::json;
use web::document::{Description, Parameter, SessionId, schema};

use super::bodies;

pub(super) const TAG: &str = "Sessions";

pub(super) fn sign_in() -> Description {
    let notes = "`otp` is a one-time code or a recovery code, where the second factor is on. \
        An unknown address and a wrong password are the same refusal.";
    let example = json!({"email": "ana@example.test", "password": "correct horse battery"});
    Description::new(TAG, "Sign in")
        .notes(notes)
        .takes::<bodies::SignIn>(example)
        .answers::<bodies::TokenPair>(201, "A session has begun.")
        .refuses(401, &["invalid_credentials", "otp_required"])
        .refuses(403, &["account_not_confirmed"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn refresh() -> Description {
    let notes = "A refresh token is spent by this. Sent again within ten seconds it gets the same \
        pair; later it ends the session, because somebody may have a copy of it.";
    Description::new(TAG, "Get the next pair of tokens")
        .notes(notes)
        .takes::<bodies::RefreshToken>(json!({"refresh_token": "rt_…"}))
        .answers::<bodies::TokenPair>(200, "The next pair.")
        .refuses(401, &["invalid_token", "token_reused"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn end_this() -> Description {
    Description::new(TAG, "Sign out here")
        .notes("The access token is good until it expires, ten minutes at most.")
        .answers_empty(204, "The session of the access token has ended.")
}

pub(super) fn end_all() -> Description {
    Description::new(TAG, "Sign out everywhere")
        .notes("Access tokens are good until they expire, ten minutes at most.")
        .answers_empty(204, "Every session of the account has ended.")
}

pub(super) fn list() -> Description {
    let notes = "Those that are alive, 100 at most, which is as many as an account has: newest use \
        first. What is used is a refresh token, so the last use may be ten minutes younger than it \
        says. A device is what the client called itself in `User-Agent` when it signed in, for \
        people to recognise and not for programs to trust.";
    Description::new(TAG, "List the sessions of the account")
        .notes(notes)
        .answers::<bodies::Sessions>(200, "The sessions.")
}

pub(super) fn end_named() -> Description {
    let notes = "Its refresh token is good for nothing at once. Its access tokens are good until \
        they expire, ten minutes at most, and change no account. One that has ended stays so: 204 \
        again, until it is forgotten.";
    Description::new(TAG, "Sign out there")
        .notes(notes)
        .path(Parameter::new("id", "One of `listSessions`.", schema::<SessionId>()))
        .answers_empty(204, "The session has ended.")
}

pub(super) fn keys() -> Description {
    Description::new(TAG, "Show the keys that access tokens are verified with")
        .answers_object(200, "A JWK set (RFC 7517). It may be kept for five minutes.")
}

pub(super) fn proof_keys() -> Description {
    let notes = "Keys of receipts and proofs alone, Ed25519 (`OKP`). A `kid` is the first 16 hex \
        digits of the SHA-256 of the public key. Past keys stay for good.";
    Description::new(TAG, "Show the keys that receipts and proofs are verified with")
        .notes(notes)
        .answers_object(200, "A JWK set (RFC 7517). It may be kept for five minutes.")
}
