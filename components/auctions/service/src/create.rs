//! `POST /v1/auctions`: reserve an id with the key, create the auction under it, keep the answer.

use auction_machine::contract::{Command, Refused};
use ports::{Claims, Entities, Ports, Sql};
use serde::Deserialize;
use serde_json::value::RawValue;
use web::json::Object;
use web::{Exchange, Problem, Response, idempotency, json};

use crate::reservation::{self, Answered, Outcome, Reservation};
use crate::view::{Beside, Seen, Viewer};
use crate::{MACHINE, names, projection, refusal, wire};

/// The machine's reply to the command.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply<'a> {
    Created {
        #[serde(borrow)]
        view: &'a RawValue,
    },
    Refused(Refused),
}

/// Lists an auction. A crash between any two of its steps is resumed by a retry with the same key:
/// the id is the machine's command id, so the auction is created once.
pub(crate) async fn create<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let seller = exchange.signed_in()?;
    exchange.no_parameters()?;
    let key = idempotency::key(exchange.request)?;
    let Object(auction) = json::body::<Object<wire::CreateAuction>>(exchange.request)?;
    let command = serde_json::to_vec(&Command::Create(auction.terms()));
    let command = command.map_err(|_| Problem::internal())?;
    let reservation = match reservation::reserve(ports, seller, key, &command).await? {
        Outcome::Run(reservation) => reservation,
        Outcome::Replay(answered) => return Ok(idempotency::replayed(response(answered))),
    };
    let id = reservation.auction_id.as_str();
    let reply = Entities::call(ports, MACHINE, id, id, Some(&seller.subject), command).await;
    let reply = match reply {
        Ok(reply) => reply,
        Err(fault) => {
            // Best effort: a lease that stays runs out by itself.
            let _ = Sql::batch(ports, vec![reservation.release()]).await;
            return Err(fault.into());
        }
    };
    match serde_json::from_slice(&reply).map_err(|_| Problem::internal())? {
        Reply::Created { view } => finish(ports, seller, &reservation, view.get()).await,
        Reply::Refused(refused) => {
            // Refusals are not remembered (rules.md B11): the key is free again.
            Sql::batch(ports, vec![reservation.forget()]).await?;
            Err(refusal::problem(refused, ports.now()))
        }
    }
}

async fn finish<P: Ports>(
    ports: &P,
    seller: &Claims,
    reservation: &Reservation<'_>,
    view: &str,
) -> Result<Response, Problem> {
    let id = reservation.auction_id.as_str();
    let now = ports.now();
    let seen = Seen::parse(view.as_bytes())?;
    let beside = Beside { seller_name: &seller.name, has_qr: false };
    let answered = Answered {
        status: 201,
        auction_id: id.to_owned(),
        etag: seen.etag(Viewer::Seller, false),
        body: seen.render(id, Viewer::Seller, beside, now)?.into_body(),
    };
    let statements = vec![projection::upsert(id, view.as_bytes())?, reservation.answer(&answered)];
    Sql::batch(ports, statements).await?;
    names::remember(&seller.subject, &seller.name, now);
    Ok(response(answered))
}

fn response(answered: Answered) -> Response {
    let Answered { status, auction_id, etag, body } = answered;
    Response::json_bytes(status, body)
        .with("location", format!("/v1/auctions/{auction_id}"))
        .with("etag", etag)
        .with("vary", "Authorization")
}
