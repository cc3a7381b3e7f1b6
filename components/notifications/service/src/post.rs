//! Letters that are due: rendered, sent, and what became of them.

use kernel::Timestamp;
use ports::{Delivery, Mail, MailError, Ports, Sql, Statement, Value};

use crate::facts::Facts;
use crate::kind::Kind;
use crate::words::{self, Reader};

/// A letter's row with what is known of its reader now.
struct Waiting {
    kind: Kind,
    user: String,
    auction: String,
    facts: Facts,
    is_queued: bool,
    contact: Contact,
    is_wanted: bool,
    /// Was it said that the auction has ended?
    is_over: bool,
}

enum Contact {
    /// Identity's message has not come yet.
    Unknown,
    Erased,
    Known {
        email: String,
        name: String,
    },
}

/// What became of an attempt.
enum Attempt {
    /// Nothing to do any more.
    Settled,
    /// Status to write, with the reason where there is one.
    Done(&'static str, Option<String>),
    /// Not sent; to be tried again.
    Refused(String),
    /// Not tried.
    Later(String),
}

/// Sends each letter that still waits. The platform sends nothing twice under one key, so what is
/// not written down here may well be asked of it again. A call that runs out of time would count as
/// broken by its letters: those that it does not come to are for later.
pub(crate) async fn post<P: Ports>(ports: &P, ids: &[String]) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(ids.len());
    let mut outcomes = Vec::new();
    let begun_by = ports.now().plus_ms(BEGUN_WITHIN_MS);
    for id in ids {
        let attempt = if ports.now() > begun_by {
            Attempt::Later("others before it took the time".to_owned())
        } else {
            attempt(ports, id).await.unwrap_or_else(Attempt::Later)
        };
        deliveries.push(match attempt {
            Attempt::Settled => Delivery::Ack,
            Attempt::Done(status, why) => {
                outcomes.push(done(ports.now(), id, status, why));
                Delivery::Ack
            }
            Attempt::Refused(why) => {
                outcomes.push(refused(id, &why));
                Delivery::Retry(why)
            }
            Attempt::Later(why) => Delivery::Retry(why),
        });
    }
    if outcomes.is_empty() {
        return deliveries;
    }
    match Sql::batch(ports, outcomes).await {
        Ok(_) => deliveries,
        Err(error) => ids.iter().map(|_| Delivery::Retry(error.to_string())).collect(),
    }
}

async fn attempt<P: Ports>(ports: &P, id: &str) -> Result<Attempt, String> {
    let Some(waiting) = read(ports, id).await?.filter(|waiting| waiting.is_queued) else {
        return Ok(Attempt::Settled);
    };
    let (email, name) = match &waiting.contact {
        Contact::Known { email, name } => (email, name),
        Contact::Erased => return Ok(suppressed("the account was erased")),
        Contact::Unknown => {
            return Ok(Attempt::Later(format!("{} has no address yet", waiting.user)));
        }
    };
    if !waiting.is_wanted {
        return Ok(suppressed("switched off"));
    }
    if comes_too_late(&waiting, ports.now()) {
        return Ok(suppressed("the end came before the letter"));
    }
    let Waiting { kind, user, auction, facts, .. } = &waiting;
    let reader = Reader { email, name, user };
    let letter = words::letter(ports, *kind, auction, facts, &reader).await?;
    Ok(match Mail::send(ports, id, &letter).await {
        Ok(()) => Attempt::Done("sent", None),
        Err(MailError::Rejected(why)) => Attempt::Done("failed", Some(why)),
        Err(MailError::Unavailable(why)) => Attempt::Refused(why),
    })
}

/// Would it call somebody to an auction that is over?
fn comes_too_late(waiting: &Waiting, now: Timestamp) -> bool {
    match waiting.kind {
        Kind::Opened => waiting.is_over,
        Kind::EndingSoon => waiting.is_over || waiting.facts.ends_at.is_some_and(|end| end <= now),
        _ => false,
    }
}

fn suppressed(why: &str) -> Attempt {
    Attempt::Done("suppressed", Some(why.to_owned()))
}

fn done(now: Timestamp, id: &str, status: &'static str, why: Option<String>) -> Statement {
    let sql = "UPDATE notifications_letters SET status = ?2, last_error = ?3,
        attempts = attempts + ?4, sent_at = ?5 WHERE id = ?1 AND status = 'queued'";
    let was_tried = i64::from(status != "suppressed");
    let sent_at = (status == "sent").then_some(now.as_ms());
    let values = [id.into(), status.into(), why.into(), was_tried.into(), sent_at.into()];
    Statement::new(sql, values)
}

fn refused(id: &str, why: &str) -> Statement {
    let sql = "UPDATE notifications_letters SET attempts = attempts + 1, last_error = ?2
        WHERE id = ?1 AND status = 'queued'";
    Statement::new(sql, [id.into(), why.into()])
}

async fn read<P: Ports>(ports: &P, id: &str) -> Result<Option<Waiting>, String> {
    let sql = "SELECT l.kind, l.user_id, l.auction_id, l.facts, l.status = 'queued',
        c.user_id IS NOT NULL, c.email, c.display_name, coalesce(p.is_on, 1),
        coalesce(a.has_ended, 0)
        FROM notifications_letters l
        LEFT JOIN notifications_contacts c ON c.user_id = l.user_id
        LEFT JOIN notifications_preferences p ON p.user_id = l.user_id AND p.kind = l.kind
        LEFT JOIN notifications_auctions a ON a.id = l.auction_id
        WHERE l.id = ?1";
    let rows = Sql::query(ports, Statement::new(sql, [id.into()])).await;
    let rows = rows.map_err(|error| error.to_string())?.rows;
    let Some(row) = rows.first() else { return Ok(None) };
    let waiting = waiting(row).ok_or_else(|| format!("the row of {id} cannot be read"))?;
    Ok(Some(waiting))
}

fn waiting(row: &[Value]) -> Option<Waiting> {
    let text = |at: usize| row.get(at)?.as_text();
    let is_set = |at: usize| Some(row.get(at)?.as_integer()? != 0);
    let contact = match (is_set(5)?, text(6)) {
        (false, _) => Contact::Unknown,
        (true, None) => Contact::Erased,
        (true, Some(email)) => {
            Contact::Known { email: email.to_owned(), name: text(7)?.to_owned() }
        }
    };
    Some(Waiting {
        kind: Kind::parse(text(0)?)?,
        user: text(1)?.to_owned(),
        auction: text(2)?.to_owned(),
        facts: serde_json::from_str(text(3)?).ok()?,
        is_queued: is_set(4)?,
        contact,
        is_wanted: is_set(8)?,
        is_over: is_set(9)?,
    })
}

/// A call has ten seconds, the platform may take some of them to begin it and four for a letter.
const BEGUN_WITHIN_MS: i64 = 3_000;
