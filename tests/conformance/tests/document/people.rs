//! Stages of what people do with their accounts and letters.

use conformance::User;
use conformance::people::{Mailbox, PASSWORD, address, code_in, one_time_code};
use conformance::provider::Person;
use serde_json::{Value, json};

use crate::scene::{Scene, fresh};
use crate::stage::Stage;

/// The stage of an operation on an account; none for other operations.
pub(crate) async fn stage(scene: &Scene, operation: &str) -> Option<Stage> {
    let stage = match operation {
        "signUp" => {
            let email = address(&fresh());
            sends(scene, json!({"email": email, "password": PASSWORD, "display_name": "Somebody"}))
        }
        "confirmAccount" => {
            let email = address(&fresh());
            let account = json!({"email": email, "password": PASSWORD, "display_name": "Somebody"});
            post(scene, "/v1/accounts", &account).await;
            let code = Mailbox::of(&scene.client(), &email).code().await;
            sends(scene, json!({"email": email, "code": code}))
        }
        "resendCode" | "forgetPassword" => sends(scene, json!({"email": address(&fresh())})),
        "resetPassword" => {
            let user = somebody(scene).await;
            let mut mailbox = Mailbox::of(&scene.client(), &user.email());
            mailbox.skip().await;
            post(scene, "/v1/passwords/forgot", &json!({"email": user.email()})).await;
            let code = mailbox.code().await;
            sends(scene, json!({"email": user.email(), "code": code, "password": NEW_PASSWORD}))
        }
        "signIn" => {
            let user = somebody(scene).await;
            sends(scene, json!({"email": user.email(), "password": PASSWORD}))
        }
        "refreshSession" => {
            let user = somebody(scene).await;
            sends(scene, json!({"refresh_token": user.refresh_token}))
        }
        "endSession" | "endSessions" | "changeMe" => Stage::of(&somebody(scene).await),
        "endNamedSession" => with_another_device(scene).await,
        "changePassword" => {
            let body = json!({"current_password": PASSWORD, "password": NEW_PASSWORD});
            Stage { body: Some(body), ..Stage::of(&somebody(scene).await) }
        }
        "eraseMe" | "offerTotp" | "removeTotp" => {
            let body = json!({"password": PASSWORD});
            Stage { body: Some(body), ..Stage::of(&somebody(scene).await) }
        }
        "confirmTotp" => {
            let user = somebody(scene).await;
            let offer = user.client.post("/v1/me/totp", &json!({"password": PASSWORD}));
            let offer = offer.send().await.unwrap().expect(200).json();
            let secret = offer["secret"].as_str().expect("a secret");
            let code = one_time_code(secret, conformance::now_ms());
            Stage { body: Some(json!({"code": code})), ..Stage::of(&user) }
        }
        "suspend" | "unsuspend" => {
            let auction = somebody(scene).await.id;
            Stage { auction, ..Stage::of(&scene.root) }
        }
        "startOauth" => {
            let target = "/v1/oauth/google/start?return_to=/".to_owned();
            Stage { target: Some(target), ..Stage::of(&scene.ben) }
        }
        "finishOauth" => {
            let (target, cookie) = sent_back(scene, &fresh()).await;
            Stage { target: Some(target), cookie: Some(cookie), ..Stage::of(&scene.ben) }
        }
        "signInByTicket" => {
            let ticket = returned(scene, &fresh(), "ticket").await;
            in_browser(sends(scene, json!({"ticket": ticket})))
        }
        "linkProvider" => {
            let user = somebody(scene).await;
            let mut mailbox = Mailbox::of(&scene.client(), &user.email());
            mailbox.skip().await;
            let ticket = returned(scene, &user.name, "link").await;
            in_browser(sends(scene, json!({"ticket": ticket, "code": mailbox.code().await})))
        }
        "askUnsubscribe" | "unsubscribe" => {
            Stage { inner: unsubscribe_token(scene).await, ..Stage::of(&scene.ana) }
        }
        _ => return None,
    };
    Some(stage)
}

/// Somebody whose account may be ruined.
pub(crate) async fn somebody(scene: &Scene) -> User {
    scene.platform.user(&fresh()).await
}

/// Somebody who can be signed out elsewhere.
async fn with_another_device(scene: &Scene) -> Stage {
    let user = somebody(scene).await;
    let phone = User::sign_in(&scene.client(), &user.name).await;
    Stage { auction: phone.session().await, ..Stage::of(&user) }
}

/// In the browser that all go in.
fn in_browser(stage: Stage) -> Stage {
    Stage { cookie: Some(BROWSER.to_owned()), ..stage }
}

fn sends(scene: &Scene, body: Value) -> Stage {
    Stage { body: Some(body), ..Stage::of(&scene.ben) }
}

async fn post(scene: &Scene, path: &str, body: &Value) {
    scene.client().post(path, body).send().await.unwrap().expect(202);
}

/// The way to the provider and back, of somebody of that name: the target of the callback, and the
/// cookie of the browser.
async fn sent_back(scene: &Scene, name: &str) -> (String, String) {
    let (subject, email) = (format!("subject of {name}"), address(name));
    scene.provider.signs_in(&Person { subject, email, name: name.to_owned() });
    let client = scene.client();
    let left = client.call("GET", "/v1/oauth/google/start?return_to=/");
    let left = left.header("cookie", BROWSER).send().await.unwrap().expect(302);
    let cookie = left.header("set-cookie").expect("a cookie").split(';').next().unwrap();
    let there = target_of(left.header("location").expect("a redirect"));
    let back = scene.provider.client().get(&there).await.expect(302);
    (target_of(back.header("location").expect("a redirect")), cookie.to_owned())
}

/// The same to the end; what the page that was returned to is told.
pub(crate) async fn returned(scene: &Scene, name: &str, told: &str) -> String {
    let (target, cookie) = sent_back(scene, name).await;
    let client = scene.client();
    let reply = client.call("GET", &target).header("cookie", &cookie).send().await.unwrap();
    let location = reply.expect(303).header("location").expect("a redirect").to_owned();
    let (_, ticket) = location.split_once(&format!("{told}=")).expect(&location);
    ticket.to_owned()
}

/// Path and query of an absolute URL.
fn target_of(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect(url);
    rest[rest.find('/').expect(url)..].to_owned()
}

/// What stands at the end of a letter to the seller of an auction.
async fn unsubscribe_token(scene: &Scene) -> String {
    let mut mailbox = Mailbox::of(&scene.client(), &scene.ana.email());
    loop {
        let letter = mailbox.next().await;
        let text = letter["text"].as_str().expect("a text");
        if let Some((_, token)) = text.split_once("/v1/unsubscribe/") {
            return token.split_whitespace().next().expect("a token").to_owned();
        }
        assert!(code_in(text).is_some(), "neither a code nor a way out: {letter}");
    }
}

/// A cookie as the platform gives them, so that it keeps it: tickets belong to a browser.
pub(crate) const BROWSER: &str = "ecomauction-oauth=browser-browser-browser-browser-browser-123";
const NEW_PASSWORD: &str = "eight brown owls count lots";
