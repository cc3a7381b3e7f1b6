//! Commands that show the auction as it is after them.

use auction_machine::contract::{Command, Refused};
use kernel::{Id, kind};
use ports::{Entities, Ports, Sql};
use serde::Deserialize;
use serde_json::value::RawValue;
use web::{Exchange, Problem, Response};

use crate::view::{Beside, Seen};
use crate::{MACHINE, names, projection, qr, refusal};

/// The machine's reply to such a command.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply<'a> {
    Auction {
        #[serde(borrow)]
        view: Option<&'a RawValue>,
    },
    Refused(Refused),
}

/// Sends a command that may be repeated without harm. The answer is the machine's view, JSON; none
/// when the listing was taken away.
pub(crate) async fn send<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    id: &str,
    command: &Command,
) -> Result<Option<String>, Problem> {
    let caller = exchange.signed_in()?;
    let body = serde_json::to_vec(command).map_err(|_| Problem::internal())?;
    // Each is a command of its own: what it asks for is either so already or done once.
    let command_id = Id::<kind::Bid>::new(exchange.now, ports.id_bytes()).to_string();
    let reply =
        Entities::call(ports, MACHINE, id, &command_id, Some(&caller.subject), body).await?;
    match serde_json::from_slice(&reply).map_err(|_| Problem::internal())? {
        Reply::Auction { view } => Ok(view.map(|view| view.get().to_owned())),
        Reply::Refused(refused) => Err(refusal::problem(refused, ports.now())),
    }
}

/// Sends the command and answers 200 with the auction as the caller may see it.
pub(crate) async fn changed<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    id: &str,
    command: &Command,
) -> Result<Response, Problem> {
    let view = send(ports, exchange, id, command).await?.ok_or_else(Problem::not_found)?;
    Sql::batch(ports, vec![projection::upsert(id, view.as_bytes())?]).await?;
    shown(ports, exchange, id, &view).await
}

/// 200 with the auction as the caller may see it.
async fn shown<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    id: &str,
    view: &str,
) -> Result<Response, Problem> {
    let seen = Seen::parse(view.as_bytes())?;
    let viewer = seen.viewer(Some(&exchange.signed_in()?.subject));
    let now = ports.now();
    let name = names::display_name(ports, seen.fixed.seller, now).await?;
    let has_qr = seen.has_opened() && qr::is_made(ports, id, now).await?;
    let beside = Beside { seller_name: &name, has_qr };
    let body = seen.render(id, viewer, beside, now)?.into_body();
    Ok(Response::json_bytes(200, body)
        .with("etag", seen.etag(viewer, has_qr))
        .with("vary", "Authorization"))
}
