//! What the machine decided in the scripts is what the rules say, as far as the log shows it.

use auction_player::play;
use serde_json::{Value, json};

use crate::bench::{Bench, report, saved};

#[test]
fn the_log_of_every_script_is_accepted() {
    let (mut wrong, mut logs, mut events) = (Vec::new(), 0, 0);
    for (file, scenario) in auction_scripts::all().unwrap() {
        let mut bench = Bench::new();
        play(&mut bench, &scenario);
        if bench.log.is_empty() {
            continue;
        }
        (logs, events) = (logs + 1, events + bench.log.len());
        let report = report(saved(&bench.items()).as_bytes());
        if report["ok"] != true || report["events"] != json!(bench.log.len()) {
            wrong.push(format!("{file}:{}: {}", scenario.line, report["first_bad"]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(logs > 100 && events > 700, "only {logs} logs with {events} events");
}

#[test]
fn what_owners_can_open_is_accepted_and_explains_the_prices() {
    let (mut opened, mut wrong) = (0, Vec::new());
    for (file, scenario) in auction_scripts::all().unwrap() {
        let mut bench = Bench::new();
        play(&mut bench, &scenario);
        let people: Vec<_> = scenario.steps.iter().map(|step| step.actor.as_str()).collect();
        let mut salts: Vec<Value> = Vec::new();
        for who in people.into_iter().chain([scenario.terms.seller.as_str()]) {
            let own = bench.own(who);
            let more = own["commitments"].as_array().cloned().unwrap_or_default();
            salts.extend(more.into_iter().filter(|one| !salts.contains(one)).collect::<Vec<_>>());
        }
        let mut request: Value = serde_json::from_str(&saved(&bench.items())).unwrap();
        opened += salts.len();
        request["salts"] = salts.into();
        let report = report(request.to_string().as_bytes());
        if report["ok"] != true && !bench.log.is_empty() {
            wrong.push(format!("{file}:{}: {}", scenario.line, report["first_bad"]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(opened > 200, "only {opened} commitments");
}
