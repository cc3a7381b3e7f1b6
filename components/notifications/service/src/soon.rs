//! Auctions that end soon: told once, fifteen minutes before the end, to those who bid or watch.

use kernel::{Money, Timestamp};
use ports::{Entities, Ports, Sql, Statement, Value};
use serde::Deserialize;

use crate::MACHINE;
use crate::about::{bidders, to_each, watchers};
use crate::facts::Facts;
use crate::kind::Kind;
use crate::letters::{self, Occasion};

/// Writes the letters that are due. What fails is left for the next minute and keeps nothing else
/// from being told.
pub(crate) async fn run<P: Ports>(ports: &P) -> Result<(), String> {
    let now = ports.now();
    let sql = "SELECT id, starts_at FROM notifications_auctions
        WHERE has_ended = 0 AND soon_told = 0 AND ends_at > ?1 AND ends_at <= ?2
        AND scheduled_end - starts_at >= ?3 ORDER BY ends_at LIMIT ?4";
    let until = now.plus_ms(SOON_MS).as_ms();
    let values = [now.as_ms().into(), until.into(), RUN_MIN_MS.into(), RUN_MAX_AUCTIONS.into()];
    let due = Sql::query(ports, Statement::new(sql, values)).await;
    let due = due.map_err(|error| error.to_string())?.rows;
    let mut failed = Vec::new();
    for row in &due {
        let id = row.first().and_then(Value::as_text).unwrap_or_default();
        let starts_at = row.get(1).and_then(Value::as_integer).unwrap_or(0);
        if let Err(why) = tell(ports, id, Timestamp::from_ms(starts_at), now).await {
            failed.push(format!("{id}: {why}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
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

/// The machine is asked: what the tables know of the end may be a message old.
async fn tell<P: Ports>(
    ports: &P,
    id: &str,
    starts_at: Timestamp,
    now: Timestamp,
) -> Result<(), String> {
    let answer = Entities::query(ports, MACHINE, id, None, b"\"view\"".to_vec()).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let view: Option<View> = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
    let Some(View { fixed, row }) = view.filter(|view| view.row.status == "open") else {
        return Ok(());
    };
    if row.ends_at > now.plus_ms(SOON_MS) {
        return Ok(());
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
    let sql = "UPDATE notifications_auctions SET soon_told = 1 WHERE id = ?1";
    let told = vec![Statement::new(sql, [id.into()])];
    // It is no event of the auction; its start never changes once it has opened.
    let occasion = Occasion { auction: id, seq: 0, at: starts_at };
    letters::write(ports, occasion, drafts, told).await
}

/// How long before the end it is told.
const SOON_MS: i64 = 15 * 60 * 1_000;
/// What runs shorter is over before a letter is read.
const RUN_MIN_MS: i64 = 30 * 60 * 1_000;
/// Auctions that one run looks at.
const RUN_MAX_AUCTIONS: i64 = 1_000;
