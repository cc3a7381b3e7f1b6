//! Codes by mail: who types one reads the mail of that address.
//!
//! Only rows are kept. A code is a keyed digest of its row's id, so that a copy of the tables shows
//! none, and a letter that is sent again shows the same one.

use kernel::Timestamp;
use ports::{Outgoing, Ports, Sql, Statement, Value};
use serde_json::json;
use web::Problem;

use crate::schema::{integer, require, text};
use crate::sessions::Place;
use crate::{events, secrets};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A sign-up, or its address alone (`sign_ups.rs`).
    SignUp,
    /// A new password.
    Reset,
    /// A provider's account that has the same address.
    Link,
}

/// A code that was typed right, not yet spent.
pub(crate) struct Proof {
    /// Id of its row.
    pub(crate) id: String,
}

/// Who owns a row about an address without an account: nobody can tell whose address it was.
pub(crate) async fn nobody<P: Ports>(ports: &P, email: &str) -> String {
    format!("-{}", secrets::derived(ports, "identity.nobody", email).await)
}

/// The message that the letter of a row is due.
pub(crate) fn letter_due(id: &str) -> Outgoing {
    events::outgoing(events::LETTER_DUE, id, &json!({"letter": id}))
}

/// A new row in place of the one before it for the same account and purpose, and the message that
/// its letter is due. An address without an account owns a row as well, whose letter is nobody's:
/// what is written does not depend on who has an account, and who asked for which address is not
/// kept in the clear.
async fn due<P: Ports>(
    ports: &P,
    id: &str,
    purpose: &'static str,
    now: Timestamp,
    email: &str,
) -> (Statement, Outgoing) {
    let sql = "INSERT INTO identity_codes (id, owner, purpose, expires_at)
        SELECT ?1, coalesce(max(id), ?2), ?3, ?4 FROM identity_accounts WHERE email = ?5
        ON CONFLICT (owner, purpose) DO UPDATE SET
            id = excluded.id, expires_at = excluded.expires_at";
    let expires_at = now.plus_ms(CODE_KEPT_MS).as_ms();
    let nobody = nobody(ports, email).await;
    let values = [id.into(), nobody.into(), purpose.into(), expires_at.into(), email.into()];
    (Statement::new(sql, values), letter_due(id))
}

/// The letter to who forgot a password.
pub(crate) async fn due_to_reset<P: Ports>(
    ports: &P,
    now: Timestamp,
    email: &str,
) -> (Statement, Outgoing) {
    due(ports, &secrets::random(ports), "reset", now, email).await
}

/// The letter about a provider's account; `id` is the row's.
pub(crate) async fn due_to_link<P: Ports>(
    ports: &P,
    id: &str,
    now: Timestamp,
    email: &str,
) -> (Statement, Outgoing) {
    due(ports, id, "link", now, email).await
}

/// Counts a try at the codes that `of` may mean, and compares with each; 422 `invalid_code` when
/// none is right, or was tried too often. `of` is an address, and for [`Purpose::Link`] a row.
///
/// The try is written down before it is judged: of many at once none is free. One row more is
/// written in any case, so that a try at nothing takes as long as one at something.
pub(crate) async fn tried<P: Ports>(
    ports: &P,
    purpose: Purpose,
    of: &str,
    typed: &str,
    place: &Place,
    now: Timestamp,
) -> Result<Proof, Problem> {
    let update = format!(
        "INSERT INTO identity_tries (code_id, place, tries, expires_at)
        SELECT {}, ?1, 1, ?2 FROM {} AND expires_at > ?3
        UNION ALL SELECT ?4, ?1, 1, ?2 WHERE true
        ON CONFLICT (code_id, place) DO UPDATE SET
            tries = tries + 1, expires_at = excluded.expires_at
        RETURNING code_id, tries, (SELECT sum(t.tries) FROM identity_tries t
            WHERE t.code_id = identity_tries.code_id)",
        purpose.id(),
        purpose.rows(),
    );
    let nobody = nobody(ports, of).await;
    let expires_at = now.plus_ms(CODE_KEPT_MS).as_ms();
    let values =
        [place.key(), expires_at.into(), now.as_ms().into(), nobody.as_str().into(), of.into()];
    let outcomes = Sql::batch(ports, vec![Statement::new(update, values)]).await?;
    let mut live = Vec::new();
    for row in outcomes.iter().flat_map(|outcome| &outcome.rows) {
        // Six digits are guessed by many places as well as by one; 130 bits are not.
        let tries = integer(row, if purpose == Purpose::Reset { 1 } else { 2 })?;
        let id = text(row, 0)?;
        if tries <= TRIES_MAX && id != nobody {
            live.push(id);
        }
    }
    let typed = purpose.typed(typed);
    let mut right = None;
    // Nobody's codes are computed as well.
    for at in 0..purpose.codes_max() {
        let id = live.get(at);
        let code = code(ports, purpose, id.map_or("", String::as_str)).await;
        let is_right = secrets::equal(code.as_bytes(), typed.as_bytes());
        right = id.filter(|_| is_right).or(right);
    }
    right.map(|id| Proof { id: id.clone() }).ok_or_else(invalid_code)
}

impl Proof {
    /// Spends a code for the account that owns it, once: the batch is undone when somebody else was
    /// faster.
    pub(crate) fn spend(&self, account_id: &str) -> [Statement; 2] {
        let id = || Value::from(self.id.as_str());
        let there = "EXISTS (SELECT 1 FROM identity_codes WHERE id = ?1 AND owner = ?2)";
        let delete = "DELETE FROM identity_codes WHERE id = ?1";
        [require(there, [id(), account_id.into()]), Statement::new(delete, [id()])]
    }
}

