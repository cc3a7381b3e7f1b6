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
use crate::codes::{Purpose, Which};
use crate::{codes, email, limits, wishes};

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

/// `POST /v1/accounts`. Until an address is proven, whoever signed up last with it is who the code
/// stands for.
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
    let upsert = "INSERT INTO identity_accounts (id, email, display_name, password, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (email) DO UPDATE SET display_name = excluded.display_name,
            password = excluded.password, version = version + 1
        WHERE confirmed_at IS NULL";
    let created_at = exchange.now.as_ms().into();
    let values =
        [id.into(), email.as_str().into(), display_name.into(), password.into(), created_at];
    let (letter, due) = codes::due_to_confirm(ports, exchange.now, &email).await;
    let statements = vec![Statement::new(upsert, values), letter];
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
    let (letter, due) = codes::due_to_confirm(ports, exchange.now, &email).await;
    Sql::batch_and_send(ports, vec![letter], vec![due]).await?;
    Response::json(202, &json!({}))
}

/// `POST /v1/accounts/confirm`.
pub(crate) async fn confirm<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Confirmation { email, code }) = web::json::body(exchange.request)?;
    let email = email::parsed(&email)?;
    limits::CODES.take(ports, exchange).await?;
    limits::CODES_OF.take_here(ports, exchange, &email).await?;
    let which = Which::Newest(&email, Purpose::Confirm);
    let proof = codes::tried(ports, which, &code, exchange.now).await?;
    let account = Account::by_id(ports, &proof.account_id).await?;
    let account = account.ok_or_else(codes::invalid_code)?;
    let [there, spent] = proof.spend();
    let confirm = "UPDATE identity_accounts SET confirmed_at = ?2, version = version + 1
        WHERE id = ?1 AND confirmed_at IS NULL";
    let confirm =
        Statement::new(confirm, [account.id.as_str().into(), exchange.now.as_ms().into()]);
    let statements = vec![there, account.unchanged(), spent, confirm];
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
