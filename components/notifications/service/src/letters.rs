//! Rows of letters: one for each fact and person, whatever comes twice.

use std::collections::BTreeSet;

use kernel::{Digest, Id, IdKind, Timestamp};
use ports::{Outgoing, Ports, Sql, SqlError, Statement, Value};

use crate::facts::{Facts, LetterDue};
use crate::kind::Kind;

/// Topic of letters that wait to be sent.
pub(crate) const DUE: &str = "notifications.letter-due.v1";

/// A letter that somebody should get.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) user: String,
    pub(crate) facts: Facts,
}

/// What letters tell of: an event of an auction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) auction: &'a str,
    pub(crate) seq: i64,
    /// When it was told: the same each time.
    pub(crate) at: Timestamp,
}

/// Ids of letters, `msg_…`.
enum Letter {}

impl IdKind for Letter {
    const PREFIX: &'static str = "msg";
}

/// Writes the letters of an event that are not there yet and says that they are due, both or
/// neither. What is written `also` comes with the last of them.
pub(crate) async fn write<P: Ports>(
    ports: &P,
    occasion: Occasion<'_>,
    drafts: Vec<Draft>,
    also: Vec<Statement>,
) -> Result<(), String> {
    let drafts: Vec<_> = drafts.into_iter().map(|draft| (occasion, draft)).collect();
    write_all(ports, &drafts, also).await
}

/// The same for letters of several events, in few transactions.
pub(crate) async fn write_all<P: Ports>(
    ports: &P,
    drafts: &[(Occasion<'_>, Draft)],
    also: Vec<Statement>,
) -> Result<(), String> {
    in_parts(ports, drafts, also).await.map_err(|error| error.to_string())
}

async fn in_parts<P: Ports>(
    ports: &P,
    drafts: &[(Occasion<'_>, Draft)],
    also: Vec<Statement>,
) -> Result<(), SqlError> {
    let mut also = Some(also);
    let mut parts = drafts.chunks(PART_LETTERS).peekable();
    loop {
        let part = parts.next().unwrap_or_default();
        let is_last = parts.peek().is_none();
        let mut statements = Vec::with_capacity(part.len());
        let mut due = Vec::with_capacity(part.len());
        let ids: Vec<String> = part.iter().map(|(occasion, draft)| id(occasion, draft)).collect();
        let mut known = known(ports, &ids).await?;
        for (id, (occasion, draft)) in ids.into_iter().zip(part) {
            if known.insert(id.clone()) {
                due.push(is_due(&id, draft)?);
                statements.push(insert(ports.now(), id, occasion, draft)?);
            }
        }
        if is_last {
            statements.extend(also.take().unwrap_or_default());
        }
        if !statements.is_empty() {
            Sql::batch_and_send(ports, statements, due).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

/// The same for the same fact, kind and person.
fn id(occasion: &Occasion<'_>, draft: &Draft) -> String {
    let seq = occasion.seq.to_be_bytes();
    let parts: [&[u8]; 7] = [
        draft.kind.as_str().as_bytes(),
        b"|",
        occasion.auction.as_bytes(),
        b"|",
        &seq,
        b"|",
        draft.user.as_bytes(),
    ];
    let digest = Digest::of(&parts);
    let random = digest.as_bytes().first_chunk().copied().unwrap_or_default();
    Id::<Letter>::new(occasion.at, random).to_string()
}

/// Which of the ids have a row.
async fn known<P: Ports>(ports: &P, ids: &[String]) -> Result<BTreeSet<String>, SqlError> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let places = vec!["?"; ids.len()].join(", ");
    let sql = format!("SELECT id FROM notifications_letters WHERE id IN ({places})");
    let values = ids.iter().map(|id| Value::from(id.as_str()));
    let rows = Sql::query(ports, Statement::new(sql, values)).await?.rows;
    Ok(rows.iter().filter_map(|row| row.first()?.as_text()).map(str::to_owned).collect())
}

/// Nothing for an account that was erased.
fn insert(
    now: Timestamp,
    id: String,
    occasion: &Occasion<'_>,
    draft: &Draft,
) -> Result<Statement, SqlError> {
    let sql = "INSERT INTO notifications_letters
        (id, kind, user_id, auction_id, facts, status, attempts, fact_at, created_at)
        SELECT ?1, ?2, ?3, ?4, ?5, 'queued', 0, ?6, ?7
        WHERE NOT EXISTS (SELECT 1 FROM notifications_contacts
            WHERE user_id = ?3 AND email IS NULL)
        ON CONFLICT (id) DO NOTHING";
    let facts = serde_json::to_string(&draft.facts).map_err(unwritable)?;
    let values: [Value; 7] = [
        id.into(),
        draft.kind.as_str().into(),
        draft.user.as_str().into(),
        occasion.auction.into(),
        facts.into(),
        occasion.at.as_ms().into(),
        now.as_ms().into(),
    ];
    Ok(Statement::new(sql, values))
}

fn is_due(id: &str, draft: &Draft) -> Result<Outgoing, SqlError> {
    let body = serde_json::to_vec(&LetterDue { letter_id: id.to_owned() }).map_err(unwritable)?;
    Ok(Outgoing { topic: DUE, key: draft.user.clone(), body })
}

fn unwritable(error: serde_json::Error) -> SqlError {
    SqlError::Invalid(error.to_string())
}

/// Letters that are written at once: as many as one statement can ask for.
const PART_LETTERS: usize = kernel::limits::SQL_MAX_PARAMETERS;
