//! Tokens in a table: what was handed out is known, everything else is foreign. Passwords are
//! hashed quickly and under no secret: good for tests, and for nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kernel::{Digest, Timestamp};

use crate::{Claims, Comparison, PasswordError, ProofSignature};

/// Access tokens that were signed here.
#[derive(Default)]
pub struct MemoryVault {
    tokens: RefCell<BTreeMap<String, Claims>>,
    proof_keys: RefCell<Vec<String>>,
}

impl MemoryVault {
    /// The token of the claims.
    pub fn sign(&self, claims: &Claims) -> String {
        let mut tokens = self.tokens.borrow_mut();
        let token = format!("memory.{}", digest(&[format!("{claims:?}").as_bytes()]));
        tokens.insert(token.clone(), claims.clone());
        token
    }

    /// The claims of a token that was signed here and is valid at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let claims = self.tokens.borrow().get(token)?.clone();
        (claims.expires_at.saturating_mul(1_000) > now.as_ms()).then_some(claims)
    }

    /// A hash that [`MemoryVault::compare`] knows.
    pub(super) fn hash(&self, password: &str, salt: u64) -> String {
        format!("$memory${salt:016x}${}", digest(&[&salt.to_be_bytes(), password.as_bytes()]))
    }

    pub(super) fn compare(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        let Some(stored) = stored else {
            return Ok(Comparison { matches: false, outdated: false });
        };
        let broken = || PasswordError::Failed(format!("not a hash: {stored}"));
        let salt = stored.strip_prefix("$memory$").and_then(|rest| rest.split('$').next());
        let salt = salt.and_then(|salt| u64::from_str_radix(salt, 16).ok()).ok_or_else(broken)?;
        Ok(Comparison { matches: self.hash(password, salt) == stored, outdated: false })
    }

    pub(super) fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        *digest(&[purpose.as_bytes(), &[0], message]).as_bytes()
    }

    /// As long as a signature, and none: a key of each day.
    pub(super) fn sign_proof(&self, at: Timestamp, message: &[u8]) -> ProofSignature {
        let key_id = format!("memory-{}", at.as_ms().div_euclid(DAY_MS));
        if !self.proof_keys.borrow().contains(&key_id) {
            self.proof_keys.borrow_mut().push(key_id.clone());
        }
        let signature = digest(&[key_id.as_bytes(), &[0], message]).to_hex();
        ProofSignature { key_id, signature }
    }

    /// The keys that have signed, by their names alone.
    pub(super) fn proof_keys(&self) -> String {
        let keys = self.proof_keys.borrow();
        let keys: Vec<_> = keys.iter().map(|kid| format!(r#"{{"kid":"{kid}"}}"#)).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }
}

fn digest(parts: &[&[u8]]) -> Digest {
    Digest::of(parts)
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
