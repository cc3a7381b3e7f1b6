//! Signing up: an account, and the proof that its mail address is read.
//!
//! What is answered, how long it takes and how much is written is the same whether an address has
//! an account or not: passwords are hashed first, the statements are always the same ones, and
//! letters are made later by `letters.rs`.

use kernel::{Id, kind};
use ports::{Ports, Sql, SqlError, Statement};
use serde::Deserialize;
use serde_json::json;
use web::json::Object;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::codes::Purpose;
use crate::sessions::Place;
use crate::sign_ups::Pending;
use crate::{codes, email, limits, sign_ups, wishes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignUp {
    email: String,
    password: String,
    display_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    pub(crate) email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    email: String,
    code: String,
}

/// `POST /v1/accounts`. The account holds the address; password and name wait for their code.
pub(crate) async fn sign_up<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(wanted) = web::json::body::<Object<SignUp>>(exchange.request)?;
    let email = email::parsed(&wanted.email)?;
    let display_name = wishes::display_name(&wanted.display_name)?;
    wishes::password(&wanted.password, Some(&email))?;
    limits::SIGN_UPS.take(ports, exchange).await?;
    limits::LETTERS_TO_CONFIRM.take(ports, &email).await?;
    let password = ports.hash_password(&wanted.password).await?;
    let id = Id::<kind::User>::new(exchange.now, ports.id_bytes()).to_string();
    let hold = "INSERT INTO identity_accounts (id, email, display_name, created_at)
        VALUES (?1, ?2, ?3, ?4) ON CONFLICT (email) DO NOTHING";
    let name = wishes::given_name("", &email);
    let values = [id.into(), email.as_str().into(), name.into(), exchange.now.as_ms().into()];
    let place = Place::of(ports, exchange, &email).await;
    let (password, display_name) = (password.as_str(), display_name.as_str());
    let wanted = sign_ups::Wanted { email: &email, password, display_name };
    let (rows, due) = sign_ups::begin(ports, &place, exchange.now, &wanted);
    let mut statements = vec![Statement::new(hold, values)];
    statements.extend(rows);
    Sql::batch_and_send(ports, statements, vec![due]).await?;
    Response::json(202, &json!({}))
}

/// `POST /v1/accounts/resend`.
pub(crate) async fn resend<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Address { email }) = web::json::body(exchange.request)?;
    let email = email::parsed(&email)?;
    limits::LETTERS.take(ports, exchange).await?;
    limits::LETTERS_TO_CONFIRM.take(ports, &email).await?;
    let place = Place::of(ports, exchange, &email).await;
    let (rows, due) = sign_ups::again(ports, &place, exchange.now, &email).await;
    Sql::batch_and_send(ports, rows, vec![due]).await?;
    Response::json(202, &json!({}))
}

/// `POST /v1/accounts/confirm`: the account gets the password and the name that the code was mailed
/// for.
pub(crate) async fn confirm<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Confirmation { email, code }) = web::json::body(exchange.request)?;
    let email = email::parsed(&email)?;
    limits::CODES.take(ports, exchange).await?;
    limits::CODES_OF.take_here(ports, exchange, &email).await?;
    let place = Place::of(ports, exchange, &email).await;
    let tried = codes::tried(ports, Purpose::SignUp, &email, &code, &place, exchange.now);
    let proof = tried.await?;
    let pending = Pending::of(ports, &proof).await?.ok_or_else(codes::invalid_code)?;
    let account = Account::by_email(ports, &email).await?;
    let mut account = account.ok_or_else(codes::invalid_code)?;
    let unchanged = account.unchanged();
    let [there, spent] = pending.spend();
    let confirm = "UPDATE identity_accounts
        SET password = ?2, display_name = ?3, confirmed_at = ?4, version = version + 1
        WHERE id = ?1 AND confirmed_at IS NULL";
    account.display_name = pending.display_name.unwrap_or(account.display_name);
    let (id, name) = (account.id.as_str().into(), account.display_name.as_str().into());
    let values = [id, pending.password.into(), name, exchange.now.as_ms().into()];
    let statements = vec![there, unchanged, spent, Statement::new(confirm, values)];
    Sql::batch_and_send(ports, statements, vec![account.changed()]).await.map_err(once)?;
    Ok(Response::empty(204))
}

/// A code that somebody else spent meanwhile is a spent code.
pub(crate) fn once(error: SqlError) -> Problem {
    match error {
        SqlError::Constraint(_) => codes::invalid_code(),
        SqlError::Invalid(_) | SqlError::Unavailable(_) => error.into(),
    }
}
