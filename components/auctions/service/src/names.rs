//! Names of sellers: joined when auctions are read, never part of the chain.

use std::cell::RefCell;
use std::collections::HashMap;

use kernel::Timestamp;
use ports::{Claims, Ports, Sql, Statement, Value};
use web::Problem;

/// The name that a seller goes by; the id itself for a seller that the table does not know.
pub(crate) async fn display_name<P: Ports>(
    ports: &P,
    user_id: &str,
    now: Timestamp,
) -> Result<String, Problem> {
    if let Some(name) = known(user_id, now) {
        return Ok(name);
    }
    let sql = "SELECT display_name FROM auctions_sellers WHERE user_id = ?1";
    let rows = Sql::query(ports, Statement::new(sql, [user_id.into()])).await?.rows;
    let name = rows.first().and_then(|row| row.first()).and_then(Value::as_text);
    let Some(name) = name else { return Ok(user_id.to_owned()) };
    remember(user_id, name, now);
    Ok(name.to_owned())
}

/// A name that this instance still remembers.
pub(crate) fn known(user_id: &str, now: Timestamp) -> Option<String> {
    let known = NAMES.with_borrow(|names| names.get(user_id).cloned());
    known.filter(|(_, until)| now < *until).map(|(name, _)| name)
}

/// Writes down how the caller is called now.
pub(crate) fn upsert(caller: &Claims) -> Statement {
    let sql = "INSERT INTO auctions_sellers (user_id, display_name) VALUES (?1, ?2)
        ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name";
    Statement::new(sql, [caller.subject.as_str().into(), caller.name.as_str().into()])
}

/// Keeps a name that was just read or written.
pub(crate) fn remember(user_id: &str, name: &str, now: Timestamp) {
    NAMES.with_borrow_mut(|names| {
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        names.insert(user_id.to_owned(), (name.to_owned(), now.plus_ms(NAME_KEPT_MS)));
    });
}

thread_local! {
    static NAMES: RefCell<HashMap<String, (String, Timestamp)>> = RefCell::default();
}

/// Most names that an instance remembers.
const NAMES_MAX: usize = 1_024;
/// How long a change of name may stay unseen by an instance.
const NAME_KEPT_MS: i64 = 60_000;
