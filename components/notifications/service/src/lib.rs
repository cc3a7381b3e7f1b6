//! Letters to people about auctions: who gets which, when, and what became of them.
//!
//! Auctions and identity tell facts as messages. A fact becomes a row for each person whom it
//! concerns, once however often it is told ([`consume`]); each row becomes a letter, sent by the
//! platform's mail port under the row's id. What happened, and to whom, is the machine's business;
//! how a letter reaches a mailbox, the platform's.

mod about;
mod consume;
mod contacts;
mod development;
#[cfg(feature = "document")]
mod document;
mod facts;
mod kind;
mod letters;
mod list;
mod page;
mod post;
mod preferences;
mod routes;
mod schema;
mod soon;
mod sweep;
mod unsubscribe;
mod words;

use kernel::Timestamp;
use ports::{Delivery, Message, Ports};
use web::{Exchange, Problem, Request, Response};

#[cfg(feature = "document")]
pub use document::document;
pub use routes::{Operation, routes};

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    let routes = routes::open(development::is_on(ports));
    web::serve(ports, routes, &request, async |exchange: &Exchange<'_>, operation| {
        run_operation(ports, exchange, operation).await
    })
    .await
}

/// Brings the tables up to date; called once before the first request of a deployment. Without an
/// address that letters can point to there is no start.
pub async fn migrate<P: Ports>(ports: &P) -> Result<(), String> {
    words::base_url(ports)?;
    ports::migrate(ports, "notifications", schema::STEPS).await.map_err(|error| error.to_string())
}

/// Handles messages of the topics that docs/guide/notifications.md lists.
pub async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    consume::consume(ports, &batch).await
}

/// Runs a job: `notifications.ending-soon`, every minute; `notifications.sweep`, now and then.
pub async fn run<P: Ports>(ports: &P, job: &str, _slot: Timestamp) -> Result<(), String> {
    match job {
        "notifications.ending-soon" => soon::run(ports).await,
        "notifications.sweep" => sweep::run(ports).await,
        other => Err(format!("there is no job {other}")),
    }
}

async fn run_operation<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    operation: Operation,
) -> Result<Response, Problem> {
    match operation {
        Operation::ListNotifications => list::list(ports, exchange).await,
        Operation::ReadPreferences => preferences::read(ports, exchange).await,
        Operation::ChangePreferences => preferences::change(ports, exchange).await,
        Operation::AskUnsubscribe => unsubscribe::ask(ports, exchange).await,
        Operation::Unsubscribe => unsubscribe::act(ports, exchange).await,
        Operation::ReadCapturedMail => development::mail(ports, exchange).await,
    }
}

/// Name of the machine in the manifest.
const MACHINE: &str = "auction";
