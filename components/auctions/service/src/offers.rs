//! Second-chance offers (rules.md B7).

use auction_machine::contract::{Command, Refused};
use kernel::{Id, kind};
use ports::{Entities, Ports, Sql};
use serde::Deserialize;
use serde_json::value::RawValue;
use web::json::Object;
use web::{Exchange, Problem, Response, idempotency, json};

use crate::{MACHINE, projection, read, refusal, wire};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply<'a> {
    Offer {
        replayed: bool,
        #[serde(borrow)]
        offer: &'a RawValue,
        #[serde(borrow)]
        view: &'a RawValue,
    },
    Refused(Refused),
}

/// `POST /v1/auctions/{id}/second-chance-offers`. Idempotency lives in the auction itself.
pub(crate) async fn make<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let key = idempotency::key(exchange.request)?;
    let Object(asked) = json::body::<Object<wire::SecondChance>>(exchange.request)?;
    let wire::SecondChance { bidder, days } = asked;
    told(ports, exchange, id, key, 201, &Command::OfferSecondChance { bidder, days }).await
}

/// `POST …/{offer_id}/acceptance` and `/decline`.
pub(crate) async fn answer<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    accept: bool,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    let offer_id: Id<kind::Offer> =
        exchange.parameter("offer_id").parse().map_err(|_| Problem::not_found())?;
    exchange.no_parameters()?;
    if !exchange.request.body.is_empty() {
        let Object(wire::Nothing {}) = json::body(exchange.request)?;
    }
    let command_id = Id::<kind::Offer>::new(exchange.now, ports.id_bytes()).to_string();
    let answer = Command::AnswerOffer { offer_id, accept };
    told(ports, exchange, id, &command_id, 200, &answer).await
}

async fn told<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    id: &str,
    command_id: &str,
    status: u16,
    command: &Command,
) -> Result<Response, Problem> {
    let caller = exchange.signed_in()?;
    let body = serde_json::to_vec(command).map_err(|_| Problem::internal())?;
    let reply = Entities::call(ports, MACHINE, id, command_id, Some(&caller.subject), body).await?;
    match serde_json::from_slice(&reply).map_err(|_| Problem::internal())? {
        Reply::Refused(refused) => Err(refusal::problem(refused, ports.now())),
        Reply::Offer { replayed, offer, view } => {
            let row = projection::upsert(id, view.get().as_bytes())?;
            Sql::batch(ports, vec![row]).await?;
            let response = Response::json_bytes(status, offer.get().as_bytes().to_vec());
            Ok(if replayed { idempotency::replayed(response) } else { response })
        }
    }
}
