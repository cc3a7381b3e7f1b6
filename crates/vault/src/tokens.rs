//! Access tokens: JWTs signed with Ed25519 (`EdDSA`). The algorithm is pinned, so a token cannot
//! choose how it is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use kernel::Digest;
use kernel::limits::ACCESS_TOKEN_SECONDS;
use ports::Claims;
use serde::{Deserialize, Serialize};

/// A key that signs access tokens, or proofs: never both.
pub struct SigningKey {
    id: String,
    key: ed25519_dalek::SigningKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    iss: String,
    aud: String,
    sub: String,
    exp: i64,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    name: String,
    roles: Vec<String>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    kid: &'a str,
    typ: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenHeader {
    alg: String,
    kid: String,
    typ: String,
}

impl SigningKey {
    /// The key of a secret.
    pub fn of(secret: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(secret);
        let mut id = Digest::of(&[key.verifying_key().as_bytes()]).to_hex();
        id.truncate(16);
        Self { id, key }
    }

    /// The signature of a message.
    pub(crate) fn signature(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// `kid`: what the key is called in public.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Signs an access token. The same claims under the same key are the same token.
pub fn sign(claims: &Claims, key: &SigningKey) -> Result<String, String> {
    let header = Header { alg: ALGORITHM, kid: &key.id, typ: TYPE };
    let payload = Payload {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: claims.subject.clone(),
        exp: claims.expires_at,
        // Not the clock: the same claims are the same token.
        iat: claims.expires_at.saturating_sub(ACCESS_TOKEN_SECONDS),
        nbf: None,
        name: claims.name.clone(),
        roles: claims.roles.clone(),
    };
    let part = |json: serde_json::Result<Vec<u8>>| {
        json.map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|error| error.to_string())
    };
    let header = part(serde_json::to_vec(&header))?;
    let payload = part(serde_json::to_vec(&payload))?;
    Ok(signed(&format!("{header}.{payload}"), key))
}

/// The claims of a token that one of the keys signed and that is valid at `now_seconds` since the
/// epoch.
pub fn check<'k>(
    token: &str,
    keys: impl IntoIterator<Item = &'k SigningKey>,
    now_seconds: i64,
) -> Option<Claims> {
    if token.len() > TOKEN_MAX_CHARS {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let header: SeenHeader = serde_json::from_slice(&decoded(header)?).ok()?;
    if header.alg != ALGORITHM || header.typ != TYPE {
        return None;
    }
    let key = keys.into_iter().find(|key| key.id == header.kid)?;
    let signature: [u8; 64] = decoded(signature)?.try_into().ok()?;
    let signature = ed25519_dalek::Signature::from_bytes(&signature);
    key.key.verifying_key().verify_strict(signed.as_bytes(), &signature).ok()?;
    let payload: Payload = serde_json::from_slice(&decoded(payload)?).ok()?;
    let is_early = payload.nbf.is_some_and(|nbf| nbf > now_seconds);
    let is_late = payload.exp <= now_seconds;
    if payload.iss != ISSUER || payload.aud != AUDIENCE || is_early || is_late {
        return None;
    }
    let Payload { sub: subject, name, roles, exp: expires_at, .. } = payload;
    Some(Claims { subject, name, roles, expires_at })
}

/// The public halves of the keys as a JWK set (RFC 7517).
pub fn jwk_set<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> String {
    let keys = keys.into_iter().map(|key| {
        let x = URL_SAFE_NO_PAD.encode(key.key.verifying_key().as_bytes());
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig",
            "kid": key.id, "x": x,
        })
    });
    serde_json::json!({"keys": keys.collect::<Vec<_>>()}).to_string()
}

fn signed(text: &str, key: &SigningKey) -> String {
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(key.signature(text.as_bytes())))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "at+jwt";
const ISSUER: &str = "ecomauction";
const AUDIENCE: &str = "ecomauction";
pub(crate) const TOKEN_MAX_CHARS: usize = 4_096;

#[cfg(test)]
mod tests;
