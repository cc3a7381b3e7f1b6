//! Auctions that end soon: told once, fifteen minutes before the end, to those who bid or watch.
//! The job only says which they are, however many end together; each is a message of its own, of
//! which several are under way at once.

use kernel::{Money, Timestamp};
use ports::{Entities, Outgoing, Ports, Sql, Statement, Value};
use serde::Deserialize;

use crate::MACHINE;
use crate::about::{bidders, to_each, watchers};
use crate::facts::{EndingSoon, Facts};
use crate::kind::Kind;
use crate::letters::{self, Occasion};

/// Topic of auctions that end soon; keys are their ids.
pub(crate) const DUE: &str = "notifications.ending-soon.v1";

/// Says which auctions end soon, each once: that it was said is written in the same transaction.
pub(crate) async fn run<P: Ports>(ports: &P) -> Result<(), String> {
    let now = ports.now();
    for _ in 0..PARTS_MAX {
        let said = part(ports, now).await?;
        if said < PART_AUCTIONS || ports.now() > now.plus_ms(RUN_MAX_MS) {
            break;
        }
    }
    Ok(())
}

/// As many as one statement can name; how many those were.
async fn part<P: Ports>(ports: &P, now: Timestamp) -> Result<usize, String> {
    let sql = "SELECT id, starts_at FROM notifications_auctions
        WHERE has_ended = 0 AND soon_told = 0 AND ends_at > ?1 AND ends_at <= ?2
        AND scheduled_end - starts_at >= ?3 ORDER BY ends_at LIMIT ?4";
    let until = now.plus_ms(SOON_MS).as_ms();
    let limit = i64::try_from(PART_AUCTIONS).unwrap_or(i64::MAX);
    let values = [now.as_ms().into(), until.into(), RUN_MIN_MS.into(), limit.into()];
    let due = Sql::query(ports, Statement::new(sql, values)).await;
    let due = due.map_err(|error| error.to_string())?.rows;
    let mut messages = Vec::with_capacity(due.len());
    for row in &due {
        let id = row.first().and_then(Value::as_text).unwrap_or_default();
        let starts_at = row.get(1).and_then(Value::as_integer).unwrap_or(0);
        let body = EndingSoon { starts_at: Timestamp::from_ms(starts_at) };
        let body = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
        messages.push(Outgoing { topic: DUE, key: id.to_owned(), body });
    }
    if messages.is_empty() {
        return Ok(0);
    }
    let places = vec!["?"; messages.len()].join(", ");
    let sql = format!("UPDATE notifications_auctions SET soon_told = 1 WHERE id IN ({places})");
    let ids = messages.iter().map(|message| Value::from(message.key.as_str()));
    let told = vec![Statement::new(sql, ids)];
    let sent = Sql::batch_and_send(ports, told, messages).await;
    sent.map(|_| due.len()).map_err(|error| error.to_string())
}

/// What the machine says of an auction, as far as a letter needs it.
#[derive(Deserialize)]
struct View {
    fixed: Fixed,
    row: Row,
}

#[derive(Deserialize)]
struct Fixed {
    title: String,
}

#[derive(Deserialize)]
struct Row {
    status: String,
    price: Option<Money>,
    ends_at: Timestamp,
}

/// Writes the letters about an auction. The machine is asked: what the tables know of the end may
/// be a message old.
pub(crate) async fn tell<P: Ports>(
    ports: &P,
    id: &str,
    EndingSoon { starts_at }: &EndingSoon,
) -> Result<(), String> {
    let answer = Entities::query(ports, MACHINE, id, None, b"\"view\"".to_vec()).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let view: Option<View> = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
    let Some(View { fixed, row }) = view.filter(|view| view.row.status == "open") else {
        return Ok(());
    };
    if row.ends_at > ports.now().plus_ms(SOON_MS) {
        return not_yet(ports, id, row.ends_at).await;
    }
    let mut users = bidders(ports, id).await?;
    users.append(&mut watchers(ports, id).await?);
    let facts = Facts {
        title: fixed.title,
        price: row.price,
        ends_at: Some(row.ends_at),
        ..Facts::default()
    };
    let drafts = to_each(&users, Kind::EndingSoon, &facts).collect();
    // It is no event of the auction; its start never changes once it has opened.
    let occasion = Occasion { auction: id, seq: 0, at: *starts_at };
    letters::write(ports, occasion, drafts, Vec::new()).await
}

/// The end has moved away meanwhile: the job looks at it again.
async fn not_yet<P: Ports>(ports: &P, id: &str, ends_at: Timestamp) -> Result<(), String> {
    let sql = "UPDATE notifications_auctions SET soon_told = 0, ends_at = ?2 WHERE id = ?1";
    let again = Statement::new(sql, [id.into(), ends_at.as_ms().into()]);
    Sql::batch(ports, vec![again]).await.map(drop).map_err(|error| error.to_string())
}

/// How long before the end it is told.
const SOON_MS: i64 = 15 * 60 * 1_000;
/// What runs shorter is over before a letter is read.
const RUN_MIN_MS: i64 = 30 * 60 * 1_000;
/// Auctions of one transaction: as many as one statement can name.
const PART_AUCTIONS: usize = kernel::limits::SQL_MAX_PARAMETERS;
/// Most transactions of one run; the next run goes on, and so it does after so long.
const PARTS_MAX: u32 = 100;
const RUN_MAX_MS: i64 = 5_000;
