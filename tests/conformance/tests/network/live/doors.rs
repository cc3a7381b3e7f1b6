//! Who gets in, how, and when one has to leave.

use conformance::jwt::Jwt;
use conformance::socket::Ask;
use conformance::{Kind, Reply, Setup, User, id_of, now_ms, usd};
use serde_json::json;

use super::{Scene, command_id, greeted};

async fn ticket_for(user: &User, auction: &str) -> Reply {
    let body = json!({"auction_id": auction});
    user.client.post("/v1/live-tickets", &body).send().await.unwrap()
}

#[tokio::test]
async fn a_ticket_signs_in_once() {
    let scene = Scene::set().await;
    let ben = scene.user("ben").await;
    let made = ticket_for(&ben, &scene.auction).await.expect(201).json();
    let ticket = made["ticket"].as_str().expect("a ticket");
    let ask = Ask::to_watch(&scene.auction).with("ticket", ticket);
    let (mut socket, _) = greeted(&scene, &ask).await;
    assert_eq!(socket.bids(&command_id(1), usd(2_500)).await["status"], 201);
    let public = scene.platform.client();
    ask.call(&public).send().await.unwrap().refused(401, "unauthenticated");
    assert_eq!(ben.own(&scene.auction).await.expect(200).json()["leading"], true);
}

#[tokio::test]
async fn a_ticket_is_for_one_auction_and_not_to_be_guessed() {
    let scene = Scene::set().await;
    let (public, ben) = (scene.platform.client(), scene.user("ben").await);
    let other = id_of(&scene.ana.lists(json!({})).await);
    let made = ticket_for(&ben, &other).await.expect(201).json();
    let ticket = made["ticket"].as_str().unwrap();
    for wrong in [ticket, "", "x", &ticket[1..]] {
        let ask = Ask::to_watch(&scene.auction).with("ticket", wrong);
        ask.call(&public).send().await.unwrap().refused(401, "unauthenticated");
    }
    let body = json!({"auction_id": scene.auction});
    let anonymous = public.post("/v1/live-tickets", &body).send().await.unwrap();
    anonymous.refused(401, "unauthenticated");
    ticket_for(&ben, "none").await.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_bad_token_is_refused_before_there_is_a_socket() {
    let scene = Scene::set().await;
    let public = scene.platform.client();
    let ben = scene.user("ben").await;
    let good = Jwt::parse(ben.client.token().unwrap());
    let key = scene.platform.token_key();
    let past = good.clone().with_claim("exp", json!(now_ms() / 1_000 - 60)).sign(&key);
    let mut forged = good.clone();
    forged.signature[0] ^= 1;
    for token in [past.to_string(), forged.to_string(), "a.b.c".to_owned(), "x".to_owned()] {
        let ask = Ask::to_watch(&scene.auction).with_token(&token);
        ask.call(&public).send().await.unwrap().refused(401, "unauthenticated");
    }
    greeted(&scene, &Ask::to_watch(&scene.auction).with_token(&good.to_string())).await;
}

#[tokio::test]
async fn a_token_that_expires_closes_its_socket_with_4001() {
    let scene = Scene::set().await;
    let ben = scene.user("ben").await;
    let good = Jwt::parse(ben.client.token().unwrap());
    let soon = json!(now_ms() / 1_000 + 3);
    let short = good.with_claim("exp", soon).sign(&scene.platform.token_key());
    let ask = Ask::to_watch(&scene.auction).with_token(&short.to_string());
    let (mut expiring, _) = greeted(&scene, &ask).await;
    let (mut watcher, _) = scene.watcher().await;
    assert_eq!(expiring.closed().await, 4001);
    ben.bids(&scene.auction, 2_000).await.expect(201);
    watcher.next_of("event").await;
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let platform = Setup::development()
        .variable("allowed_origins=https://shop.example,https://other.example")
        .start()
        .await;
    let ana = platform.user_by_token("ana").await;
    let auction = id_of(&ana.lists(json!({})).await);
    let scene = Scene { platform, ana, auction };
    let public = scene.platform.client();
    for bad in ["https://evil.example", "http://shop.example", "https://shop.example:444", "null"] {
        let ask = Ask::to_watch(&scene.auction).from_page(bad);
        ask.call(&public).send().await.unwrap().refused(403, "forbidden_origin");
    }
    for good in ["https://shop.example", "https://other.example"] {
        greeted(&scene, &Ask::to_watch(&scene.auction).from_page(good)).await;
    }
}

#[tokio::test]
async fn what_is_not_there_has_no_socket() {
    let scene = Scene::set().await;
    let public = scene.platform.client();
    for id in ["auc_01kb0xjh00f2dah4fvkbxz0q5m", "none"] {
        Ask::to_watch(id).call(&public).send().await.unwrap().refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_listing_that_is_taken_away_closes_with_4004() {
    let scene = Scene::set().await;
    let (mut watcher, _) = scene.watcher().await;
    let path = format!("/v1/auctions/{}", scene.auction);
    let tag = scene.ana.client.get(&path).await.header("etag").unwrap().to_owned();
    let gone = scene.ana.client.call("DELETE", &path).header("if-match", &tag);
    gone.send().await.unwrap().expect(204);
    assert_eq!(watcher.closed().await, 4004);
    let public = scene.platform.client();
    let again = Ask::to_watch(&scene.auction).call(&public).send().await.unwrap();
    again.refused(404, "not_found");
}

#[tokio::test]
async fn without_an_upgrade_the_way_to_the_stream_is_told() {
    let scene = Scene::set().await;
    let path = format!("/v1/auctions/{}/live", scene.auction);
    let reply = scene.platform.client().get(&path).await.refused(426, "upgrade_unsupported");
    let link = reply.header("link").expect("a link");
    assert!(link.contains(&format!("/v1/auctions/{}/events", scene.auction)), "{link}");
    assert!(link.contains("rel=\"alternate\""), "{link}");
    let upgrade = reply.header("upgrade");
    match Kind::chosen() {
        // Neither passes the header on; where there are sockets they open all the same.
        Kind::Spin | Kind::Cloudflare => assert_eq!(upgrade, None),
        _ => assert_eq!(upgrade.map(str::to_ascii_lowercase).as_deref(), Some("websocket")),
    }
}
