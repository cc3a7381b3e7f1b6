//! Typed ids: a prefix that names the kind and a UUIDv7, written as a TypeID (`auc_01jd…`).

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;

/// What an id names.
pub trait IdKind {
    /// The prefix before the underscore.
    const PREFIX: &'static str;
}

/// The kinds of ids (api.md §1).
pub mod kind {
    use super::IdKind;

    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $name {}
            impl IdKind for $name { const PREFIX: &'static str = $prefix; }
        )*};
    }

    kinds! {
        /// An auction, `auc_…`.
        Auction = "auc";
        /// A bid, `bid_…`.
        Bid = "bid";
        /// A second-chance offer, `off_…`.
        Offer = "off";
        /// A picture of an auction, `pic_…`.
        Picture = "pic";
        /// A session, `ses_…`.
        Session = "ses";
        /// A user, `usr_…`.
        User = "usr";
    }
}

/// The id of a `K`.
///
/// ```
/// use kernel::{Id, Timestamp, kind};
/// let id = Id::<kind::Auction>::new(Timestamp::from_ms(1_700_000_000_000), [7; 10]);
/// assert_eq!(id.to_string().parse(), Ok(id));
/// assert!(id.to_string().starts_with("auc_"));
/// ```
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind: {expected}_ and 26 characters")]
pub struct IdError {
    expected: &'static str,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX_MAX_CHARS: usize = 4;
const SUFFIX_CHARS: usize = 26;

/// What each byte counts in [`ALPHABET`].
#[allow(clippy::indexing_slicing, reason = "runs in the compiler")]
const DIGITS: [Option<u8>; 256] = {
    let mut digits = [None; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = Some(digit as u8);
        digit += 1;
    }
    digits
};

impl<K: IdKind> Id<K> {
    /// A UUIDv7 of that instant; `random` fills its 74 random bits.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let ms = u64::try_from(at.as_ms()).unwrap_or(0);
        let uuid = uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid();
        Self::from_u128(uuid.as_u128())
    }

    /// From the 128 bits of the UUID.
    pub const fn from_u128(bits: u128) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// The 128 bits of the UUID.
    pub const fn as_u128(self) -> u128 {
        self.bits
    }
}

/// Digits of an id in words of 64 bits: 2, then 12, then 12. Shifting 128 bits for each digit is
/// slow where words have 64.
const WORDS: [(usize, u32); 3] = [(2, 120), (14, 60), (SUFFIX_CHARS, 0)];
const WORD_BITS: u128 = (1 << 60) - 1;

/// An id's text, at the end of the bytes.
struct Text {
    bytes: [u8; PREFIX_MAX_CHARS + 1 + SUFFIX_CHARS],
    start: usize,
}

impl<K: IdKind> Id<K> {
    fn text(self) -> Text {
        const { assert!(K::PREFIX.len() <= PREFIX_MAX_CHARS) };
        let start = PREFIX_MAX_CHARS - K::PREFIX.len();
        let mut bytes = [b'_'; PREFIX_MAX_CHARS + 1 + SUFFIX_CHARS];
        let (prefix, suffix) = bytes.split_at_mut(PREFIX_MAX_CHARS + 1);
        let prefix = prefix.iter_mut().skip(start).zip(K::PREFIX.bytes());
        prefix.for_each(|(slot, byte)| *slot = byte);
        for (end, shift) in WORDS {
            let mut word = ((self.bits >> shift) & WORD_BITS) as u64;
            let digits = if end == 2 { 2 } else { 12 };
            for slot in suffix.get_mut(..end).unwrap_or_default().iter_mut().rev().take(digits) {
                *slot = ALPHABET.get((word & 31) as usize).copied().unwrap_or(b'0');
                word >>= 5;
            }
        }
        Text { bytes, start }
    }
}

impl Text {
    fn as_str(&self) -> &str {
        // Infallible: only ASCII was written.
        let text = self.bytes.get(self.start..).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = IdError { expected: K::PREFIX };
        let suffix = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        let suffix = suffix.filter(|suffix| suffix.len() == SUFFIX_CHARS).ok_or(wrong)?;
        // 26 × 5 = 130 bits: the first character may only carry three.
        if !suffix.starts_with(|first: char| ('0'..='7').contains(&first)) {
            return Err(wrong);
        }
        let (mut bits, mut start) = (0, 0);
        for (end, shift) in WORDS {
            let digits = suffix.as_bytes().get(start..end).unwrap_or_default();
            let word = digits.iter().try_fold(0, |word: u64, byte| {
                let digit = DIGITS.get(usize::from(*byte)).copied().flatten()?;
                Some((word << 5) | u64::from(digit))
            });
            bits |= u128::from(word.ok_or(wrong)?) << shift;
            start = end;
        }
        Ok(Self::from_u128(bits))
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.bits.cmp(&other.bits)
    }
}

impl<K> core::hash::Hash for Id<K> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.text().as_str())
        } else {
            self.bits.to_be_bytes().serialize(serializer)
        }
    }
}

impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            text.parse().map_err(de::Error::custom)
        } else {
            Ok(Self::from_u128(u128::from_be_bytes(<[u8; 16]>::deserialize(deserializer)?)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_id_is_a_uuid_of_version_seven() {
        let id = Id::<kind::Bid>::new(Timestamp::from_ms(0x0123_4567_89ab), [0xff; 10]);
        assert_eq!(id.as_u128() >> 80, 0x0123_4567_89ab);
        assert_eq!((id.as_u128() >> 76) & 15, 7);
        assert_eq!((id.as_u128() >> 62) & 3, 2);
        let later = Id::<kind::Bid>::new(Timestamp::from_ms(0x0123_4567_89ac), [0; 10]);
        assert!(id < later && id.to_string() < later.to_string());
    }

    #[test]
    fn the_example_of_the_type_id_specification() {
        let bits = 0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881;
        let id = Id::<kind::User>::from_u128(bits);
        assert_eq!(id.to_string(), "usr_01h2xcejqtf2nbrexx3vqjhp41");
    }

    #[test]
    fn other_kinds_and_garbage_are_refused() {
        let good = "usr_01h2xcejqtf2nbrexx3vqjhp41";
        assert!(good.parse::<Id<kind::User>>().is_ok());
        assert!(good.parse::<Id<kind::Bid>>().is_err());
        for wrong in [
            "",
            "usr_",
            "usr01h2xcejqtf2nbrexx3vqjhp41",
            "usr_01H2XCEJQTF2NBREXX3VQJHP41",
            "usr_01h2xcejqtf2nbrexx3vqjhp4",
            "usr_01h2xcejqtf2nbrexx3vqjhp411",
            "usr_81h2xcejqtf2nbrexx3vqjhp41",
            "usr_01h2xcejqtf2nbrexx3vqjhpl1",
            "usr_01h2xcejqtf2nbrexx3vqjh\u{e9}41",
        ] {
            assert!(wrong.parse::<Id<kind::User>>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_id_survives_text_and_binary(bits in any::<u128>()) {
            let id = Id::<kind::Auction>::from_u128(bits);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<Id<kind::Auction>>(&json).unwrap(), id);
            let binary = postcard::to_allocvec(&id).unwrap();
            prop_assert_eq!(binary.len(), 16);
            prop_assert_eq!(postcard::from_bytes::<Id<kind::Auction>>(&binary).unwrap(), id);
        }
    }
}
