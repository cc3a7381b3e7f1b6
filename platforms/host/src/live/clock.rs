//! The time, told before the end of what is followed (api.md §4).

use std::sync::atomic::Ordering;
use std::time::Duration;

use ports::live::bounds;

use super::hub::{Said, Topic};
use crate::machines::Machines;

/// Tells it for ever.
pub(super) async fn tell_time(machines: &Machines) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        let now = machines.around.world.now_ms();
        for topic in machines.around.live.topics() {
            if !is_due(&topic, now) {
                continue;
            }
            match topic.service.time().await {
                Ok(Some(frame)) => topic.say(Said::Time(frame.into())),
                Ok(None) => topic.ends_at.store(0, Ordering::Relaxed),
                Err(error) => tracing::warn!(%error, "the time is not told"),
            }
        }
    }
}

fn is_due(topic: &Topic, now: i64) -> bool {
    let left = topic.ends_at.load(Ordering::Relaxed).saturating_sub(now);
    let since = now.saturating_sub(topic.told_at.load(Ordering::Relaxed));
    let is_due = (1..=bounds::LAST_MS).contains(&left) && since >= bounds::TIME_MS;
    if is_due {
        topic.told_at.store(now, Ordering::Relaxed);
    }
    is_due
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
