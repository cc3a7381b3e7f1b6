//! Passwords: argon2id.
//!
//! A hash takes 19 MiB and tens of milliseconds. The memory is taken and given back by each call;
//! nothing is kept from one to the next. How many run at once is the platform's to bound.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use ports::{Comparison, PasswordError};

/// Bytes of a salt, which are drawn for each hash.
pub const SALT_BYTES: usize = 16;

/// The hash of a password in PHC form.
pub fn hash_password(password: &str, salt: &[u8; SALT_BYTES]) -> Result<String, PasswordError> {
    let hashed = argon2()?.hash_password_with_salt(password.as_bytes(), salt).map_err(failed)?;
    Ok(hashed.to_string())
}

/// Compares a password with a stored hash. Without one the same work is done, and nothing matches:
/// who has no account cannot be told by the time that it takes.
pub fn verify_password(password: &str, stored: Option<&str>) -> Result<Comparison, PasswordError> {
    let parsed = PasswordHash::new(stored.unwrap_or(NOBODY)).map_err(failed)?;
    let is_its = match argon2()?.verify_password(password.as_bytes(), &parsed) {
        Ok(()) => true,
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(error) => return Err(failed(error)),
    };
    let params = Params::try_from(&parsed).map_err(failed)?;
    let is_weak = params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES;
    let outdated = is_weak || parsed.algorithm.as_str() != "argon2id";
    let is_somebodys = stored.is_some();
    Ok(Comparison { matches: is_somebodys && is_its, outdated: is_somebodys && outdated })
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

/// OWASP's least for argon2id (rules.md B12).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a password of nobody is compared with: the hash of "nobody" with a salt of zeros.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
                      $CCv1k+OgTOY2o6b9oYXWUQjthgkklr8CN2O7KhjhHyo";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn compared(password: &str, stored: Option<&str>) -> (bool, bool) {
        let Comparison { matches, outdated } = verify_password(password, stored).unwrap();
        (matches, outdated)
    }

    /// The hash that parameters give.
    fn hashed_with(algorithm: Algorithm, memory: u32, passes: u32) -> String {
        let params = Params::new(memory, passes, LANES, None).unwrap();
        let argon2 = Argon2::new(algorithm, Version::V0x13, params);
        argon2.hash_password_with_salt(b"old", &[7; SALT_BYTES]).unwrap().to_string()
    }

    #[test]
    fn a_hash_knows_its_password() {
        let hash = hash_password("correct horse", &[1; SALT_BYTES]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hash_password("correct horse", &[2; SALT_BYTES]).unwrap(), "salted");
        assert_eq!(compared("correct horse", Some(&hash)), (true, false));
        assert_eq!(compared("correct hors", Some(&hash)), (false, false));
    }

    #[test]
    fn a_weaker_hash_is_known_and_told() {
        let weaker = [
            hashed_with(Algorithm::Argon2id, MEMORY_KIB - 1, PASSES),
            hashed_with(Algorithm::Argon2id, MEMORY_KIB, PASSES - 1),
            hashed_with(Algorithm::Argon2i, MEMORY_KIB, PASSES),
        ];
        for weak in weaker {
            assert_eq!(compared("old", Some(&weak)), (true, true), "{weak}");
        }
        let stronger = hashed_with(Algorithm::Argon2id, MEMORY_KIB + 1, PASSES + 1);
        assert_eq!(compared("old", Some(&stronger)), (true, false));
    }

    #[test]
    fn nobody_has_a_password_and_costs_as_much() {
        // The same parameters are the same work.
        assert_eq!(hash_password("nobody", &[0; SALT_BYTES]).as_deref(), Ok(NOBODY));
        assert_eq!(compared("nobody", Some(NOBODY)), (true, false));
        assert_eq!(compared("nobody", None), (false, false));
    }

    #[test]
    fn what_is_no_hash_is_told() {
        for stored in ["", "$1$x", "$argon2id$", "correct horse"] {
            let compared = verify_password("correct horse", Some(stored));
            assert!(matches!(compared, Err(PasswordError::Failed(_))), "{stored}: {compared:?}");
        }
    }
}
