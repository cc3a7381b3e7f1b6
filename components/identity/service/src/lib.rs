//! Who is who: accounts and their mail, sign-in, second factor, providers, roles.
//!
//! Everything that can be guessed, stolen or replayed is counted, hashed or spent. Keys are the
//! vault's: codes, one-time secrets and the successors of refresh tokens follow from its keyed
//! digests, and no table holds them (docs/adr/0020). Who has an account cannot be told from
//! outside: letters are made when their message comes (`letters.rs`), never in a request.
//!
//! `POST /_dev/token {"user": "ana"}` answers with an access token for a name. The route exists
//! only where the variable `development` is `true`.

mod account;
mod accounts;
mod codes;
mod development;
mod device;
#[cfg(feature = "document")]
mod document;
mod email;
mod events;
mod export;
mod letters;
mod limits;
mod me;
mod oauth;
mod passwords;
mod proof;
mod refresh;
mod routes;
mod schema;
mod secrets;
mod sessions;
mod sign_ups;
mod suspension;
mod sweep;
mod tokens;
mod totp;
mod wishes;

use kernel::Timestamp;
use ports::{Delivery, Message, Ports};
use web::{Exchange, Problem, Request, Response};

#[cfg(feature = "document")]
pub use document::document;
pub use routes::{Operation, routes};

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    let hidden = request.path() == routes::DEVELOPMENT && !is_development(ports);
    let routes = if hidden { &[] } else { routes() };
    web::serve(ports, routes, &request, async |exchange: &Exchange<'_>, operation| {
        answer(ports, exchange, operation).await
    })
    .await
}

/// Brings the tables up to date; called once before the first request of a deployment.
pub async fn migrate<P: Ports>(ports: &P) -> Result<(), String> {
    ports::migrate(ports, "identity", schema::STEPS).await.map_err(|error| error.to_string())
}

/// Handles messages of the topic `identity.letter-due.v1`: a letter is made and sent.
pub async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    letters::consume(ports, batch).await
}

/// Runs the job `identity.sweep`: what has expired is forgotten. A late slot is as good as any.
pub async fn run<P: Ports>(ports: &P, job: &str, _slot: Timestamp) -> Result<(), String> {
    sweep::run(ports, job).await
}

async fn answer<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    operation: Operation,
) -> Result<Response, Problem> {
    match operation {
        Operation::SignUp => accounts::sign_up(ports, exchange).await,
        Operation::ConfirmAccount => accounts::confirm(ports, exchange).await,
        Operation::ResendCode => accounts::resend(ports, exchange).await,
        Operation::SignIn => sessions::sign_in(ports, exchange).await,
        Operation::RefreshSession => refresh::refresh(ports, exchange).await,
        Operation::EndSession => sessions::end_this(ports, exchange).await,
        Operation::ListSessions => sessions::list(ports, exchange).await,
        Operation::EndNamedSession => sessions::end_named(ports, exchange).await,
        Operation::EndSessions => sessions::end_all(ports, exchange).await,
        Operation::ForgetPassword => passwords::forgot(ports, exchange).await,
        Operation::ResetPassword => passwords::reset(ports, exchange).await,
        Operation::ChangePassword => passwords::change(ports, exchange).await,
        Operation::ReadMe => me::show(ports, exchange).await,
        Operation::ChangeMe => me::change(ports, exchange).await,
        Operation::EraseMe => me::erase(ports, exchange).await,
        Operation::ExportMe => export::export(ports, exchange).await,
        Operation::OfferTotp => totp::offer(ports, exchange).await,
        Operation::ConfirmTotp => totp::confirm(ports, exchange).await,
        Operation::RemoveTotp => totp::remove(ports, exchange).await,
        Operation::StartOauth => oauth::start::start(ports, exchange).await,
        Operation::FinishOauth => oauth::callback::callback(ports, exchange).await,
        Operation::SignInByTicket => oauth::tickets::sign_in(ports, exchange).await,
        Operation::LinkProvider => oauth::tickets::link_up(ports, exchange).await,
        Operation::ReadKeys => keys(ports, exchange).await,
        Operation::ReadProofKeys => proof_keys(ports, exchange).await,
        Operation::Suspend => suspension::begin(ports, exchange).await,
        Operation::Unsuspend => suspension::end(ports, exchange).await,
        Operation::DevelopmentToken => development::token(ports, exchange).await,
    }
}

/// `GET /.well-known/jwks.json`: the key that signs, the next one, which stands here for a day at
/// least before it signs, and for a day the one before. Whoever verifies tokens asks again within
/// minutes.
async fn keys<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let keys = ports.public_keys().await.into_bytes();
    Ok(Response::json_bytes(200, keys).with("cache-control", "public, max-age=300"))
}

/// `GET /.well-known/proof-keys.json`: every key that has ever signed a receipt or a proof, and the
/// next one. It stands here, beside the other keys, whoever signs with them.
async fn proof_keys<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let keys = ports.proof_keys().await.into_bytes();
    Ok(Response::json_bytes(200, keys).with("cache-control", "public, max-age=300"))
}

fn is_development<P: Ports>(ports: &P) -> bool {
    ports.variable("development").as_deref() == Some("true")
}
