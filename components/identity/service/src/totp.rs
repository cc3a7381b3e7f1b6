//! The second factor: time-based one-time codes (RFC 6238) and recovery codes.
//!
//! The secret is a keyed digest of account and generation, so it is kept nowhere; switching the
//! factor on again makes a new one.

use kernel::{Digest, Timestamp};
use ports::{Ports, Sql, Statement, Value};
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Secret, Totp};
use web::json::Object;
use web::{Exchange, Problem, Response};

use crate::account::Account;
use crate::codes::invalid_code;
use crate::proof::Proof;
use crate::{limits, secrets, sessions};

#[derive(Serialize)]
struct Offer {
    secret: String,
    otpauth_uri: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    code: String,
}

#[derive(Serialize)]
struct Recovery {
    recovery_codes: Vec<String>,
}

/// `POST /v1/me/totp`: a new secret, in force once a code of it was typed.
pub(crate) async fn offer<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let proof = Proof::read(exchange)?;
    let mut account = Account::to_change(ports, exchange).await?;
    if account.totp.on_at.is_some() {
        return Err(already_on());
    }
    proof.demand(ports, exchange, &account).await?;
    account.totp.generation = account.totp.generation.saturating_add(1);
    let sql = "UPDATE identity_accounts SET totp_generation = ?2
        WHERE id = ?1 AND totp_on_at IS NULL AND totp_generation = ?2 - 1";
    let values = [account.id.as_str().into(), account.totp.generation.into()];
    let changed = Sql::batch(ports, vec![Statement::new(sql, values)]).await?;
    if changed.first().is_none_or(|outcome| outcome.changes == 0) {
        return Err(Problem::unavailable());
    }
    let secret = secret(ports, &account).await.to_base32();
    let label = account.email.as_deref().or(account.handle.as_deref()).unwrap_or_default();
    let label: String = form_urlencoded::byte_serialize(label.as_bytes()).collect();
    let otpauth_uri = format!(
        "otpauth://totp/EcomAuction:{label}?secret={secret}&issuer=EcomAuction\
         &algorithm=SHA1&digits=6&period=30"
    );
    Response::json(200, &Offer { secret, otpauth_uri })
}

/// `POST /v1/me/totp/confirm`.
pub(crate) async fn confirm<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let Object(Confirmation { code }) = web::json::body(exchange.request)?;
    let account = Account::to_change(ports, exchange).await?;
    if account.totp.on_at.is_some() {
        return Err(already_on());
    }
    limits::OTPS.take(ports, &account.id).await?;
    let step = step(ports, &account, &code, exchange.now).await?.ok_or_else(invalid_code)?;
    let recovery_codes: Vec<_> = (0..RECOVERY_CODES).map(|_| recovery_code(ports)).collect();
    let on = "UPDATE identity_accounts SET totp_on_at = ?2, totp_step = ?3, version = version + 1
        WHERE id = ?1";
    let values = [account.id.as_str().into(), exchange.now.as_ms().into(), step.into()];
    let same = "EXISTS (SELECT 1 FROM identity_accounts
        WHERE id = ?1 AND totp_on_at IS NULL AND totp_generation = ?2)";
    let same_values = [account.id.as_str().into(), account.totp.generation.into()];
    let mut statements = vec![
        crate::schema::require(same, same_values),
        Statement::new(on, values),
        forget_recovery(&account.id),
    ];
    let insert = "INSERT INTO identity_recovery_codes (account_id, hash) VALUES (?1, ?2)";
    statements.extend(recovery_codes.iter().map(|code| {
        Statement::new(insert, [account.id.as_str().into(), recovery_hash(&account, code)])
    }));
    Sql::batch(ports, statements).await.map_err(crate::accounts::once)?;
    Response::json(200, &Recovery { recovery_codes })
}

/// `DELETE /v1/me/totp`; also when it was not on.
pub(crate) async fn remove<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let proof = Proof::read(exchange)?;
    let account = Account::to_change(ports, exchange).await?;
    if account.totp.on_at.is_none() {
        return Ok(Response::empty(204));
    }
    proof.demand(ports, exchange, &account).await?;
    let off = "UPDATE identity_accounts SET totp_on_at = NULL, version = version + 1
        WHERE id = ?1 AND totp_on_at IS NOT NULL";
    let off = Statement::new(off, [account.id.as_str().into()]);
    Sql::batch(ports, vec![off, forget_recovery(&account.id)]).await?;
    Ok(Response::empty(204))
}

