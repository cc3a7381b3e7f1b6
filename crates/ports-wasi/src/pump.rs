//! A stream of server-sent events where nobody tells what was decided: the log is looked at again
//! and again, by each stream for itself.

use ports::live::bounds;
use ports::{Clock as _, Entities as _, PublicEvent, ready};
use web::live::Following;
use wit_bindgen::StreamWriter;

use crate::WasiPorts;
use crate::attend::{Occasion, attend};
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::streaming::Service;

/// Writes what follows, until the client has enough, the entity is gone or the stream is old.
pub(crate) async fn pump(contents: &mut StreamWriter<u8>, following: Following, service: Service) {
    let Following { machine, key, mut after } = following;
    let started = now_ms();
    let mut written_at = started;
    while now_ms() - started < bounds::STREAM_MAX_MS {
        let events = ready(WasiPorts.events(&machine, &key, after, EVENTS_AT_ONCE));
        let events: Vec<PublicEvent> = match events {
            Ok(events) => events,
            Err(error) => {
                eprintln!("the stream of {key} ends: {error}");
                return;
            }
        };
        let told = (service.tell)(&key, &events);
        let mut pieces: String = told.events.iter().map(|told| told.piece.as_str()).collect();
        after = events.last().map_or(after, |last| last.seq);
        if pieces.is_empty() && now_ms() - written_at >= bounds::ALIVE_MS {
            pieces.push_str(ALIVE);
        }
        if !pieces.is_empty() {
            written_at = now_ms();
            let rest = contents.write_all(pieces.into_bytes()).await;
            if !rest.is_empty() {
                return;
            }
        }
        if events.len() < EVENTS_AT_ONCE as usize {
            // Nothing else may run that would end what is over.
            attend(service, Occasion::Read).await;
            monotonic_clock::wait_for(LOOK_EVERY_NS).await;
        }
    }
}

fn now_ms() -> i64 {
    WasiPorts.now().as_ms()
}

/// A comment, which clients pass over.
const ALIVE: &str = ":\n\n";
const EVENTS_AT_ONCE: u32 = 100;
const LOOK_EVERY_NS: u64 = 200_000_000;
