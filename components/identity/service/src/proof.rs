//! Proof that the caller is who signed in, before something that cannot be taken back: a token that
//! was left lying about opens an account for minutes, and must not end it.

use ports::{Ports, Sql, Statement};
use serde::Deserialize;
use web::json::Object;
use web::{Exchange, Problem};

use crate::account::Account;
use crate::schema::integer;
use crate::{limits, totp};

/// What the caller may send along.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    password: Option<String>,
    otp: Option<String>,
}

impl Proof {
    /// The body of a request; one without a body says nothing.
    pub(crate) fn read(exchange: &Exchange<'_>) -> Result<Self, Problem> {
        if exchange.request.body.is_empty() {
            return Ok(Self::default());
        }
        web::json::body::<Object<Self>>(exchange.request).map(|Object(proof)| proof)
    }

    /// `account` is [`Account::to_change`]: the caller's session has not ended.
    ///
    /// Holds when the caller signed in within the last ten minutes, or knows the password or a
    /// one-time code; 403 `reauthentication_required`. Who has neither signs in anew, by its
    /// provider.
    pub(crate) async fn demand<P: Ports>(
        self,
        ports: &P,
        exchange: &Exchange<'_>,
        account: &Account,
    ) -> Result<(), Problem> {
        // The names of development have no password and are signed in by asking.
        if account.handle.is_some() || signed_in_lately(ports, exchange).await? {
            return Ok(());
        }
        let required = || {
            let detail = "Sign in again, or send `password` or `otp` along.";
            Problem::new(403, "reauthentication_required", detail)
        };
        if let Some(otp) = self.otp.filter(|_| account.totp.on_at.is_some()) {
            limits::OTPS.take(ports, &account.id).await?;
            let accepted = totp::accept(ports, account, &otp, exchange.now).await?;
            return if accepted { Ok(()) } else { Err(required()) };
        }
        let password = self.password.ok_or_else(required)?;
        limits::SIGN_IN_KNOWN.take(ports, &account.id).await?;
        let compared = ports.verify_password(&password, account.password.as_deref()).await?;
        if compared.matches { Ok(()) } else { Err(required()) }
    }
}

async fn signed_in_lately<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<bool, Problem> {
    let caller = exchange.signed_in()?;
    let sql = "SELECT f.created_at FROM identity_tokens t
        JOIN identity_families f ON f.id = t.family_id
        WHERE t.account_id = ?1 AND t.access_expires_at = ?2";
    let values = [caller.subject.as_str().into(), caller.expires_at.into()];
    let rows = Sql::query(ports, Statement::new(sql, values)).await?.rows;
    let Some(row) = rows.first() else { return Ok(false) };
    let age = exchange.now.as_ms().saturating_sub(integer(row, 0)?);
    Ok(age < LATELY_MS)
}

/// As long as an access token lives.
const LATELY_MS: i64 = 10 * 60 * 1_000;
