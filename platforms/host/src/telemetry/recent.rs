//! The newest warnings and errors of the log, for who looks at the operator's page.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Something that was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// When, the last time.
    pub(crate) at: i64,
    /// How often in a row.
    pub(crate) times: u64,
    /// An error, not a warning.
    pub(crate) is_error: bool,
    /// What was said, cut when it is long.
    pub(crate) message: String,
    /// What came with it by name, cut when it is long.
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// The newest of them.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Kept>);

/// What is remembered.
#[derive(Debug, Default, Clone)]
pub(crate) struct Kept {
    /// Oldest first.
    pub(crate) told: VecDeque<Told>,
    /// Errors since the start, the forgotten ones included.
    pub(crate) errors: u64,
    /// Warnings likewise.
    pub(crate) warnings: u64,
}

impl Recent {
    /// What is remembered.
    pub(crate) fn kept(&self) -> Kept {
        self.0.lock().clone()
    }

    /// Remembers one. What is said again and again takes one place: a storm would else drive out
    /// what began it.
    fn keep(&self, new: Told) {
        let mut kept = self.0.lock();
        let count = if new.is_error { &mut kept.errors } else { &mut kept.warnings };
        *count = count.saturating_add(1);
        if let Some(last) = kept.told.back_mut().filter(|last| last.says_what(&new)) {
            last.at = new.at;
            last.times = last.times.saturating_add(1);
            return;
        }
        while kept.told.len() >= TOLD_MAX {
            kept.told.pop_front();
        }
        kept.told.push_back(new);
    }
}

impl Told {
    fn says_what(&self, other: &Self) -> bool {
        self.is_error == other.is_error
            && self.message == other.message
            && self.fields == other.fields
    }
}

/// Listens to the log.
pub(super) struct Listener(pub(super) Arc<Recent>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        self.0.keep(Told {
            at: crate::clock::now_ms(),
            times: 1,
            is_error: *event.metadata().level() == Level::ERROR,
            message: words.message,
            fields: words.fields,
        });
    }
}

#[derive(Default)]
struct Words {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut cut = Cut(String::new());
        // An error means that there is no more room.
        let _ = write!(cut, "{value:?}");
        self.keep(field, cut.0);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut cut = Cut(String::new());
        let _ = cut.write_str(value);
        self.keep(field, cut.0);
    }
}

impl Words {
    fn keep(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else if self.fields.len() < FIELDS_MAX {
            self.fields.push((field.name(), text));
        }
    }
}

/// A text that ends where it has no more room.
struct Cut(String);

impl fmt::Write for Cut {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = TEXT_MAX_BYTES.saturating_sub(self.0.len());
        if part.len() <= room {
            self.0.push_str(part);
            return Ok(());
        }
        self.0.push_str(part.get(..part.floor_char_boundary(room)).unwrap_or_default());
        self.0.push('…');
        Err(fmt::Error)
    }
}

/// Warnings and errors that are remembered.
const TOLD_MAX: usize = 100;
/// Most of a message or a field: it says what happened, it carries nothing.
const TEXT_MAX_BYTES: usize = 400;
const FIELDS_MAX: usize = 12;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn logged(log: impl FnOnce()) -> Kept {
        let recent = Arc::<Recent>::default();
        let listener = Listener(Arc::clone(&recent)).with_filter(LevelFilter::WARN);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(listener), log);
        recent.kept()
    }

    #[test]
    fn warnings_and_errors_are_kept_with_their_fields_and_nothing_else_is() {
        let kept = logged(|| {
            tracing::info!("all is well");
            tracing::warn!(key = "auc_1", tries = 3, "a wake {}", "failed");
            tracing::error!(error = %"disk full", why = "no room");
            tracing::debug!("noise");
        });
        assert_eq!((kept.errors, kept.warnings, kept.told.len()), (1, 1, 2));
        let (first, second) = (kept.told.front().unwrap(), kept.told.back().unwrap());
        assert!(!first.is_error && second.is_error);
        assert_eq!((first.message.as_str(), second.message.as_str()), ("a wake failed", ""));
        let of =
            |told: &Told| told.fields.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>();
        assert_eq!(of(first), ["key=auc_1", "tries=3"]);
        assert_eq!(of(second), ["error=disk full", "why=no room"]);
    }

    #[test]
    fn the_newest_hundred_are_kept_and_a_storm_takes_one_place() {
        let kept = logged(|| {
            (0..TOLD_MAX + 50).for_each(|n| tracing::warn!(n, "one of many"));
            (0..1_000).for_each(|_| tracing::error!("again"));
        });
        assert_eq!((kept.told.len(), kept.warnings, kept.errors), (TOLD_MAX, 150, 1_000));
        let (oldest, newest) = (kept.told.front().unwrap(), kept.told.back().unwrap());
        assert_eq!(oldest.fields, [("n", "51".to_owned())]);
        assert_eq!((newest.message.as_str(), newest.times), ("again", 1_000));
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "ä".repeat(10_000);
        let kept = logged(|| tracing::warn!(long, also = ?[&long; 3], "{long}"));
        let told = kept.told.back().unwrap();
        let texts = told.fields.iter().map(|(_, text)| text).chain([&told.message]);
        let lengths: Vec<usize> = texts.map(String::len).collect();
        assert_eq!(lengths.len(), 3);
        assert!(lengths.iter().all(|length| (390..=404).contains(length)), "{lengths:?}");
    }
}
