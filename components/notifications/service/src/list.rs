//! The caller's letters and what became of each.

use kernel::Timestamp;
use ports::{Ports, Sql, Statement, Value};
use serde::Serialize;
use web::page::{Page, invalid_cursor};
use web::{Exchange, Problem, Response};

use crate::facts::Facts;
use crate::kind::Kind;

/// A letter.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "document", derive(utoipa::ToSchema))]
pub(crate) struct Notification {
    /// `msg_…`, part of the letter's `Message-ID`.
    #[cfg_attr(feature = "document", schema(value_type = String))]
    id: String,
    kind: Kind,
    /// `auc_…`.
    auction_id: String,
    /// The auction's title when it happened.
    title: String,
    status: LetterStatus,
    /// How often it was given to the mail server.
    attempts: i64,
    #[cfg_attr(feature = "document", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    #[cfg_attr(feature = "document", schema(value_type = Option<String>, format = DateTime))]
    sent_at: Option<Timestamp>,
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "document", derive(utoipa::ToSchema))]
pub(crate) enum LetterStatus {
    /// Waits to be sent.
    Queued,
    /// The mail server has taken it.
    Sent,
    /// The mail server refused it for good.
    Failed,
    /// Not sent: its kind is switched off, or it would have come too late.
    Suppressed,
}

/// `GET /v1/me/notifications`, newest first.
pub(crate) async fn list<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let user = exchange.signed_in()?.subject.as_str();
    let query = web::Query::parse(exchange.request.query(), &["limit", "cursor"])?;
    let page = Page::parse(exchange.request.path(), &query)?;
    let mut values: Vec<Value> = vec![user.into(), i64::from(page.limit + 1).into()];
    let mut beyond = "";
    if let Some(position) = &page.position {
        let (created_at, id) = parse(position).ok_or_else(invalid_cursor)?;
        values.extend([created_at.into(), id.into()]);
        beyond = "AND (created_at, id) < (?3, ?4)";
    }
    let sql = format!(
        "SELECT id, kind, auction_id, facts, status, attempts, created_at, sent_at
         FROM notifications_letters WHERE user_id = ?1 {beyond}
         ORDER BY created_at DESC, id DESC LIMIT ?2"
    );
    let rows = Sql::query(ports, Statement::new(sql, values)).await?.rows;
    let mut letters = rows.iter().map(|row| letter(row).ok_or_else(Problem::internal));
    let limit = page.limit as usize;
    let shown = letters.by_ref().take(limit).collect::<Result<Vec<_>, _>>()?;
    let more = letters.next().is_some();
    let next = shown.last().filter(|_| more);
    let next = next.map(|last| format!("{} {}", last.created_at.as_ms(), last.id).into_bytes());
    let written = |letter| serde_json::to_vec(letter).map_err(|_| Problem::internal());
    let items = shown.iter().map(written).collect::<Result<Vec<_>, _>>()?;
    Ok(exchange.revalidated(page.response(items, next.as_deref())))
}

/// `created_at id`.
fn parse(position: &[u8]) -> Option<(i64, &str)> {
    let (created_at, id) = core::str::from_utf8(position).ok()?.split_once(' ')?;
    Some((created_at.parse().ok()?, id))
}

fn letter(row: &[Value]) -> Option<Notification> {
    let text = |at: usize| row.get(at)?.as_text();
    let integer = |at: usize| row.get(at)?.as_integer();
    let Facts { title, .. } = serde_json::from_str(text(3)?).ok()?;
    Some(Notification {
        id: text(0)?.to_owned(),
        kind: Kind::parse(text(1)?)?,
        auction_id: text(2)?.to_owned(),
        title,
        status: status(text(4)?)?,
        attempts: integer(5)?,
        created_at: Timestamp::from_ms(integer(6)?),
        sent_at: integer(7).map(Timestamp::from_ms),
    })
}

fn status(name: &str) -> Option<LetterStatus> {
    match name {
        "queued" => Some(LetterStatus::Queued),
        "sent" => Some(LetterStatus::Sent),
        "failed" => Some(LetterStatus::Failed),
        "suppressed" => Some(LetterStatus::Suppressed),
        _ => None,
    }
}
