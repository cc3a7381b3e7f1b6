//! Tickets: how a browser signs in to a socket whose address is all that it can choose. A ticket is
//! good once, for one auction, for half a minute; the table keeps its digest alone.

use kernel::{Digest, Id, Timestamp, kind};
use ports::{Claims, Ports, Sql, Statement, Value};
use serde::{Deserialize, Serialize};
use web::json::Object;
use web::{Exchange, Problem, Response, auth, json};

/// Body of `POST /v1/live-tickets`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    auction_id: String,
}

#[derive(Serialize)]
struct Ticket<'a> {
    ticket: &'a str,
    expires_at: Timestamp,
}

/// `POST /v1/live-tickets`.
pub(crate) async fn issue<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?;
    let Object(wanted) = json::body::<Object<Wanted>>(exchange.request)?;
    if wanted.auction_id.parse::<Id<kind::Auction>>().is_err() {
        let pointer = "/auction_id".to_owned();
        return Err(Problem::field("invalid_request", pointer, "It is not the id of an auction."));
    }
    let secret = ports.secret_bytes();
    let ticket: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let expires_at = exchange.now.plus_ms(GOOD_MS);
    let roles = serde_json::to_string(&caller.roles).map_err(|_| Problem::internal())?;
    let keep = Statement::new(
        "INSERT INTO auctions_tickets
             (digest, auction_id, user_id, display_name, roles, token_expires_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        [
            digest(&ticket),
            wanted.auction_id.as_str().into(),
            caller.subject.as_str().into(),
            caller.name.as_str().into(),
            roles.into(),
            caller.expires_at.into(),
            expires_at.as_ms().into(),
        ],
    );
    let forget = Statement::new(
        "DELETE FROM auctions_tickets WHERE digest IN
             (SELECT digest FROM auctions_tickets WHERE expires_at < ?1 LIMIT 100)",
        [exchange.now.as_ms().into()],
    );
    Sql::batch(ports, vec![forget, keep]).await?;
    Response::json(201, &Ticket { ticket: &ticket, expires_at })
}

/// Who got the ticket. Whatever is wrong with it, the answer is the same.
pub(super) async fn redeem<P: Ports>(
    ports: &P,
    auction_id: &str,
    ticket: &str,
    now: Timestamp,
) -> Result<Claims, Problem> {
    let take = Statement::new(
        "DELETE FROM auctions_tickets WHERE digest = ?1
         RETURNING auction_id, user_id, display_name, roles, token_expires_at, expires_at",
        [digest(ticket)],
    );
    let taken = Sql::batch(ports, vec![take]).await?;
    let row = taken.into_iter().next().and_then(|outcome| outcome.rows.into_iter().next());
    let Some(
        [
            Value::Text(auction),
            Value::Text(subject),
            Value::Text(name),
            Value::Text(roles),
            Value::Integer(until),
            Value::Integer(good_until),
        ],
    ) = row.as_deref()
    else {
        return Err(auth::unauthenticated());
    };
    let is_good = auction == auction_id && now.as_ms() < *good_until;
    let is_alive = until.saturating_mul(1_000) > now.as_ms();
    if !is_good || !is_alive {
        return Err(auth::unauthenticated());
    }
    let roles = serde_json::from_str(roles).map_err(|_| Problem::internal())?;
    let (subject, name) = (subject.clone(), name.clone());
    Ok(Claims { subject, name, roles, expires_at: *until })
}

fn digest(ticket: &str) -> Value {
    Digest::of(&[ticket.as_bytes()]).as_bytes().to_vec().into()
}

const GOOD_MS: i64 = 30_000;
