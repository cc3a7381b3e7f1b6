//! What a provider answers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CLIENT_ID, CLIENT_SECRET, Grant, Kind, Person, State, Wrong};
use crate::jwt::{Jwt, base64url};
use crate::now_ms;

type Form = BTreeMap<String, String>;
type Answer = Response<Full<Bytes>>;

pub(super) async fn answer(
    request: Request<Incoming>,
    shared: &Mutex<State>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let query = form(head.uri.query().unwrap_or_default().as_bytes());
    let authorization = head.headers.get("authorization").and_then(|value| value.to_str().ok());
    let mut state = shared.lock().unwrap();
    let answered = match (head.method.as_str(), head.uri.path()) {
        ("GET", "/authorize") => state.authorize(&query),
        ("POST", "/token") => state.token(&form(&body), authorization),
        // Facebook's own examples ask with GET.
        ("GET", "/token") if state.kind == Kind::Facebook => state.token(&query, authorization),
        ("GET", "/me") => state.profile(&query, authorization),
        _ => Err(format!("{} {} is nothing here", head.method, head.uri)),
    };
    Ok(answered.unwrap_or_else(|complaint| {
        let answer =
            json(400, &json!({"error": "invalid_request", "error_description": complaint}));
        state.complaints.push(complaint);
        answer
    }))
}

impl State {
    /// The person agrees at once, and is sent back with a code.
    fn authorize(&mut self, query: &Form) -> Result<Answer, String> {
        let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let callback = match self.kind {
            Kind::Google => "/v1/oauth/google/callback",
            Kind::Facebook => "/v1/oauth/facebook/callback",
        };
        let redirect_uri = get("redirect_uri");
        let nonce = get("nonce");
        expect(get("client_id") == CLIENT_ID, || format!("client_id {:?}", get("client_id")))?;
        expect(get("response_type") == "code", || "response_type is not code".to_owned())?;
        expect(redirect_uri.ends_with(callback), || format!("redirect_uri {redirect_uri:?}"))?;
        expect(get("state").len() >= SECRET_MIN_CHARS, || "state is missing or short".to_owned())?;
        expect(get("code_challenge_method") == "S256", || "PKCE is not S256".to_owned())?;
        let challenge = get("code_challenge");
        expect(challenge.len() == CHALLENGE_CHARS, || format!("code_challenge {challenge:?}"))?;
        if self.kind == Kind::Google {
            expect(nonce.len() >= SECRET_MIN_CHARS, || "nonce is missing or short".to_owned())?;
            let has = |wanted: &str| get("scope").split(' ').any(|scope| scope == wanted);
            expect(has("openid") && has("email"), || format!("scope {:?}", get("scope")))?;
        }
        let person = self.person.clone().ok_or("nobody signs in")?;
        let state = match self.wrong {
            Some(Wrong::State) => base64url(&[9; 32]),
            _ => get("state").to_owned(),
        };
        let mut back = form_urlencoded::Serializer::new(String::new());
        if self.wrong == Some(Wrong::Denied) {
            back.append_pair("error", "access_denied");
        } else {
            let code = self.fresh("code");
            back.append_pair("code", &code);
            let grant = Grant {
                person,
                redirect_uri: redirect_uri.to_owned(),
                challenge: challenge.to_owned(),
                nonce: nonce.to_owned(),
            };
            self.codes.insert(code, grant);
        }
        let back = back.append_pair("state", &state).finish();
        let joint = if redirect_uri.contains('?') { '&' } else { '?' };
        let location = format!("{redirect_uri}{joint}{back}");
        let moved = Response::builder().status(302).header("location", location);
        Ok(moved.body(Full::default()).unwrap())
    }

