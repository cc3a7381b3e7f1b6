//! The sessions of an account, shown to whoever has it, and ended one by one.

use kernel::{Id, Timestamp, kind};
use ports::{Ports, Sql, Statement, Value};
use serde::Serialize;
use web::{Exchange, Problem, Response, auth};

use crate::account;
use crate::schema::{integer, optional_integer, optional_text, text};
use crate::tokens::FAMILIES_MAX;

#[derive(Serialize)]
struct Sessions {
    items: Vec<Session>,
}

#[derive(Serialize)]
struct Session {
    id: String,
    device: Option<String>,
    created_at: Timestamp,
    last_used_at: Timestamp,
    current: bool,
}

/// `GET /v1/sessions`: those that are alive. No account has more than one page of them.
pub(crate) async fn list<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?;
    let (account_id, now) = (caller.subject.as_str().into(), exchange.now.as_ms().into());
    let values = [account_id, now, caller.expires_at.into(), FAMILIES_MAX.into()];
    let rows = Sql::query(ports, Statement::new(ALIVE, values)).await?.rows;
    let items = rows.iter().map(|row| Session::read(row)).collect::<Result<_, _>>()?;
    Response::json(200, &Sessions { items })
}

/// `DELETE /v1/sessions/{id}`. Who was signed out signs nobody else out: 401.
pub(crate) async fn end_named<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?;
    let id: Id<kind::Session> =
        exchange.parameter("id").parse().map_err(|_| Problem::not_found())?;
    let named = || [Value::from(id.to_string()), caller.subject.as_str().into()];
    let sql = "SELECT revoked_at FROM identity_families WHERE session_id = ?1 AND account_id = ?2";
    let rows = Sql::query(ports, Statement::new(sql, named())).await?.rows;
    let row = rows.first().ok_or_else(Problem::not_found)?;
    // Ended is ended, also for whoever sends it twice about the own session.
    if optional_integer(row, 0).is_some() {
        return Ok(Response::empty(204));
    }
    if account::has_ended(ports, exchange).await? {
        return Err(auth::unauthenticated());
    }
    let sql = "UPDATE identity_families SET revoked_at = ?3
        WHERE session_id = ?1 AND account_id = ?2 AND revoked_at IS NULL";
    let now = Value::from(exchange.now.as_ms());
    let values = named().into_iter().chain([now]);
    Sql::batch(ports, vec![Statement::new(sql, values)]).await?;
    Ok(Response::empty(204))
}

impl Session {
    fn read(row: &[Value]) -> Result<Self, Problem> {
        Ok(Self {
            id: text(row, 0)?,
            device: optional_text(row, 1),
            created_at: Timestamp::from_ms(integer(row, 2)?),
            last_used_at: Timestamp::from_ms(integer(row, 3)?),
            current: integer(row, 4)? == 1,
        })
    }
}

/// One token of a family is not spent: the one that its last use handed out. A family without an id
/// was begun by a release that gave none, beside this one.
const ALIVE: &str = "SELECT f.session_id, f.device, f.created_at, t.issued_at, f.id IN
    (SELECT family_id FROM identity_tokens WHERE account_id = ?1 AND access_expires_at = ?3)
    FROM identity_families f JOIN identity_tokens t ON t.family_id = f.id
    WHERE f.account_id = ?1 AND f.revoked_at IS NULL AND f.session_id IS NOT NULL
    AND t.spent_at IS NULL AND t.expires_at > ?2
    ORDER BY t.issued_at DESC, f.session_id DESC LIMIT ?4";
