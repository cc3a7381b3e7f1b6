//! Keys of the platform and what is done with them.
//!
//! Access tokens are JWTs signed with Ed25519 (`EdDSA`). The library reads and checks the token;
//! the algorithm is pinned, so a token cannot choose how it is verified.

mod keys;
mod passwords;

use std::collections::HashMap;
use std::path::Path;

use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::limits::ACCESS_TOKEN_SECONDS;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::now_ms;
use keys::TokenKeys;
use passwords::Passwords;

pub(crate) use passwords::PasswordError;

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

/// Everything that needs a key.
pub(crate) struct Vault {
    tokens: TokenKeys,
    mac: [u8; 32],
    passwords: Passwords,
    verified: Mutex<HashMap<[u8; 32], Claims>>,
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

impl Vault {
    /// Opens the key files, or makes them at the first start.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        crate::data::remove_begun(directory)?;
        let tokens = TokenKeys::open(directory)?;
        tokens.rotate(now_ms())?;
        let mac = keys::read_or_make(&directory.join("mac.key"))?;
        let passwords = Passwords::start()?;
        Ok(Self { tokens, mac, passwords, verified: Mutex::default() })
    }

    /// Makes the next token key when it is time, and forgets those that nothing needs any more.
    pub(crate) fn rotate(&self) -> anyhow::Result<()> {
        self.tokens.rotate(now_ms())
    }

