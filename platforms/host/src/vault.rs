//! Keys of the platform and what is done with them.
//!
//! Access tokens are JWTs signed with Ed25519 (`EdDSA`). The library reads and checks the token;
//! the algorithm is pinned, so a token cannot choose how it is verified.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::now_ms;

/// What an access token says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// User id.
    pub(crate) subject: String,
    /// Display name.
    pub(crate) name: String,
    /// Roles.
    pub(crate) roles: Vec<String>,
    /// Seconds since the epoch.
    pub(crate) expires_at: i64,
}

/// The token keys.
pub(crate) struct Vault {
    signing: SigningKey,
    key_id: String,
    verified: Mutex<HashMap<[u8; 32], Claims>>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    sub: String,
    exp: i64,
    iat: i64,
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

impl Vault {
    /// Opens the key file, or makes a key at the first start.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join("access-token.ed25519");
        let seed = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(&path)?,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let seed: [u8; 32] = seed
            .try_into()
            .map_err(|_| anyhow::anyhow!("{} is not a 32-byte key", path.display()))?;
        let signing = SigningKey::from_bytes(&seed);
        let digest = Sha256::digest(signing.verifying_key().as_bytes());
        let key_id = crate::engine::hex(digest.get(..8).unwrap_or_default());
        Ok(Self { signing, key_id, verified: Mutex::default() })
    }

    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, String> {
        let header = Header { alg: "EdDSA", kid: &self.key_id, typ: "at+jwt" };
        let payload = Payload {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: claims.subject.clone(),
            exp: claims.expires_at,
            iat: now_ms() / 1_000,
            name: claims.name.clone(),
            roles: claims.roles.clone(),
        };
        let part = |json: serde_json::Result<Vec<u8>>| {
            json.map(|json| base64url(&json)).map_err(|error| error.to_string())
        };
        let header = part(serde_json::to_vec(&header))?;
        let payload = part(serde_json::to_vec(&payload))?;
        let signed = format!("{header}.{payload}");
        let signature = self.signing.sign(signed.as_bytes());
        Ok(format!("{signed}.{}", base64url(&signature.to_bytes())))
    }

    /// The claims of a token that is valid now.
    pub(crate) fn verify(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_MAX_CHARS {
            return None;
        }
        let now = now_ms() / 1_000;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(claims) = self.verified.lock().get(&digest) {
            return (claims.expires_at > now).then(|| claims.clone());
        }
        let claims = check(token, &self.key_id, &self.signing.verifying_key())?;
        if claims.expires_at <= now {
            return None;
        }
        let mut verified = self.verified.lock();
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        verified.insert(digest, claims.clone());
        Some(claims)
    }
}

fn check(token: &str, key_id: &str, key: &VerifyingKey) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let header: SeenHeader = serde_json::from_slice(&from_base64url(header)?).ok()?;
    if header.alg != "EdDSA" || header.kid != key_id || header.typ != "at+jwt" {
        return None;
    }
    let signature: [u8; 64] = from_base64url(signature)?.try_into().ok()?;
    let signature = ed25519_dalek::Signature::from_bytes(&signature);
    key.verify_strict(signed.as_bytes(), &signature).ok()?;
    let payload: Payload = serde_json::from_slice(&from_base64url(payload)?).ok()?;
    if payload.iss != ISSUER || payload.aud != AUDIENCE {
        return None;
    }
    let Payload { sub: subject, name, roles, exp: expires_at, .. } = payload;
    Some(Claims { subject, name, roles, expires_at })
}

fn make_key(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut seed = vec![0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    crate::data::write_private(path, &seed)?;
    Ok(seed)
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn from_base64url(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}

const ISSUER: &str = "ecomauction";
const AUDIENCE: &str = "ecomauction";
const TOKEN_MAX_CHARS: usize = 4_096;
/// Verified tokens remembered until they expire.
const VERIFIED_MAX: usize = 65_536;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn vault(name: &str) -> Vault {
        let directory = std::env::temp_dir().join(format!("vault-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        Vault::open(&directory).unwrap()
    }

    fn ana(expires_at: i64) -> Claims {
        let (subject, name) = ("usr_ana".to_owned(), "ana".to_owned());
        Claims { subject, name, roles: vec!["user".to_owned()], expires_at }
    }

    #[test]
    fn a_token_says_who_bears_it_until_it_expires() {
        let vault = vault("says");
        let now = now_ms() / 1_000;
        let token = vault.sign(&ana(now + 600)).unwrap();
        assert_eq!(vault.verify(&token), Some(ana(now + 600)));
        assert_eq!(vault.verify(&token), Some(ana(now + 600)), "from the cache");
        assert_eq!(vault.verify(&vault.sign(&ana(now - 1)).unwrap()), None);
    }

    #[test]
    fn foreign_tampered_and_unsigned_tokens_are_refused() {
        let vault = vault("refuses");
        let token = vault.sign(&ana(now_ms() / 1_000 + 600)).unwrap();
        let foreign = self::vault("foreign").sign(&ana(now_ms() / 1_000 + 600)).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let payload = signed.split_once('.').unwrap().1;
        let header = |json: &str| base64url(json.as_bytes());
        let none = header(r#"{"alg":"none","kid":"x","typ":"at+jwt"}"#);
        for bad in [
            foreign,
            format!("{signed}."),
            format!("{none}.{payload}."),
            format!("{none}.{payload}.{signature}"),
            token.replacen('e', "f", 3),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(vault.verify(&bad), None, "{bad}");
        }
    }
}
