//! One-time codes (RFC 6238) and recovery codes.

use std::collections::BTreeSet;
use std::time::Duration;

use conformance::people::{PASSWORD, one_time_code};
use conformance::{Setup, now_ms};
use serde_json::json;

use super::{another, post, signs_in};

/// A time step that goes on for a while, so that codes stay those of now, before and after.
async fn in_a_step() -> i64 {
    let into_ms = now_ms().rem_euclid(STEP_MS);
    if into_ms > STEP_MS / 2 {
        let left = u64::try_from(STEP_MS - into_ms).unwrap();
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
    now_ms()
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_works_once() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let offer = post(&ana.client, "/v1/me/totp", json!({"password": PASSWORD})).await.expect(200);
    let secret = offer.json()["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.len() >= 32, "160 bits: {secret}");
    let uri = offer.json()["otpauth_uri"].as_str().expect("a URI").to_owned();
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&secret), "{uri}");
    // Not in force before the first code was typed.
    signs_in(&public, &ana.email(), PASSWORD).await.expect(201);

    let now = in_a_step().await;
    let [before, this] = [now - STEP_MS, now].map(|at_ms| one_time_code(&secret, at_ms));
    let wrong = post(&ana.client, "/v1/me/totp/confirm", json!({"code": another(&before)})).await;
    wrong.refused(422, "invalid_code");
    let on = post(&ana.client, "/v1/me/totp/confirm", json!({"code": before})).await.expect(200);
    let recovery: Vec<String> =
        serde_json::from_value(on.json()["recovery_codes"].clone()).unwrap();
    assert_eq!(recovery.iter().collect::<BTreeSet<_>>().len(), 10, "{recovery:?}");

    let with = async |otp: &str| {
        let body = json!({"email": ana.email(), "password": PASSWORD, "otp": otp});
        post(&public, "/v1/sessions", body).await
    };
    signs_in(&public, &ana.email(), PASSWORD).await.refused(401, "otp_required");
    let blind = signs_in(&public, &ana.email(), "a wrong password").await;
    blind.refused(401, "invalid_credentials");
    with(&this).await.expect(201);
    with(&this).await.refused(401, "invalid_credentials");
    with(&recovery[3]).await.expect(201);
    // Five one-time codes at once are all that a person needs; after that the rate shows.
    let again = with(&recovery[3]).await;
    assert!([401, 429].contains(&again.status), "a recovery code works twice: {}", again.text());
    let shown = ana.client.get("/v1/me/export").await.expect(200).text();
    assert!(!shown.contains(&secret) && !shown.contains(&recovery[0]), "{shown}");
}

#[tokio::test]
async fn a_second_factor_that_is_removed_is_asked_for_no_more() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let proof = json!({"password": PASSWORD});
    let offer = post(&ana.client, "/v1/me/totp", proof.clone()).await.expect(200).json();
    let secret = offer["secret"].as_str().unwrap();
    let code = one_time_code(secret, in_a_step().await);
    post(&ana.client, "/v1/me/totp/confirm", json!({"code": code})).await.expect(200);
    signs_in(&public, &ana.email(), PASSWORD).await.refused(401, "otp_required");
    let remove = ana.client.call("DELETE", "/v1/me/totp").json(&proof);
    remove.send().await.unwrap().expect(204);
    signs_in(&public, &ana.email(), PASSWORD).await.expect(201);
    // A new one has a new secret.
    let next = post(&ana.client, "/v1/me/totp", proof).await.expect(200).json();
    assert_ne!(next["secret"], offer["secret"]);
}

const STEP_MS: i64 = 30_000;
