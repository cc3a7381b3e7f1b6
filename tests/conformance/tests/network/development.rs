//! `POST /_dev/token`, with which load tools make crowds. People sign up.

use conformance::{Setup, id_of, usd};
use serde_json::json;

#[tokio::test]
async fn names_of_development_users_have_a_shape() {
    let platform = Setup::development().start().await;
    for user in ["", "Ana", "a b", "ana@example.org", &"a".repeat(65), "ä"] {
        let call = platform.client().post("/_dev/token", &json!({"user": user})).send().await;
        assert_eq!(call.unwrap().status, 400, "{user:?}");
    }
    let (once, again) = (platform.user_by_token("ana").await, platform.user_by_token("ana").await);
    assert_eq!(once.id, again.id);
    assert!(once.id.starts_with("usr_"));
    assert_ne!(platform.user_by_token("ben").await.id, once.id);
}

#[tokio::test]
async fn a_development_token_bids_and_is_no_account_that_somebody_can_sign_in_to() {
    let platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user_by_token("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    let bid = ben.bids(&id, 5_000).await.expect(201).json();
    assert_eq!(bid["price"], usd(1_000));
    let me = ben.client.get("/v1/me").await.expect(200).json();
    assert_eq!((&me["display_name"], &me["roles"]), (&json!("ben"), &json!(["user"])));
    // The same name signed up for is somebody else.
    assert_ne!(platform.user("ben").await.id, ben.id);
}
