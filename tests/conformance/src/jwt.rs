//! Tokens, taken apart and put together (RFC 7515), right and wrong ones alike.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Header and payload as bytes that can be changed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// JSON of the header.
    pub header: String,
    /// JSON of the payload.
    pub payload: String,
    /// Signature bytes.
    pub signature: Vec<u8>,
}

impl Jwt {
    /// Takes a token apart.
    ///
    /// # Panics
    /// When it is none.
    pub fn parse(token: &str) -> Self {
        let parts: Vec<_> = token.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { panic!("no JWT: {token}") };
        let text = |part: &str| String::from_utf8(unbase64url(part)).expect("JSON is UTF-8");
        Self { header: text(header), payload: text(payload), signature: unbase64url(signature) }
    }

    /// An unsigned one.
    pub fn of(header: &Value, payload: &Value) -> Self {
        Self { header: header.to_string(), payload: payload.to_string(), signature: Vec::new() }
    }

    /// The header.
    pub fn header(&self) -> Value {
        serde_json::from_str(&self.header).expect("a header is JSON")
    }

    /// The claims.
    pub fn claims(&self) -> Value {
        serde_json::from_str(&self.payload).expect("a payload is JSON")
    }

    /// The same with a member of the header set.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: Value) -> Self {
        self.header = with(self.header(), name, value);
        self
    }

    /// The same with a claim set.
    #[must_use]
    pub fn with_claim(mut self, name: &str, value: Value) -> Self {
        self.payload = with(self.claims(), name, value);
        self
    }

    /// What is signed.
    pub fn signed(&self) -> String {
        format!("{}.{}", base64url(self.header.as_bytes()), base64url(self.payload.as_bytes()))
    }

    /// The same, signed with Ed25519.
    #[must_use]
    pub fn sign(mut self, key: &SigningKey) -> Self {
        self.signature = key.sign(self.signed().as_bytes()).to_bytes().to_vec();
        self
    }

    /// The same with HMAC-SHA-256 under any bytes.
    #[must_use]
    pub fn sign_hs256(mut self, secret: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length does");
        mac.update(self.signed().as_bytes());
        self.signature = mac.finalize().into_bytes().to_vec();
        self
    }

    /// Is it signed with that key?
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(&self.signature);
        signature
            .is_ok_and(|signature| key.verify_strict(self.signed().as_bytes(), &signature).is_ok())
    }
}

impl std::fmt::Display for Jwt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}", self.signed(), base64url(&self.signature))
    }
}

fn with(mut json: Value, name: &str, value: Value) -> String {
    json[name] = value;
    json.to_string()
}

/// Base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes behind base64url without padding.
///
/// # Panics
/// When it is none.
pub fn unbase64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_survives_being_taken_apart() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let token = Jwt::of(&json!({"alg": "EdDSA"}), &json!({"sub": "ana"})).sign(&key);
        assert_eq!(Jwt::parse(&token.to_string()), token);
        assert!(token.is_signed_by(&key.verifying_key()));
        assert_eq!(
            (token.header()["alg"].clone(), token.claims()),
            ("EdDSA".into(), json!({"sub": "ana"}))
        );
    }

    #[test]
    fn a_changed_token_is_signed_by_nobody() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let token = Jwt::of(&json!({"alg": "EdDSA"}), &json!({"sub": "ana"})).sign(&key);
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
        assert!(!token.is_signed_by(&other));
        assert!(!token.clone().with_claim("sub", json!("ben")).is_signed_by(&key.verifying_key()));
        assert!(!token.with_header("x", json!(1)).is_signed_by(&key.verifying_key()));
    }

    /// The example of RFC 7515, A.1.
    #[test]
    fn hs256_is_that_of_the_standard() {
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4\
            MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p\
            1r_wW1gFWFOEjXk";
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAz\
            Zr1Z9CAow";
        let signed = Jwt::parse(token).sign_hs256(&unbase64url(secret));
        assert_eq!(signed.to_string(), token);
    }
}
