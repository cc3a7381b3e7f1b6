//! An account as its row tells it.

use kernel::Timestamp;
use ports::{Outgoing, Ports, Sql, Statement, Value};
use web::{Exchange, Problem, auth};

use crate::schema::{integer, optional_integer, optional_text, text};
use crate::{development, email, events};

/// An account that is not erased.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) handle: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) display_name: String,
    /// Hash of the password; none for who only signs in with a provider.
    pub(crate) password: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) confirmed_at: Option<i64>,
    pub(crate) suspended_at: Option<i64>,
    pub(crate) totp: Totp,
    pub(crate) version: i64,
}

/// Where the second factor stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Totp {
    /// Counts secrets; none was ever made at 0.
    pub(crate) generation: i64,
    pub(crate) on_at: Option<i64>,
}

const COLUMNS: &str = "id, handle, email, display_name, password, created_at, confirmed_at,
    suspended_at, totp_generation, totp_on_at, version";

impl Account {
    /// The account of a normalised address.
    pub(crate) async fn by_email<P: Ports>(
        ports: &P,
        email: &str,
    ) -> Result<Option<Self>, Problem> {
        let select = format!("SELECT {COLUMNS} FROM identity_accounts WHERE email = ?1");
        Self::one(ports, Statement::new(select, [email.into()])).await
    }

    /// The account with an id.
    pub(crate) async fn by_id<P: Ports>(ports: &P, id: &str) -> Result<Option<Self>, Problem> {
        let select =
            format!("SELECT {COLUMNS} FROM identity_accounts WHERE id = ?1 AND erased_at IS NULL");
        Self::one(ports, Statement::new(select, [id.into()])).await
    }

    /// The caller's account. A token outlives an erased account by minutes: 401.
    pub(crate) async fn of_caller<P: Ports>(
        ports: &P,
        exchange: &Exchange<'_>,
    ) -> Result<Self, Problem> {
        let id = &exchange.signed_in()?.subject;
        Self::by_id(ports, id).await?.ok_or_else(auth::unauthenticated)
    }

    /// The caller's account, to be changed. A token outlives the day of a suspension, too: 403; and
    /// the end of its session, by signing out, a new password or a copy that was found out: 401.
    pub(crate) async fn to_change<P: Ports>(
        ports: &P,
        exchange: &Exchange<'_>,
    ) -> Result<Self, Problem> {
        let account = Self::of_caller(ports, exchange).await?;
        if account.suspended_at.is_some() {
            return Err(auth::suspended());
        }
        if has_ended(ports, exchange).await? {
            return Err(auth::unauthenticated());
        }
        Ok(account)
    }

    /// What the account may do now. Administrators are named by the deployer and known by a mail
    /// address that was proven.
    pub(crate) fn roles<P: Ports>(&self, ports: &P) -> Vec<String> {
        if self.suspended_at.is_some() {
            return vec![auth::SUSPENDED.to_owned()];
        }
        let mut roles = vec![auth::USER.to_owned()];
        let proven = self.email.as_deref().filter(|_| self.confirmed_at.is_some());
        let admins = ports.variable("admin_emails").unwrap_or_default();
        let mut admins = admins.split(',').filter_map(email::normalised);
        if proven.is_some_and(|proven| admins.any(|admin| admin == proven)) {
            roles.push(auth::ADMIN.to_owned());
        }
        roles
    }

    /// The condition that the account is as it was read.
    pub(crate) fn unchanged(&self) -> Statement {
        let condition = "EXISTS (SELECT 1 FROM identity_accounts WHERE id = ?1 AND version = ?2)";
        crate::schema::require(condition, [self.id.as_str().into(), self.version.into()])
    }

    /// Tells others what the account looks like.
    pub(crate) fn changed(&self) -> Outgoing {
        let in_development = || self.handle.as_deref().map(development::mailbox);
        let email = self.email.clone().or_else(in_development);
        events::user_changed(&self.id, email.as_deref(), &self.display_name)
    }

    async fn one<P: Ports>(ports: &P, select: Statement) -> Result<Option<Self>, Problem> {
        let found = Sql::query(ports, select).await?.rows;
        found.first().map(|row| Self::read(row)).transpose()
    }

    fn read(row: &[Value]) -> Result<Self, Problem> {
        Ok(Self {
            id: text(row, 0)?,
            handle: optional_text(row, 1),
            email: optional_text(row, 2),
            display_name: text(row, 3)?,
            password: optional_text(row, 4),
            created_at: Timestamp::from_ms(integer(row, 5)?),
            confirmed_at: optional_integer(row, 6),
            suspended_at: optional_integer(row, 7),
            totp: Totp { generation: integer(row, 8)?, on_at: optional_integer(row, 9) },
            version: integer(row, 10)?,
        })
    }
}

/// Has the session of the caller's token ended? Tokens of development belong to none.
pub(crate) async fn has_ended<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<bool, Problem> {
    let caller = exchange.signed_in()?;
    let sql = "SELECT 1 FROM identity_tokens t JOIN identity_families f ON f.id = t.family_id
        WHERE t.account_id = ?1 AND t.access_expires_at = ?2 AND f.revoked_at IS NOT NULL";
    let values = [caller.subject.as_str().into(), caller.expires_at.into()];
    Ok(!Sql::query(ports, Statement::new(sql, values)).await?.rows.is_empty())
}
