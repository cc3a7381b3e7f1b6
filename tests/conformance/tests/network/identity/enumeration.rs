//! Nobody learns who has an account: neither from what is answered nor from the time that it takes.

use std::time::{Duration, Instant};

use conformance::people::{PASSWORD, address};
use conformance::{Client, Reply, Setup};
use serde_json::{Value, json};

use super::{asks_for_account, post, signs_in};

/// Everything in an answer but what differs between any two.
fn told(reply: &Reply) -> (u16, Vec<(String, String)>, Value) {
    let headers = reply.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let own = ["date", "x-request-id", "server-timing", "traceparent"];
    let headers = headers.filter(|(name, _)| !own.contains(&name.as_str())).collect();
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    (reply.status, headers, body)
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    platform.user("known").await;
    asks_for_account(&public, &address("waiting")).await.code().await;
    let asked = async |path: &str, name: &str| {
        let email = address(name);
        let body = match path {
            "/v1/accounts" => {
                json!({"email": email, "password": PASSWORD, "display_name": "Somebody"})
            }
            "/v1/sessions" => json!({"email": email, "password": "a wrong password"}),
            "/v1/accounts/confirm" => json!({"email": email, "code": "000000"}),
            "/v1/passwords/reset" => {
                json!({"email": email, "code": "000000", "password": "another fine password"})
            }
            _ => json!({"email": email}),
        };
        told(&post(&public, path, body).await)
    };
    for (path, status) in [
        ("/v1/accounts", 202),
        ("/v1/accounts/resend", 202),
        ("/v1/passwords/forgot", 202),
        ("/v1/accounts/confirm", 422),
        ("/v1/passwords/reset", 422),
        ("/v1/sessions", 401),
    ] {
        let known = asked(path, "known").await;
        assert_eq!(known.0, status, "{path}: {known:?}");
        for other in ["waiting", "unknown"] {
            assert_eq!(asked(path, other).await, known, "{path} tells {other} from known");
        }
    }
}

#[tokio::test]
async fn sign_up_with_a_known_address_changes_nothing_and_tells_its_owner() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let mut mailbox = conformance::people::Mailbox::of(&public, &ana.email());
    mailbox.next().await;
    let again = json!({"email": ana.email(), "password": "a password of somebody else",
        "display_name": "Eve"});
    post(&public, "/v1/accounts", again).await.expect(202);
    let letter = mailbox.next().await;
    let code = conformance::people::code_in(letter["text"].as_str().unwrap());
    assert_eq!(code, None, "a code for an account that is there: {letter}");
    let stolen = signs_in(&public, &ana.email(), "a password of somebody else").await;
    stolen.refused(401, "invalid_credentials");
    signs_in(&public, &ana.email(), PASSWORD).await.expect(201);
    assert_eq!(ana.client.get("/v1/me").await.expect(200).json()["display_name"], "ana");
}

#[tokio::test]
async fn the_time_of_a_sign_in_does_not_tell_who_has_an_account() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let known: Vec<_> = (0..PAIRS).map(|n| address(&format!("known-{n}"))).collect();
    for email in &known {
        let account = json!({"email": email, "password": PASSWORD, "display_name": "Somebody"});
        post(&public, "/v1/accounts", account).await.expect(202);
    }
    let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
    for (n, email) in known.iter().enumerate() {
        of_known.push(time_of_sign_in(&public, email).await);
        of_unknown.push(time_of_sign_in(&public, &address(&format!("unknown-{n}"))).await);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (known, unknown) = (median(&mut of_known), median(&mut of_unknown));
    println!("wrong password {known:?}, no account {unknown:?}");
    // What is looked for is a hash that is not computed, a factor of ten; others are busy here.
    assert!(known < unknown * 2 && unknown < known * 2, "{known:?} and {unknown:?}");
    assert!(unknown > Duration::from_millis(5), "{unknown:?}: no password was hashed");
}

async fn time_of_sign_in(client: &Client, email: &str) -> Duration {
    let started = Instant::now();
    signs_in(client, email, "a wrong password").await.refused(401, "invalid_credentials");
    started.elapsed()
}

const PAIRS: usize = 21;
