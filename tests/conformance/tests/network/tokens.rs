//! Access tokens that must not work (reliability.md 3.1, JWT), each by itself: a token that is
//! wrong in one way and signed with the platform's own key shows that this one way is looked at.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use conformance::jwt::{Jwt, base64url, unbase64url};
use conformance::{Client, Platform, Reply, Setup, User, now_ms};
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Routes of two components that want a token.
const ROUTES: [&str; 2] = ["/v1/me/bids", "/v1/me"];

struct Scene {
    platform: Platform,
    ana: User,
    good: Jwt,
    key: SigningKey,
}

async fn scene() -> Scene {
    let platform = Setup::development().start().await;
    let ana = platform.user("ana").await;
    let good = Jwt::parse(ana.client.token().unwrap());
    let key = platform.token_key();
    assert!(good.is_signed_by(&key.verifying_key()), "another key signs tokens");
    Scene { platform, ana, good, key }
}

/// What an answer to a bad token lacks; none when it is as it should be.
fn fault(reply: &Reply) -> Option<String> {
    let asks = reply.header("www-authenticate").is_some_and(|how| how.starts_with("Bearer"));
    let is_refused = reply.status == 401 && asks && reply.code() == "unauthenticated";
    (!is_refused).then(|| format!("expected 401 with WWW-Authenticate, came {}", reply.status))
}

/// Tries every token on every route; all that is wrong is told at once.
async fn all_refused(scene: &Scene, attacks: Vec<(String, String)>) {
    assert!(attacks.len() > 1);
    let public = scene.platform.client();
    let mut wrong = Vec::new();
    for (name, token) in attacks {
        for route in ROUTES {
            let call =
                public.call("GET", route).header("authorization", &format!("Bearer {token}"));
            let reply = call.send().await.unwrap();
            wrong.extend(fault(&reply).map(|what| format!("{name} at {route}: {what}")));
        }
    }
    // The untouched token works before and after, and a token that the test signs does, too.
    for token in [scene.good.to_string(), scene.good.clone().sign(&scene.key).to_string()] {
        for route in ROUTES {
            public.with_token(&token).get(route).await.expect(200);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn named(name: impl Into<String>, token: &Jwt) -> (String, String) {
    (name.into(), token.to_string())
}

#[tokio::test]
async fn no_algorithm_but_ours_is_taken() {
    let scene = scene().await;
    let Scene { good, key, .. } = &scene;
    let mut attacks = Vec::new();
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let unsigned = good.clone().with_header("alg", none.into());
        attacks.push(named(format!("alg {none:?}, signed"), &unsigned.clone().sign(key)));
        attacks.push(named(format!("alg {none:?}, old signature"), &unsigned));
        let bare = Jwt { signature: Vec::new(), ..unsigned };
        attacks.push(named(format!("alg {none:?}, no signature"), &bare));
        attacks.push((format!("alg {none:?}, no dot"), bare.signed()));
    }
    for (name, secret) in spellings(&key.verifying_key(), &good.header()["kid"]) {
        let forged = good.clone().with_header("alg", "HS256".into());
        attacks.push(named(
            format!("HS256 with the public key as {name}"),
            &forged.sign_hs256(&secret),
        ));
    }
    for other in ["RS256", "ES256", "PS256", "HS512", "eddsa", "EDDSA", "Ed25519ph"] {
        let renamed = good.clone().with_header("alg", other.into());
        attacks.push(named(format!("alg {other}"), &renamed.sign(key)));
    }
    let twice = good.header.replacen('{', "{\"alg\":\"none\",", 1);
    attacks.push(named("alg twice", &Jwt { header: twice, ..good.clone() }.sign(key)));
    all_refused(&scene, attacks).await;
}

/// The public key in every form that somebody might use as an HMAC secret.
fn spellings(key: &VerifyingKey, kid: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let raw = key.as_bytes();
    let x = base64url(raw);
    let der = [PUBLIC_KEY_INFO.as_slice(), raw].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"});
    vec![
        ("bytes", raw.to_vec()),
        ("base64url", x.clone().into_bytes()),
        ("base64", STANDARD.encode(raw).into_bytes()),
        ("DER", der),
        ("PEM", pem.clone().into_bytes()),
        ("PEM without its last line end", pem.trim_end().as_bytes().to_vec()),
        ("JWK", jwk.to_string().into_bytes()),
        ("JWK set", json!({"keys": [jwk]}).to_string().into_bytes()),
        ("key id", kid.as_str().unwrap_or_default().as_bytes().to_vec()),
        ("nothing", Vec::new()),
    ]
}

#[tokio::test]
async fn no_key_but_ours_is_taken_and_none_is_fetched() {
    let scene = scene().await;
    let Scene { good, key, .. } = &scene;
    let own = SigningKey::from_bytes(&[42; 32]);
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys.json", trap.local_addr().unwrap());
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(own.verifying_key().as_bytes())});
    let mut attacks = vec![named("a key of one's own", &good.clone().sign(&own))];
    for kid in [
        "another",
        "",
        "../../../../dev/null",
        "/dev/null",
        "keys/access-token.ed25519",
        "' OR '1'='1",
        &url,
    ] {
        let foreign = good.clone().with_header("kid", kid.into());
        attacks.push(named(format!("kid {kid:?}, own key"), &foreign.clone().sign(&own)));
        attacks.push(named(format!("kid {kid:?}, our key"), &foreign.sign(key)));
    }
    for kid in [json!(null), json!(1), json!(["a"])] {
        let odd = good.clone().with_header("kid", kid.clone());
        attacks.push(named(format!("kid {kid}"), &odd.sign(key)));
    }
    let certificate = STANDARD.encode(own.verifying_key().as_bytes());
    for (name, value) in
        [("jku", json!(url)), ("x5u", json!(url)), ("jwk", jwk), ("x5c", json!([certificate]))]
    {
        let led = good.clone().with_header(name, value);
        attacks.push(named(format!("{name}, own key"), &led.clone().sign(&own)));
        attacks.push(named(format!("{name}, our key"), &led.sign(key)));
    }
    all_refused(&scene, attacks).await;
    let visited = tokio::time::timeout(std::time::Duration::from_millis(100), trap.accept()).await;
    assert!(visited.is_err(), "somebody went to {url}");
}

