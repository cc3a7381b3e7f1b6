//! Conditional reads: an auction's tag changes with every event, and with its QR code once.

use conformance::{Client, Setup, eventually, id_of};
use serde_json::json;

/// The code is no event, and its link changes the tag, once.
async fn has_its_code(public: &Client, id: &str) {
    eventually("the code is made", async || public.view(id).await["qr"].is_object().then_some(()))
        .await;
}

#[tokio::test]
async fn a_known_tag_is_answered_304_until_something_happens() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    has_its_code(&public, &id).await;
    let path = format!("/v1/auctions/{id}");
    let first = public.get(&path).await.expect(200);
    let tag = first.header("etag").expect("an auction has a tag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag} is not a strong tag");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let call = public.call("GET", &path).header("if-none-match", &known);
        let unchanged = call.send().await.unwrap().expect(304);
        assert!(unchanged.body.is_empty());
        assert_eq!(unchanged.header("etag"), Some(tag.as_str()));
    }
    let call = public.call("GET", &path).header("if-none-match", "\"other\"");
    call.send().await.unwrap().expect(200);
    ben.bids(&id, 2_000).await.expect(201);
    let call = public.call("GET", &path).header("if-none-match", &tag);
    let changed = call.send().await.unwrap().expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    // An own raise changes nothing in the view but seq and count, and is an event all the same.
    let before = changed.header("etag").unwrap().to_owned();
    ben.bids(&id, 3_000).await.expect(201);
    assert_ne!(public.get(&path).await.header("etag"), Some(before.as_str()));
}

#[tokio::test]
async fn head_answers_as_get_without_its_body() {
    let platform = Setup::development().start().await;
    let ana = platform.user("ana").await;
    let id = id_of(&ana.lists(json!({})).await);
    has_its_code(&platform.client(), &id).await;
    let path = format!("/v1/auctions/{id}");
    let get = platform.client().get(&path).await.expect(200);
    let head = platform.client().call("HEAD", &path).send().await.unwrap().expect(200);
    assert!(head.body.is_empty());
    assert_eq!(head.header("etag"), get.header("etag"));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}
