//! Pairs of tokens: an access token for ten minutes and a refresh token for the next pair.
//!
//! A sign-in begins a family. A refresh token is spent once; its successor follows from it, so that
//! a request that was sent twice gets the same pair twice, and nothing of it is stored but hashes.

use kernel::{Id, Timestamp, kind};
use ports::{Claims, Ports, Sql, SqlError, Statement};
use serde::Serialize;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::schema::integer;
use crate::{device, secrets};

/// What a sign-in and a refresh answer.
#[derive(Serialize)]
struct Pair<'a> {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    refresh_token: &'a str,
}

/// A refresh token as it is handed out, and the access token beside it.
pub(crate) struct Issue<'a> {
    pub(crate) refresh_token: &'a str,
    pub(crate) issued_at: Timestamp,
    /// Seconds.
    pub(crate) access_expires_at: i64,
}

/// Begins a family, in one batch with `more`; none when that batch was refused time and again: the
/// account changes all the time, or something in `more` does not hold.
pub(crate) async fn open<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    account: &Account,
    more: Vec<Statement>,
) -> Result<Option<Response>, Problem> {
    let now = exchange.now;
    let device = device::of(exchange.request);
    // Successors of tokens follow from a family's id, so it is shown by another one.
    let session = Id::<kind::Session>::new(now, ports.id_bytes()).to_string();
    let family = secrets::random(ports);
    let refresh_token = format!("{PREFIX}{}", secrets::random(ports));
    for _ in 0..ATTEMPTS_MAX {
        let access_expires_at = free_expiry(ports, &account.id, now).await?;
        let issue = Issue { refresh_token: &refresh_token, issued_at: now, access_expires_at };
        let answer = issue.answer(ports, account, 201).await?;
        let begin = "INSERT INTO identity_families (id, account_id, created_at, session_id, device)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        let (id, account_id) = (family.as_str().into(), account.id.as_str().into());
        let (session, device) = (session.as_str().into(), device.as_deref().into());
        let values = [id, account_id, now.as_ms().into(), session, device];
        let mut statements = vec![account.unchanged()];
        statements.extend(more.iter().cloned());
        statements.push(Statement::new(begin, values));
        statements.push(issue.insert(&family, &account.id));
        statements.push(without_the_oldest(&account.id, now));
        match Sql::batch(ports, statements).await {
            Ok(_) => return Ok(Some(answer)),
            // Another sign-in took this second, or the batch does not hold.
            Err(SqlError::Constraint(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

impl Issue<'_> {
    /// The pair as an answer.
    pub(crate) async fn answer<P: Ports>(
        &self,
        ports: &P,
        account: &Account,
        status: u16,
    ) -> Result<Response, Problem> {
        let access_token = access_token(ports, account, self.access_expires_at).await?;
        let pair = Pair {
            access_token,
            token_type: "Bearer",
            expires_in: self.access_expires_at.saturating_sub(seconds(self.issued_at)),
            refresh_token: self.refresh_token,
        };
        Response::json(status, &pair)
    }

    /// The row of the refresh token.
    pub(crate) fn insert(&self, family: &str, account_id: &str) -> Statement {
        let sql = "INSERT INTO identity_tokens
            (hash, family_id, account_id, issued_at, expires_at, access_expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let hash = secrets::hash(self.refresh_token).into();
        let expires_at = self.issued_at.plus_ms(REFRESH_KEPT_MS).as_ms().into();
        let (issued_at, access) = (self.issued_at.as_ms().into(), self.access_expires_at.into());
        Statement::new(sql, [hash, family.into(), account_id.into(), issued_at, expires_at, access])
    }
}

/// Signs an access token for what the account may do now.
pub(crate) async fn access_token<P: Ports>(
    ports: &P,
    account: &Account,
    expires_at: i64,
) -> Result<String, Problem> {
    let claims = Claims {
        subject: account.id.clone(),
        name: account.display_name.clone(),
        roles: account.roles(ports),
        expires_at,
    };
    ports.sign_access_token(&claims).await.map_err(|_| Problem::unavailable())
}

/// The latest second at which no other access token of the account expires: an access token says
/// nothing of its session, so this second does. 503 when a minute of them is taken.
pub(crate) async fn free_expiry<P: Ports>(
    ports: &P,
    account_id: &str,
    now: Timestamp,
) -> Result<i64, Problem> {
    let latest = seconds(now).saturating_add(ACCESS_SECONDS);
    let earliest = latest.saturating_sub(SECONDS_TO_CHOOSE);
    let sql = "SELECT access_expires_at FROM identity_tokens
        WHERE account_id = ?1 AND access_expires_at BETWEEN ?2 AND ?3";
    let select = Statement::new(sql, [account_id.into(), earliest.into(), latest.into()]);
    let rows = Sql::query(ports, select).await?.rows;
    let taken = rows.iter().map(|row| integer(row, 0)).collect::<Result<Vec<_>, _>>()?;
    let free = (earliest..=latest).rev().find(|second| !taken.contains(second));
    free.ok_or_else(Problem::overloaded)
}

/// Nobody has that many devices; whoever signs in without end ends its oldest sessions.
fn without_the_oldest(account_id: &str, now: Timestamp) -> Statement {
    let sql = "UPDATE identity_families SET revoked_at = ?2 WHERE id IN
        (SELECT id FROM identity_families WHERE account_id = ?1 AND revoked_at IS NULL
        ORDER BY created_at DESC LIMIT -1 OFFSET ?3)";
    Statement::new(sql, [account_id.into(), now.as_ms().into(), FAMILIES_MAX.into()])
}

/// Whole seconds of an instant.
pub(crate) fn seconds(instant: Timestamp) -> i64 {
    instant.as_ms().div_euclid(1_000)
}

/// What a refresh token begins with, so that one that leaks is known for what it is.
pub(crate) const PREFIX: &str = "rt_";
/// Access tokens live at most ten minutes (api.md §2).
pub(crate) const ACCESS_SECONDS: i64 = 600;
/// How long a session lives that is not used (rules.md B12).
const REFRESH_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// By how much an access token may live shorter, so that it expires alone.
const SECONDS_TO_CHOOSE: i64 = 59;
/// Most sessions of an account.
pub(crate) const FAMILIES_MAX: i64 = 100;
/// How often a batch is tried that others got in the way of.
pub(crate) const ATTEMPTS_MAX: u32 = 4;
