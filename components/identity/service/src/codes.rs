//! Six digits by mail: who types them reads the mail of that address.
//!
//! Only the row is kept. Its code is a keyed digest of it, so that a copy of the tables shows none,
//! and a letter that is sent again shows the same one.

use kernel::Timestamp;
use ports::{Outgoing, Ports, Sql, Statement, Value};
use serde_json::json;
use web::Problem;

use crate::schema::{require, text};
use crate::{events, secrets};

/// What a letter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The address of a new account.
    Confirm,
    /// A new password.
    Reset,
    /// A provider's account that has the same address.
    Link,
    /// No code: there is an account already.
    Known,
}

impl Purpose {
    /// The word in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::Link => "link",
            Self::Known => "known",
        }
    }

    /// The purpose of a word in the table.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let all = [Self::Confirm, Self::Reset, Self::Link, Self::Known];
        all.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// A code that was typed right, not yet spent.
pub(crate) struct Proof {
    /// Id of its row.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) account_id: String,
}

/// A new row in place of the one before it for the same account and purpose, and the message that
/// its letter is due. `purpose` is SQL over the account with the address. An address without an
/// account owns a row as well, whose letter is nobody's: what is written does not depend on who has
/// an account, and who asked for which address is not kept in the clear.
async fn due<P: Ports>(
    ports: &P,
    id: &str,
    purpose: &'static str,
    now: Timestamp,
    email: &str,
) -> (Statement, Outgoing) {
    let sql = format!(
        "INSERT INTO identity_codes (id, owner, purpose, expires_at, tries)
        SELECT ?1, coalesce(max(id), ?2), {purpose}, ?3, 0 FROM identity_accounts WHERE email = ?4
        ON CONFLICT (owner, purpose) DO UPDATE SET
            id = excluded.id, expires_at = excluded.expires_at, tries = 0"
    );
    let nobody = format!("-{}", secrets::derived(ports, "identity.nobody", email).await);
    let expires_at = now.plus_ms(CODE_KEPT_MS).as_ms();
    let values = [id.into(), nobody.into(), expires_at.into(), email.into()];
    let due = events::outgoing(events::LETTER_DUE, id, &json!({"letter": id}));
    (Statement::new(sql, values), due)
}

/// The letter of an address that somebody signed up with, or asked for again.
pub(crate) async fn due_to_confirm<P: Ports>(
    ports: &P,
    now: Timestamp,
    email: &str,
) -> (Statement, Outgoing) {
    let purpose = "CASE WHEN max(confirmed_at) IS NULL THEN 'confirm' ELSE 'known' END";
    due(ports, &secrets::random(ports), purpose, now, email).await
}

/// The letter to who forgot a password.
pub(crate) async fn due_to_reset<P: Ports>(
    ports: &P,
    now: Timestamp,
    email: &str,
) -> (Statement, Outgoing) {
    due(ports, &secrets::random(ports), "'reset'", now, email).await
}

/// The letter about a provider's account; `id` is the row's.
pub(crate) async fn due_to_link<P: Ports>(
    ports: &P,
    id: &str,
    now: Timestamp,
    email: &str,
) -> (Statement, Outgoing) {
    due(ports, id, "'link'", now, email).await
}

/// Which code is meant.
pub(crate) enum Which<'a> {
    /// The newest of an address and purpose.
    Newest(&'a str, Purpose),
    /// The one of a row.
    Row(&'a str),
}

/// Counts a try and compares; 422 `invalid_code` when the code is wrong, spent or expired, or was
/// tried too often. The try is written down before it is judged: of many at once none is free.
pub(crate) async fn tried<P: Ports>(
    ports: &P,
    which: Which<'_>,
    typed: &str,
    now: Timestamp,
) -> Result<Proof, Problem> {
    let (row, value): (&str, Vec<Value>) = match which {
        Which::Newest(email, purpose) => (
            "owner = (SELECT id FROM identity_accounts WHERE email = ?3) AND purpose = ?4",
            vec![email.into(), purpose.as_str().into()],
        ),
        Which::Row(id) => ("id = ?3", vec![id.into()]),
    };
    let update = format!(
        "UPDATE identity_codes SET tries = tries + 1
        WHERE {row} AND tries < ?1 AND expires_at > ?2 RETURNING id, owner"
    );
    let values = [TRIES_MAX.into(), now.as_ms().into()].into_iter().chain(value);
    let outcomes = Sql::batch(ports, vec![Statement::new(update, values)]).await?;
    let row = outcomes.first().and_then(|outcome| outcome.rows.first());
    let id = row.map(|row| text(row, 0)).transpose()?;
    // Nobody's code is computed as well.
    let code = code(ports, id.as_deref().unwrap_or_default()).await;
    let equal = secrets::equal(code.as_bytes(), typed.as_bytes());
    match (id, row) {
        (Some(id), Some(row)) if equal => Ok(Proof { id, account_id: text(row, 1)? }),
        _ => Err(invalid_code()),
    }
}

impl Proof {
    /// Spends the code, once: the batch is undone when somebody else was faster.
    pub(crate) fn spend(&self) -> [Statement; 2] {
        let id = || [self.id.as_str().into()];
        let there = "EXISTS (SELECT 1 FROM identity_codes WHERE id = ?1)";
        let delete = "DELETE FROM identity_codes WHERE id = ?1";
        [require(there, id()), Statement::new(delete, id())]
    }
}

/// The code of a row.
pub(crate) async fn code<P: Ports>(ports: &P, id: &str) -> String {
    digits(ports.mac("identity.code", id.as_bytes()).await)
}

/// Six digits of 32 random bytes. 2^64 is no multiple of a million; what that favours is one part
/// in 10^13.
fn digits(bytes: [u8; 32]) -> String {
    let word = bytes.first_chunk::<8>().map_or(0, |word| u64::from_be_bytes(*word));
    format!("{:06}", word % 1_000_000)
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
