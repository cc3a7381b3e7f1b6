//! Times at which the platform was away. Nobody could bid, so everyone gets that time back: each
//! auction that was to be open then ends later by what it lost, and by some grace for those who
//! must hear of it. The declaration and the new end stand in the log of each.

use kernel::{Context, Timestamp, limits};
use serde::{Deserialize, Serialize};

use crate::close;
use crate::event::Event;
use crate::lot::{Lot, Phase};
use crate::refusal::{Code, Refusal};

/// A time at which the platform was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusive.
    pub until: Timestamp,
    /// Beyond the lost time.
    pub grace_seconds: u32,
}

/// Moves the end of an auction that lost time. What was declared before is not given twice, and an
/// auction that is over stays so.
pub(crate) fn declare(
    lot: &Lot,
    context: &Context<'_>,
    outage: Outage,
) -> Result<Vec<Event>, Refusal> {
    if context.principal.is_some() {
        let detail = "only the platform itself says that it was away";
        return Err(Refusal::new(Code::Forbidden, detail));
    }
    check(outage, context.now)?;
    let mut events = Vec::new();
    match lot.phase {
        Phase::Closed(_) => return Ok(events),
        Phase::Scheduled if lot.listing.starts_at >= outage.until => return Ok(events),
        // It was to open meanwhile.
        Phase::Scheduled => events.push(Event::Opened(None)),
        Phase::Open => {}
    }
    let lost_ms = lost_ms(lot, outage);
    if lot.ends_at <= outage.from || lost_ms == 0 {
        return Ok(close::due(lot, context.now));
    }
    let cause_seq = context.at.seq + 1 + u64::try_from(events.len()).unwrap_or(0);
    let grace_ms = i64::from(outage.grace_seconds) * 1_000;
    let (old_end, new_end) = (lot.ends_at, lot.ends_at.plus_ms(lost_ms).plus_ms(grace_ms));
    events.push(Event::OutageDeclared(outage));
    events.push(Event::Extended { old_end, new_end, cause_seq });
    Ok(events)
}

fn check(outage: Outage, now: Timestamp) -> Result<(), Refusal> {
    let Outage { from, until, grace_seconds } = outage;
    let length = until.ms_since(from);
    if length <= 0 || length > limits::OUTAGE_MAX_MS {
        let detail = "an outage ends after it began, within 7 days";
        return Err(Refusal::field("/until", "out_of_range", detail));
    }
    if until > now {
        return Err(Refusal::field(
            "/until",
            "out_of_range",
            "an outage is declared when it is over",
        ));
    }
    if i64::from(grace_seconds) > limits::OUTAGE_GRACE_MAX_SECONDS {
        let detail = "the grace is a day at most";
        return Err(Refusal::field("/grace_seconds", "out_of_range", detail));
    }
    Ok(())
}

/// How much of the outage the auction was to be open, without what was declared before.
fn lost_ms(lot: &Lot, outage: Outage) -> i64 {
    let mut from = outage.from.max(lot.listing.starts_at);
    let mut lost_ms = 0;
    let mut known: Vec<&Outage> = lot.outages.iter().collect();
    known.sort_unstable_by_key(|known| known.from);
    for known in known {
        lost_ms += known.from.min(outage.until).ms_since(from).max(0);
        from = from.max(known.until);
    }
    lost_ms + outage.until.ms_since(from).max(0)
}
