//! The way back from a provider.

use std::borrow::Cow;

use kernel::{Id, kind};
use ports::{Ports, Sql, SqlError, Statement};
use web::{Exchange, Problem, Response};

use super::provider::Provider;
use super::vouched::{self, Refusal, Vouched};
use super::{Way, with_parameter};
use crate::account::Account;
use crate::schema::text;
use crate::{codes, limits, secrets, wishes};

/// How a browser goes on.
enum Onward {
    /// Signed in, as soon as the ticket is picked up.
    Ticket(String),
    /// Signed in, as soon as the mailed code is typed.
    Link(String),
}

/// `GET /v1/oauth/{provider}/callback`. Providers add parameters of their own; none of them is a
/// mistake of the caller.
pub(crate) async fn callback<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let provider = Provider::named(ports, exchange)?;
    let base_url = super::base_url(ports).ok_or_else(Problem::not_found)?;
    limits::SIGN_INS.take(ports, exchange).await?;
    let state = parameter(exchange, "state").ok_or_else(invalid_state)?;
    let way = Way::take(ports, provider.name, &state).await?.ok_or_else(invalid_state)?;
    let browser = super::cookie(exchange.request, super::cookie_name(&base_url));
    let is_same =
        browser.is_some_and(|browser| secrets::equal(&secrets::hash(browser), &way.browser));
    if !is_same || way.expires_at <= exchange.now.as_ms() {
        return Err(invalid_state());
    }
    let arrived = arrived(ports, exchange, &provider, &base_url, &state, &way).await?;
    let [ticket, link, error] = super::WORDS_BACK;
    let (name, value) = match arrived {
        Ok(Onward::Ticket(word)) => (ticket, word),
        Ok(Onward::Link(word)) => (link, word),
        Err(refusal) => (error, refusal.as_str().to_owned()),
    };
    let location = with_parameter(&way.return_to, name, &value);
    let cookie = super::set_cookie(&base_url, browser.unwrap_or_default());
    let back = Response::empty(303).with("location", location).with("set-cookie", cookie);
    Ok(back.with("referrer-policy", "no-referrer"))
}