    /// Passwords, hashed and compared.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// HMAC-SHA-256 under the key of this data directory; purposes do not hold NUL.
    pub(crate) fn mac(&self, purpose: &str, message: &[u8]) -> Vec<u8> {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.mac) else { return Vec::new() };
        let mac = mac.chain_update(purpose).chain_update([0]).chain_update(message);
        mac.finalize().into_bytes().to_vec()
    }

    /// The public token keys as a JWK set: the one that signs, the next one, and for a day the one
    /// before.
    pub(crate) fn public_keys(&self) -> String {
        let keys = self.tokens.live().into_iter().map(|key| {
            let x = base64url(key.signing.verifying_key().as_bytes());
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": key.id, "x": x,
            })
        });
        serde_json::json!({"keys": keys.collect::<Vec<_>>()}).to_string()
    }

    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, String> {
        let key = self.tokens.signing(now_ms()).ok_or("no key")?;
        let header = Header { alg: "EdDSA", kid: &key.id, typ: "at+jwt" };
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
            json.map(|json| base64url(&json)).map_err(|error| error.to_string())
        };
        let header = part(serde_json::to_vec(&header))?;
        let payload = part(serde_json::to_vec(&payload))?;
        let signed = format!("{header}.{payload}");
        let signature = key.signing.sign(signed.as_bytes());
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
        let claims = self.check(token, now)?;
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

    fn check(&self, token: &str, now: i64) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: SeenHeader = serde_json::from_slice(&from_base64url(header)?).ok()?;
        if header.alg != "EdDSA" || header.typ != "at+jwt" {
            return None;
        }
        let key = self.tokens.live().into_iter().find(|key| key.id == header.kid)?;
        let signature: [u8; 64] = from_base64url(signature)?.try_into().ok()?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        key.signing.verifying_key().verify_strict(signed.as_bytes(), &signature).ok()?;
        let payload: Payload = serde_json::from_slice(&from_base64url(payload)?).ok()?;
        let is_early = payload.nbf.is_some_and(|nbf| nbf > now);
        if payload.iss != ISSUER || payload.aud != AUDIENCE || is_early {
            return None;
        }
        let Payload { sub: subject, name, roles, exp: expires_at, .. } = payload;
        Some(Claims { subject, name, roles, expires_at })
    }
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
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
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
            own(&vault, "ecomauction", r#""nbf":EXP,"#),
            own(&vault, "shop", ""),
            own(&vault, "ecomauction", r#""sub":"usr_eve","#),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(vault.verify(&bad), None, "{bad}");
        }
        let good = own(&vault, "ecomauction", r#""nbf":1,"#);
        assert!(vault.verify(&good).is_some(), "it is the claims that are refused");
    }

    /// A token that is signed with the right key, with more claims than there should be.
    fn own(vault: &Vault, aud: &str, more: &str) -> String {
        let key = vault.tokens.signing(now_ms()).unwrap();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, key.id);
        let claims = format!(
            r#"{{"iss":"ecomauction","aud":"{aud}","sub":"usr_ana","exp":EXP,"iat":0,{more}{rest}"#,
            rest = r#""name":"","roles":[]}"#,
        );
        let claims = claims.replace("EXP", &(now_ms() / 1_000 + 600).to_string());
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
        let signature = key.signing.sign(signed.as_bytes());
        format!("{signed}.{}", base64url(&signature.to_bytes()))
    }

    /// What is published, by `kid`.
    fn published(vault: &Vault) -> Vec<String> {
        let set: serde_json::Value = serde_json::from_str(&vault.public_keys()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_key_that_was_replaced_verifies_for_a_day() {
        let vault = vault("rotates");
        let token = vault.sign(&ana(now_ms() / 1_000 + 600)).unwrap();
        let first = published(&vault);
        assert_eq!(first.len(), 2, "the one that signs and the next one");
        let signing = |at| vault.tokens.signing(at).unwrap().id.clone();
        vault.tokens.rotate(now_ms() + keys::KEY_AGE_MAX_MS - 60_000).unwrap();
        assert_eq!(signing(now_ms() + keys::KEY_AGE_MAX_MS - 60_000), first[0], "not yet");
        assert_eq!(published(&vault), first);
        let replaced = now_ms() + keys::KEY_AGE_MAX_MS + 60_000;
        assert_eq!(signing(replaced), first[1], "at its time, whenever somebody looks");
        vault.tokens.rotate(replaced).unwrap();
        assert_eq!((published(&vault).len(), &published(&vault)[..2]), (3, &first[..]));
        vault.verified.lock().clear();
        assert!(vault.verify(&token).is_some());
        vault.tokens.rotate(replaced + keys::OVERLAP_MS + 1).unwrap();
        assert_eq!((published(&vault).len(), &published(&vault)[0]), (2, &first[1]));
        vault.verified.lock().clear();
        assert_eq!(vault.verify(&token), None);
    }

    #[test]
    fn a_key_is_public_for_a_day_before_it_signs() {
        let vault = vault("publishes");
        // The platform was down for two months: the key that was next signs, another one is next.
        let later = now_ms() + 2 * keys::KEY_AGE_MAX_MS;
        let first = published(&vault);
        vault.tokens.rotate(later).unwrap();
        let then = published(&vault);
        assert_eq!((then.len(), &then[0]), (2, &first[1]));
        let signing = |at| vault.tokens.signing(at).unwrap().id.clone();
        assert_eq!(signing(later), then[0]);
        assert_eq!(signing(later + keys::OVERLAP_MS - 1), then[0]);
        assert_eq!(signing(later + keys::OVERLAP_MS), then[1]);
        assert_eq!(signing(0), then[0], "the clock was turned back");
    }

    #[test]
    fn a_kill_while_a_key_was_written_stops_no_start() {
        let folder = tempfile::tempdir().unwrap();
        let (token, mac) = ("access-token.7.ed25519.new", "mac.key.new");
        for left in [token, mac] {
            std::fs::write(folder.path().join(left), [0; 5]).unwrap();
        }
        let keys = published(&Vault::open(folder.path()).unwrap());
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(names.into_iter().all(|name| !name.ends_with(".new")));
        assert_eq!(published(&Vault::open(folder.path()).unwrap()), keys);
    }

    #[test]
    fn a_mac_depends_on_key_purpose_and_message() {
        let (one, other) = (vault("mac"), vault("other-mac"));
        let mac = one.mac("p", b"m");
        assert_eq!((mac.len(), mac == one.mac("p", b"m")), (32, true));
        for different in [one.mac("p2", b"m"), one.mac("p", b"m2"), other.mac("p", b"m")] {
            assert_ne!(mac, different);
        }
    }
}
