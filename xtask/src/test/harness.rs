//! What test harnesses report, in numbers.

use crate::steps::Tally;

/// Counts what the harnesses say.
pub(super) fn tally(lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    for line in lines {
        if let Some(result) = line.strip_prefix("test result: ") {
            tally.passed += number_before(result, " passed");
            tally.failed += number_before(result, " failed");
        } else if let Some((name, reason)) = ignored(line) {
            tally.skipped.push((name.to_owned(), reason.to_owned()));
        }
    }
    tally
}

/// How many tests a filter left out.
pub(super) fn filtered_out(lines: &[String]) -> usize {
    let results = lines.iter().filter_map(|line| line.strip_prefix("test result: "));
    results.map(|result| number_before(result, " filtered out")).sum()
}

/// The names in a list of tests: `NAME: test`.
pub(super) fn listed(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_suffix(": test")).collect()
}

/// `test NAME ... ignored, REASON`.
fn ignored(line: &str) -> Option<(&str, &str)> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let reason = verdict.strip_prefix("ignored")?;
    Some((name, reason.strip_prefix(", ").unwrap_or("no reason given")))
}

fn number_before(result: &str, word: &str) -> usize {
    let before = result.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What a reader of a failure wants: not the tests that passed.
pub(super) fn matters(line: &str) -> bool {
    !(line.is_empty() || line.ends_with(" ... ok") || line.starts_with("running "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_harnesses_add_up() {
        let lines = [
            "test a ... ok",
            "test b ... ignored, needs a quiet machine",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 2 filtered out; \
             finished in 3.10s",
        ];
        let lines = lines.map(str::to_owned);
        let tally = tally(&lines);
        assert_eq!((tally.passed, tally.failed), (15, 2));
        assert_eq!(tally.skipped, [("b".to_owned(), "needs a quiet machine".to_owned())]);
        assert_eq!(filtered_out(&lines), 2);
    }

    #[test]
    fn a_failure_is_shown_without_what_passed() {
        assert!(!matters("test a ... ok"));
        assert!(matters("test b ... FAILED"));
    }
}