async fn arrived<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    provider: &Provider,
    base_url: &str,
    state: &str,
    way: &Way,
) -> Result<Result<Onward, Refusal>, Problem> {
    if parameter(exchange, "error").is_some() {
        return Ok(Err(Refusal::AccessDenied));
    }
    let Some(code) = parameter(exchange, "code") else {
        return Ok(Err(Refusal::ProviderRefused));
    };
    match vouched::exchange(ports, provider, base_url, state, &code).await {
        Ok(vouched) => {
            let word = secrets::random(ports);
            let (browser, provider) = (way.browser.as_slice(), provider.name);
            let ticket = Ticket { word, browser, provider, vouched: &vouched };
            admitted(ports, exchange, &ticket).await.map(Ok)
        }
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Whoever is linked signs in. A verified address without an account gets one. Everybody else shows
/// by a mailed code that the address is theirs.
async fn admitted<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    ticket: &Ticket<'_>,
) -> Result<Onward, Problem> {
    let mut is_counted = false;
    let vouched = ticket.vouched;
    for _ in 0..crate::tokens::ATTEMPTS_MAX {
        let written = if let Some(account_id) = linked(ports, ticket.provider, vouched).await? {
            let statements = vec![ticket.insert(exchange, &account_id, None)];
            Sql::batch(ports, statements).await.map(|_| Onward::Ticket(ticket.word.clone()))
        } else {
            match Account::by_email(ports, &vouched.email).await? {
                None if vouched.is_verified => ticket.begin(ports, exchange).await,
                account => {
                    if !is_counted {
                        limits::LETTERS_TO_LINK.take(ports, &vouched.email).await?;
                        is_counted = true;
                    }
                    ticket.ask(ports, exchange, account).await
                }
            }
        };
        match written {
            Ok(onward) => return Ok(onward),
            // Somebody signed up or was linked in between: look again.
            Err(SqlError::Constraint(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::unavailable())
}

async fn linked<P: Ports>(
    ports: &P,
    provider: &str,
    vouched: &Vouched,
) -> Result<Option<String>, Problem> {
    let sql = "SELECT account_id FROM identity_links WHERE provider = ?1 AND subject = ?2";
    let select = Statement::new(sql, [provider.into(), vouched.subject.as_str().into()]);
    let rows = Sql::query(ports, select).await?.rows;
    rows.first().map(|row| text(row, 0)).transpose()
}

/// A ticket to be written.
struct Ticket<'a> {
    word: String,
    /// Hash of the cookie of the browser that it is for.
    browser: &'a [u8],
    provider: &'static str,
    vouched: &'a Vouched,
}

impl Ticket<'_> {
    fn insert(&self, exchange: &Exchange<'_>, account_id: &str, code: Option<&str>) -> Statement {
        let sql = "INSERT INTO identity_tickets
            (hash, browser, account_id, provider, subject, display_name, code_id, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let kept_ms = if code.is_some() { codes::CODE_KEPT_MS } else { TICKET_KEPT_MS };
        let values = [
            secrets::hash(&self.word).into(),
            self.browser.to_vec().into(),
            account_id.into(),
            self.provider.into(),
            self.vouched.subject.as_str().into(),
            self.vouched.display_name.as_str().into(),
            code.into(),
            exchange.now.plus_ms(kept_ms).as_ms().into(),
        ];
        Statement::new(sql, values)
    }

    /// A new account, confirmed by the provider's word.
    async fn begin<P: Ports>(
        &self,
        ports: &P,
        exchange: &Exchange<'_>,
    ) -> Result<Onward, SqlError> {
        let account = self.account(ports, exchange, true);
        let link = link(&account.id, self.provider, &self.vouched.subject, exchange);
        let ticket = self.insert(exchange, &account.id, None);
        let statements = vec![insert_account(&account), link, ticket];
        Sql::batch_and_send(ports, statements, vec![account.changed()]).await?;
        Ok(Onward::Ticket(self.word.clone()))
    }

    /// A letter with a code, to an account that there is or that is made for it.
    async fn ask<P: Ports>(
        &self,
        ports: &P,
        exchange: &Exchange<'_>,
        account: Option<Account>,
    ) -> Result<Onward, SqlError> {
        let mut statements = Vec::new();
        let account = match account {
            Some(account) => account,
            None => {
                let account = self.account(ports, exchange, false);
                statements.push(insert_account(&account));
                account
            }
        };
        let code = secrets::random(ports);
        let (letter, due) =
            codes::due_to_link(ports, &code, exchange.now, &self.vouched.email).await;
        statements.extend([letter, self.insert(exchange, &account.id, Some(&code))]);
        Sql::batch_and_send(ports, statements, vec![due]).await?;
        Ok(Onward::Link(self.word.clone()))
    }

    fn account<P: Ports>(&self, ports: &P, exchange: &Exchange<'_>, confirmed: bool) -> Account {
        // Until the address is proven, the name stands in the ticket only.
        let name = if confirmed { self.vouched.display_name.as_str() } else { "" };
        let display_name = wishes::given_name(name, &self.vouched.email);
        Account {
            id: Id::<kind::User>::new(exchange.now, ports.id_bytes()).to_string(),
            handle: None,
            email: Some(self.vouched.email.clone()),
            display_name,
            password: None,
            created_at: exchange.now,
            confirmed_at: confirmed.then(|| exchange.now.as_ms()),
            suspended_at: None,
            totp: crate::account::Totp { generation: 0, on_at: None },
            version: 1,
        }
    }
}

fn insert_account(account: &Account) -> Statement {
    let sql = "INSERT INTO identity_accounts (id, email, display_name, created_at, confirmed_at)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = [
        account.id.as_str().into(),
        account.email.as_deref().into(),
        account.display_name.as_str().into(),
        account.created_at.as_ms().into(),
        account.confirmed_at.into(),
    ];
    Statement::new(sql, values)
}

/// The statement that links a provider's account.
pub(super) fn link(
    account_id: &str,
    provider: &str,
    subject: &str,
    exchange: &Exchange<'_>,
) -> Statement {
    let sql = "INSERT INTO identity_links (provider, subject, account_id, created_at)
        VALUES (?1, ?2, ?3, ?4)";
    let now = exchange.now.as_ms().into();
    Statement::new(sql, [provider.into(), subject.into(), account_id.into(), now])
}

fn parameter(exchange: &Exchange<'_>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(exchange.request.query().as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| Cow::into_owned(value))
}

fn invalid_state() -> Problem {
    let detail = "This way to sign in was not begun in this browser, or is over. Begin again.";
    Problem::new(400, "invalid_state", detail)
}

/// How long a ticket waits to be picked up: the page that the browser returns to does it at once.
const TICKET_KEPT_MS: i64 = 60 * 1_000;
