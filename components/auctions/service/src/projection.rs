//! The public rows that lists are made of. They are derived: an upsert only ever goes forward in
//! `seq`, so late, repeated and reordered writers do no harm. A bid shows its own columns alone:
//! what an upsert of the same `seq` brings besides is not there yet.

use std::collections::BTreeMap;

use auction_machine::contract::{Bidders, Query, Row, View};
use ports::{Delivery, Message, Ports, Sql, SqlError, Statement, Value};
use serde_json::value::RawValue;
use web::Problem;

use crate::read;
use crate::view::{self, Seen, Viewer};

/// The row of an auction as the machine's view says.
pub(crate) fn upsert(id: &str, view: &[u8]) -> Result<Statement, Problem> {
    let terms = Seen::parse(view)?.fixed.terms_json()?;
    let View { fixed, row, .. } = serde_json::from_slice(view).map_err(|_| Problem::internal())?;
    let minor = |money: Option<kernel::Money>| money.map(|money| money.amount.get()).into();
    let mut parameters = vec![
        fixed.title.as_str().into(),
        fixed.description.as_str().into(),
        fixed.category.as_str().into(),
        fixed.format.as_str().into(),
        fixed.seller.to_string().into(),
        terms.into(),
        fixed.start_price.currency.as_str().into(),
        fixed.start_price.amount.get().into(),
        minor(row.next_maximum),
        minor(row.buy_now_price),
    ];
    let mut all = moving(id, &row)?;
    all.append(&mut parameters);
    Ok(Statement::new(UPSERT, all))
}

/// What a bid changes, for `project`: a row that is not there yet is the consumer's business. The
/// row goes as the machine wrote it: most projections are replaced by a later bid's before any is
/// written, so only the one that is written gets parsed, by SQLite.
pub(crate) fn update(id: &str, row: &RawValue) -> Statement {
    Statement::new(UPDATE, [id.into(), row.get().into()])
}

/// Brings the rows of all auctions that the messages name up to date, in one batch.
pub(crate) async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    let mut ids: Vec<&str> = batch.iter().map(|message| message.key.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = match known(ports, &ids).await {
        Ok(known) => known,
        Err(error) => {
            return batch.iter().map(|_| Delivery::Retry(error.to_string())).collect();
        }
    };
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for id in ids {
        match fresh_row(ports, id, known.get(id).copied().unwrap_or(0)).await {
            Ok(row) => rows.extend(row),
            Err(problem) => failed.push((id, problem)),
        }
    }
    // Written even where a projection shows the row already: only a batch is known to be durable.
    let written = if rows.is_empty() { Ok(Vec::new()) } else { Sql::batch(ports, rows).await };
    let outcome =
        |message: &Message| match (&written, failed.iter().find(|(id, _)| *id == message.key)) {
            (_, Some((id, problem))) => {
                Delivery::Retry(format!("view of {id}: {}", problem.code()))
            }
            (Err(error), None) => Delivery::Retry(error.to_string()),
            (Ok(_), None) => Delivery::Ack,
        };
    batch.iter().map(outcome).collect()
}

/// How many bidders of each auction the tables know.
async fn known<P: Ports>(ports: &P, ids: &[&str]) -> Result<BTreeMap<String, u32>, SqlError> {
    let mut known = BTreeMap::new();
    for some in ids.chunks(PARAMETERS_MAX) {
        let places = vec!["?"; some.len()].join(", ");
        let sql = format!("SELECT id, bidders_known FROM auctions_public WHERE id IN ({places})");
        let some = some.iter().map(|id| Value::from(*id));
        let rows = Sql::query(ports, Statement::new(&sql, some)).await?.rows;
        let pair = |row: &Vec<Value>| {
            let count = row.get(1)?.as_integer()?;
            Some((row.first()?.as_text()?.to_owned(), u32::try_from(count).ok()?))
        };
        known.extend(rows.iter().filter_map(pair));
    }
    Ok(known)
}

