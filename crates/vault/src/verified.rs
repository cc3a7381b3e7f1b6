//! Tokens that were verified: looking one up costs less than its signature.

use std::collections::HashMap;

use kernel::Digest;
use ports::Claims;

use crate::tokens::TOKEN_MAX_CHARS;

/// What tokens say that were verified. It may be forgotten at any time.
pub struct Verified {
    claims: HashMap<[u8; 32], Claims>,
    most: usize,
}

impl Verified {
    /// Remembers at most so many tokens, at least one.
    pub fn new(most: usize) -> Self {
        Self { claims: HashMap::new(), most }
    }

    /// What stands for a token; none for what is longer than any.
    pub fn name(token: &str) -> Option<[u8; 32]> {
        (token.len() <= TOKEN_MAX_CHARS).then(|| *Digest::of(&[token.as_bytes()]).as_bytes())
    }

    /// The claims of a token that was verified before. It may have expired since.
    pub fn get(&self, name: &[u8; 32]) -> Option<&Claims> {
        self.claims.get(name)
    }

    /// Remembers a token that was verified. When there are too many, all others are forgotten.
    pub fn put(&mut self, name: [u8; 32], claims: Claims) {
        if self.claims.len() >= self.most {
            self.claims.clear();
        }
        self.claims.insert(name, claims);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_remembered_up_to_a_bound() {
        let claims = |subject: &str| {
            let (subject, name) = (subject.to_owned(), "ana".to_owned());
            Claims { subject, name, roles: Vec::new(), expires_at: 1 }
        };
        let name = |token| Verified::name(token).unwrap();
        let mut verified = Verified::new(2);
        for token in ["a", "b"] {
            verified.put(name(token), claims(token));
        }
        assert_eq!(verified.get(&name("a")), Some(&claims("a")));
        assert_eq!(verified.get(&name("c")), None);
        verified.put(name("c"), claims("c"));
        assert_eq!(verified.claims.len(), 1);
        assert_eq!(verified.get(&name("c")), Some(&claims("c")));
    }

    #[test]
    fn what_is_longer_than_any_token_is_not_looked_up() {
        assert!(Verified::name(&"x".repeat(TOKEN_MAX_CHARS)).is_some());
        assert_eq!(Verified::name(&"x".repeat(TOKEN_MAX_CHARS + 1)), None);
    }
}
