//! Refresh tokens: one after the other, each once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use conformance::{Setup, User};
use serde_json::json;
use tokio::task::JoinSet;

use super::{post, refresh_token, refreshes};

#[tokio::test]
async fn a_double_submit_gets_the_same_pair_and_later_reuse_ends_the_session() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let other = User::sign_in(&public, "ana").await;
    let mut copies = JoinSet::new();
    for _ in 0..10 {
        let (public, token) = (public.clone(), ana.refresh_token.clone());
        copies.spawn(async move { refreshes(&public, &token).await });
    }
    let spent = Instant::now();
    let replies = copies.join_all().await;
    let first = replies[0].clone().expect(200);
    let bodies: BTreeSet<_> = replies.into_iter().map(|reply| reply.expect(200).text()).collect();
    assert_eq!(bodies.len(), 1, "one spent token has several successors: {bodies:#?}");
    let again = refreshes(&public, &ana.refresh_token).await.expect(200);
    assert_eq!(again.body, first.body);
    let second = refresh_token(&first);
    assert_ne!(second, ana.refresh_token);
    let next = User::of_pair(&public, "ana", &first).await;
    assert_eq!(next.id, ana.id);
    let third = refresh_token(&refreshes(&public, &second).await.expect(200));

    // The window of a double submit is ten seconds.
    let over = spent + Duration::from_millis(11_500);
    tokio::time::sleep_until(over.into()).await;
    let reused = refreshes(&public, &ana.refresh_token).await.refused(401, "token_reused");
    assert!(reused.header("www-authenticate").is_some());
    for token in [&second, &third] {
        let reply = refreshes(&public, token).await;
        assert_eq!(reply.status, 401, "the family lives on: {}", reply.text());
    }
    refreshes(&public, &other.refresh_token).await.expect(200);
}

#[tokio::test]
async fn spent_tokens_stay_spent_over_a_kill() {
    let mut platform = Setup::development().start().await;
    let ana = platform.user("ana").await;
    let first = refreshes(&platform.client(), &ana.refresh_token).await.expect(200);
    let spent = Instant::now();
    platform.kill().await;
    platform.start().await;
    let again = refreshes(&platform.client(), &ana.refresh_token).await;
    if spent.elapsed() < Duration::from_secs(9) {
        assert_eq!(again.expect(200).body, first.body, "the same pair after a kill");
    }
    let second = refresh_token(&first);
    refreshes(&platform.client(), &second).await.expect(200);
    ana.client.get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let access = ana.client.token().unwrap().to_owned();
    let mut changed = ana.refresh_token.clone();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'B' } else { 'A' });
    for token in ["", "rt_", "x", &access, &changed, &"a".repeat(500), "' OR 1=1 --"] {
        let reply = refreshes(&public, token).await;
        assert_eq!(reply.status, 401, "{token:.40}: {}", reply.text());
    }
    let missing = post(&public, "/v1/sessions/refresh", json!({})).await;
    missing.refused(400, "invalid_request");
    refreshes(&public, &ana.refresh_token).await.expect(200);
}
