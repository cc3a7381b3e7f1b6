//! What operators ask of queues, dead letters and logs. All components share the store, so each of
//! them can tell about all.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::cells::Cells;
use crate::commits;
use crate::dead::{self, DeadLetter, Which};
use crate::edge::Edge;
use crate::world::{Connection as _, StoreError, World};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Status code.
    pub status: u16,
    /// Stable snake_case code.
    pub code: &'static str,
    /// A sentence for the person.
    pub detail: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    ids: Option<Vec<String>>,
}

impl<W: World> Edge<W> {
    /// Answers a request below [`PATH`] or [`ARCHIVES`] with JSON.
    pub fn operate(&self, method: &str, target: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some(rest) = path.strip_prefix(ARCHIVES) {
            return match (method, rest.split('/').collect::<Vec<_>>().as_slice()) {
                ("POST", [""]) => commits::replay(&self.machines, body),
                // Hidden values are told to who may call the machine anyhow.
                ("GET", ["", machine, key]) if self.grants.entities.contains(*machine) => {
                    self.archive(machine, key, query)
                }
                ("GET", ["", _, _]) => Err(not_found()),
                (_, [""] | ["", _, _]) => {
                    let what = "GET exports a log, POST replays an archive.";
                    Err(refusal(405, "method_not_allowed", what))
                }
                _ => Err(not_found()),
            };
        }
        let rest = path.strip_prefix(PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let rest = rest.ok_or_else(not_found)?;
        let segments: Vec<&str> = rest.split('/').skip(1).collect();
        let queue = match segments.as_slice() {
            [] => None,
            [component, topic, _] => {
                let name = ((*component).to_owned(), (*topic).to_owned());
                let is_known = self.names().map_err(unavailable)?.contains(&name);
                Some((*component, *topic)).filter(|_| is_known).ok_or_else(not_found)?.into()
            }
            _ => return Err(not_found()),
        };
        let answer = match (method, queue, segments.last().copied()) {
            ("GET", None, _) => self.queues(),
            ("GET", Some(queue), Some("dead-letters")) => self.letters(queue, query),
            ("POST", Some(queue), Some("redrive")) => {
                let now = self.world.now();
                let moved = dead::redrive(&self.store, queue, &chosen(body)?, now);
                moved.map(|redriven| json!({ "redriven": redriven })).map_err(unavailable)
            }
            ("POST", Some(queue), Some("purge")) => {
                let gone = dead::purge(&self.store, queue, &chosen(body)?);
                gone.map(|purged| json!({ "purged": purged })).map_err(unavailable)
            }
            (_, None, _) | (_, Some(_), Some("dead-letters" | "redrive" | "purge")) => {
                Err(refusal(405, "method_not_allowed", "GET reads, POST redrives and purges."))
            }
            _ => Err(not_found()),
        };
        Ok(answer?.to_string().into_bytes())
    }

    /// What the manifest subscribes to, and what was left behind by a subscription that it has no
    /// more.
    fn names(&self) -> Result<BTreeSet<(String, String)>, StoreError> {
        let subscriptions = self.composition.subscriptions();
        let mut names: BTreeSet<_> = subscriptions
            .map(|(component, consumer)| (component.to_owned(), consumer.topic.clone()))
            .collect();
        let found = self.store.look(|connection| connection.execute(LEFT, &[]))?;
        for row in found.rows {
            let mut cells = Cells::of(row);
            names.insert((cells.text()?, cells.text()?));
        }
        Ok(names)
    }

    fn queues(&self) -> Result<Json, Refusal> {
        let shown = |(component, topic): (&str, &str)| {
            let found = self
                .store
                .look(|connection| connection.execute(COUNTS, &[component.into(), topic.into()]))?;
            let mut cells = Cells::of(found.rows.into_iter().next().unwrap_or_default());
            let (messages, dead) = (cells.integer()?, cells.integer()?);
            Ok(json!({
                "queue": format!("{component}/{topic}"), "messages": messages, "dead_letters": dead,
            }))
        };
        let names = self.names().map_err(unavailable)?;
        let items = names.iter().map(|(component, topic)| shown((component, topic)));
        let items: Result<Vec<Json>, StoreError> = items.collect();
        Ok(json!({ "items": items.map_err(unavailable)?, "next_cursor": null }))
    }

    fn letters(&self, queue: (&str, &str), query: &str) -> Result<Json, Refusal> {
        let after = match query {
            "" => 0,
            query => query
                .strip_prefix("cursor=")
                .and_then(|cursor| cursor.parse().ok())
                .ok_or_else(|| refusal(400, "invalid_cursor", "The query takes a cursor alone."))?,
        };
        let found = dead::letters(&self.store, queue, after, PAGE_ITEMS).map_err(unavailable)?;
        let is_full = found.len() >= PAGE_ITEMS as usize;
        let last = found.last().filter(|_| is_full).map(|letter| letter.place.to_string());
        let items: Vec<Json> = found.iter().map(shown).collect();
        Ok(json!({ "items": items, "next_cursor": last }))
    }
}

fn shown(letter: &DeadLetter) -> Json {
    let DeadLetter { message, receives, why, died_at, .. } = letter;
    let data: Json = serde_json::from_slice(&message.body).unwrap_or_default();
    json!({
        "event": {
            "id": message.id, "source": message.source, "type": message.topic,
            "subject": message.key, "data": data,
        },
        "receives": receives, "last_error": why, "dead_at": died_at,
    })
}

fn chosen(body: &[u8]) -> Result<Which, Refusal> {
    let chosen: Chosen = serde_json::from_slice(body)
        .map_err(|_| refusal(400, "invalid_json", "Send {} for all, or {\"ids\": [...]}."))?;
    Ok(chosen.ids.map_or(Which::All, Which::Ids))
}

pub(crate) fn not_found() -> Refusal {
    refusal(404, "not_found", "There is nothing here. GET /_edge/queues names the queues.")
}

#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
pub(crate) fn unavailable(error: StoreError) -> Refusal {
    refusal(503, "unavailable", &format!("The store does not answer: {error}."))
}

pub(crate) fn refusal(status: u16, code: &'static str, detail: &str) -> Refusal {
    Refusal { status, code, detail: detail.to_owned() }
}

/// All queues; of one, `/<component>/<topic>/` follows.
const PATH: &str = "/_edge/queues";
/// Archives are replayed here; an entity's log is at `/<machine>/<key>`.
const ARCHIVES: &str = "/_edge/archives";
const PAGE_ITEMS: u32 = 100;
const LEFT: &str = "select consumer, topic from edge_messages \
    union select consumer, topic from edge_dead_letters";
const COUNTS: &str = "select \
    (select count(*) from edge_messages where consumer = ?1 and topic = ?2), \
    (select count(*) from edge_dead_letters where consumer = ?1 and topic = ?2)";