impl Purpose {
    const fn id(self) -> &'static str {
        if matches!(self, Self::SignUp) { "code_id" } else { "id" }
    }

    /// Rows whose codes may be typed for `?5`.
    const fn rows(self) -> &'static str {
        match self {
            Self::SignUp => {
                "identity_sign_ups WHERE owner =
                (SELECT id FROM identity_accounts WHERE email = ?5 AND confirmed_at IS NULL)"
            }
            Self::Reset => {
                "identity_codes WHERE owner =
                (SELECT id FROM identity_accounts WHERE email = ?5) AND purpose = 'reset'"
            }
            Self::Link => "identity_codes WHERE id = ?5 AND purpose = 'link'",
        }
    }

    /// Most rows of one owner.
    const fn codes_max(self) -> usize {
        if matches!(self, Self::SignUp) { crate::sign_ups::PENDING_MAX } else { 1 }
    }

    /// What was typed, as codes are written: long ones in either case, with dashes and spaces.
    fn typed(self, typed: &str) -> String {
        if self != Self::Reset {
            return typed.to_owned();
        }
        let meant = typed.chars().filter(|char| !matches!(char, '-' | ' '));
        meant.map(|char| char.to_ascii_uppercase()).collect()
    }
}

/// The code of a row.
pub(crate) async fn code<P: Ports>(ports: &P, purpose: Purpose, id: &str) -> String {
    let bytes = ports.mac("identity.code", id.as_bytes()).await;
    if purpose == Purpose::Reset { letters(bytes) } else { digits(bytes) }
}

/// Six digits of 32 random bytes. 2^64 is no multiple of a million; what that favours is one part
/// in 10^13.
fn digits(bytes: [u8; 32]) -> String {
    let word = bytes.first_chunk::<8>().map_or(0, |word| u64::from_be_bytes(*word));
    format!("{:06}", word % 1_000_000)
}

/// 26 letters of base32 (RFC 4648), which are 130 bits of 32 random bytes: whoever types them gets
/// an account, so nobody must guess them, however often (reliability.md 3.1).
fn letters(bytes: [u8; 32]) -> String {
    let low = |half: Option<&[u8; 16]>| half.map_or(0, |half| u128::from_be_bytes(*half));
    let (front, back) = (low(bytes.first_chunk()), low(bytes.last_chunk()));
    let half = |word: u128| (0..13_u32).map(move |at| (word >> (5 * at)) & 31);
    let values = half(front).chain(half(back)).filter_map(|value| u8::try_from(value).ok());
    let letter = |value: u8| if value < 26 { b'A' + value } else { b'2' + (value - 26) };
    values.map(|value| char::from(letter(value))).collect()
}

/// 422: wrong, spent, expired or tried too often; which of these is not said.
pub(crate) fn invalid_code() -> Problem {
    let detail = "This code is wrong, was used, or is too old. Ask for a new one.";
    Problem::new(422, "invalid_code", detail)
}

/// How long a code can be typed (rules.md B12).
pub(crate) const CODE_KEPT_MS: i64 = 10 * 60 * 1_000;
/// How often (rules.md B12).
const TRIES_MAX: i64 = 5;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use kernel::Digest;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_is_six_digits(bytes in any::<[u8; 32]>()) {
            let code = digits(bytes);
            prop_assert_eq!(code.len(), 6);
            prop_assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
        }

        #[test]
        fn a_code_for_a_password_is_26_letters_of_base32(bytes in any::<[u8; 32]>()) {
            let code = letters(bytes);
            prop_assert_eq!(code.len(), 26);
            prop_assert!(code.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')));
        }

        /// All of its 130 bits come from the digest, each from one bit.
        #[test]
        fn every_letter_depends_on_bits_of_its_own(bytes in any::<[u8; 32]>(), at in 0..26_usize) {
            let (half, shift) = (at / 13, 5 * (at % 13));
            let mut other = bytes;
            other[16 * half + 15 - shift / 8] ^= 1 << (shift % 8);
            let pairs = letters(bytes).into_bytes().into_iter().zip(letters(other).into_bytes());
            let differs: Vec<_> = pairs.map(|(one, other)| one != other).collect();
            prop_assert_eq!(differs.iter().filter(|differs| **differs).count(), 1);
            prop_assert!(differs[at]);
        }
    }

    #[test]
    fn long_codes_are_typed_as_people_type_and_short_ones_are_not_read_into() {
        assert_eq!(Purpose::Reset.typed(" abcd-EFGH 2345-"), "ABCDEFGH2345");
        assert_eq!(Purpose::SignUp.typed("123-456"), "123-456");
    }

    /// 100 000 codes over a hundred bins: a fair die stays within 5 standard deviations of 1 000,
    /// at the front of the code and at its end.
    #[test]
    fn every_code_is_as_likely_as_every_other() {
        let (mut first, mut last) = (vec![0_u32; 100], vec![0_u32; 100]);
        for n in 0..100_000_u64 {
            let code: usize =
                digits(*Digest::of(&[&n.to_be_bytes()]).as_bytes()).parse().unwrap_or(0);
            for (bins, bin) in [(&mut first, code / 10_000), (&mut last, code % 100)] {
                bins.get_mut(bin).into_iter().for_each(|count| *count += 1);
            }
        }
        for count in first.into_iter().chain(last) {
            assert!((840..=1_160).contains(&count), "{count}");
        }
    }
}
