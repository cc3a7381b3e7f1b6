//! Runs the tables of `tests/scripts` against the machine with virtual time.

use auction_player::{Answered, Stage, play};
use auction_scripts::Scenario;

use crate::bench::Bench;

#[test]
fn every_table_holds() {
    let (mut wrong, mut steps) = (Vec::new(), 0);
    for (file, scenario) in auction_scripts::all().unwrap() {
        steps += scenario.steps.len();
        wrong.extend(played(&scenario).1.into_iter().map(|line| format!("{file}:{line}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(steps > 900, "only {steps} steps ran");
}

#[test]
fn a_wrong_expectation_is_found() {
    let text = "auction a english start=10 ends=+100s
        +1s ana bid 20 -> leading price=10.50
        +2s ben bid 5 -> leading
        +3s ben bid 5 -> refused bid_too_low price=10.00";
    let scenarios = auction_scripts::parse(text).unwrap();
    let wrong = played(&scenarios[0]).1;
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("2: ") && wrong[0].contains("price=10.50"));
    assert!(wrong[1].starts_with("3: ") && wrong[1].contains("leading"));
}

/// The auction after all steps, and the lines that did not hold.
pub(crate) fn played(scenario: &Scenario) -> (Bench, Vec<String>) {
    let mut bench = Bench::new();
    let wrong = play(&mut bench, scenario).wrong;
    (bench, wrong)
}

impl Stage for Bench {
    fn send(&mut self, ms: i64, who: Option<&str>, command_id: &str, command: &[u8]) -> Answered {
        let decision = self.send_raw(ms, who, command_id, command);
        let events = Self::names(&decision);
        Answered { reply: decision.reply, events }
    }

    fn ask(&mut self, ms: i64, who: Option<&str>, question: &[u8]) -> Vec<u8> {
        self.now = ms;
        self.ask_raw(who, question)
    }
}
