//! What is done with keys, for every platform: access tokens, key sets, proofs, passwords,
//! macs.
//!
//! Bytes in, bytes out: where keys are kept, what the time is and whence randomness comes is the
//! platform's to say. Platforms that share a secret read each other's tokens and hashes.

mod macs;
mod passwords;
mod proofs;
mod tokens;
mod verified;

pub use macs::{derive, mac};
pub use passwords::{SALT_BYTES, hash_password, verify_password};
pub use proofs::{PROOF_EPOCH_MS, PROOF_PERIOD_MS, proof_period, proof_seed, sign_proof};
pub use tokens::{SigningKey, check, jwk_set, sign};
pub use verified::Verified;
