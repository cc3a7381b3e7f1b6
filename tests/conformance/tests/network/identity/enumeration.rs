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
    // As for any address that was signed up with and not proven.
    let stolen = signs_in(&public, &ana.email(), "a password of somebody else").await;
    stolen.refused(403, "account_not_confirmed");
    signs_in(&public, &ana.email(), PASSWORD).await.expect(201);
    assert_eq!(ana.client.get("/v1/me").await.expect(200).json()["display_name"], "ana");
}

/// Sign-in and reset hash a password, confirm writes one row: what is not done is seen in the time.
#[tokio::test]
async fn the_time_of_an_answer_does_not_tell_who_has_an_account() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    for n in 0..PEOPLE {
        platform.user(&format!("known-{n}")).await;
        asks_for_account(&public, &address(&format!("waiting-{n}"))).await.code().await;
    }
    for (path, status, floor) in [
        ("/v1/sessions", 401, HASHED_MIN),
        ("/v1/accounts/confirm", 422, Duration::ZERO),
        ("/v1/passwords/reset", 422, HASHED_MIN),
    ] {
        let mut told = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let times = times(&public, path, status).await;
            println!("{path}: known, waiting, unknown: {times:?}");
            let (slowest, fastest) = (*times.iter().max().unwrap(), *times.iter().min().unwrap());
            assert!(fastest >= floor, "{path}: {fastest:?}: no password was hashed");
            // One hash that is left out halves it. Where no password is hashed, the five
            // milliseconds would hide what is looked for.
            let allowed = if floor.is_zero() { slowest / 3 } else { (slowest / 4).max(HASHED_MIN) };
            if slowest - fastest <= allowed.max(NOISE) {
                told.clear();
                break;
            }
            told.push(times);
        }
        assert!(told.is_empty(), "{path}: known, waiting, unknown: {told:?}");
    }
}

/// What an answer takes for each kind of address.
async fn times(public: &Client, path: &str, status: u16) -> [Duration; 3] {
    let mut times: [Vec<Duration>; 3] = Default::default();
    for n in 0..TRIES {
        // One kind after the other, each first in its turn: what else goes on hits all of them.
        for at in 0..KINDS.len() {
            let at = (at + n) % KINDS.len();
            let email = address(&format!("{}-{}", KINDS[at], n % PEOPLE));
            times[at].push(time_of(public, path, &email, status).await);
        }
    }
    times.map(undisturbed)
}

/// What it takes when little else goes on: nine in ten took longer.
fn undisturbed(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 10]
}

/// A wrong password, or a wrong code, for an address.
async fn time_of(client: &Client, path: &str, email: &str, status: u16) -> Duration {
    let body = match path {
        "/v1/sessions" => json!({"email": email, "password": "a wrong password"}),
        "/v1/accounts/confirm" => json!({"email": email, "code": "not-a-code"}),
        _ => json!({"email": email, "code": "not-a-code", "password": "another fine password"}),
    };
    let started = Instant::now();
    let reply = post(client, path, body).await;
    let took = started.elapsed();
    assert_eq!(reply.status, status, "{path}: {}", reply.text());
    took
}

const KINDS: [&str; 3] = ["known", "waiting", "unknown"];
/// Of each kind.
const PEOPLE: usize = 10;
/// Three for each address, in three rounds: an account has ten sign-ins and fifteen codes at once.
const TRIES: usize = 30;
/// What a busy machine does to one of them it does not do to all; what is skipped always shows.
const ROUNDS_MAX: usize = 3;
/// A hash takes longer.
const HASHED_MIN: Duration = Duration::from_millis(5);
/// What two times differ by on a busy machine although the same is done: less than a sync.
const NOISE: Duration = Duration::from_micros(700);