    /// Code, secret and verifier for tokens; a code works once.
    fn token(&mut self, form: &Form, authorization: Option<&str>) -> Result<Answer, String> {
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let basic = authorization.and_then(basic);
        let (id, secret) = basic.unwrap_or((get("client_id").into(), get("client_secret").into()));
        expect(id == CLIENT_ID && secret == CLIENT_SECRET, || format!("wrong client {id:?}"))?;
        let is_named = self.kind == Kind::Facebook || get("grant_type") == "authorization_code";
        expect(is_named, || format!("grant_type {:?}", get("grant_type")))?;
        match self.wrong {
            Some(Wrong::Refused) => return Ok(json(400, &json!({"error": "invalid_grant"}))),
            Some(Wrong::Broken) => return Ok(json(503, &json!("<html>sorry</html>"))),
            _ => {}
        }
        let code = get("code");
        expect(!self.spent.contains(code), || "a code was used twice".to_owned())?;
        let grant = self.codes.remove(code).ok_or_else(|| format!("unknown code {code:?}"))?;
        self.spent.insert(code.to_owned());
        expect(get("redirect_uri") == grant.redirect_uri, || {
            format!("redirect_uri {:?} after {:?}", get("redirect_uri"), grant.redirect_uri)
        })?;
        let verifier = get("code_verifier");
        expect((43..=128).contains(&verifier.len()), || format!("verifier {verifier:?}"))?;
        let digest = base64url(&Sha256::digest(verifier.as_bytes()));
        expect(digest == grant.challenge, || {
            "the verifier is not that of the challenge".to_owned()
        })?;
        let access_token = self.fresh("access");
        self.access.insert(access_token.clone(), grant.person.clone());
        let mut tokens =
            json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 3_600});
        if self.kind == Kind::Google && self.wrong != Some(Wrong::Nothing) {
            tokens["id_token"] = self.id_token(&grant).into();
        }
        Ok(json(200, &tokens))
    }

    fn id_token(&self, grant: &Grant) -> String {
        let now = now_ms() / 1_000;
        let Person { subject, email, name } = &grant.person;
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "azp": CLIENT_ID, "sub": subject,
            "email": email, "email_verified": true, "name": name, "nonce": grant.nonce,
            "iat": now, "exp": now + 3_600,
        });
        match self.wrong {
            Some(Wrong::Nonce) => claims["nonce"] = base64url(&[8; 32]).into(),
            Some(Wrong::NoNonce) => drop(claims.as_object_mut().unwrap().remove("nonce")),
            Some(Wrong::Audience) => claims["aud"] = "somebody-else".into(),
            Some(Wrong::AuthorizedParty) => {
                claims["aud"] = json!([CLIENT_ID, "somebody-else"]);
                claims["azp"] = "somebody-else".into();
            }
            Some(Wrong::Issuer) => claims["iss"] = "https://accounts.example.org".into(),
            Some(Wrong::Expired) => {
                claims["iat"] = (now - 7_200).into();
                claims["exp"] = (now - 3_600).into();
            }
            Some(Wrong::Future) => {
                claims["iat"] = (now + 2 * 86_400).into();
                claims["exp"] = (now + 3 * 86_400).into();
            }
            Some(Wrong::Unverified) => claims["email_verified"] = false.into(),
            _ => {}
        }
        let header = json!({"alg": "EdDSA", "kid": "1", "typ": "JWT"});
        Jwt::of(&header, &claims).sign(&SigningKey::from_bytes(&[1; 32])).to_string()
    }

    /// Who an access token is of.
    fn profile(&self, query: &Form, authorization: Option<&str>) -> Result<Answer, String> {
        let bearer = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let token = bearer.or(query.get("access_token").map(String::as_str)).unwrap_or_default();
        let known = self.access.get(token);
        let Person { subject, email, name } = known.ok_or("a profile without access token")?;
        let mut profile = json!({"id": subject, "name": name});
        let fields = query.get("fields").map(String::as_str).unwrap_or_default();
        let is_asked = fields.split(',').any(|field| field == "email");
        expect(is_asked, || format!("fields {fields:?} leave out the mail address"))?;
        match self.wrong {
            Some(Wrong::Unverified) => {}
            Some(Wrong::Nothing) => drop(profile.as_object_mut().unwrap().remove("id")),
            _ => profile["email"] = email.as_str().into(),
        }
        Ok(json(200, &profile))
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}-{}-{:x}", self.next, fastrand::u64(..))
    }
}

fn expect(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}

fn form(bytes: &[u8]) -> Form {
    form_urlencoded::parse(bytes).into_owned().collect()
}

/// Id and secret of `Basic …`; both are percent-encoded before they are joined (RFC 6749, 2.3.1).
fn basic(authorization: &str) -> Option<(String, String)> {
    let joined = STANDARD.decode(authorization.strip_prefix("Basic ")?).ok()?;
    let joined = String::from_utf8(joined).ok()?;
    let (id, secret) = joined.split_once(':')?;
    let plain = |text: &str| {
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(text, _)| text.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

fn json(status: u16, body: &Value) -> Answer {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Full::from(body.to_string())).unwrap()
}

/// 128 bits in base64url.
const SECRET_MIN_CHARS: usize = 22;
/// A SHA-256 in base64url.
const CHALLENGE_CHARS: usize = 43;
