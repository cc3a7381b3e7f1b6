//! Keyed digests: HMAC-SHA-256.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The digest of a message under a key and a purpose. Purposes do not hold NUL.
pub fn mac(key: &[u8; 32], purpose: &str, message: &[u8]) -> [u8; 32] {
    hmac(key, &[purpose.as_bytes(), &[0], message])
}

/// A key that follows from a secret. Who knows one of its keys learns nothing of the others, nor of
/// the secret.
pub fn derive(secret: &[u8], purpose: &str) -> [u8; 32] {
    hmac(secret, &[purpose.as_bytes()])
}

#[allow(clippy::expect_used, reason = "HMAC takes keys of every length")]
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of some length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use kernel::Digest;

    use super::*;

    fn hex(bytes: [u8; 32]) -> String {
        Digest::from_bytes(bytes).to_hex()
    }

    #[test]
    fn a_mac_depends_on_key_purpose_and_message() {
        let mac = mac(&[1; 32], "p", b"m");
        assert_eq!(mac, super::mac(&[1; 32], "p", b"m"));
        for (key, purpose, message) in
            [([2; 32], "p", "m"), ([1; 32], "p2", "m"), ([1; 32], "p", "m2"), ([1; 32], "pm", "")]
        {
            assert_ne!(mac, super::mac(&key, purpose, message.as_bytes()), "{purpose} {message}");
        }
    }

    #[test]
    fn a_derived_key_is_the_hmac_of_its_purpose() {
        // RFC 4231, test cases 2 and 6: short and long secrets.
        let short = derive(b"Jefe", "what do ya want for nothing?");
        assert_eq!(hex(short), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = derive(&[0xaa; 131], "Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
