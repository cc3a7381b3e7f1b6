//! Which auctions have a QR code. Another capability makes the codes and tells; the log of an
//! auction knows nothing of them, so that its numbers are its own.

use std::cell::RefCell;
use std::collections::HashMap;

use kernel::Timestamp;
use ports::{Delivery, Message, Ports, Sql, Statement};
use serde::Serialize;
use web::Problem;

/// Topic of codes that were made; keys are the ids of auctions.
pub(crate) const MADE: &str = "qr.made.v1";

/// Where the codes are.
#[derive(Serialize)]
pub(crate) struct Links {
    png: String,
    svg: String,
}

/// Appends the member `qr` to the object at the end of `body`.
#[derive(Serialize)]
pub(crate) struct QrPart {
    qr: Option<Links>,
}

impl QrPart {
    pub(crate) fn of(id: &str, is_made: bool) -> Self {
        let link = |ending| format!("/v1/auctions/{id}/qr.{ending}");
        let qr = is_made.then(|| Links { png: link("png"), svg: link("svg") });
        Self { qr }
    }
}

/// Writes down whose codes were made.
pub(crate) async fn consume<P: Ports>(ports: &P, batch: &[Message]) -> Vec<Delivery> {
    let sql =
        "INSERT INTO auctions_qr (auction_id) VALUES (?1) ON CONFLICT (auction_id) DO NOTHING";
    let rows = batch.iter().map(|message| Statement::new(sql, [message.key.as_str().into()]));
    let written = Sql::batch(ports, rows.collect()).await;
    let delivery = match written {
        Ok(_) => Delivery::Ack,
        Err(error) => Delivery::Retry(error.to_string()),
    };
    vec![delivery; batch.len()]
}

/// Was the auction's code made? A yes is remembered for good, a no for a moment.
pub(crate) async fn is_made<P: Ports>(
    ports: &P,
    id: &str,
    now: Timestamp,
) -> Result<bool, Problem> {
    if let Some(is_made) = known(id, now) {
        return Ok(is_made);
    }
    let sql = "SELECT 1 FROM auctions_qr WHERE auction_id = ?1";
    let found = Sql::query(ports, Statement::new(sql, [id.into()])).await?;
    let is_made = !found.rows.is_empty();
    remember(id, is_made, now);
    Ok(is_made)
}

/// What this instance remembers.
pub(crate) fn known(id: &str, now: Timestamp) -> Option<bool> {
    match CODES.with_borrow(|codes| codes.get(id).copied())? {
        Code::Made => Some(true),
        Code::NotYet(until) => (now < until).then_some(false),
    }
}

fn remember(id: &str, is_made: bool, now: Timestamp) {
    let code = if is_made { Code::Made } else { Code::NotYet(now.plus_ms(NOT_YET_KEPT_MS)) };
    CODES.with_borrow_mut(|codes| {
        if codes.len() >= CODES_MAX {
            codes.clear();
        }
        codes.insert(id.into(), code);
    });
}

#[derive(Clone, Copy)]
enum Code {
    Made,
    NotYet(Timestamp),
}

thread_local! {
    static CODES: RefCell<HashMap<Box<str>, Code>> = RefCell::default();
}

/// Most auctions that an instance remembers it of.
const CODES_MAX: usize = 4_096;
/// Codes are made a moment after the opening.
const NOT_YET_KEPT_MS: i64 = 500;
