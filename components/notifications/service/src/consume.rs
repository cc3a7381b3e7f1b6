//! Messages, each to what it means. A message that comes again changes nothing.

use kernel::Timestamp;
use ports::{Delivery, Message, Ports};
use serde::Deserialize;

use crate::facts::LetterDue;
use crate::{about, contacts, letters, post};

/// Handles a batch in order. Letters that are due are posted together, after the rest.
pub(crate) async fn consume<P: Ports>(ports: &P, batch: &[Message]) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(batch.len());
    let mut due = Vec::new();
    for message in batch {
        let outcome = if message.topic == letters::DUE {
            parse(message).map(|LetterDue { letter_id }| due.push((deliveries.len(), letter_id)))
        } else {
            one(ports, message).await
        };
        deliveries.push(outcome.map_or_else(Delivery::Retry, |()| Delivery::Ack));
    }
    let ids: Vec<&str> = due.iter().map(|(_, id)| id.as_str()).collect();
    let posted = post::post(ports, &ids).await;
    for ((at, _), delivery) in due.iter().zip(posted) {
        if let Some(slot) = deliveries.get_mut(*at) {
            *slot = delivery;
        }
    }
    deliveries
}

async fn one<P: Ports>(ports: &P, message: &Message) -> Result<(), String> {
    let at = Timestamp::from_ms(message.time);
    let id = message.key.as_str();
    match message.topic.as_str() {
        "identity.user-changed.v1" => contacts::changed(ports, &parse(message)?, at).await,
        "identity.user-erased.v1" => contacts::erased(ports, &parse(message)?, at).await,
        "auction.watched.v1" => contacts::watched(ports, &parse(message)?, at).await,
        "auction.opened.v1" => about::opened(ports, id, &parse(message)?, at).await,
        "auction.amended.v1" => about::amended(ports, id, &parse(message)?).await,
        "auction.outbid.v1" => about::outbid(ports, id, parse(message)?, at).await,
        "auction.extended.v1" => about::extended(ports, id, parse(message)?, at).await,
        "auction.ended.v1" => about::ended(ports, id, parse(message)?, at).await,
        // What comes by mistake is done with.
        _ => Ok(()),
    }
}

/// The body. What cannot be read ends as a dead letter of the queue, for somebody to look at.
fn parse<'m, T: Deserialize<'m>>(message: &'m Message) -> Result<T, String> {
    serde_json::from_slice(&message.body).map_err(|error| format!("{}: {error}", message.topic))
}