#[tokio::test]
async fn a_signature_is_for_one_token() {
    let scene = scene().await;
    let Scene { good, .. } = &scene;
    let ben = scene.platform.user("ben").await;
    let bens = Jwt::parse(ben.client.token().unwrap());
    let mut flipped = good.clone();
    flipped.signature[10] ^= 1;
    let mut longer = good.clone();
    longer.signature.push(0);
    let mut malleable = good.clone();
    add_order(&mut malleable.signature);
    let text = good.to_string();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    // 64 bytes leave four bits of the last letter unused: they must be zero.
    let last = ALPHABET.iter().position(|letter| signature.ends_with(char::from(*letter))).unwrap();
    let twin = format!("{signed}.{}{}", &signature[..85], char::from(ALPHABET[last + 1]));
    assert_eq!(URL_SAFE_NO_PAD.decode(&signature[..84]).unwrap().len(), 63);
    all_refused(
        &scene,
        vec![
            named("no signature", &Jwt { signature: Vec::new(), ..good.clone() }),
            ("no dot".to_owned(), signed.to_owned()),
            named("another token's signature", &Jwt { signature: bens.signature, ..good.clone() }),
            named("another token's payload", &Jwt { payload: bens.payload, ..good.clone() }),
            named("one bit", &flipped),
            named("one byte more", &longer),
            named("zeros", &Jwt { signature: vec![0; 64], ..good.clone() }),
            named("the same modulo the group's order", &malleable),
            named("admin", &good.clone().with_claim("roles", json!(["user", "admin"]))),
            named("another subject", &good.clone().with_claim("sub", json!(ben.id))),
            named("longer life", &good.clone().with_claim("exp", json!(4_000_000_000_i64))),
            ("spare bits".to_owned(), twin),
            ("padding".to_owned(), format!("{text}==")),
            ("a part more".to_owned(), format!("{text}.{signature}")),
            (
                "standard base64".to_owned(),
                format!("{signed}.{}", STANDARD.encode(&good.signature)),
            ),
        ],
    )
    .await;
}

