//! Ids as text, against a reader that was written from their definition alone.

use kernel::{Id, IdKind, Timestamp, kind};

use crate::instants;

/// Reads the text as every kind of id; the bytes are numbers as well.
pub(crate) fn run(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        reads::<kind::Auction>(text);
        reads::<kind::Bid>(text);
        reads::<kind::Offer>(text);
        reads::<kind::User>(text);
    }
    if let Some((first, rest)) = bytes.split_first_chunk::<16>() {
        let id = Id::<kind::User>::from_u128(u128::from_be_bytes(*first));
        survives(id);
        if let Some((second, rest)) = rest.split_first_chunk::<16>() {
            sorts_by_time(first, second, rest);
        }
    }
}

/// `PREFIX_` and 26 digits of base 32 without padding.
fn reads<K: IdKind>(text: &str) {
    let read = text.parse::<Id<K>>().ok().map(Id::as_u128);
    let digits = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_'));
    let strict = digits.filter(|digits| digits.len() == 26).and_then(|digits| {
        digits.chars().try_fold(0_u128, |bits, digit| {
            let at = "0123456789abcdefghjkmnpqrstvwxyz".find(digit)?;
            bits.checked_mul(32)?.checked_add(at as u128)
        })
    });
    assert_eq!(read, strict, "{text:?}");
    if let Ok(id) = text.parse::<Id<K>>() {
        assert_eq!(id.to_string(), text);
        survives(id);
    }
}

fn survives<K: IdKind>(id: Id<K>) {
    assert_eq!(id.to_string().parse(), Ok(id));
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(serde_json::from_str::<Id<K>>(&json).unwrap(), id);
    let binary = postcard::to_allocvec(&id).unwrap();
    assert_eq!(postcard::from_bytes::<Id<K>>(&binary).unwrap(), id);
}

/// Ids of two instants sort as the instants do, as values and as text.
fn sorts_by_time(first: &[u8; 16], second: &[u8; 16], random: &[u8]) {
    let at = |bytes: &[u8; 16]| {
        let ms = bytes.first_chunk::<6>().unwrap();
        let ms = ms.iter().fold(0_i64, |ms, byte| ms << 8 | i64::from(*byte));
        Timestamp::from_ms(ms)
    };
    let mut noise = [0; 10];
    noise.iter_mut().zip(random).for_each(|(slot, byte)| *slot = *byte);
    let mut inverse = noise;
    inverse.iter_mut().for_each(|byte| *byte = !*byte);
    let (a, b) = (Id::<kind::Bid>::new(at(first), noise), Id::new(at(second), inverse));
    if at(first) != at(second) {
        assert_eq!(a.cmp(&b), at(first).cmp(&at(second)));
        assert_eq!(a.to_string().cmp(&b.to_string()), at(first).cmp(&at(second)));
    }
    instants::survives(at(first));
}
