//! Figures of one measurement, and their medians over the rounds.

use serde::Serialize;

use crate::generator::Outcome;
use crate::scenario::Scenario;

/// One measurement of one scenario.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    /// Replies a second, refusals included.
    pub(crate) per_second: f64,
    /// Processor time of the whole server process for each reply, in microseconds.
    pub(crate) cpu_us: f64,
    /// Latency in milliseconds.
    pub(crate) p50_ms: f64,
    /// Latency in milliseconds.
    pub(crate) p99_ms: f64,
    /// Share of replies that refused.
    pub(crate) refused: f64,
    /// Processors that the generator kept busy; at the number of its threads it is the limit.
    pub(crate) generator_cores: f64,
    /// Resident memory of the server at the end, in MiB.
    pub(crate) resident_mib: f64,
    /// What the journal did meanwhile.
    pub(crate) commits: Option<Commits>,
    /// Wrong replies.
    pub(crate) wrong: u64,
    /// One of them.
    pub(crate) first_wrong: Option<String>,
}

/// What the journal did, as far as the platform tells.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Commits {
    /// Transactions a second.
    pub(crate) per_second: f64,
    /// Records of each transaction.
    pub(crate) records: Option<f64>,
    /// Mean time of a transaction in milliseconds.
    pub(crate) mean_ms: Option<f64>,
}

/// One scenario over all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    /// What was measured.
    pub(crate) scenario: Scenario,
    /// Medians of the rounds.
    pub(crate) median: Round,
    /// Median over the rounds of its rate divided by its base's in the same round.
    pub(crate) rate_ratio: Option<f64>,
    /// The same for processor time.
    pub(crate) cpu_ratio: Option<f64>,
    /// The measurements.
    pub(crate) rounds: Vec<Round>,
}

impl Round {
    /// From counts, seconds and the server's and the generator's processor seconds.
    pub(crate) fn new(outcome: &Outcome, seconds: f64, server: f64, generator: f64) -> Self {
        let answered = (outcome.done + outcome.refused) as f64;
        let ms = |quantile| outcome.latencies_us.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            per_second: answered / seconds,
            cpu_us: server * 1e6 / answered.max(1.0),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            refused: outcome.refused as f64 / answered.max(1.0),
            generator_cores: generator / seconds,
            resident_mib: 0.0,
            commits: None,
            wrong: outcome.wrong,
            first_wrong: outcome.first_wrong.clone(),
        }
    }
}

impl Figures {
    /// Medians of the rounds; none without rounds.
    pub(crate) fn of(scenario: Scenario, rounds: Vec<Round>, base: Option<&[Round]>) -> Self {
        let of = |field: fn(&Round) -> f64| median(rounds.iter().map(field));
        let in_same_round = |field: fn(&Round) -> f64| {
            let pairs = rounds.iter().zip(base?);
            Some(median(pairs.map(|(own, base)| field(own) / field(base))))
        };
        let commits = rounds.last().and_then(|last| last.commits.clone());
        let median = Round {
            per_second: of(|round| round.per_second),
            cpu_us: of(|round| round.cpu_us),
            p50_ms: of(|round| round.p50_ms),
            p99_ms: of(|round| round.p99_ms),
            refused: of(|round| round.refused),
            generator_cores: of(|round| round.generator_cores),
            resident_mib: of(|round| round.resident_mib),
            commits,
            wrong: rounds.iter().map(|round| round.wrong).sum(),
            first_wrong: rounds.iter().find_map(|round| round.first_wrong.clone()),
        };
        let rate_ratio = in_same_round(|round| round.per_second);
        let cpu_ratio = in_same_round(|round| round.cpu_us);
        Self { scenario, median, rate_ratio, cpu_ratio, rounds }
    }
}

/// The middle value, or the mean of the two in the middle; 0 of nothing.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    if values.len().is_multiple_of(2) {
        (at(middle.saturating_sub(1)) + at(middle)) / 2.0
    } else {
        at(middle)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        assert_eq!(median([].into_iter()), 0.0);
    }
}
