//! Who is who (api.md §2, rules.md B12, reliability.md 3.1), over HTTP from sign-up to erasure.

mod accounts;
mod devices;
mod enumeration;
mod federation;
mod rates;
mod second_factor;
mod sessions;

use conformance::people::{Mailbox, PASSWORD};
use conformance::{Client, Reply};
use serde_json::{Value, json};

/// POST that must be answered.
async fn post(client: &Client, path: &str, body: Value) -> Reply {
    client.post(path, &body).send().await.unwrap()
}

/// Asks for an account; the mailbox gets a code.
async fn asks_for_account(client: &Client, email: &str) -> Mailbox {
    let mailbox = Mailbox::of(client, email);
    let account = json!({"email": email, "password": PASSWORD, "display_name": "Somebody"});
    post(client, "/v1/accounts", account).await.expect(202);
    mailbox
}

async fn confirms(client: &Client, email: &str, code: &str) -> Reply {
    post(client, "/v1/accounts/confirm", json!({"email": email, "code": code})).await
}

async fn signs_in(client: &Client, email: &str, password: &str) -> Reply {
    post(client, "/v1/sessions", json!({"email": email, "password": password})).await
}

async fn refreshes(client: &Client, refresh_token: &str) -> Reply {
    post(client, "/v1/sessions/refresh", json!({"refresh_token": refresh_token})).await
}

/// The refresh token of a pair.
fn refresh_token(reply: &Reply) -> String {
    reply.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

/// A code of the same form that is not this one.
fn another(code: &str) -> String {
    let first = if code.starts_with('2') { "3" } else { "2" };
    format!("{first}{}", &code[1..])
}
