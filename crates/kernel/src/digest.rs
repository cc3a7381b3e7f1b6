//! SHA-256 values: the hash chain over an entity's public log, salts and commitments (api.md §5).

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::canonical;

/// 32 bytes of SHA-256. Lower-case hex in JSON, raw bytes in binary forms.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// Where an entity's public log stands: `hash_0 = SHA-256(key)`, `hash_n = SHA-256(hash_{n-1} ||
/// body_n)` (api.md §5).
///
/// ```
/// use kernel::ChainHead;
/// let genesis = ChainHead::genesis("auc_01");
/// assert_ne!(genesis, genesis.extend(b"{}"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainHead(Digest);

/// 32 secret bytes in front of a hidden value, so that its commitment cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(Digest);

impl Digest {
    /// Bytes of a digest.
    pub const LEN: usize = 32;

    /// SHA-256 of the parts, one after the other.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// From raw bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// From 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        parse_hex(text)
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        self.hex_digits().as_str().to_owned()
    }

    fn hex_digits(&self) -> HexDigits {
        let mut digits = [0_u8; 64];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [hex_digit(byte >> 4), hex_digit(byte & 15)];
        }
        HexDigits(digits)
    }
}

impl ChainHead {
    /// The head before the first event.
    pub fn genesis(key: &str) -> Self {
        Self(Digest::of(&[key.as_bytes()]))
    }

    /// The head after an event with that canonical body.
    #[must_use]
    pub fn extend(self, body: &[u8]) -> Self {
        Self(Digest::of(&[self.0.as_bytes(), body]))
    }

    /// The digest.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// From raw bytes.
    pub const fn from_bytes(bytes: [u8; Digest::LEN]) -> Self {
        Self(Digest(bytes))
    }
}

impl Salt {
    /// The salt of the event `seq`: SHA-256(seed || seq as 8 bytes, big-endian).
    pub fn derive(seed: &[u8; Digest::LEN], seq: u64) -> Self {
        Self(Digest::of(&[seed, &seq.to_be_bytes()]))
    }

    /// SHA-256(salt || canonical JSON of the value).
    pub fn commit<T: Serialize>(&self, value: &T) -> Digest {
        Digest::of(&[self.0.as_bytes(), &canonical::to_vec(value)])
    }

    /// The digest.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hex_digits().as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.hex_digits().as_str())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return Ok(Self(<[u8; Self::LEN]>::deserialize(deserializer)?));
        }
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse_hex(&text).ok_or_else(|| de::Error::custom("not 64 lower-case hex digits"))
    }
}

struct HexDigits([u8; 64]);

impl HexDigits {
    fn as_str(&self) -> &str {
        // Infallible: only ASCII digits were written.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

fn parse_hex(text: &str) -> Option<Digest> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pairs: &[[u8; 2]; Digest::LEN] = pairs.try_into().ok()?;
    let mut bytes = [0_u8; Digest::LEN];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    rest.is_empty().then_some(Digest(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn known_answers() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(&[]).to_hex(), empty);
        assert_eq!(Digest::of(&[b"a", b"bc"]), Digest::of(&[b"abc"]));
        let genesis = ChainHead::genesis("auc_x");
        assert_eq!(*genesis.digest(), Digest::of(&[b"auc_x"]));
        let body = br#"{"seq":1}"#;
        assert_eq!(*genesis.extend(body).digest(), Digest::of(&[&genesis.0.0, body]));
    }

    #[test]
    fn hex_and_bytes_round_trip_and_garbage_is_refused() {
        let digest = Digest::of(&[b"x"]);
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json.len(), 66);
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        let binary = postcard::to_allocvec(&digest).unwrap();
        assert_eq!(binary, digest.0);
        assert_eq!(postcard::from_bytes::<Digest>(&binary).unwrap(), digest);
        for wrong in ["", "00", &json[1..64], &json[1..65].to_uppercase(), &"g".repeat(64)] {
            assert!(serde_json::from_value::<Digest>((*wrong).into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_salt_depends_on_seed_and_seq_and_a_commitment_on_the_value() {
        let salt = Salt::derive(&[7; 32], 258);
        let mut input = vec![7; 32];
        input.extend_from_slice(&[0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(salt.0, Digest::of(&[&input]));
        assert_ne!(salt, Salt::derive(&[7; 32], 259));
        let money: crate::Money = serde_json::from_str(r#"{"currency":"USD","amount":5}"#).unwrap();
        let text = br#"{"amount":5,"currency":"USD"}"#;
        assert_eq!(salt.commit(&money), Digest::of(&[&salt.0.0, text]));
    }
}
