//! New passwords: for who forgot the old one, and for who knows it.

use ports::{Ports, Sql, Statement};
use serde::Deserialize;
use serde_json::json;
use web::json::Object;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::accounts::{Address, once};
use crate::codes::Purpose;
use crate::sessions::{Place, invalid_credentials, revoke_all, revoke_others};
use crate::{codes, email, limits, wishes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    email: String,
    code: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    current_password: String,
    password: String,
}

/// `POST /v1/passwords/forgot`.
pub(crate) async fn forgot<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Address { email }) = web::json::body(exchange.request)?;
    let email = email::parsed(&email)?;
    limits::LETTERS.take(ports, exchange).await?;
    limits::LETTERS_TO_RESET.take(ports, &email).await?;
    let (letter, due) = codes::due_to_reset(ports, exchange.now, &email).await;
    Sql::batch_and_send(ports, vec![letter], vec![due]).await?;
    Response::json(202, &json!({}))
}

/// `POST /v1/passwords/reset`. The code proves the address as well, and where it was typed is a
/// place that strangers cannot lock out.
pub(crate) async fn reset<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Reset { email, code, password }) = web::json::body(exchange.request)?;
    let email = email::parsed(&email)?;
    wishes::password(&password, Some(&email))?;
    limits::CODES.take(ports, exchange).await?;
    limits::CODES_OF.take_here(ports, exchange, &email).await?;
    // Before the code is judged: a wrong one takes as long as a right one.
    let hash = ports.hash_password(&password).await?;
    let place = Place::of(ports, exchange, &email).await;
    let tried = codes::tried(ports, Purpose::Reset, &email, &code, &place, exchange.now);
    let proof = tried.await?;
    let account = Account::by_email(ports, &email).await?;
    let account = account.ok_or_else(codes::invalid_code)?;
    let [there, spent] = proof.spend(&account.id);
    let change = "UPDATE identity_accounts SET password = ?2, version = version + 1,
        confirmed_at = coalesce(confirmed_at, ?3) WHERE id = ?1";
    let values = [account.id.as_str().into(), hash.into(), exchange.now.as_ms().into()];
    let statements = vec![
        there,
        account.unchanged(),
        spent,
        Statement::new(change, values),
        revoke_all(&account.id, exchange),
        place.seen(exchange, &account),
    ];
    let news = account.confirmed_at.is_none().then(|| account.changed());
    Sql::batch_and_send(ports, statements, news.into_iter().collect()).await.map_err(once)?;
    Ok(Response::empty(204))
}

/// `POST /v1/me/password`. Who has none yet sets one with a mailed code.
pub(crate) async fn change<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Change { current_password, password }) = web::json::body(exchange.request)?;
    let account = Account::to_change(ports, exchange).await?;
    wishes::password(&password, account.email.as_deref())?;
    limits::SIGN_IN_KNOWN.take(ports, &account.id).await?;
    let compared = ports.verify_password(&current_password, account.password.as_deref()).await?;
    if !compared.matches {
        return Err(invalid_credentials());
    }
    let hash = ports.hash_password(&password).await?;
    let sql = "UPDATE identity_accounts SET password = ?2, version = version + 1 WHERE id = ?1";
    let statements = vec![
        account.unchanged(),
        Statement::new(sql, [account.id.as_str().into(), hash.into()]),
        revoke_others(exchange)?,
    ];
    Sql::batch(ports, statements).await.map_err(|error| match error {
        // Somebody else was faster, perhaps with another password.
        ports::SqlError::Constraint(_) => invalid_credentials(),
        error => error.into(),
    })?;
    Ok(Response::empty(204))
}
