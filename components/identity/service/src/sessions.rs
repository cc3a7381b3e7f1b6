//! Signing in and out. A sign-in begins a family of tokens (`tokens.rs`).

mod alive;

use ports::{Ports, Sql, Statement, Value};
use serde::Deserialize;
use web::json::Object;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::{email, limits, secrets, sign_ups, tokens, totp};

pub(crate) use alive::{end_named, list};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
    otp: Option<String>,
}

/// `POST /v1/sessions`.
pub(crate) async fn sign_in<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(SignIn { email, password, otp }) = web::json::body(exchange.request)?;
    let email = email::parsed(&email)?;
    limits::SIGN_INS.take(ports, exchange).await?;
    let place = Place::of(ports, exchange, &email).await;
    place.take(ports).await?;
    let account = Account::by_email(ports, &email).await?;
    let stored = account.as_ref().and_then(|account| account.password.as_deref());
    let compared = ports.verify_password(&password, stored).await?;
    let confirmed = account.filter(|account| compared.matches && account.confirmed_at.is_some());
    let Some(account) = confirmed else {
        return Err(refusal(ports, &place, &email, &password).await?);
    };
    totp::demand(ports, &account, otp.as_deref(), exchange.now).await?;
    if compared.outdated {
        rehash(ports, &account, &password).await?;
    }
    let seen = place.seen(exchange, &account);
    let opened = tokens::open(ports, exchange, &account, vec![seen]).await?;
    opened.ok_or_else(Problem::unavailable)
}

/// `DELETE /v1/sessions/current`.
pub(crate) async fn end_this<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?;
    let sql = "UPDATE identity_families SET revoked_at = ?3 WHERE revoked_at IS NULL AND id IN
        (SELECT family_id FROM identity_tokens WHERE account_id = ?1 AND access_expires_at = ?2)";
    let now = exchange.now.as_ms().into();
    let values = [caller.subject.as_str().into(), caller.expires_at.into(), now];
    Sql::batch(ports, vec![Statement::new(sql, values)]).await?;
    Ok(Response::empty(204))
}

/// `DELETE /v1/sessions`.
pub(crate) async fn end_all<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?;
    Sql::batch(ports, vec![revoke_all(&caller.subject, exchange)]).await?;
    Ok(Response::empty(204))
}

/// Ends every session of an account.
pub(crate) fn revoke_all(account_id: &str, exchange: &Exchange<'_>) -> Statement {
    let sql = "UPDATE identity_families SET revoked_at = ?2
        WHERE account_id = ?1 AND revoked_at IS NULL";
    Statement::new(sql, [account_id.into(), exchange.now.as_ms().into()])
}

/// Ends every session of the caller but the one that its access token belongs to.
pub(crate) fn revoke_others(exchange: &Exchange<'_>) -> Result<Statement, Problem> {
    let caller = exchange.signed_in()?;
    let sql = "UPDATE identity_families SET revoked_at = ?3
        WHERE account_id = ?1 AND revoked_at IS NULL AND id NOT IN
        (SELECT family_id FROM identity_tokens WHERE account_id = ?1 AND access_expires_at = ?2)";
    let now = exchange.now.as_ms().into();
    Ok(Statement::new(sql, [caller.subject.as_str().into(), caller.expires_at.into(), now]))
}

/// Why a sign-in is refused: 403 with the password of a sign-up that was not confirmed, else 401.
/// It is compared whether somebody signed up or not, and said whether there is an account or not:
/// whoever signs up with an address learns nothing by signing in.
async fn refusal<P: Ports>(
    ports: &P,
    place: &Place,
    email: &str,
    password: &str,
) -> Result<Problem, Problem> {
    let pending = sign_ups::password(ports, place, email).await?;
    let compared = ports.verify_password(password, pending.as_deref()).await?;
    if !compared.matches {
        return Ok(invalid_credentials());
    }
    let detail = "Prove first that this mail address is yours: type the code that was mailed.";
    Ok(Problem::new(403, "account_not_confirmed", detail))
}

/// 401: unknown address, wrong password, wrong one-time code.
pub(crate) fn invalid_credentials() -> Problem {
    let detail = "Address, password or one-time code are wrong.";
    Problem::new(401, "invalid_credentials", detail).with_header("www-authenticate", "Bearer")
}

/// The password is known now, and its hash is weaker than new ones are. What fails here, another
/// sign-in repairs.
async fn rehash<P: Ports>(ports: &P, account: &Account, password: &str) -> Result<(), Problem> {
    let Ok(hash) = ports.hash_password(password).await else { return Ok(()) };
    let sql = "UPDATE identity_accounts SET password = ?2 WHERE id = ?1 AND password = ?3";
    let known = account.password.as_deref();
    let values = [account.id.as_str().into(), hash.into(), known.into()];
    Sql::batch(ports, vec![Statement::new(sql, values)]).await?;
    Ok(())
}

/// An address together with where the client is.
pub(crate) struct Place {
    key: [u8; 32],
    email: String,
}

impl Place {
    /// Where a request comes from, for an address.
    pub(crate) async fn of<P: Ports>(ports: &P, exchange: &Exchange<'_>, email: &str) -> Self {
        let client = limits::block(exchange.request.client_address());
        let key = ports.mac("identity.place", format!("{email} {client}").as_bytes()).await;
        Self { key, email: email.to_owned() }
    }

    /// The same in a table.
    pub(crate) fn key(&self) -> Value {
        self.key.to_vec().into()
    }

    /// Takes a sign-in: from where the account was signed in to before, strangers do not count.
    pub(crate) async fn take<P: Ports>(&self, ports: &P) -> Result<(), Problem> {
        if self.is_known(ports).await? {
            limits::SIGN_IN_KNOWN.take(ports, &secrets::written(&self.key)).await
        } else {
            limits::SIGN_IN.take(ports, &self.email).await
        }
    }

    /// Remembers that the account was signed in to from here.
    pub(crate) fn seen(&self, exchange: &Exchange<'_>, account: &Account) -> Statement {
        let sql = "INSERT INTO identity_places (place, account_id, seen_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (place) DO UPDATE SET
                account_id = excluded.account_id, seen_at = excluded.seen_at";
        Statement::new(sql, [self.key(), account.id.as_str().into(), exchange.now.as_ms().into()])
    }

    async fn is_known<P: Ports>(&self, ports: &P) -> Result<bool, Problem> {
        let sql = "SELECT 1 FROM identity_places WHERE place = ?1";
        let found = Sql::query(ports, Statement::new(sql, [self.key()])).await?;
        Ok(!found.rows.is_empty())
    }
}
