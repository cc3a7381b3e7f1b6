//! The sessions of an account: listed by their devices, and ended one by one.

use conformance::people::{PASSWORD, address};
use conformance::{Client, Setup, User};
use serde_json::{Value, json};

use super::refreshes;

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

async fn signs_in_with(client: &Client, name: &str, agent: &str) -> User {
    let body = json!({"email": address(name), "password": PASSWORD});
    let call = client.post("/v1/sessions", &body).header("user-agent", agent);
    User::of_pair(client, name, &call.send().await.unwrap().expect(201)).await
}

async fn listed(user: &User) -> Vec<Value> {
    let reply = user.client.get("/v1/sessions").await.expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.json()["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_session_is_recognised_and_ended_from_another_device() {
    let mut platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let ben = platform.user("ben").await;
    let laptop = signs_in_with(&public, "ana", FIREFOX).await;
    let bot = signs_in_with(&public, "ana", "AuctionWatch/2.1 (Android 15)").await;
    let sessions = listed(&laptop).await;
    let device = |of: &str| {
        let mut sessions = sessions.iter();
        sessions.find(|session| session["id"] == of).expect("it is listed")["device"].clone()
    };
    let (laptops, bots) = (laptop.session().await, bot.session().await);
    assert_eq!(sessions.len(), 3, "{sessions:?}");
    assert_eq!(device(&laptops), "Firefox on Windows");
    assert_eq!(device(&bots), "AuctionWatch on Android");

    let path = format!("/v1/sessions/{bots}");
    ben.client.call("DELETE", &path).send().await.unwrap().refused(404, "not_found");
    for _ in 0..2 {
        laptop.client.call("DELETE", &path).send().await.unwrap().expect(204);
    }
    refreshes(&public, &bot.refresh_token).await.refused(401, "invalid_token");
    bot.client.get("/v1/me").await.expect(200);
    let own = format!("/v1/sessions/{laptops}");
    bot.client.call("DELETE", &own).send().await.unwrap().refused(401, "unauthenticated");

    // What was ended stays so.
    platform.kill().await;
    platform.start().await;
    let public = platform.client();
    refreshes(&public, &bot.refresh_token).await.refused(401, "invalid_token");
    let pair = refreshes(&public, &laptop.refresh_token).await.expect(200);
    let laptop = User::of_pair(&public, "ana", &pair).await;
    assert_eq!(laptop.session().await, laptops, "the same session with its next pair");
    let ids: Vec<_> = listed(&laptop).await.iter().map(|session| session["id"].clone()).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert_eq!(ids[0], laptops.as_str(), "it was used last");
    refreshes(&public, &ana.refresh_token).await.expect(200);
}
