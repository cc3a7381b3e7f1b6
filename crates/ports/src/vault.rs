//! Keys and what is done with them.

use kernel::Timestamp;

/// Key bytes never reach a component.
pub trait Vault {
    /// Signs an access token (JWT, EdDSA) with the platform's issuer and audience. The same claims
    /// under the same key give the same token: whatever else stands in it follows from them.
    async fn sign_access_token(&self, claims: &Claims) -> Result<String, String>;

    /// The claims, or none when the token is malformed, foreign, tampered or expired.
    async fn verify_access_token(&self, token: &str) -> Option<Claims>;

    /// The public keys that tokens are verified with, as a JWK set (RFC 7517).
    async fn public_keys(&self) -> String;

    /// The hash of a password in PHC form.
    async fn hash_password(&self, password: &str) -> Result<String, PasswordError>;

    /// Compares a password with a stored hash. Without one the same work is done, and nothing
    /// matches: who has no account cannot be told by the time that it takes.
    async fn verify_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError>;

    /// A keyed digest of a message (HMAC-SHA-256) under a key of this platform and purpose. What
    /// only the platform can make anew need not be stored.
    async fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32];

    /// Signs what stands in a log, with the key that was current at the instant: the time of the
    /// event that is signed. The same instant and message are the same signature for good.
    async fn sign_proof(&self, at: Timestamp, message: &[u8]) -> Result<ProofSignature, String>;

    /// The public keys of proofs as a JWK set: all that ever signed, and the next one.
    async fn proof_keys(&self) -> String;
}

/// A signature that anybody can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofSignature {
    /// `kid` of the key.
    pub key_id: String,
    /// Ed25519, base64url without padding.
    pub signature: String,
}

/// What a password is to a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// It is the one.
    pub matches: bool,
    /// The hash is weaker than new ones are: hash the password again while it is known.
    pub outdated: bool,
}

/// Why a password was neither hashed nor compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// More is being hashed than memory is set aside for; try again later.
    #[error("too many passwords at once")]
    Busy,
    /// A stored hash that cannot be read, or no randomness; a developer must act.
    #[error("the password cannot be hashed: {0}")]
    Failed(String),
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// User id, `usr_…`.
    pub subject: String,
    /// Name shown to others.
    pub name: String,
    /// `user`, `admin`.
    pub roles: Vec<String>,
    /// Expiry, seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}