/// The row of an auction and its bidders that the tables do not know yet; for a listing that was
/// taken away, its row goes.
async fn fresh_row<P: Ports>(ports: &P, id: &str, known: u32) -> Result<Vec<Statement>, Problem> {
    let Some(view) = read::ask(ports, id, None, &Query::View).await? else {
        return Ok(vec![remove(id)]);
    };
    let mut statements = vec![upsert(id, &view)?];
    let question = Query::Bidders { after: known };
    let Bidders { users, .. } = read::asked(ports, id, None, &question).await?;
    statements.extend(users.iter().map(|user| has_bid(id, &user.to_string())));
    if !users.is_empty() {
        let count = i64::from(known) + i64::try_from(users.len()).unwrap_or(0);
        let sql = "UPDATE auctions_public SET bidders_known = max(bidders_known, ?2) WHERE id = ?1";
        statements.push(Statement::new(sql, [id.into(), count.into()]));
    }
    Ok(statements)
}

/// Somebody has bid there.
pub(crate) fn has_bid(id: &str, user: &str) -> Statement {
    let sql = "INSERT INTO auctions_bidders (user_id, auction_id) VALUES (?1, ?2)
        ON CONFLICT (user_id, auction_id) DO NOTHING";
    Statement::new(sql, [user.into(), id.into()])
}

/// The listing is gone.
pub(crate) fn remove(id: &str) -> Statement {
    Statement::new("DELETE FROM auctions_public WHERE id = ?1", [id.into()])
}

/// `?1` to `?11`: the columns that change.
fn moving(id: &str, row: &Row) -> Result<Vec<Value>, Problem> {
    let minor = |money: Option<kernel::Money>| money.map(|money| money.amount.get()).into();
    let result = row.result.as_ref().map(|result| view::result(result, Viewer::Public));
    let result = result.transpose()?;
    Ok(vec![
        id.into(),
        integer(row.seq),
        view::status(row.status).into(),
        minor(row.price),
        minor(row.next_minimum),
        integer(row.bid_count),
        integer(row.bidder_count),
        row.leader.as_deref().into(),
        view::reserve(row.reserve).into(),
        row.ends_at.as_ms().into(),
        result.as_deref().map(|result| result.get()).into(),
    ])
}

fn integer(count: u64) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The store that allows the fewest in one statement, D1, allows so many.
const PARAMETERS_MAX: usize = 100;

/// A bid that ends the auction goes another way, so there is no result here.
const UPDATE: &str = "UPDATE auctions_public SET seq = ?2 ->> '$.seq', status = ?2 ->> '$.status',
    price_minor = ?2 ->> '$.price.amount', next_minimum_minor = ?2 ->> '$.next_minimum.amount',
    next_maximum_minor = ?2 ->> '$.next_maximum.amount',
    buy_now_minor = ?2 ->> '$.buy_now_price.amount',
    bid_count = ?2 ->> '$.bid_count', bidder_count = ?2 ->> '$.bidder_count',
    leader = ?2 ->> '$.leader', reserve = ?2 ->> '$.reserve',
    ends_at = CAST(round(unixepoch(?2 ->> '$.ends_at', 'subsec') * 1000) AS INTEGER)
    WHERE id = ?1 AND seq < ?2 ->> '$.seq'";

const UPSERT: &str = "INSERT INTO auctions_public (id, seq, status, price_minor,
    next_minimum_minor, bid_count, bidder_count, leader, reserve, ends_at, result,
    title, description, category, format, seller, terms, currency, start_minor,
    next_maximum_minor, buy_now_minor)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
    ?20, ?21)
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, status = excluded.status,
    price_minor = excluded.price_minor, next_minimum_minor = excluded.next_minimum_minor,
    bid_count = excluded.bid_count, bidder_count = excluded.bidder_count,
    leader = excluded.leader, reserve = excluded.reserve, ends_at = excluded.ends_at,
    result = excluded.result, title = excluded.title, description = excluded.description,
    category = excluded.category, terms = excluded.terms, currency = excluded.currency,
    start_minor = excluded.start_minor, next_maximum_minor = excluded.next_maximum_minor,
    buy_now_minor = excluded.buy_now_minor
    WHERE excluded.seq >= auctions_public.seq";
