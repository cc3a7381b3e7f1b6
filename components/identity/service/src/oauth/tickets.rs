//! Tickets for tokens.

use ports::{Ports, Sql, Statement, Value};
use serde::Deserialize;
use web::json::Object;
use web::{Exchange, Problem, Response};

use super::callback::link;
use crate::account::Account;
use crate::codes::{self, Purpose};
use crate::schema::{optional_text, require, text};
use crate::sessions::Place;
use crate::{limits, secrets, tokens, totp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    ticket: String,
    otp: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    ticket: String,
    code: String,
    otp: Option<String>,
}

/// A ticket as its row tells it.
struct Ticket {
    hash: Vec<u8>,
    account_id: String,
    provider: String,
    subject: String,
    display_name: String,
    code_id: Option<String>,
}

/// `POST /v1/oauth/sessions`. A ticket that met 401 `otp_required` is good for the next try.
pub(crate) async fn sign_in<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(SignIn { ticket, otp }) = web::json::body(exchange.request)?;
    limits::CODES.take(ports, exchange).await?;
    let ticket = Ticket::find(ports, exchange, &ticket).await?;
    let ticket = ticket.filter(|ticket| ticket.code_id.is_none()).ok_or_else(invalid_ticket)?;
    let account = Account::by_id(ports, &ticket.account_id).await?.ok_or_else(invalid_ticket)?;
    totp::demand(ports, &account, otp.as_deref(), exchange.now).await?;
    let mut statements = ticket.spend().to_vec();
    statements.extend(seen(ports, exchange, &account).await);
    let opened = tokens::open(ports, exchange, &account, statements).await?;
    opened.ok_or_else(invalid_ticket)
}

/// `POST /v1/oauth/links`: the mailed code shows that the address is read by who came from the
/// provider.
pub(crate) async fn link_up<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Link { ticket, code, otp }) = web::json::body(exchange.request)?;
    limits::CODES.take(ports, exchange).await?;
    let ticket = Ticket::find(ports, exchange, &ticket).await?.ok_or_else(invalid_ticket)?;
    limits::CODES_OF.take_here(ports, exchange, &ticket.account_id).await?;
    let code_id = ticket.code_id.as_deref().ok_or_else(invalid_ticket)?;
    let place = Place::of(ports, exchange, &ticket.account_id).await;
    let tried = codes::tried(ports, Purpose::Link, code_id, &code, &place, exchange.now);
    let proof = tried.await?;
    let mut account =
        Account::by_id(ports, &ticket.account_id).await?.ok_or_else(invalid_ticket)?;
    totp::demand(ports, &account, otp.as_deref(), exchange.now).await?;
    // A name that came with an address that was not proven may be anybody's.
    let unchanged = account.unchanged();
    let prove = "UPDATE identity_accounts SET version = version + 1, display_name = ?3,
        confirmed_at = coalesce(confirmed_at, ?2) WHERE id = ?1";
    if account.confirmed_at.is_none() {
        account.display_name.clone_from(&ticket.display_name);
    }
    let (id, name) = (account.id.as_str().into(), account.display_name.as_str().into());
    let values = [id, exchange.now.as_ms().into(), name];
    let [there, spent] = proof.spend(&account.id);
    let mut statements = vec![there, unchanged, spent];
    statements.extend(ticket.spend());
    statements.push(Statement::new(prove, values));
    statements.push(link(&account.id, &ticket.provider, &ticket.subject, exchange));
    let written = Sql::batch_and_send(ports, statements, vec![account.changed()]).await;
    written.map_err(crate::accounts::once)?;
    account.version = account.version.saturating_add(1);
    account.confirmed_at = account.confirmed_at.or(Some(exchange.now.as_ms()));
    let seen = seen(ports, exchange, &account).await;
    let opened = tokens::open(ports, exchange, &account, seen.into_iter().collect()).await?;
    opened.ok_or_else(Problem::unavailable)
}

impl Ticket {
    /// The ticket of this browser: with one of somebody else's way a person would be signed in as
    /// somebody else, and not know it.
    async fn find<P: Ports>(
        ports: &P,
        exchange: &Exchange<'_>,
        word: &str,
    ) -> Result<Option<Self>, Problem> {
        let Some(base_url) = super::base_url(ports) else { return Ok(None) };
        let browser = super::cookie(exchange.request, super::cookie_name(&base_url));
        let browser = secrets::hash(browser.unwrap_or_default());
        let hash = secrets::hash(word);
        let sql = "SELECT account_id, provider, subject, display_name, code_id
            FROM identity_tickets WHERE hash = ?1 AND browser = ?2 AND expires_at > ?3";
        let values = [hash.clone().into(), browser.into(), exchange.now.as_ms().into()];
        let rows = Sql::query(ports, Statement::new(sql, values)).await?.rows;
        let Some(row) = rows.first() else { return Ok(None) };
        let (account_id, provider, subject) = (text(row, 0)?, text(row, 1)?, text(row, 2)?);
        let (display_name, code_id) = (text(row, 3)?, optional_text(row, 4));
        Ok(Some(Self { hash, account_id, provider, subject, display_name, code_id }))
    }

    /// Spends the ticket, once.
    fn spend(&self) -> [Statement; 2] {
        let hash = || [Value::from(self.hash.clone())];
        let there = "EXISTS (SELECT 1 FROM identity_tickets WHERE hash = ?1)";
        let delete = "DELETE FROM identity_tickets WHERE hash = ?1";
        [require(there, hash()), Statement::new(delete, hash())]
    }
}

/// From where the account was signed in to.
async fn seen<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    account: &Account,
) -> Option<Statement> {
    let email = account.email.as_deref()?;
    Some(Place::of(ports, exchange, email).await.seen(exchange, account))
}

fn invalid_ticket() -> Problem {
    let detail = "This ticket is unknown, was used, is too old, or is another browser's. Begin \
        again with the provider.";
    Problem::new(401, "invalid_ticket", detail).with_header("www-authenticate", "Bearer")
}
