//! Idempotency of requests that create (rules.md B11): a row per caller, operation and key.
//!
//! A row is reserved with a lease, then either answered or forgotten. A retry within the lease
//! hears that the first request is running; after it, it takes over with the same auction id.

use kernel::limits::IDEMPOTENCY_KEEP_MS;
use kernel::{Digest, Id, Timestamp, kind};
use ports::{Claims, Ports, Sql, Statement, Value};
use web::{Problem, idempotency};

use crate::names;

/// What a key means now.
pub(crate) enum Outcome<'r> {
    /// The caller holds the lease.
    Run(Reservation<'r>),
    /// It was answered before.
    Replay(Answered),
}

/// A lease on a key and the id that goes with it.
pub(crate) struct Reservation<'r> {
    pub(crate) auction_id: String,
    caller: &'r str,
    key: &'r str,
    lease_until: Timestamp,
}

/// A finished answer.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) auction_id: String,
    pub(crate) etag: String,
    pub(crate) body: Vec<u8>,
}

/// Takes the key for a request whose canonical body is `command`. 422 when it was used with another
/// body, 409 while somebody else holds the lease.
pub(crate) async fn reserve<'r, P: Ports>(
    ports: &P,
    seller: &'r Claims,
    key: &'r str,
    command: &[u8],
) -> Result<Outcome<'r>, Problem> {
    let now = ports.now();
    let fingerprint = Digest::of(&[command]);
    let mut reservation = Reservation {
        auction_id: Id::<kind::Auction>::new(now, ports.id_bytes()).to_string(),
        caller: &seller.subject,
        key,
        lease_until: now.plus_ms(LEASE_MS),
    };
    let insert = reservation.insert(now, fingerprint.as_bytes());
    let outcomes = Sql::batch(ports, vec![forget_old(now), insert, names::upsert(seller)]).await?;
    if outcomes.get(1).is_some_and(|outcome| outcome.changes == 1) {
        return Ok(Outcome::Run(reservation));
    }
    let Some(found) = find(ports, &reservation).await? else {
        // Forgotten in between: whoever held it was refused or has crashed.
        return Err(idempotency::in_progress(1));
    };
    if found.fingerprint != fingerprint.as_bytes() {
        return Err(idempotency::reused());
    }
    reservation.auction_id = found.auction_id;
    if let Some((status, etag, body)) = found.answer {
        let auction_id = reservation.auction_id;
        return Ok(Outcome::Replay(Answered { status, auction_id, etag, body }));
    }
    let running_ms = found.lease_until.ms_since(now);
    if running_ms > 0 {
        return Err(idempotency::in_progress(running_ms.saturating_add(999) / 1_000));
    }
    let taken = Sql::batch(ports, vec![reservation.take_over(found.lease_until)]).await?;
    if taken.first().is_some_and(|outcome| outcome.changes == 1) {
        Ok(Outcome::Run(reservation))
    } else {
        Err(idempotency::in_progress(LEASE_MS / 1_000))
    }
}

impl Reservation<'_> {
    /// Remembers the answer.
    pub(crate) fn answer(&self, answered: &Answered) -> Statement {
        let sql = "UPDATE auctions_requests SET status = ?4, etag = ?5, body = ?6
            WHERE caller = ?1 AND operation = ?2 AND key = ?3";
        self.statement(
            sql,
            [
                i64::from(answered.status).into(),
                answered.etag.as_str().into(),
                Value::Blob(answered.body.clone()),
            ],
        )
    }

    /// Frees the key after a refusal.
    pub(crate) fn forget(&self) -> Statement {
        let sql = "DELETE FROM auctions_requests WHERE caller = ?1 AND operation = ?2 AND key = ?3
            AND status IS NULL AND lease_until = ?4";
        self.statement(sql, [self.lease_until.as_ms().into()])
    }

    /// Ends the lease after a fault, so that a retry need not wait for it.
    pub(crate) fn release(&self) -> Statement {
        let sql = "UPDATE auctions_requests SET lease_until = 0 WHERE caller = ?1
            AND operation = ?2 AND key = ?3 AND status IS NULL AND lease_until = ?4";
        self.statement(sql, [self.lease_until.as_ms().into()])
    }

    fn insert(&self, now: Timestamp, fingerprint: &[u8]) -> Statement {
        let sql = "INSERT INTO auctions_requests
            (caller, operation, key, fingerprint, auction_id, created_at, lease_until)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (caller, operation, key) DO NOTHING";
        self.statement(
            sql,
            [
                Value::Blob(fingerprint.to_vec()),
                self.auction_id.as_str().into(),
                now.as_ms().into(),
                self.lease_until.as_ms().into(),
            ],
        )
    }

    fn take_over(&self, from: Timestamp) -> Statement {
        let sql = "UPDATE auctions_requests SET lease_until = ?4 WHERE caller = ?1
            AND operation = ?2 AND key = ?3 AND status IS NULL AND lease_until = ?5";
        self.statement(sql, [self.lease_until.as_ms().into(), from.as_ms().into()])
    }

    fn statement(&self, sql: &str, rest: impl IntoIterator<Item = Value>) -> Statement {
        let scope = [self.caller.into(), OPERATION.into(), self.key.into()];
        Statement::new(sql, scope.into_iter().chain(rest))
    }
}

/// A row of `auctions_requests`.
struct Found {
    fingerprint: Vec<u8>,
    auction_id: String,
    lease_until: Timestamp,
    answer: Option<(u16, String, Vec<u8>)>,
}

async fn find<P: Ports>(
    ports: &P,
    reservation: &Reservation<'_>,
) -> Result<Option<Found>, Problem> {
    let sql = "SELECT fingerprint, auction_id, lease_until, status, etag, body
        FROM auctions_requests WHERE caller = ?1 AND operation = ?2 AND key = ?3";
    let outcome = Sql::query(ports, reservation.statement(sql, [])).await?;
    let Some(row) = outcome.rows.into_iter().next() else { return Ok(None) };
    let Ok([fingerprint, id, lease, status, etag, body]) = <[Value; 6]>::try_from(row) else {
        return Err(Problem::internal());
    };
    let (Value::Blob(fingerprint), Value::Text(auction_id), Value::Integer(lease)) =
        (fingerprint, id, lease)
    else {
        return Err(Problem::internal());
    };
    let answer = match (status, etag, body) {
        (Value::Integer(status), Value::Text(etag), Value::Blob(body)) => {
            Some((u16::try_from(status).map_err(|_| Problem::internal())?, etag, body))
        }
        _ => None,
    };
    let lease_until = Timestamp::from_ms(lease);
    Ok(Some(Found { fingerprint, auction_id, lease_until, answer }))
}

/// Every reservation clears a few rows whose time is over, so that nothing else has to.
fn forget_old(now: Timestamp) -> Statement {
    let sql = "DELETE FROM auctions_requests WHERE (caller, operation, key) IN
        (SELECT caller, operation, key FROM auctions_requests WHERE created_at < ?1
         ORDER BY created_at LIMIT 20)";
    Statement::new(sql, [now.plus_ms(-IDEMPOTENCY_KEEP_MS).as_ms().into()])
}

/// Method and path of the scope, as the route table names them.
const OPERATION: &str = "createAuction";
/// How long a request may be silent before a retry takes over.
const LEASE_MS: i64 = 10_000;
