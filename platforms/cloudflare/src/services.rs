//! The services by the ids of their components.

use kernel::Timestamp;
use ports::{Delivery, Message, PublicEvent};
use web::live::{Answered, Opened, Sent, Told};
use web::{Request, Response};

use crate::ports::WorkerPorts;
use crate::{settings, wire};

/// Answers a request; none where nobody has that id.
pub(crate) async fn handle(ports: &WorkerPorts<'_>, request: Request) -> Option<Response> {
    Some(match ports.component {
        "api" => api_service::handle(ports, request).await,
        "auctions" => auctions_service::handle(ports, request).await,
        "identity" => identity_service::handle(ports, request).await,
        "notifications" => notifications_service::handle(ports, request).await,
        "pictures" => pictures_service::handle(ports, request).await,
        "qr" => qr_service::handle(ports, request).await,
        "storefront" => storefront_service::handle(ports, request).await,
        _ => return None,
    })
}

/// May the request become a socket? Else its response; none where nobody has that id.
pub(crate) async fn open(
    ports: &WorkerPorts<'_>,
    request: Request,
) -> Option<Result<Opened, Response>> {
    match ports.component {
        "auctions" => Some(auctions_service::open(ports, request).await),
        _ => handle(ports, request).await.map(Err),
    }
}

/// Encodes what one decision led to.
pub(crate) fn tell(component: &str, key: &str, events: &[PublicEvent], sent: &[Sent]) -> Told {
    match component {
        "auctions" => auctions_service::tell(key, events, sent),
        _ => Told::default(),
    }
}

/// Handles a frame of a client.
pub(crate) async fn message(ports: &WorkerPorts<'_>, context: &str, text: &str) -> Answered {
    match ports.component {
        "auctions" => auctions_service::message(ports, context, text, wire::now()).await,
        _ => Answered::default(),
    }
}

/// The frame that tells the time.
pub(crate) fn time(component: &str, now: Timestamp) -> Option<String> {
    match component {
        "auctions" => auctions_service::time(now),
        _ => None,
    }
}

/// Brings the tables of a component up to date, once in the life of an isolate.
pub(crate) async fn migrate(ports: &WorkerPorts<'_>) -> Result<(), String> {
    if settings::is_migrated(ports.component) {
        return Ok(());
    }
    crate::tables::migrate(ports).await?;
    match ports.component {
        "api" => api_service::migrate(ports).await?,
        "auctions" => auctions_service::migrate(ports).await?,
        "identity" => identity_service::migrate(ports).await?,
        "notifications" => notifications_service::migrate(ports).await?,
        "pictures" => pictures_service::migrate(ports).await?,
        "qr" => qr_service::migrate(ports).await?,
        "storefront" => storefront_service::migrate(ports).await?,
        _ => {}
    }
    settings::mark_migrated(ports.component);
    Ok(())
}

/// Hands messages to their consumer.
pub(crate) async fn consume(ports: &WorkerPorts<'_>, batch: Vec<Message>) -> Vec<Delivery> {
    match ports.component {
        "auctions" => auctions_service::consume(ports, batch).await,
        "identity" => identity_service::consume(ports, batch).await,
        "notifications" => notifications_service::consume(ports, batch).await,
        "pictures" => pictures_service::consume(ports, batch).await,
        "qr" => qr_service::consume(ports, batch).await,
        "storefront" => storefront_service::consume(ports, batch).await,
        other => {
            let nobody = Delivery::Retry(format!("{other} consumes nothing"));
            vec![nobody; batch.len()]
        }
    }
}

/// Runs a job.
pub(crate) async fn run(ports: &WorkerPorts<'_>, job: &str, slot: Timestamp) -> Result<(), String> {
    match ports.component {
        "identity" => identity_service::run(ports, job, slot).await,
        "notifications" => notifications_service::run(ports, job, slot).await,
        "pictures" => pictures_service::run(ports, job, slot).await,
        other => Err(format!("{other} has no job {job}")),
    }
}
