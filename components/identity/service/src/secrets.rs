//! Words that are kept nowhere: tokens are known by their hash, codes follow from their row.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Digest;
use ports::Ports;
use subtle::ConstantTimeEq as _;

/// 43 characters of base64url.
pub(crate) fn written(bytes: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A word that nobody can guess.
pub(crate) fn random<P: Ports>(ports: &P) -> String {
    written(&ports.secret_bytes())
}

/// A word that only this platform can make, of another one and for one purpose.
pub(crate) async fn derived<P: Ports>(ports: &P, purpose: &str, of: &str) -> String {
    written(&ports.mac(purpose, of.as_bytes()).await)
}

/// Under what a word is kept. It is too long to be found by trying.
pub(crate) fn hash(word: &str) -> Vec<u8> {
    Digest::of(&[word.as_bytes()]).as_bytes().to_vec()
}

/// Compares in a time that does not tell where the two differ.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
