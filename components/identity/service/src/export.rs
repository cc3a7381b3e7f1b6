//! All that is kept here about the caller, to take along.

use kernel::Timestamp;
use ports::{Ports, Sql, Statement, Value};
use serde_json::json;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::schema::{integer, optional_integer, optional_text, text};

type Shown = Result<serde_json::Value, Problem>;

/// `GET /v1/me/export`: everything but secrets.
pub(crate) async fn export<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let account = Account::of_caller(ports, exchange).await?;
    let instant = |at: Option<i64>| at.map(Timestamp::from_ms);
    let left = all(ports, &account, RECOVERY_CODES, |row| Ok(json!(integer(row, 0)?))).await?;
    let export = json!({
        "account": {
            "id": account.id,
            "email": account.email,
            "display_name": account.display_name,
            "roles": account.roles(ports),
            "created_at": account.created_at,
            "confirmed_at": instant(account.confirmed_at),
            "suspended_at": instant(account.suspended_at),
            "has_password": account.password.is_some(),
        },
        "second_factor": {
            "on_since": instant(account.totp.on_at),
            "recovery_codes_left": left.first(),
        },
        "sessions": all(ports, &account, SESSIONS, session).await?,
        "providers": all(ports, &account, PROVIDERS, provider).await?,
        "mailed_codes": all(ports, &account, CODES, mailed).await?,
        "signed_in_from_known_places_at":
            all(ports, &account, PLACES, |row| at(row, 0).map(|at| json!(at))).await?,
    });
    let name = "attachment; filename=\"ecomauction-account.json\"";
    Ok(Response::json(200, &export)?.with("content-disposition", name))
}

async fn all<P: Ports>(
    ports: &P,
    account: &Account,
    sql: &str,
    shown: impl Fn(&[Value]) -> Shown,
) -> Result<Vec<serde_json::Value>, Problem> {
    let select = Statement::new(sql, [account.id.as_str().into()]);
    let rows = Sql::query(ports, select).await?.rows;
    rows.iter().map(|row| shown(row)).collect()
}

fn session(row: &[Value]) -> Shown {
    let ended_at = optional_integer(row, 2).map(Timestamp::from_ms);
    let (id, device) = (optional_text(row, 3), optional_text(row, 4));
    Ok(json!({
        "id": id, "device": device, "begun_at": at(row, 0)?, "expires_at": at(row, 1)?,
        "ended_at": ended_at,
    }))
}

fn provider(row: &[Value]) -> Shown {
    Ok(json!({"provider": text(row, 0)?, "subject": text(row, 1)?, "linked_at": at(row, 2)?}))
}

fn mailed(row: &[Value]) -> Shown {
    Ok(json!({"purpose": text(row, 0)?, "expires_at": at(row, 1)?}))
}

fn at(row: &[Value], column: usize) -> Result<Timestamp, Problem> {
    integer(row, column).map(Timestamp::from_ms)
}

const SESSIONS: &str =
    "SELECT f.created_at, max(t.expires_at), f.revoked_at, f.session_id, f.device
    FROM identity_families f JOIN identity_tokens t ON t.family_id = f.id
    WHERE f.account_id = ?1 GROUP BY f.id ORDER BY f.created_at";
const PROVIDERS: &str = "SELECT provider, subject, created_at FROM identity_links
    WHERE account_id = ?1 ORDER BY created_at";
const CODES: &str = "SELECT purpose, expires_at FROM identity_codes WHERE owner = ?1
    UNION ALL SELECT 'sign-up', expires_at FROM identity_sign_ups WHERE owner = ?1";
const PLACES: &str = "SELECT seen_at FROM identity_places WHERE account_id = ?1 ORDER BY seen_at";
const RECOVERY_CODES: &str = "SELECT count(*) FROM identity_recovery_codes WHERE account_id = ?1";