/// The scalar of a signature plus the order of the group: the same equation, another signature.
fn add_order(signature: &mut [u8]) {
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
}

#[tokio::test]
async fn every_claim_and_header_is_looked_at() {
    let scene = scene().await;
    let Scene { good, key, .. } = &scene;
    let now = now_ms() / 1_000;
    let mut attacks = Vec::new();
    for (claim, value) in [
        ("iss", json!("https://somebody.example")),
        ("iss", json!("")),
        ("iss", json!(null)),
        ("aud", json!("somebody-else")),
        ("aud", json!(["somebody-else"])),
        ("aud", json!([])),
        ("exp", json!(now - 61)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!("4000000000")),
        ("exp", json!(null)),
        ("nbf", json!(now + 120)),
        ("nbf", json!("tomorrow")),
        ("sub", json!(null)),
        ("sub", json!(7)),
        ("roles", json!("admin")),
    ] {
        let wrong = good.clone().with_claim(claim, value.clone()).sign(key);
        attacks.push(named(format!("{claim} {value}"), &wrong));
    }
    for claim in ["iss", "aud", "exp", "sub"] {
        let mut claims = good.claims();
        claims.as_object_mut().unwrap().remove(claim).expect("it was there");
        let payload = claims.to_string();
        attacks.push(named(format!("no {claim}"), &Jwt { payload, ..good.clone() }.sign(key)));
        let twice = format!("{{\"{claim}\":{},{}", good.claims()[claim], &good.payload[1..]);
        let twice = Jwt { payload: twice, ..good.clone() };
        attacks.push(named(format!("{claim} twice"), &twice.sign(key)));
    }
    for typ in ["JWT", "rt+jwt", "refresh", "id+jwt", "id", "", "at+jwt;x"] {
        let wrong = good.clone().with_header("typ", typ.into()).sign(key);
        attacks.push(named(format!("typ {typ:?}"), &wrong));
    }
    let mut header = good.header();
    header.as_object_mut().unwrap().remove("typ").expect("it was there");
    let header = header.to_string();
    attacks.push(named("no typ", &Jwt { header, ..good.clone() }.sign(key)));
    let twice = format!("{{\"typ\":\"at+jwt\",{}", &good.header[1..]);
    attacks.push(named("typ twice", &Jwt { header: twice, ..good.clone() }.sign(key)));
    for crit in [json!(["exp"]), json!(["b64"]), json!([])] {
        let critical = good.clone().with_header("crit", crit.clone()).sign(key);
        attacks.push(named(format!("crit {crit}"), &critical));
    }
    attacks.push(named("b64", &good.clone().with_header("b64", false.into()).sign(key)));
    attacks.push(named("zip", &good.clone().with_header("zip", "DEF".into()).sign(key)));
    for payload in ["", "null", "[]", "{", "{}"] {
        let odd = Jwt { payload: payload.to_owned(), ..good.clone() }.sign(key);
        attacks.push(named(format!("payload {payload:?}"), &odd));
    }
    let huge = good.clone().with_claim("filler", json!("x".repeat(5_000))).sign(key);
    attacks.push(named("huge", &huge));
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let deep = format!("{{\"deep\":{nested},{}", &good.payload[1..]);
    attacks.push(named("deep", &Jwt { payload: deep, ..good.clone() }.sign(key)));
    attacks.push(("a refresh token".to_owned(), scene.ana.refresh_token.clone()));
    let without_prefix = scene.ana.refresh_token.trim_start_matches("rt_").to_owned();
    attacks.push(("a refresh token without its prefix".to_owned(), without_prefix));
    all_refused(&scene, attacks).await;
}

