//! What administrators do to accounts.

use kernel::{Id, kind};
use ports::{Ports, Sql, Statement};
use web::{Exchange, Problem, Response, auth};

use crate::account::Account;
use crate::sessions::revoke_all;

/// `PUT /v1/admin/users/{id}/suspension`: no session of the account goes on, and a new one can look
/// only.
pub(crate) async fn begin<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let account = named(ports, exchange).await?;
    if account.id == exchange.signed_in()?.subject {
        let detail = "Nobody suspends the own account: ask another administrator.";
        return Err(Problem::new(403, "forbidden", detail));
    }
    let sql = "UPDATE identity_accounts SET suspended_at = ?2, version = version + 1
        WHERE id = ?1 AND suspended_at IS NULL";
    let values = [account.id.as_str().into(), exchange.now.as_ms().into()];
    let statements = vec![Statement::new(sql, values), revoke_all(&account.id, exchange)];
    Sql::batch(ports, statements).await?;
    Ok(Response::empty(204))
}

/// `DELETE /v1/admin/users/{id}/suspension`; also when there is none. Sessions that show the
/// account as suspended end, so that the next sign-in shows it as it is.
pub(crate) async fn end<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let account = named(ports, exchange).await?;
    if account.suspended_at.is_some() {
        let sql = "UPDATE identity_accounts SET suspended_at = NULL, version = version + 1
            WHERE id = ?1";
        let free = Statement::new(sql, [account.id.as_str().into()]);
        Sql::batch(ports, vec![free, revoke_all(&account.id, exchange)]).await?;
    }
    Ok(Response::empty(204))
}

/// The account that the path names. The caller's token may be from before a suspension or an
/// erasure: what counts is what the caller's account may do now.
async fn named<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Account, Problem> {
    exchange.no_parameters()?;
    let caller = Account::to_change(ports, exchange).await?;
    if !caller.roles(ports).iter().any(|role| role == auth::ADMIN) {
        return Err(Problem::new(403, "forbidden", "Only administrators may do this."));
    }
    let id: Id<kind::User> = exchange.parameter("id").parse().map_err(|_| Problem::not_found())?;
    Account::by_id(ports, &id.to_string()).await?.ok_or_else(Problem::not_found)
}
