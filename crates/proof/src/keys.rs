//! Published keys, and what they signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use kernel::Digest;
use serde::Deserialize;

use crate::strict;

/// What a proof and a receipt sign: `<key of the log>:<seq>:<head in hex>`.
pub fn message(key: &str, seq: u64, head: &Digest) -> String {
    format!("{key}:{seq}:{head}")
}

/// A JWK set of Ed25519 keys.
pub struct KeySet {
    keys: Vec<(String, VerifyingKey)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    #[serde(default = "eddsa")]
    alg: String,
    #[serde(default = "sig", rename = "use")]
    usage: String,
    kid: String,
    x: String,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517, RFC 8037). A `kid` is the first 16 hex digits of the SHA-256 of
    /// the public key, so that no name can pass to another key.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let set = strict::read(json)?;
        let set: JwkSet = serde_json::from_value(set).map_err(|error| error.to_string())?;
        let keys = set.keys.into_iter().map(|jwk| {
            let name = jwk.kid.clone();
            key(jwk).ok_or_else(|| format!("the key {name} is no Ed25519 key of that name"))
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Did the key of that name sign the message?
    pub fn verify(&self, key_id: &str, message: &str, signature: &str) -> Result<(), String> {
        let found = self.keys.iter().find(|(kid, _)| kid == key_id);
        let (_, key) = found.ok_or_else(|| format!("no key {key_id} is published"))?;
        let bytes = URL_SAFE_NO_PAD.decode(signature).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let bytes = bytes.ok_or("the signature is not 64 bytes in base64url")?;
        let verified = key.verify_strict(message.as_bytes(), &Signature::from_bytes(&bytes));
        verified.map_err(|_| format!("the key {key_id} did not sign {message}"))
    }
}

fn key(jwk: Jwk) -> Option<(String, VerifyingKey)> {
    let Jwk { kty, crv, alg, usage, kid, x } = jwk;
    let said = [kty, crv, alg, usage];
    if said != ["OKP", "Ed25519", "EdDSA", "sig"] {
        return None;
    }
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(x).ok()?.try_into().ok()?;
    let name = Digest::of(&[&bytes]).to_hex();
    let is_named_so = name.get(..KID_CHARS) == Some(kid.as_str());
    Some((kid, VerifyingKey::from_bytes(&bytes).ok()?)).filter(|_| is_named_so)
}

fn eddsa() -> String {
    "EdDSA".to_owned()
}

fn sig() -> String {
    "sig".to_owned()
}

const KID_CHARS: usize = 16;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    fn set(key: &SigningKey) -> String {
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let kid = Digest::of(&[key.verifying_key().as_bytes()]).to_hex();
        let kid = kid.get(..16).unwrap();
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}]}}"#)
    }

    #[test]
    fn only_the_named_key_verifies_what_it_signed() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let keys = KeySet::read(set(&key).as_bytes()).unwrap();
        let kid = keys.keys.first().unwrap().0.clone();
        let text = message("auc_1", 7, &Digest::of(&[b"x"]));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes());
        keys.verify(&kid, &text, &signature).unwrap();
        assert!(keys.verify(&kid, &format!("{text} "), &signature).is_err());
        assert!(keys.verify("0000000000000000", &text, &signature).is_err());
        assert!(keys.verify(&kid, &text, &signature.replace('A', "B")).is_err());
        let foreign = SigningKey::from_bytes(&[8; 32]).sign(text.as_bytes());
        let foreign = URL_SAFE_NO_PAD.encode(foreign.to_bytes());
        assert!(keys.verify(&kid, &text, &foreign).is_err());
    }

    #[test]
    fn a_set_is_refused_whatever_byte_of_it_is_another() {
        let text = set(&SigningKey::from_bytes(&[7; 32]));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            *bytes.get_mut(at).unwrap() ^= 1;
            assert!(KeySet::read(&bytes).is_err(), "byte {at}");
        }
    }
}
