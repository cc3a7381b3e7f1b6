//! Signatures under what stands in a log. Ed25519 draws nothing by chance: the same key and message
//! are the same signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ports::ProofSignature;

use crate::{SigningKey, derive};

/// Signs a proof.
pub fn sign_proof(key: &SigningKey, message: &[u8]) -> ProofSignature {
    let signature = URL_SAFE_NO_PAD.encode(key.signature(message));
    ProofSignature { key_id: key.id().to_owned(), signature }
}

/// The period of an instant, where keys follow from a secret: each has its own key. What lies
/// before the first belongs to it.
pub fn proof_period(at_ms: i64) -> u32 {
    let periods = at_ms.saturating_sub(PROOF_EPOCH_MS).div_euclid(PROOF_PERIOD_MS);
    u32::try_from(periods.max(0)).unwrap_or(u32::MAX)
}

/// The seed of a period's key.
pub fn proof_seed(secret: &[u8], period: u32) -> [u8; 32] {
    derive(secret, &format!("proof/{period}"))
}

/// 2026-01-01T00:00:00Z, when the first period begins.
pub const PROOF_EPOCH_MS: i64 = 1_767_225_600_000;
/// A proof key signs for so long: 90 days.
pub const PROOF_PERIOD_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_proof_has_one_signature_and_a_period_one_key() {
        let key = |period| SigningKey::of(&proof_seed(b"a secret", period));
        let signed = sign_proof(&key(3), b"auc_1:7:00");
        assert_eq!(sign_proof(&key(3), b"auc_1:7:00"), signed);
        assert_ne!(sign_proof(&key(3), b"auc_1:8:00"), signed);
        assert_ne!(sign_proof(&key(4), b"auc_1:7:00").key_id, signed.key_id);
        assert_eq!((signed.key_id.len(), signed.signature.len()), (16, 86));
    }

    #[test]
    fn the_first_period_has_no_beginning_and_none_has_an_end_before_the_next() {
        let last = PROOF_EPOCH_MS + PROOF_PERIOD_MS - 1;
        for at in [i64::MIN, 0, PROOF_EPOCH_MS, last] {
            assert_eq!(proof_period(at), 0, "{at}");
        }
        assert_eq!(proof_period(last + 1), 1);
        assert_eq!(proof_period(last + 1 + 9 * PROOF_PERIOD_MS), 10);
    }
}