#[tokio::test]
async fn a_request_has_one_token() {
    let scene = scene().await;
    let public = scene.platform.client();
    let good = scene.good.to_string();
    let ben = scene.platform.user("ben").await.client.token().unwrap().to_owned();
    let mut wrong = Vec::new();
    for header in [
        format!("Bearer {good} {ben}"),
        format!("Bearer {good},{ben}"),
        format!("Bearer {good}, Bearer {ben}"),
        format!("Bearer Bearer {good}"),
        format!("Basic {good}"),
        format!("DPoP {good}"),
        format!("Bearer{good}"),
        good.clone(),
        "Bearer".to_owned(),
    ] {
        let reply = public.call("GET", ROUTES[0]).header("authorization", &header).send().await;
        wrong.extend(fault(&reply.unwrap()).map(|what| format!("{header:.40}: {what}")));
    }
    for second in [&good, &ben, "x"] {
        let call = scene.ana.client.call("GET", ROUTES[0]);
        let reply = call.header("authorization", &format!("Bearer {second}")).send().await;
        wrong.extend(fault(&reply.unwrap()).map(|what| format!("two headers: {what}")));
    }
    // Nor anywhere else.
    for elsewhere in ["access_token", "token"] {
        let reply = public.get(&format!("{}?{elsewhere}={good}", ROUTES[0])).await;
        wrong.extend(fault(&reply).map(|what| format!("in the query: {what}")));
        let cookie = format!("{elsewhere}={good}");
        let reply = public.call("GET", ROUTES[0]).header("cookie", &cookie).send().await;
        wrong.extend(fault(&reply.unwrap()).map(|what| format!("in a cookie: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {good}");
        let reply = public.call("GET", ROUTES[0]).header("authorization", &header).send().await;
        reply.unwrap().expect(200);
    }
}

#[tokio::test]
async fn published_keys_verify_tokens_and_hold_no_secret() {
    let mut scene = scene().await;
    let keys = published(&scene.platform.client()).await;
    let verifies = |keys: &[(Value, VerifyingKey)], token: &Jwt| {
        let mut fitting = keys.iter().filter(|(kid, _)| *kid == token.header()["kid"]);
        fitting.any(|(_, key)| token.is_signed_by(key))
    };
    assert!(verifies(&keys, &scene.good), "no published key fits {}", scene.good.header);
    let claims = scene.good.claims();
    assert_eq!(claims["sub"], scene.ana.id.as_str());
    assert_eq!(claims["roles"], json!(["user"]));
    let life = claims["exp"].as_i64().unwrap() - now_ms() / 1_000;
    assert!((1..=600).contains(&life), "{life} s");
    // Tokens live on over a restart.
    scene.platform.kill().await;
    scene.platform.start().await;
    assert!(verifies(&published(&scene.platform.client()).await, &scene.good));
    scene.ana.client.get(ROUTES[0]).await.expect(200);
}

async fn published(client: &Client) -> Vec<(Value, VerifyingKey)> {
    let reply = client.get("/.well-known/jwks.json").await.expect(200);
    let cache = reply.header("cache-control").unwrap_or_default();
    assert!(cache.contains("max-age=") && !cache.contains("no-store"), "{cache:?}");
    let set = reply.json();
    let keys = set["keys"].as_array().expect("a JWK set");
    assert!(!keys.is_empty());
    let read = |jwk: &Value| {
        assert_eq!((&jwk["kty"], &jwk["crv"]), (&json!("OKP"), &json!("Ed25519")), "{jwk}");
        assert_eq!(jwk.get("d"), None, "a private key is published");
        let x = unbase64url(jwk["x"].as_str().expect("x")).try_into().expect("32 bytes");
        (jwk["kid"].clone(), VerifyingKey::from_bytes(&x).expect("a key"))
    };
    keys.iter().map(read).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What comes before the key in a SubjectPublicKeyInfo (RFC 8410).
const PUBLIC_KEY_INFO: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 3, 0x21, 0];
/// Of Ed25519 (RFC 8032), little-endian.
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
