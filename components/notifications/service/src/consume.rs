//! Messages, each to what it means. A message that comes again changes nothing.

use kernel::Timestamp;
use ports::{Delivery, Message, Ports};
use serde::Deserialize;

use crate::facts::LetterDue;
use crate::letters::{self, Draft, Occasion};
use crate::{about, contacts, post, soon};

/// Handles a batch in order. Letters that are due are posted together, after the rest, and so are
/// the letters to who was outbid written: a bid may cause one, and each alone would be a sync.
pub(crate) async fn consume<P: Ports>(ports: &P, batch: &[Message]) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(batch.len());
    let (mut due, mut outbid) = (Vec::new(), Vec::new());
    for message in batch {
        let at = deliveries.len();
        let outcome = match message.topic.as_str() {
            letters::DUE => parse(message).map(|LetterDue { letter_id }| due.push((at, letter_id))),
            "auction.outbid.v1" => lost_the_lead(message).map(|letter| outbid.push((at, letter))),
            _ => one(ports, message).await,
        };
        deliveries.push(outcome.map_or_else(Delivery::Retry, |()| Delivery::Ack));
    }
    let (at, drafts): (Vec<usize>, Vec<_>) = outbid.into_iter().unzip();
    if let Err(why) = letters::write_all(ports, &drafts, Vec::new()).await {
        put(&mut deliveries, at.into_iter().map(|at| (at, Delivery::Retry(why.clone()))));
    }
    let (at, ids): (Vec<usize>, Vec<String>) = due.into_iter().unzip();
    let posted = post::post(ports, &ids).await;
    put(&mut deliveries, at.into_iter().zip(posted));
    deliveries
}

fn put(deliveries: &mut [Delivery], outcomes: impl Iterator<Item = (usize, Delivery)>) {
    for (at, outcome) in outcomes {
        if let Some(slot) = deliveries.get_mut(at) {
            *slot = outcome;
        }
    }
}

fn lost_the_lead(message: &Message) -> Result<(Occasion<'_>, Draft), String> {
    Ok(about::outbid(&message.key, parse(message)?, Timestamp::from_ms(message.time)))
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
        "auction.extended.v1" => about::extended(ports, id, parse(message)?, at).await,
        "auction.ended.v1" => about::ended(ports, id, parse(message)?, at).await,
        soon::DUE => soon::tell(ports, id, &parse(message)?).await,
        // What comes by mistake is done with.
        _ => Ok(()),
    }
}

/// The body. What cannot be read ends as a dead letter of the queue, for somebody to look at.
fn parse<'m, T: Deserialize<'m>>(message: &'m Message) -> Result<T, String> {
    serde_json::from_slice(&message.body).map_err(|error| format!("{}: {error}", message.topic))
}
