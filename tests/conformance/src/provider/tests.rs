use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::Reply;
use crate::jwt::{Jwt, base64url};

const VERIFIER: &str = "a-verifier-of-forty-three-characters-at-least";
const CALLBACK: &str = "http://here/v1/oauth/google/callback";

fn ana() -> Person {
    let (subject, email, name) = ("1".into(), "ana@example.test".into(), "Ana".into());
    Person { subject, email, name }
}

fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn wishes() -> Vec<(&'static str, String)> {
    vec![
        ("client_id", CLIENT_ID.to_owned()),
        ("response_type", "code".to_owned()),
        ("redirect_uri", CALLBACK.to_owned()),
        ("scope", "openid email profile".to_owned()),
        ("state", "s".repeat(22)),
        ("nonce", "n".repeat(22)),
        ("code_challenge_method", "S256".to_owned()),
        ("code_challenge", base64url(&Sha256::digest(VERIFIER))),
    ]
}

async fn authorize(provider: &Provider, wishes: &[(&str, String)]) -> Reply {
    let pairs: Vec<_> = wishes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    provider.client().get(&format!("/authorize?{}", query(&pairs))).await
}

fn code_of(reply: &Reply) -> String {
    let location = reply.header("location").expect("a redirect");
    let (to, back) = location.split_once('?').unwrap();
    assert_eq!(to, CALLBACK);
    let back: BTreeMap<_, _> = form_urlencoded::parse(back.as_bytes()).into_owned().collect();
    assert_eq!(back["state"], "s".repeat(22));
    back["code"].clone()
}

async fn exchange(provider: &Provider, code: &str, changes: &[(&str, &str)]) -> Reply {
    let mut pairs = BTreeMap::from([
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", code),
    ]);
    pairs.extend(changes.iter().copied());
    let pairs: Vec<_> = pairs.into_iter().collect();
    let client = provider.client();
    let call = client.call("POST", "/token");
    call.bytes("application/x-www-form-urlencoded", query(&pairs)).send().await.unwrap()
}

async fn claims(provider: &Provider) -> Value {
    let code = code_of(&authorize(provider, &wishes()).await.expect(302));
    let tokens = exchange(provider, &code, &[]).await.expect(200).json();
    Jwt::parse(tokens["id_token"].as_str().expect("an ID token")).claims()
}

#[tokio::test]
async fn who_asks_well_learns_who_it_is() {
    let provider = Provider::open(Kind::Google).await;
    provider.signs_in(&ana());
    let claims = claims(&provider).await;
    assert_eq!((&claims["sub"], &claims["email"]), (&"1".into(), &"ana@example.test".into()));
    assert_eq!((&claims["email_verified"], &claims["aud"]), (&true.into(), &CLIENT_ID.into()));
    assert_eq!(claims["nonce"], "n".repeat(22));
    assert_eq!((provider.complaints(), provider.exchanged()), (Vec::new(), 1));
}

#[tokio::test]
async fn each_slip_of_an_authorization_request_is_found() {
    let provider = Provider::open(Kind::Google).await;
    provider.signs_in(&ana());
    let slips = [
        ("client_id", "x"),
        ("response_type", "token"),
        ("redirect_uri", "http://here/elsewhere"),
        ("scope", "email"),
        ("state", "short"),
        ("nonce", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge", "x"),
    ];
    for (name, value) in slips {
        let mut wishes = wishes();
        wishes.iter_mut().filter(|wish| wish.0 == name).for_each(|wish| wish.1 = value.to_owned());
        let reply = authorize(&provider, &wishes).await;
        assert_eq!(reply.status, 400, "{name}");
    }
    assert_eq!(provider.complaints().len(), slips.len());
}

#[tokio::test]
async fn each_slip_of_a_token_request_is_found_and_a_code_works_once() {
    let provider = Provider::open(Kind::Google).await;
    provider.signs_in(&ana());
    for slip in [
        ("client_secret", "x"),
        ("grant_type", "password"),
        ("redirect_uri", "http://here/other"),
        ("code_verifier", "another-verifier-of-forty-three-characters-x"),
        ("code", "x"),
    ] {
        let code = code_of(&authorize(&provider, &wishes()).await);
        exchange(&provider, &code, &[slip]).await.expect(400);
    }
    let code = code_of(&authorize(&provider, &wishes()).await);
    exchange(&provider, &code, &[]).await.expect(200);
    exchange(&provider, &code, &[]).await.expect(400);
    assert!(provider.complaints().last().unwrap().contains("twice"));
}

#[tokio::test]
async fn what_is_wrong_shows() {
    let provider = Provider::open(Kind::Google).await;
    provider.signs_in(&ana());
    let right = claims(&provider).await;
    for (wrong, member) in [
        (Wrong::Nonce, "nonce"),
        (Wrong::NoNonce, "nonce"),
        (Wrong::Audience, "aud"),
        (Wrong::AuthorizedParty, "azp"),
        (Wrong::Issuer, "iss"),
        (Wrong::Expired, "exp"),
        (Wrong::Future, "iat"),
        (Wrong::Unverified, "email_verified"),
    ] {
        provider.is_wrong(Some(wrong));
        assert_ne!(claims(&provider).await[member], right[member], "{wrong:?}");
    }
    provider.is_wrong(Some(Wrong::Denied));
    let denied = authorize(&provider, &wishes()).await.expect(302);
    assert!(denied.header("location").unwrap().contains("error=access_denied"));
    for (wrong, status) in [(Wrong::Refused, 400), (Wrong::Broken, 503)] {
        provider.is_wrong(None);
        let code = code_of(&authorize(&provider, &wishes()).await);
        provider.is_wrong(Some(wrong));
        exchange(&provider, &code, &[]).await.expect(status);
    }
}

#[tokio::test]
async fn a_profile_is_told_for_an_access_token() {
    let provider = Provider::open(Kind::Facebook).await;
    provider.signs_in(&ana());
    let mut wishes = wishes();
    let callback = CALLBACK.replace("google", "facebook");
    wishes.iter_mut().filter(|wish| wish.0 == "redirect_uri").for_each(|wish| {
        wish.1.clone_from(&callback);
    });
    let reply = authorize(&provider, &wishes).await.expect(302);
    let location = reply.header("location").unwrap().to_owned();
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let tokens = exchange(&provider, code, &[("redirect_uri", &callback)]).await.expect(200).json();
    assert_eq!(tokens.get("id_token"), None);
    let token = tokens["access_token"].as_str().unwrap();
    let path = format!("/me?fields=id,name,email&access_token={token}");
    let client = provider.client();
    assert_eq!(client.get(&path).await.expect(200).json()["email"], "ana@example.test");
    let bearer = client.with_token(token).get("/me?fields=id,email").await.expect(200).json();
    assert_eq!(bearer["id"], "1");
    client.get("/me?fields=email&access_token=x").await.expect(400);
    provider.is_wrong(Some(Wrong::Unverified));
    assert_eq!(client.get(&path).await.expect(200).json().get("email"), None);
}
