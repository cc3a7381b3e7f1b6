//! The next pair for a refresh token, which is spent by that.

use kernel::Timestamp;
use ports::{Ports, Sql, SqlError, Statement};
use serde::Deserialize;
use web::json::Object;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::schema::{integer, optional_integer, require, text};
use crate::tokens::{self, Issue};
use crate::{limits, secrets};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    refresh_token: String,
}

/// A refresh token as its row tells it.
struct Known {
    family_id: String,
    account_id: String,
    expires_at: i64,
    spent_at: Option<i64>,
    is_revoked: bool,
}

/// `POST /v1/sessions/refresh`.
pub(crate) async fn refresh<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Refresh { refresh_token }) = web::json::body(exchange.request)?;
    limits::REFRESHES.take(ports, exchange).await?;
    let hash = secrets::hash(&refresh_token);
    let now = exchange.now;
    for attempt in 0..tokens::ATTEMPTS_MAX {
        let known = Known::find(ports, &hash).await?.ok_or_else(invalid_token)?;
        if attempt == 0 {
            limits::REFRESHES_OF.take(ports, &known.account_id).await?;
        }
        if known.expires_at <= now.as_ms() {
            return Err(invalid_token());
        }
        if known.spent_at.is_some_and(|at| now.as_ms().saturating_sub(at) > DOUBLE_SUBMIT_MS) {
            known.revoke(ports, now).await?;
            return Err(token_reused());
        }
        if known.is_revoked {
            return Err(invalid_token());
        }
        let account = Account::by_id(ports, &known.account_id).await?.ok_or_else(invalid_token)?;
        let successor = known.successor(ports, &refresh_token).await;
        if known.spent_at.is_some() {
            return known.again(ports, &account, &successor).await;
        }
        if let Some(answer) = known.spend(ports, &account, &hash, &successor, now).await? {
            return Ok(answer);
        }
    }
    Err(Problem::unavailable())
}

impl Known {
    async fn find<P: Ports>(ports: &P, hash: &[u8]) -> Result<Option<Self>, Problem> {
        let sql = "SELECT t.family_id, t.account_id, t.expires_at, t.spent_at, f.revoked_at
            FROM identity_tokens t JOIN identity_families f ON f.id = t.family_id
            WHERE t.hash = ?1";
        let rows = Sql::query(ports, Statement::new(sql, [hash.to_vec().into()])).await?.rows;
        let read = |row: &Vec<_>| {
            Ok(Self {
                family_id: text(row, 0)?,
                account_id: text(row, 1)?,
                expires_at: integer(row, 2)?,
                spent_at: optional_integer(row, 3),
                is_revoked: optional_integer(row, 4).is_some(),
            })
        };
        rows.first().map(read).transpose()
    }

    /// The token that comes after: only who has the old one, and the platform, can make it.
    async fn successor<P: Ports>(&self, ports: &P, token: &str) -> String {
        let of = format!("{token} {}", self.family_id);
        format!("{}{}", tokens::PREFIX, secrets::derived(ports, "identity.refresh", &of).await)
    }

    /// Spends the token and hands out the next pair; none when something else was faster.
    async fn spend<P: Ports>(
        &self,
        ports: &P,
        account: &Account,
        hash: &[u8],
        successor: &str,
        now: Timestamp,
    ) -> Result<Option<Response>, Problem> {
        let access_expires_at = tokens::free_expiry(ports, &account.id, now).await?;
        let issue = Issue { refresh_token: successor, issued_at: now, access_expires_at };
        let answer = issue.answer(ports, account, 200).await?;
        let live = "EXISTS (SELECT 1 FROM identity_tokens t
            JOIN identity_families f ON f.id = t.family_id
            WHERE t.hash = ?1 AND t.spent_at IS NULL AND f.revoked_at IS NULL)";
        let spend = "UPDATE identity_tokens SET spent_at = ?2 WHERE hash = ?1";
        let hash = || ports::Value::from(hash.to_vec());
        let statements = vec![
            account.unchanged(),
            require(live, [hash()]),
            Statement::new(spend, [hash(), now.as_ms().into()]),
            issue.insert(&self.family_id, &account.id),
        ];
        match Sql::batch(ports, statements).await {
            Ok(_) => Ok(Some(answer)),
            Err(SqlError::Constraint(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The pair that the token was spent for. It is made anew and is the same, unless name or roles
    /// have changed within these seconds.
    async fn again<P: Ports>(
        &self,
        ports: &P,
        account: &Account,
        successor: &str,
    ) -> Result<Response, Problem> {
        let sql = "SELECT issued_at, access_expires_at FROM identity_tokens WHERE hash = ?1";
        let select = Statement::new(sql, [secrets::hash(successor).into()]);
        let rows = Sql::query(ports, select).await?.rows;
        let row = rows.first().ok_or_else(invalid_token)?;
        let issue = Issue {
            refresh_token: successor,
            issued_at: Timestamp::from_ms(integer(row, 0)?),
            access_expires_at: integer(row, 1)?,
        };
        issue.answer(ports, account, 200).await
    }

    /// Somebody has a copy of the token, and nobody knows who is who: all of them are out.
    async fn revoke<P: Ports>(&self, ports: &P, now: Timestamp) -> Result<(), Problem> {
        let sql = "UPDATE identity_families SET revoked_at = ?2
            WHERE id = ?1 AND revoked_at IS NULL";
        let values = [self.family_id.as_str().into(), now.as_ms().into()];
        Sql::batch(ports, vec![Statement::new(sql, values)]).await?;
        Ok(())
    }
}

fn invalid_token() -> Problem {
    let detail = "This refresh token is unknown or expired, or its session has ended. Sign in.";
    Problem::new(401, "invalid_token", detail).with_header("www-authenticate", "Bearer")
}

fn token_reused() -> Problem {
    let detail = "This refresh token was spent before, so somebody may have a copy of it: \
        its session has ended. Sign in.";
    Problem::new(401, "token_reused", detail).with_header("www-authenticate", "Bearer")
}

/// Within that time a spent token is taken for a request that was sent twice (rules.md B12).
const DOUBLE_SUBMIT_MS: i64 = 10_000;
