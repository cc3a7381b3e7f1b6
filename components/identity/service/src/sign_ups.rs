//! Sign-ups that wait for the proof of their address: each with its own code, so that a code
//! confirms the password and the name that came with it and no others.
//!
//! An address has one row for each place that it was signed up from, known or not: a stranger's
//! sign-up takes no other's place, and an address that has an account is treated like any other.

use kernel::Timestamp;
use ports::{Outgoing, Ports, Sql, Statement, Value};
use web::Problem;

use crate::codes::{self, CODE_KEPT_MS, Proof};
use crate::schema::{optional_text, require, text};
use crate::secrets;
use crate::sessions::Place;

/// What somebody signs up with.
pub(crate) struct Wanted<'a> {
    pub(crate) email: &'a str,
    /// Hash of the password.
    pub(crate) password: &'a str,
    pub(crate) display_name: &'a str,
}

/// What the code of a row confirms.
pub(crate) struct Pending {
    code_id: String,
    /// None when the code was asked for where nobody signed up: it proves the address alone.
    pub(crate) password: Option<String>,
    pub(crate) display_name: Option<String>,
}

/// A row for a sign-up, in place of the one before it from the same place, and the message that its
/// letter is due. The account is there by now.
pub(crate) fn begin<P: Ports>(
    ports: &P,
    place: &Place,
    now: Timestamp,
    wanted: &Wanted<'_>,
) -> (Vec<Statement>, Outgoing) {
    let code_id = secrets::random(ports);
    let sql = "INSERT INTO identity_sign_ups
        (code_id, owner, place, password, display_name, signed_up_at, expires_at)
        SELECT ?1, id, ?2, ?3, ?4, ?5, ?6 FROM identity_accounts WHERE email = ?7
        ON CONFLICT (owner, place) DO UPDATE SET code_id = excluded.code_id,
            password = excluded.password, display_name = excluded.display_name,
            signed_up_at = excluded.signed_up_at, expires_at = excluded.expires_at";
    let values = [
        code_id.as_str().into(),
        place.key(),
        wanted.password.into(),
        wanted.display_name.into(),
        now.as_ms().into(),
        now.plus_ms(CODE_KEPT_MS).as_ms().into(),
        wanted.email.into(),
    ];
    (vec![Statement::new(sql, values), settle(&code_id)], codes::letter_due(&code_id))
}

/// A new code for the sign-up from this place, or for the only one that there is. Where neither is
/// there the code proves the address and nobody's password: whoever asks may have been pushed
/// between a person and that person's letter.
pub(crate) async fn again<P: Ports>(
    ports: &P,
    place: &Place,
    now: Timestamp,
    email: &str,
) -> (Vec<Statement>, Outgoing) {
    let code_id = secrets::random(ports);
    let sql = "INSERT INTO identity_sign_ups
        (code_id, owner, place, password, display_name, signed_up_at, expires_at)
        SELECT ?1, coalesce(max(a.id), ?2), ?3, max(s.password), max(s.display_name),
            coalesce(max(s.signed_up_at), ?4), ?5
        FROM identity_accounts a LEFT JOIN identity_sign_ups s ON s.owner = a.id
            AND (s.place = ?3 OR
            1 = (SELECT count(*) FROM identity_sign_ups o WHERE o.owner = a.id))
        WHERE a.email = ?6
        ON CONFLICT (owner, place) DO UPDATE SET
            code_id = excluded.code_id, expires_at = excluded.expires_at";
    let values = [
        code_id.as_str().into(),
        codes::nobody(ports, email).await.into(),
        place.key(),
        now.as_ms().into(),
        now.plus_ms(CODE_KEPT_MS).as_ms().into(),
        email.into(),
    ];
    (vec![Statement::new(sql, values), settle(&code_id)], codes::letter_due(&code_id))
}

/// Of the owner of a row: what moved to the row goes elsewhere, and so do the oldest.
fn settle(code_id: &str) -> Statement {
    let sql = "DELETE FROM identity_sign_ups WHERE code_id <> ?1
        AND owner = (SELECT owner FROM identity_sign_ups WHERE code_id = ?1)
        AND (password = (SELECT password FROM identity_sign_ups WHERE code_id = ?1)
        OR code_id NOT IN (SELECT o.code_id FROM identity_sign_ups o
            WHERE o.owner = identity_sign_ups.owner ORDER BY o.expires_at DESC LIMIT ?2))";
    let kept = i64::try_from(PENDING_MAX).unwrap_or(i64::MAX);
    Statement::new(sql, [code_id.into(), kept.into()])
}

impl Pending {
    /// What a proof is for, if it was not replaced meanwhile.
    pub(crate) async fn of<P: Ports>(ports: &P, proof: &Proof) -> Result<Option<Self>, Problem> {
        let sql = "SELECT code_id, password, display_name FROM identity_sign_ups
            WHERE code_id = ?1";
        let select = Statement::new(sql, [proof.id.as_str().into()]);
        let rows = Sql::query(ports, select).await?.rows;
        let read = |row: &Vec<Value>| {
            let (password, display_name) = (optional_text(row, 1), optional_text(row, 2));
            Ok(Self { code_id: text(row, 0)?, password, display_name })
        };
        rows.first().map(read).transpose()
    }

    /// Spends the code, once.
    pub(crate) fn spend(&self) -> [Statement; 2] {
        let id = || [Value::from(self.code_id.as_str())];
        let there = "EXISTS (SELECT 1 FROM identity_sign_ups WHERE code_id = ?1)";
        let delete = "DELETE FROM identity_sign_ups WHERE code_id = ?1";
        [require(there, id()), Statement::new(delete, id())]
    }
}

/// The hash that somebody who signed up with an address and signs in from a place would match.
pub(crate) async fn password<P: Ports>(
    ports: &P,
    place: &Place,
    email: &str,
) -> Result<Option<String>, Problem> {
    let sql = "SELECT s.password FROM identity_sign_ups s
        JOIN identity_accounts a ON a.id = s.owner
        WHERE a.email = ?1 AND s.password IS NOT NULL
        ORDER BY s.place = ?2 DESC, s.signed_up_at DESC LIMIT 1";
    let select = Statement::new(sql, [email.into(), place.key()]);
    let rows = Sql::query(ports, select).await?.rows;
    Ok(rows.first().and_then(|row| optional_text(row, 0)))
}

/// Most rows of an address. Letters have a rate: within the ten minutes of a code no more come
/// together, so that nobody's live code is pushed out.
pub(crate) const PENDING_MAX: usize = 7;
/// How long a sign-up can be confirmed by a newer code; as long as its address is held.
pub(crate) const PENDING_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
