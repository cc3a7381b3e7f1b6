//! Steps of a task: what runs now, how long each took, what failed, what was skipped and why.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A running account of one task.
pub(crate) struct Steps {
    verbose: bool,
    begun: Instant,
    done: Vec<Step>,
    tally: Tally,
}

/// What was checked, in numbers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests and checks that held.
    pub(crate) passed: usize,
    /// Tests and checks that did not.
    pub(crate) failed: usize,
    /// What was not run: name and reason.
    pub(crate) skipped: Vec<(String, String)>,
}

/// How a step that runs tells where it is.
pub(crate) struct Progress {
    bar: ProgressBar,
    verbose: bool,
}

struct Step {
    title: String,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// An empty account.
    pub(crate) fn new(verbose: bool) -> Self {
        let begun = Instant::now();
        Self { verbose, begun, done: Vec::new(), tally: Tally::default() }
    }

    /// How long all of it has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Runs a step that everything after it needs.
    pub(crate) fn run<T>(
        &mut self,
        title: &str,
        work: impl FnOnce(&Progress) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.timed(title, work, |_| false)
    }

    /// Runs a check: a failure is shown and counted, and the next step runs all the same.
    pub(crate) fn check(
        &mut self,
        title: &str,
        work: impl FnOnce(&Progress) -> anyhow::Result<()>,
    ) {
        match self.timed(title, work, |()| false) {
            Ok(()) => self.tally.passed += 1,
            Err(error) => {
                self.tally.failed += 1;
                eprintln!("{error:#}\n");
            }
        }
    }

    /// Runs a step that counts for itself; an error counts as one failure.
    pub(crate) fn count(
        &mut self,
        title: &str,
        work: impl FnOnce(&Progress) -> anyhow::Result<Tally>,
    ) {
        let tally = self.timed(title, work, |tally| tally.failed > 0).unwrap_or_else(|error| {
            eprintln!("{error:#}\n");
            Tally { failed: 1, ..Tally::default() }
        });
        self.tally.passed += tally.passed;
        self.tally.failed += tally.failed;
        self.tally.skipped.extend(tally.skipped);
    }

    /// Notes what was not run.
    pub(crate) fn skip(&mut self, what: &str, why: &str) {
        self.tally.skipped.push((what.to_owned(), why.to_owned()));
    }

    /// The account of a task that checks: times, skips with their reasons, one line of numbers.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        println!();
        for step in &self.done {
            let mark = if step.failed { "FAILED" } else { "ok" };
            println!("{:>8}  {mark:<6}  {}", seconds(step.took), step.title);
        }
        for (what, why) in &self.tally.skipped {
            println!(" skipped          {what}: {why}");
        }
        println!("{}", self.tally);
        anyhow::ensure!(self.tally.failed == 0, "something failed, see above");
        Ok(())
    }

    fn timed<T>(
        &mut self,
        title: &str,
        work: impl FnOnce(&Progress) -> anyhow::Result<T>,
        is_bad: impl FnOnce(&T) -> bool,
    ) -> anyhow::Result<T> {
        let progress = Progress::new(title, self.verbose);
        let started = Instant::now();
        let worked = work(&progress);
        let took = started.elapsed();
        let failed = worked.as_ref().map_or(true, is_bad);
        progress.bar.finish_and_clear();
        let mark = if failed { "FAILED" } else { "ok" };
        eprintln!("{:>8}  {mark:<6}  {title}", seconds(took));
        self.done.push(Step { title: title.to_owned(), took, failed });
        worked
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {} skipped", skipped.len())
    }
}

impl Progress {
    /// Shown only where somebody can watch it.
    fn new(title: &str, verbose: bool) -> Self {
        let bar = if verbose { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let style = ProgressStyle::with_template("{elapsed:>8}  {prefix} {wide_msg:.dim}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(title.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar, verbose }
    }

    /// Tells nobody.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self { bar: ProgressBar::hidden(), verbose: false }
    }

    /// A line for the person who waits.
    pub(crate) fn say(&self, line: &str) {
        if self.verbose {
            eprintln!("{line}");
        }
        self.bar.set_message(line.trim().to_owned());
    }
}

fn seconds(took: Duration) -> String {
    format!("{}.{} s", took.as_secs(), took.subsec_millis() / 100)
}

const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_does_not_stop_the_next() {
        let mut steps = Steps::new(false);
        steps.check("first", |_| anyhow::bail!("no"));
        steps.check("second", |_| Ok(()));
        steps.skip("third", "there is no third");
        assert_eq!(steps.tally.to_string(), "1 passed, 1 failed, 1 skipped");
        assert!(steps.finish().is_err());
    }

    #[test]
    fn counted_failures_mark_their_step() {
        let mut steps = Steps::new(false);
        let tally = Tally { passed: 3, failed: 2, skipped: Vec::new() };
        steps.count("tests", |_| Ok(tally));
        assert!(steps.done.iter().all(|step| step.failed));
        assert_eq!(steps.tally.to_string(), "3 passed, 2 failed, 0 skipped");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_millis(61_270)), "61.2 s");
    }
}
