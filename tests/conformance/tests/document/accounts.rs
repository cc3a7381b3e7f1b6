//! How refusals about accounts are provoked.

use std::time::Duration;

use conformance::document::Operation;
use conformance::people::{PASSWORD, address, one_time_code};
use conformance::{Reply, User, now_ms};
use serde_json::{Value, json};

use crate::people::{BROWSER, returned, somebody};
use crate::scene::{Request, Scene, fresh};

/// The answer to a request that should be refused so; none when it is not about accounts.
pub(crate) async fn provoked(scene: &Scene, operation: &Operation, code: &str) -> Option<Reply> {
    let id = operation.id.as_str();
    let spoilt = match code {
        "account_suspended" => scene.request(operation).await.by(&scene.sue),
        "invalid_code" => with_wrong_code(scene.request(operation).await),
        "password_too_weak" => with_password(scene, operation, "short").await,
        "password_too_long" => with_password(scene, operation, &"x".repeat(129)).await,
        "password_too_common" => with_password(scene, operation, "12345678").await,
        "account_not_confirmed" => {
            let email = address(&fresh());
            let account = json!({"email": email, "password": PASSWORD, "display_name": "Somebody"});
            scene.client().post("/v1/accounts", &account).send().await.unwrap().expect(202);
            scene.request(operation).await.member("email", json!(email))
        }
        "invalid_credentials" | "otp_required" => credentials(scene, operation, code).await?,
        "second_factor_on" => {
            let user = with_second_factor(scene).await;
            scene.request(operation).await.by(&user)
        }
        "invalid_token" => scene.request(operation).await.member("refresh_token", json!("rt_x")),
        "token_reused" => return Some(reused(scene, scene.request(operation).await).await),
        "invalid_ticket" => scene.request(operation).await.member("ticket", json!("x")),
        "invalid_state" => {
            let fine = scene.request(operation).await;
            let path = fine.target.split('?').next().unwrap_or_default();
            Request { target: format!("{path}?state=x&code=x"), ..fine }
        }
        "rate_limited" => {
            let fine = scene.request(operation).await;
            // A right code would end the asking.
            let asked = if id == "confirmTotp" { with_wrong_code(fine) } else { fine };
            return Some(limited(scene, asked).await);
        }
        _ => return None,
    };
    Some(spoilt.send(&scene.client()).await)
}

fn with_wrong_code(fine: Request) -> Request {
    let is_zero = fine.value()["code"] == "000000";
    fine.member("code", json!(if is_zero { "000001" } else { "000000" }))
}

async fn with_password(scene: &Scene, operation: &Operation, password: &str) -> Request {
    scene.request(operation).await.member("password", json!(password))
}

async fn credentials(scene: &Scene, operation: &Operation, code: &str) -> Option<Request> {
    let otp = (code == "invalid_credentials").then(|| json!("000000"));
    let body = match (operation.id.as_str(), code) {
        ("signIn", "invalid_credentials") => {
            let wrong = json!("a wrong password");
            return Some(scene.request(operation).await.member("password", wrong));
        }
        ("changePassword", _) => {
            let wrong = json!("a wrong password");
            return Some(scene.request(operation).await.member("current_password", wrong));
        }
        ("signIn", _) => {
            let user = with_second_factor(scene).await;
            json!({"email": user.email(), "password": PASSWORD})
        }
        ("linkProvider", _) => {
            let user = with_second_factor(scene).await;
            link(scene, &user).await
        }
        ("signInByTicket", _) => {
            let user = somebody(scene).await;
            let linking = link(scene, &user).await;
            let client = scene.client();
            let links = client.post("/v1/oauth/links", &linking);
            links.header("cookie", BROWSER).send().await.unwrap().expect(201);
            switch_second_factor_on(&user).await;
            json!({"ticket": returned(scene, &user.name, "ticket").await})
        }
        _ => return None,
    };
    let request = scene.request(operation).await.json(&body);
    Some(match otp {
        Some(otp) => request.member("otp", otp),
        None => request,
    })
}

/// What links a provider's account to somebody's.
async fn link(scene: &Scene, user: &User) -> Value {
    let mut mailbox = conformance::people::Mailbox::of(&scene.client(), &user.email());
    mailbox.skip().await;
    let ticket = returned(scene, &user.name, "link").await;
    json!({"ticket": ticket, "code": mailbox.code().await})
}

async fn with_second_factor(scene: &Scene) -> User {
    let user = somebody(scene).await;
    switch_second_factor_on(&user).await;
    user
}

async fn switch_second_factor_on(user: &User) {
    let offer = user.client.post("/v1/me/totp", &json!({"password": PASSWORD}));
    let offer = offer.send().await.unwrap().expect(200).json();
    let code = one_time_code(offer["secret"].as_str().expect("a secret"), now_ms());
    let confirm = user.client.post("/v1/me/totp/confirm", &json!({"code": code}));
    confirm.send().await.unwrap().expect(200);
}

/// A refresh token, used again when that is no double submit any more.
async fn reused(scene: &Scene, fine: Request) -> Reply {
    fine.clone().send(&scene.client()).await.expect(200);
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    fine.send(&scene.client()).await
}

/// The same request until it is too many.
async fn limited(scene: &Scene, request: Request) -> Reply {
    let mut reply = request.clone().send(&scene.client()).await;
    for _ in 0..TRIES_MAX {
        if reply.status == 429 {
            assert!(reply.header("retry-after").is_some(), "no Retry-After");
            break;
        }
        reply = request.clone().send(&scene.client()).await;
    }
    reply
}

/// More than any account may do within a minute.
const TRIES_MAX: usize = 150;
