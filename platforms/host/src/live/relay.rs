//! The relay: brings decisions to those who follow, in order, each once it is durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use journal::Effect;
use tokio::sync::watch;

use super::hub::{Decided, Decision, Said, Topic};
use crate::machines::{Machines, PublicEvent};
use crate::services::{ServiceError, socket};

/// Runs until the platform stops.
pub(crate) async fn relay(machines: Arc<Machines>, mut stopped: watch::Receiver<bool>) {
    let Some(mut decided) = machines.around.live.take_decided() else { return };
    let clock = super::clock::tell_time(&machines);
    let carried = async {
        while let Some(decided) = decided.recv().await {
            carry(&machines, decided).await;
        }
    };
    tokio::select! {
        () = carried => {}
        () = clock => {}
        () = super::stop(&mut stopped) => {}
    }
}

async fn carry(machines: &Machines, decided: Decided) {
    let Decided { topic, position, events, effects } = decided;
    if machines.durable_through(position).await.is_err() {
        // It never happened.
        return;
    }
    let public = |event: journal::Event| {
        let journal::Event { seq, prev, head, public, .. } = event;
        PublicEvent { seq, prev, head, public }
    };
    let events: Vec<PublicEvent> = events.into_iter().map(public).collect();
    match encoded(&topic, &events, &effects).await {
        Ok((decision, ends_at)) => {
            if let Some(ends_at) = ends_at {
                topic.ends_at.store(ends_at, Ordering::Relaxed);
            }
            topic.say(Said::Decision(decision));
        }
        // Whoever gets the next one sees the gap and reads the log.
        Err(error) => {
            let key = &topic.followed.key;
            tracing::error!(%error, key, "a decision was not encoded for those who follow");
        }
    }
}

/// A decision as those who follow are told; and its end, where it says one.
pub(super) async fn encoded(
    topic: &Topic,
    events: &[PublicEvent],
    effects: &[Effect],
) -> Result<(Decision, Option<i64>), ServiceError> {
    let events: Vec<_> = events
        .iter()
        .map(|event| socket::PublicEvent {
            seq: event.seq,
            prev: &event.prev,
            head: &event.head,
            public: &event.public,
        })
        .collect();
    let sent: Vec<_> = effects
        .iter()
        .map(|Effect::Send { topic, body, .. }| socket::Sent { topic, body })
        .collect();
    let told = topic.service.tell(&topic.followed.key, &events, &sent).await?;
    let ends_at = told.ends_at;
    Ok((told.into(), ends_at))
}
