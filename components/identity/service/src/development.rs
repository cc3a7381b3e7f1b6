//! A token for a name, in development only: for loads and tries that have no mailbox.

use kernel::{Id, kind};
use ports::{Ports, Sql, Statement};
use serde::{Deserialize, Serialize};
use web::json::Object;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::schema::text;
use crate::{events, tokens};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: String,
}

#[derive(Serialize)]
struct Token<'a> {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    user_id: &'a str,
}

/// `POST /_dev/token`.
pub(crate) async fn token<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let Object(Wanted { user }) = web::json::body(exchange.request)?;
    if !is_name(&user) {
        let detail = "A user is 1 to 64 characters of a-z, 0-9, _ and -.";
        return Err(Problem::field("invalid_request", "/user".to_owned(), detail));
    }
    let account = named(ports, exchange, &user).await?;
    let expires_at = tokens::seconds(exchange.now).saturating_add(tokens::ACCESS_SECONDS);
    let access_token = tokens::access_token(ports, &account, expires_at).await?;
    let (expires_in, user_id) = (tokens::ACCESS_SECONDS, account.id.as_str());
    Response::json(200, &Token { access_token, token_type: "Bearer", expires_in, user_id })
}

/// The account of a name, made when it is new. Of two requests that meet, the slower one reads what
/// the faster one wrote.
async fn named<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    name: &str,
) -> Result<Account, Problem> {
    if let Some(account) = known(ports, name).await? {
        return Ok(account);
    }
    let id = Id::<kind::User>::new(exchange.now, ports.id_bytes()).to_string();
    let insert = "INSERT INTO identity_accounts (id, handle, display_name, created_at)
        VALUES (?1, ?2, ?2, ?3) ON CONFLICT (handle) DO NOTHING";
    let parameters = [id.as_str().into(), name.into(), exchange.now.as_ms().into()];
    // Of two requests that meet, one tells of nobody.
    let told = events::user_changed(&id, Some(&mailbox(name)), name);
    Sql::batch_and_send(ports, vec![Statement::new(insert, parameters)], vec![told]).await?;
    known(ports, name).await?.ok_or_else(Problem::internal)
}

async fn known<P: Ports>(ports: &P, name: &str) -> Result<Option<Account>, Problem> {
    let select = "SELECT id FROM identity_accounts WHERE handle = ?1";
    let rows = Sql::query(ports, Statement::new(select, [name.into()])).await?.rows;
    match rows.first() {
        Some(row) => Account::by_id(ports, &text(row, 0)?).await,
        None => Ok(None),
    }
}

/// Where letters to the account of a name go: no server takes them, and development keeps them.
pub(crate) fn mailbox(name: &str) -> String {
    format!("{name}@{MAIL_DOMAIN}")
}

fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || is_joint(byte);
    (1..=64).contains(&name.len()) && name.bytes().all(known)
}

fn is_joint(byte: u8) -> bool {
    matches!(byte, b'_' | b'-')
}

/// Nobody's (RFC 2606).
const MAIL_DOMAIN: &str = "dev.invalid";
