//! The caller's own account: shown, renamed, handed over, erased.

use kernel::{Digest, Timestamp};
use ports::{Ports, Sql, SqlError, Statement, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::json::Object;
use web::{Exchange, Problem, Response, not_modified, precondition};

use crate::account::Account;
use crate::proof::Proof;
use crate::{events, wishes};

#[derive(Serialize)]
struct Me<'a> {
    id: &'a str,
    email: Option<&'a str>,
    display_name: &'a str,
    roles: Vec<String>,
    second_factor: bool,
    created_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    display_name: String,
}

/// `GET /v1/me`.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let account = Account::of_caller(ports, exchange).await?;
    let (body, etag) = rendered(ports, &account)?;
    if let Some(unchanged) = not_modified(exchange, &etag) {
        return Ok(unchanged);
    }
    Ok(exchange.revalidated(Response::json_bytes(200, body).with("etag", etag)))
}

/// `PATCH /v1/me`.
pub(crate) async fn change<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Change { display_name }) = web::json::body(exchange.request)?;
    let display_name = wishes::display_name(&display_name)?;
    let mut account = Account::to_change(ports, exchange).await?;
    let (_, etag) = rendered(ports, &account)?;
    precondition::if_match(exchange.request, |tag| tag == etag)?;
    if account.display_name != display_name {
        let unchanged = account.unchanged();
        account.display_name = display_name;
        let sql = "UPDATE identity_accounts SET display_name = ?2, version = version + 1
            WHERE id = ?1";
        let values = [account.id.as_str().into(), account.display_name.as_str().into()];
        let statements = vec![unchanged, Statement::new(sql, values)];
        let written = Sql::batch_and_send(ports, statements, vec![account.changed()]).await;
        written.map_err(|error| match error {
            SqlError::Constraint(_) => {
                let detail = "It has changed since you read it; read it again.";
                Problem::new(412, "precondition_failed", detail)
            }
            error => error.into(),
        })?;
    }
    let (body, etag) = rendered(ports, &account)?;
    Ok(Response::json_bytes(200, body).with("etag", etag))
}

/// `DELETE /v1/me`: everything about the person goes. The id stays, so that it is never given to
/// anybody else.
pub(crate) async fn erase<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let proof = Proof::read(exchange)?;
    let account = Account::to_change(ports, exchange).await?;
    proof.demand(ports, exchange, &account).await?;
    let id = || Value::from(account.id.as_str());
    let tombstone = "UPDATE identity_accounts SET handle = NULL, email = NULL, display_name = '',
        password = NULL, confirmed_at = NULL, suspended_at = NULL, erased_at = ?2, created_at = 0,
        totp_generation = 0, totp_on_at = NULL, totp_step = 0, version = version + 1
        WHERE id = ?1 AND erased_at IS NULL";
    let mut statements = vec![Statement::new(tombstone, [id(), exchange.now.as_ms().into()])];
    let kept = [
        "DELETE FROM identity_codes WHERE owner = ?1",
        "DELETE FROM identity_sign_ups WHERE owner = ?1",
        "DELETE FROM identity_families WHERE account_id = ?1",
        "DELETE FROM identity_tokens WHERE account_id = ?1",
        "DELETE FROM identity_places WHERE account_id = ?1",
        "DELETE FROM identity_recovery_codes WHERE account_id = ?1",
        "DELETE FROM identity_links WHERE account_id = ?1",
        "DELETE FROM identity_tickets WHERE account_id = ?1",
    ];
    statements.extend(kept.map(|sql| Statement::new(sql, [id()])));
    let body = json!({"user_id": account.id});
    let erased = events::outgoing(events::USER_ERASED, &account.id, &body);
    Sql::batch_and_send(ports, statements, vec![erased]).await?;
    Ok(Response::empty(204))
}

/// What the caller sees, and its tag.
fn rendered<P: Ports>(ports: &P, account: &Account) -> Result<(Vec<u8>, String), Problem> {
    let me = Me {
        id: &account.id,
        email: account.email.as_deref(),
        display_name: &account.display_name,
        roles: account.roles(ports),
        second_factor: account.totp.on_at.is_some(),
        created_at: account.created_at,
    };
    let body = serde_json::to_vec(&me).map_err(|_| Problem::internal())?;
    let tag = Digest::of(&[&body]).to_hex();
    Ok((body, format!("\"{}\"", tag.get(..16).unwrap_or(&tag))))
}
