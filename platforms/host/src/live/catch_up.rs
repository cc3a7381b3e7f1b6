//! What somebody missed, read from the log. A follower is told of what is decided from the moment
//! at which it follows; everything before that is here.

use std::sync::Arc;

use super::hub::{Decision, Topic};
use super::relay::encoded;
use crate::machines::Machines;

/// The next events after `after`, encoded; empty when there are none.
pub(super) async fn next(
    machines: &Arc<Machines>,
    topic: &Topic,
    after: u64,
) -> Result<Decision, String> {
    let (reader, followed) = (Arc::clone(machines), topic.followed.clone());
    let read = tokio::task::spawn_blocking(move || {
        reader.events(&followed.machine, &followed.key, after, EVENTS_AT_ONCE)
    });
    let events = read.await.map_err(|error| error.to_string())?;
    let events = events.map_err(|error| error.to_string())?;
    if events.is_empty() {
        return Ok(Decision::default());
    }
    let told = encoded(topic, &events, &[]).await.map_err(|error| error.to_string())?;
    Ok(told.0)
}

const EVENTS_AT_ONCE: u32 = 100;
