//! Codes are made once for each auction that opens. Doing it again gives the same bytes under the
//! same names, and says so again: whoever hears it twice knows it already.

use kernel::{Id, kind};
use ports::{Delivery, Message, Objects, Outgoing, Ports, Sql, Variables};
use serde::Deserialize;

use crate::code;

/// A form of a code: how its object and its address end, and its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) ending: &'static str,
    pub(crate) content_type: &'static str,
}

pub(crate) const PNG: Form = Form { ending: "png", content_type: "image/png" };
pub(crate) const SVG: Form = Form { ending: "svg", content_type: "image/svg+xml" };

/// The name of an auction's object.
pub(crate) fn name(id: Id<kind::Auction>, form: Form) -> String {
    format!("{id}.{}", form.ending)
}

/// Where people find the platform, without a slash at the end.
pub(crate) fn base_url(ports: &impl Variables) -> Result<String, String> {
    let base = ports.variable("public_base_url").unwrap_or_default();
    let base = base.trim_end_matches('/');
    if base.starts_with("https://") || base.starts_with("http://") {
        return Ok(base.to_owned());
    }
    Err("public_base_url must be an address that begins with https:// or http://".to_owned())
}

/// `auction.ended.v1`, as far as codes need it.
#[derive(Deserialize)]
struct Ended {
    deleted: bool,
}

/// What became of each message. One that fails does not keep the others.
pub(crate) async fn consume<P: Ports>(ports: &P, batch: &[Message]) -> Vec<Delivery> {
    let mut outcomes = Vec::with_capacity(batch.len());
    for message in batch {
        outcomes.push(one(ports, message).await);
    }
    let told = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()?.as_ref());
    let messages: Vec<_> = told.map(|id| made(*id)).collect();
    let told = match messages.is_empty() {
        true => Ok(()),
        // All of them in one sync.
        false => Sql::batch_and_send(ports, Vec::new(), messages).await.map(drop),
    };
    let delivery = |outcome| match (outcome, &told) {
        (Err(why), _) => Delivery::Retry(why),
        (Ok(Some(_)), Err(error)) => Delivery::Retry(error.to_string()),
        (Ok(_), _) => Delivery::Ack,
    };
    outcomes.into_iter().map(delivery).collect()
}

/// The auction whose code was made by it, if one was.
async fn one<P: Ports>(ports: &P, message: &Message) -> Result<Option<Id<kind::Auction>>, String> {
    let no_id = || format!("{}: {:?} is no id of an auction", message.topic, message.key);
    let id = message.key.parse::<Id<kind::Auction>>().map_err(|_| no_id())?;
    match message.topic.as_str() {
        "auction.opened.v1" => make(ports, id).await.map(|()| Some(id)),
        "auction.ended.v1" => {
            let ended = serde_json::from_slice::<Ended>(&message.body);
            if ended.map_err(|error| format!("{}: {error}", message.topic))?.deleted {
                delete(ports, id).await?;
            }
            Ok(None)
        }
        // What comes by mistake is done with.
        _ => Ok(None),
    }
}

async fn make<P: Ports>(ports: &P, id: Id<kind::Auction>) -> Result<(), String> {
    let text = format!("{}/auctions/{id}", base_url(ports)?);
    for (form, bytes) in [(PNG, code::png(&text)), (SVG, code::svg(&text))] {
        let bytes = bytes.ok_or_else(|| format!("{text} is too long for a code"))?;
        let put = Objects::put(ports, &name(id, form), form.content_type, bytes).await;
        put.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The listing was taken away.
async fn delete<P: Ports>(ports: &P, id: Id<kind::Auction>) -> Result<(), String> {
    for form in [PNG, SVG] {
        let deleted = Objects::delete(ports, &name(id, form)).await;
        deleted.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn made(id: Id<kind::Auction>) -> Outgoing {
    Outgoing { topic: "qr.made.v1", key: id.to_string(), body: b"{}".to_vec() }
}
