//! What of a replay is printed: a table, one event in full, or JSON for programs.

use std::io::Write;

use anyhow::Context as _;
use kernel::Money;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::walk::{Rule, Step};
use crate::cli::Replay;

/// Prints the steps that were asked for.
pub(super) struct Show<W> {
    out: W,
    at: Option<u64>,
    json: bool,
    lines: u64,
}

/// A step with all that is known of it.
#[derive(Serialize)]
struct Full<'a> {
    #[serde(flatten)]
    step: &'a Step<'a>,
    view: Option<&'a RawValue>,
}

impl<W: Write> Show<W> {
    pub(super) fn new(out: W, options: &Replay) -> Self {
        Self { out, at: options.at, json: options.json, lines: 0 }
    }

    /// Shows a step, if it is wanted.
    pub(super) fn step(&mut self, step: &Step<'_>) -> anyhow::Result<()> {
        if self.at.is_some_and(|at| at != step.seq) {
            return Ok(());
        }
        self.lines += 1;
        match (self.at, self.json) {
            (None, true) => writeln!(self.out, "{}", serde_json::to_string(step)?)?,
            (None, false) => self.row(step)?,
            (Some(_), true) => {
                let view = serde_json::from_slice(&step.view).ok();
                let full = serde_json::to_string(&Full { step, view })?;
                writeln!(self.out, "{full}")?;
            }
            (Some(_), false) => self.page(step)?,
        }
        Ok(())
    }

    /// Has anything been shown?
    pub(super) fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// The last word.
    pub(super) fn end(mut self, word: &str) -> anyhow::Result<()> {
        if !self.json {
            writeln!(self.out, "{word}")?;
        }
        self.flush()
    }

    /// What was shown so far gets out before an error is told.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }

    fn row(&mut self, step: &Step<'_>) -> anyhow::Result<()> {
        if self.lines == 1 {
            let names = ["seq", "time", "event", "status", "price", "leader", "rule"];
            self.cells(names.map(str::to_owned))?;
        }
        let rule = step.rule.as_ref().filter(|rule| rule.seq == step.seq).map(words);
        self.cells([
            step.seq.to_string(),
            step.time.to_string(),
            step.event.clone(),
            cell(step.state.status.as_ref()),
            cell(step.state.price.as_ref()),
            cell(step.state.leader.as_ref()),
            rule.unwrap_or_default(),
        ])
    }

    fn cells(&mut self, cells: [String; 7]) -> anyhow::Result<()> {
        let [seq, time, event, status, price, leader, rule] = cells;
        let line = format!(
            "{seq:>5}  {time:<24}  {event:<17}  {status:<9}  {price:>14}  {leader:<10}  {rule}"
        );
        Ok(writeln!(self.out, "{}", line.trim_end())?)
    }

    fn page(&mut self, step: &Step<'_>) -> anyhow::Result<()> {
        let by = step.principal.map(|who| format!("by {who}, ")).unwrap_or_default();
        let command = step.command.map_or(NONE, RawValue::get);
        let rule = step
            .rule
            .as_ref()
            .map_or(NONE.to_owned(), |rule| format!("{} (seq {})", words(rule), rule.seq));
        let rows = [
            ("seq", step.seq.to_string()),
            ("time", step.time.to_string()),
            ("event", format!("{} {}", step.event, step.data)),
            ("command", format!("{command} ({by}{})", step.command_id)),
            ("status", cell(step.state.status.as_ref())),
            ("price", cell(step.state.price.as_ref())),
            ("leader", cell(step.state.leader.as_ref())),
            ("rule", rule),
            ("head", step.head.to_string()),
        ];
        for (name, value) in rows {
            writeln!(self.out, "{name:<8} {value}")?;
        }
        let view: Value = serde_json::from_slice(&step.view).context("its view")?;
        Ok(writeln!(self.out, "{}", serde_json::to_string_pretty(&view)?)?)
    }
}

fn words(rule: &Rule) -> String {
    format!("{}: {}", rule.rule, rule.text)
}

/// A value for people.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => NONE.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => match serde_json::from_value::<Money>(value.clone()) {
            Ok(money) => money.to_string(),
            Err(_) => value.to_string(),
        },
    }
}

/// Nothing to show.
const NONE: &str = "–";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_as_people_write_them() {
        let shown = |value: Value| cell(Some(&value));
        assert_eq!(shown(json!({"amount": 3_300, "currency": "USD"})), "33.00 USD");
        assert_eq!(shown(json!({"amount": 3_300})), "{\"amount\":3300}");
        assert_eq!(shown(json!("open")), "open");
        assert_eq!(shown(json!(null)), "–");
        assert_eq!(cell(None), "–");
    }
}
