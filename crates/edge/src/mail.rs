//! Letters: handed to a mail service over HTTP, or kept where there is none (docs/adr/0026).
//!
//! What was sent is written down by its key, so that a message that comes twice sends one letter.
//! Between the service's word and ours an instance can end: then the letter is handed over again,
//! under the same `idempotency-key` and `Message-ID`.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use kernel::{Digest, Timestamp};
use ports::{Captured, HttpRequest, Letter, MailError, Value};
use serde_json::json;

use crate::cells::Cells;
use crate::store::Store;
use crate::world::{Connection, StoreError, World};

impl From<StoreError> for Unsent {
    fn from(error: StoreError) -> Self {
        Self(MailError::Unavailable(error.to_string()))
    }
}

/// A [`MailError`] that a transaction may end with.
struct Unsent(MailError);

impl From<MailError> for Unsent {
    fn from(error: MailError) -> Self {
        Self(error)
    }
}

/// Sends or keeps a letter; a key that went through is not sent again.
pub(crate) async fn send<W: World>(
    world: &W,
    store: &Store<W::Connection>,
    key: &str,
    letter: &Letter,
) -> Result<(), MailError> {
    // A letter that is only kept because nobody could be asked where to send it would be lost.
    let sent = match setting(world, "mail_url")? {
        None => keep(store, key, letter, world.now()),
        Some(url) => hand_over(world, store, &url, key, letter).await,
    };
    sent.map_err(|Unsent(error)| error)
}

/// The newest letters that were kept, to that address or to all; none where mail is sent.
pub(crate) fn captured<W: World>(
    world: &W,
    store: &Store<W::Connection>,
    to: Option<&str>,
    limit: u32,
) -> Result<Vec<Captured>, StoreError> {
    if world.setting("mail_url").map_err(StoreError)?.is_some() {
        return Ok(Vec::new());
    }
    let sql = "select id, recipient, subject, letter, sent_at from edge_letters \
        where ?1 is null or recipient = ?1 order by id desc limit ?2";
    let parameters = [to.into(), i64::from(limit).into()];
    let found = store.read(|connection| connection.execute(sql, &parameters))?;
    found.rows.into_iter().map(kept).collect()
}

fn keep<C: Connection>(
    store: &Store<C>,
    key: &str,
    letter: &Letter,
    now: Timestamp,
) -> Result<(), Unsent> {
    let Letter { to, subject, text, html, headers } = letter;
    let rest = json!({ "text": text, "html": html, "headers": headers }).to_string();
    store.write(|connection| {
        if !mark(connection, key, now)? {
            return Ok(());
        }
        let sql = "insert into edge_letters (recipient, subject, letter, sent_at) \
            values (?1, ?2, ?3, ?4)";
        let (to, subject) = (to.as_str().into(), subject.as_str().into());
        connection.execute(sql, &[to, subject, rest.into_bytes().into(), now.as_ms().into()])?;
        let sql = "delete from edge_letters where id <= (select max(id) from edge_letters) - ?1";
        connection.execute(sql, &[KEPT_MAX.into()])?;
        Ok(())
    })
}

async fn hand_over<W: World>(
    world: &W,
    store: &Store<W::Connection>,
    url: &str,
    key: &str,
    letter: &Letter,
) -> Result<(), Unsent> {
    let look = "select 1 from edge_sent where key = ?1";
    let known = store.read(|connection| connection.execute(look, &[key.into()]))?;
    if !known.rows.is_empty() {
        return Ok(());
    }
    let from = setting(world, "mail_from")?.unwrap_or_else(|| FROM.to_owned());
    let Letter { to, subject, text, html, headers } = letter;
    let body = json!({
        "key": key, "message_id": message_id(key, &from), "from": from, "to": to,
        "subject": subject, "text": text, "html": html, "headers": headers,
    });
    let field = |name: &str, value: String| (name.to_owned(), value);
    let mut fields = vec![
        field("content-type", "application/json".to_owned()),
        field("idempotency-key", key.to_owned()),
    ];
    if let Some(token) = setting(world, "mail_token")? {
        fields.push(field("authorization", format!("Bearer {token}")));
    }
    let (method, url) = ("POST".to_owned(), url.to_owned());
    let body = body.to_string().into_bytes();
    let answer = world.send(&HttpRequest { method, url, headers: fields, body }).await;
    match answer.map(|answer| answer.status) {
        Ok(200..=299) => {
            store.write(|connection| Ok(mark(connection, key, world.now()).map(drop)?))
        }
        // Without more than the number: the rest may repeat the address.
        Ok(status) => Err(Unsent(meaning(status))),
        Err(error) => Err(Unsent(MailError::Unavailable(error.to_string()))),
    }
}

/// An answer about the letter is for good. All others are for now: an address, a token or a bill is
/// the operator's to mend, and the letter waits for that.
fn meaning(status: u16) -> MailError {
    let said = format!("the mail service answered {status}");
    let is_for_good = (400..500).contains(&status) && !FOR_NOW.contains(&status);
    if is_for_good { MailError::Rejected(said) } else { MailError::Unavailable(said) }
}

/// The same for all attempts of a key.
fn message_id(key: &str, from: &str) -> String {
    let digest = Digest::of(&[key.as_bytes()]).to_hex();
    let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let domain = domain.trim_end_matches(|symbol: char| symbol == '>' || symbol.is_whitespace());
    format!("<{}@{domain}>", digest.get(..32).unwrap_or_default())
}

/// Writes a key down; false when it is known. Old keys go: no message comes again after so long.
fn mark<C: Connection>(connection: &C, key: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "insert into edge_sent (key, sent_at) values (?1, ?2) on conflict do nothing";
    connection.execute(sql, &[key.into(), now.as_ms().into()])?;
    let is_new = connection.changes() == 1;
    if is_new {
        let before = now.plus_ms(-KEYS_KEPT_MS).as_ms();
        connection.execute("delete from edge_sent where sent_at < ?1", &[before.into()])?;
    }
    Ok(is_new)
}

fn kept(row: Vec<Value>) -> Result<Captured, StoreError> {
    let mut cells = Cells::of(row);
    let id = cells.integer()?.to_string();
    let (to, subject) = (cells.text()?, cells.text()?);
    let rest: serde_json::Value = serde_json::from_slice(&cells.bytes()?)
        .map_err(|error| StoreError(format!("a kept letter: {error}")))?;
    let text_of = |name| rest.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let (text, html) = (text_of("text").unwrap_or_default(), text_of("html"));
    let headers = rest.get("headers").cloned().unwrap_or_default();
    let headers = serde_json::from_value(headers).unwrap_or_default();
    let letter = Letter { to, subject, text, html, headers };
    Ok(Captured { id, letter, sent_at: cells.integer()? })
}

fn setting(world: &impl World, name: &str) -> Result<Option<String>, MailError> {
    world.setting(name).map_err(|why| MailError::Unavailable(format!("variable {name}: {why}")))
}

/// Client errors that speak of the operator, or of the moment.
const FOR_NOW: &[u16] = &[401, 402, 403, 404, 405, 407, 408, 425, 429];
const FROM: &str = "EcomAuction <no-reply@localhost>";
/// Letters that are kept, the newest.
const KEPT_MAX: i64 = 10_000;
/// How long keys are known.
const KEYS_KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