/// Where the second factor is on: 401 `otp_required` without a code, `invalid_credentials` with a
/// wrong one.
pub(crate) async fn demand<P: Ports>(
    ports: &P,
    account: &Account,
    otp: Option<&str>,
    now: Timestamp,
) -> Result<(), Problem> {
    if account.totp.on_at.is_none() {
        return Ok(());
    }
    let Some(otp) = otp else {
        let detail = "Send `otp`: a one-time code of this account, or a recovery code.";
        let problem = Problem::new(401, "otp_required", detail);
        return Err(problem.with_header("www-authenticate", "Bearer"));
    };
    limits::OTPS.take(ports, &account.id).await?;
    let accepted = accept(ports, account, otp, now).await?;
    if accepted { Ok(()) } else { Err(sessions::invalid_credentials()) }
}

/// Is it a one-time code whose step, or a recovery code that, was not accepted before? It is spent.
pub(crate) async fn accept<P: Ports>(
    ports: &P,
    account: &Account,
    otp: &str,
    now: Timestamp,
) -> Result<bool, Problem> {
    let id = || Value::from(account.id.as_str());
    let spend = match step(ports, account, otp, now).await? {
        Some(step) => {
            let sql = "UPDATE identity_accounts SET totp_step = ?2
                WHERE id = ?1 AND totp_on_at IS NOT NULL AND totp_step < ?2";
            Statement::new(sql, [id(), step.into()])
        }
        None => {
            let sql = "DELETE FROM identity_recovery_codes WHERE account_id = ?1 AND hash = ?2";
            Statement::new(sql, [id(), recovery_hash(account, otp)])
        }
    };
    let spent = Sql::batch(ports, vec![spend]).await?;
    Ok(spent.first().is_some_and(|outcome| outcome.changes == 1))
}

/// Forgets the recovery codes of an account.
pub(crate) fn forget_recovery(account_id: &str) -> Statement {
    let sql = "DELETE FROM identity_recovery_codes WHERE account_id = ?1";
    Statement::new(sql, [account_id.into()])
}

/// The time step that a code is right for, if there is one within a step of now.
async fn step<P: Ports>(
    ports: &P,
    account: &Account,
    code: &str,
    now: Timestamp,
) -> Result<Option<i64>, Problem> {
    let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    if account.totp.generation == 0 || !is_code {
        return Ok(None);
    }
    let totp = totp(secret(ports, account).await)?;
    let seconds = now.as_ms().div_euclid(1_000).max(0).unsigned_abs();
    Ok(totp.check(code, seconds).and_then(|step| i64::try_from(step).ok()))
}

fn totp(secret: Secret) -> Result<Totp, Problem> {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6);
    let builder = builder.with_skew(1).with_step_duration(30).with_secret(secret);
    builder.build().map_err(|_| Problem::internal())
}

async fn secret<P: Ports>(ports: &P, account: &Account) -> Secret {
    let of = format!("{} {}", account.id, account.totp.generation);
    let mac = ports.mac("identity.totp", of.as_bytes()).await;
    Secret::new_stack(mac.first_chunk::<20>().copied().unwrap_or_default())
}

/// 80 bits in four groups.
fn recovery_code<P: Ports>(ports: &P) -> String {
    let hex = Digest::from_bytes(ports.secret_bytes()).to_hex();
    let groups = hex.as_bytes().chunks(5).take(4);
    let groups: Vec<_> = groups.map(|group| String::from_utf8_lossy(group)).collect();
    groups.join("-")
}

/// Written with or without its hyphens, in either case.
fn recovery_hash(account: &Account, code: &str) -> Value {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    secrets::hash(&format!("{} {}", account.id, code.to_ascii_lowercase())).into()
}

fn already_on() -> Problem {
    let detail = "The second factor is on. Switch it off to begin anew.";
    Problem::new(409, "second_factor_on", detail)
}

/// How many recovery codes there are (api.md §2: shown once).
const RECOVERY_CODES: usize = 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// RFC 6238, appendix B, the rows of SHA-1; eight digits there, the last six here.
    #[test]
    fn known_answers() {
        let totp = totp(Secret::new_stack(*b"12345678901234567890")).unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.check(code, seconds), Some(seconds / 30), "{seconds}");
            assert!(totp.check(code, seconds + 30).is_some(), "a step late");
            assert!(totp.check(code, seconds + 60).is_none(), "two steps late");
        }
    }
}
