//! Queues, and their dead letters with buttons.

use kernel::Timestamp;

use super::words::{NOTHING, age, instant};
use crate::queues::{DeadLetter, Stats};

/// A queue and its oldest dead letters.
pub(in crate::operator) type Mailbox = (Stats, Vec<DeadLetter>);

/// A queue on the page.
pub(super) struct Shown<'a> {
    pub(super) stats: &'a Stats,
    pub(super) waiting: u64,
    pub(super) oldest: String,
    /// Dead letters that are not on the page.
    pub(super) unseen: u64,
    pub(super) letters: Vec<Letter<'a>>,
}

/// A dead letter on the page.
pub(super) struct Letter<'a> {
    pub(super) letter: &'a DeadLetter,
    pub(super) dead_at: Timestamp,
    pub(super) first_at: String,
    pub(super) last_at: String,
    pub(super) error: &'a str,
    pub(super) event: String,
}

/// What there is to do.
pub(super) fn told(queues: Option<&[Mailbox]>) -> String {
    let Some(queues) = queues else { return "The queues do not answer.".to_owned() };
    match queues.iter().map(|(stats, _)| stats.dead).sum::<u64>() {
        0 => "No dead letters.".to_owned(),
        1 => "One dead letter waits for you.".to_owned(),
        dead => format!("{dead} dead letters wait for you."),
    }
}

pub(super) fn shown(queues: &[Mailbox], now: i64) -> Vec<Shown<'_>> {
    let shown = queues.iter().map(|(stats, letters)| Shown {
        stats,
        waiting: stats.depth.saturating_sub(stats.in_flight),
        oldest: stats
            .oldest_at
            .map_or_else(|| NOTHING.to_owned(), |oldest| age(now.saturating_sub(oldest))),
        unseen: stats.dead.saturating_sub(letters.len() as u64),
        letters: letters.iter().map(letter).collect(),
    });
    shown.collect()
}

fn letter(letter: &DeadLetter) -> Letter<'_> {
    Letter {
        letter,
        dead_at: Timestamp::from_ms(letter.dead_at),
        first_at: instant(letter.first_at),
        last_at: instant(letter.last_at),
        error: letter.error.as_deref().unwrap_or("Nothing was said about it."),
        event: serde_json::to_string_pretty(&letter.event).unwrap_or_default(),
    }
}
