//! Tokens in a table: what was handed out is known, everything else is foreign.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kernel::Timestamp;

use crate::Claims;

/// Access tokens that were signed here.
#[derive(Default)]
pub struct MemoryVault {
    tokens: RefCell<BTreeMap<String, Claims>>,
}

impl MemoryVault {
    /// A token for the claims; `nonce` makes it unique.
    pub fn sign(&self, claims: &Claims, nonce: u64) -> String {
        let mut tokens = self.tokens.borrow_mut();
        let token = format!("memory.{}.{nonce:016x}", tokens.len());
        tokens.insert(token.clone(), claims.clone());
        token
    }

    /// The claims of a token that was signed here and is valid at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let claims = self.tokens.borrow().get(token)?.clone();
        (claims.expires_at.saturating_mul(1_000) > now.as_ms()).then_some(claims)
    }
}
