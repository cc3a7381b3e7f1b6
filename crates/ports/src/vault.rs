//! Keys and what is done with them.

/// Key bytes never reach a component.
pub trait Vault {
    /// Signs an access token (JWT, EdDSA) with the platform's issuer and audience.
    async fn sign_access_token(&self, claims: &Claims) -> Result<String, String>;

    /// The claims, or none when the token is malformed, foreign, tampered or expired.
    async fn verify_access_token(&self, token: &str) -> Option<Claims>;
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
