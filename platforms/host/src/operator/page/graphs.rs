//! The last hour as lines, drawn here: no script, and each has its numbers as text.

use std::fmt::Write as _;

use super::words::{NOTHING, age, duration, rate};
use crate::telemetry::{SAMPLES_MAX, Sample};

/// One line over the last hour.
pub(super) struct Graph {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) last: String,
    pub(super) lowest: String,
    pub(super) highest: String,
    /// The points of each piece: where nothing was measured the line is broken.
    pub(super) pieces: Vec<String>,
}

/// What is drawn.
struct Kind {
    id: &'static str,
    name: &'static str,
    read: fn(&Sample) -> Option<u64>,
    told: fn(u64) -> String,
}

/// Of what time the lines are.
pub(super) fn told(samples: &[Sample]) -> String {
    let span: u64 = samples.iter().map(|sample| sample.span_ms).sum();
    match samples {
        [] => "No samples yet: the first one comes ten seconds after the start.".to_owned(),
        _ => format!("The last {}, a sample each 10 s.", age(span.try_into().unwrap_or(i64::MAX))),
    }
}

/// All lines; none before the first sample.
pub(super) fn graphs(samples: &[Sample]) -> Vec<Graph> {
    let kinds = KINDS.iter().filter(|_| !samples.is_empty());
    kinds.map(|kind| graph(kind, samples)).collect()
}

fn graph(kind: &Kind, samples: &[Sample]) -> Graph {
    let Kind { id, name, read, told } = *kind;
    let values: Vec<Option<u64>> = samples.iter().map(read).collect();
    let measured = values.iter().flatten().copied();
    let highest = measured.clone().max();
    let told = |value: Option<u64>| value.map_or_else(|| NOTHING.to_owned(), told);
    Graph {
        id,
        name,
        last: told(values.last().copied().flatten()),
        lowest: told(measured.min()),
        highest: told(highest),
        pieces: pieces(&values, highest.unwrap_or(0)),
    }
}

/// Lines in a field of [`SAMPLES_MAX`] by [`HEIGHT`], the newest sample at its right end.
fn pieces(values: &[Option<u64>], highest: u64) -> Vec<String> {
    let first = SAMPLES_MAX.saturating_sub(values.len());
    let mut pieces: Vec<String> = Vec::new();
    let mut is_broken = true;
    for (x, value) in (first..).zip(values) {
        let Some(value) = value else {
            is_broken = true;
            continue;
        };
        let up = value.saturating_mul(HEIGHT).checked_div(highest).unwrap_or(0).min(HEIGHT);
        let y = HEIGHT - up + MARGIN;
        if is_broken {
            // A point alone would have no length.
            pieces.push(format!("{x},{y}"));
            is_broken = false;
        }
        if let Some(piece) = pieces.last_mut() {
            let _ = write!(piece, " {},{y}", x + 1);
        }
    }
    pieces
}

fn per_second(count: u64, span_ms: u64) -> Option<u64> {
    count.saturating_mul(1_000_000).checked_div(span_ms)
}

static KINDS: [Kind; 6] = [
    Kind {
        id: "requests",
        name: "Requests",
        read: |sample| per_second(sample.requests, sample.span_ms),
        told: rate,
    },
    Kind {
        id: "failures",
        name: "Failed requests (5xx)",
        read: |sample| per_second(sample.errors, sample.span_ms),
        told: rate,
    },
    Kind {
        id: "median",
        name: "Half of all requests took at most",
        read: |sample| sample.median_us,
        told: duration,
    },
    Kind {
        id: "slow",
        name: "99 of 100 requests took at most",
        read: |sample| sample.slow_us,
        told: duration,
    },
    Kind {
        id: "commits",
        name: "Commits of the journal",
        read: |sample| per_second(sample.commits, sample.span_ms),
        told: rate,
    },
    Kind {
        id: "loaded",
        name: "Entities in memory",
        read: |sample| Some(sample.entities),
        told: |number| number.to_string(),
    },
];
/// Of the field in which a line moves; with the margins the picture has 64.
const HEIGHT: u64 = 60;
const MARGIN: u64 = 2;

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_samples_are_no_lines() {
        assert!(graphs(&[]).is_empty() && told(&[]).starts_with("No samples yet"));
        assert_eq!(pieces(&[], 0), <[String; 0]>::default());
    }

    #[test]
    fn a_line_is_broken_where_nothing_was_measured() {
        let lines = pieces(&[Some(10), Some(0), None, None, Some(5)], 10);
        assert_eq!(lines, ["355,2 356,2 357,62", "359,32 360,32"]);
        assert_eq!(pieces(&[Some(0)], 0), ["359,62 360,62"], "nothing is at the bottom");
        let full = vec![Some(u64::MAX); SAMPLES_MAX];
        let lines = pieces(&full, u64::MAX);
        assert!(lines.len() == 1 && lines[0].starts_with("0,") && !lines[0].contains('-'));
    }

    #[test]
    fn a_line_has_its_numbers_as_text() {
        let sample = |requests, median_us| Sample {
            span_ms: 10_000,
            requests,
            median_us,
            entities: 7,
            ..Sample::default()
        };
        let samples = [sample(100, Some(1_500)), sample(25, Some(900)), sample(0, None)];
        let drawn = graphs(&samples);
        let said = |id: &str| {
            let found = drawn.iter().find(|graph| graph.id == id);
            found.map(|graph| [&*graph.last, &*graph.lowest, &*graph.highest].join(" "))
        };
        assert_eq!(said("requests").as_deref(), Some("0/s 0/s 10/s"));
        assert_eq!(said("median").as_deref(), Some("– 900 µs 1.50 ms"));
        assert_eq!(said("slow").as_deref(), Some("– – –"));
        assert_eq!(said("loaded").as_deref(), Some("7 7 7"));
        assert_eq!(told(&samples), "The last 30 s, a sample each 10 s.");
    }
}
