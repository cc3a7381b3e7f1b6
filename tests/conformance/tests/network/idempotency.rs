//! The same key acts once (rules.md B11, reliability.md I10, I11).

use std::collections::BTreeSet;

use conformance::{Reply, Setup, User, id_of, usd};
use serde_json::json;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_repeated_bid_gets_the_same_bytes_and_acts_once() {
    let platform = Setup::development().start().await;
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let id = id_of(&ana.lists(json!({})).await);
    let first = ben.bid_call(&id, 5_000, "key").send().await.unwrap().expect(201);
    assert!(!first.is_replay());
    cat.bids(&id, 6_000).await.expect(201);
    let again = ben.bid_call(&id, 5_000, "key").send().await.unwrap().expect(201);
    assert!(again.is_replay());
    assert_eq!(again.body, first.body, "though somebody else leads by now");
    let other = ben.bid_call(&id, 7_000, "key").send().await.unwrap();
    other.refused(422, "idempotency_key_reused");
    let path = format!("/v1/auctions/{id}/bids");
    let more = json!({"amount": usd(5_000), "confirm": true});
    let other = ben.client.post(&path, &more).key("key").send().await.unwrap();
    other.refused(422, "idempotency_key_reused");
    // Another user's key is another key.
    let cats = cat.bid_call(&id, 8_000, "key").send().await.unwrap().expect(201);
    assert!(!cats.is_replay());
    // White space and the order of members are no other body.
    let body = " { \"amount\" : {\"currency\":\"USD\" , \"amount\":5000} } ";
    let call = ben.client.call("POST", &path).key("key").bytes("application/json", body);
    assert!(call.send().await.unwrap().expect(201).is_replay());
    assert_eq!(platform.client().view(&id).await["bid_count"], 3);
}

#[tokio::test]
async fn a_key_is_needed_and_has_a_shape() {
    let platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    let bid = json!({"amount": usd(5_000)});
    for path in ["/v1/auctions".to_owned(), format!("/v1/auctions/{id}/bids")] {
        let body = if path.ends_with("bids") { bid.clone() } else { User::terms(json!({})) };
        let reply = ben.client.post(&path, &body).send().await.unwrap();
        reply.refused(400, "idempotency_key_required");
        for key in ["", "a b", &"k".repeat(256), "schlüssel"] {
            let reply = ben.client.post(&path, &body).key(key).send().await.unwrap();
            assert_eq!(reply.status, 400, "{key:?} at {path}: {}", reply.text());
        }
        let twice = ben.client.post(&path, &body).key("a").key("b").send().await.unwrap();
        assert_eq!(twice.status, 400, "{}", twice.text());
        let longest = ben.client.post(&path, &body).key(&"k".repeat(255)).send().await.unwrap();
        longest.expect(201);
    }
}

#[tokio::test]
async fn refusals_leave_the_key_free() {
    let platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    let low = ben.bid_call(&id, 900, "key").send().await.unwrap();
    low.refused(422, "bid_too_low");
    let fine = ben.bid_call(&id, 1_000, "key").send().await.unwrap().expect(201);
    assert!(!fine.is_replay());
    let short = User::terms(json!({"duration_seconds": 1}));
    let short = ana.list_call("list", &short).send().await.unwrap();
    short.refused(422, "validation_failed");
    let fine = ana.list_call("list", &User::terms(json!({}))).send().await.unwrap().expect(201);
    assert!(!fine.is_replay());
}

#[tokio::test]
async fn fifty_copies_of_a_bid_are_one_bid() {
    let platform = Setup::development().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    let copies = together(50, || {
        let (ben, id) = (ben.clone(), id.clone());
        async move { ben.bid_call(&id, 5_000, "copy").send().await.unwrap() }
    });
    let replies = copies.await;
    let answered: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
    let in_progress = |reply: &Reply| reply.code() == "idempotency_in_progress";
    assert!(replies.iter().all(|reply| reply.status == 201 || in_progress(reply)));
    let bodies: BTreeSet<_> = answered.iter().map(|reply| reply.text()).collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(answered.iter().filter(|reply| !reply.is_replay()).count(), 1);
    assert_eq!(platform.client().view(&id).await["bid_count"], 1);
    assert_eq!(platform.client().log(&id).await.len(), 2);
}

#[tokio::test]
async fn fifty_copies_of_a_listing_are_one_auction() {
    let platform = Setup::development().start().await;
    let ana = platform.user("ana").await;
    let body = User::terms(json!({}));
    let copies = together(50, || {
        let (ana, body) = (ana.clone(), body.clone());
        async move { ana.list_call("copy", &body).send().await.unwrap() }
    });
    for reply in copies.await.iter().filter(|reply| reply.status != 201) {
        reply.clone().refused(409, "idempotency_in_progress");
        assert!(reply.header("retry-after").is_some());
    }
    let again = ana.list_call("copy", &body).send().await.unwrap().expect(201);
    assert!(again.is_replay());
    let others = User::terms(json!({"title": "Another watch"}));
    let other = ana.list_call("copy", &others).send().await.unwrap();
    other.refused(422, "idempotency_key_reused");
    let ben = platform.user("ben").await;
    assert!(!ben.list_call("copy", &body).send().await.unwrap().expect(201).is_replay());
    let items = platform.client().all(&format!("/v1/auctions?seller={}", ana.id)).await;
    assert_eq!(items.len(), 1);
    assert_eq!(id_of(&items[0]), id_of(&again.json()));
}

async fn together<F>(count: usize, make: impl Fn() -> F) -> Vec<Reply>
where
    F: Future<Output = Reply> + Send + 'static,
{
    let mut running = JoinSet::new();
    for _ in 0..count {
        running.spawn(make());
    }
    running.join_all().await
}
