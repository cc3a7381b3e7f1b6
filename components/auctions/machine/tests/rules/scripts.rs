//! Runs the tables of `tests/scripts` against the machine with virtual time.

use std::path::Path;

use auction_machine::contract::{
    Band, Command, Increments, Outcome, PlaceBid, Reply, ReserveState, SoftClose, SoftCloseMode,
    Status, Terms,
};
use auction_scripts::{Action, Observed, Scenario, Step, decimals, major, offset};
use kernel::{Currency, Minor, Money, Timestamp};

use crate::bench::{Bench, START, user};

#[test]
fn every_table_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "auction"))
        .collect();
    files.sort();
    assert!(files.len() >= 6, "tables are in {}", folder.display());
    let mut wrong = Vec::new();
    let mut steps = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for scenario in auction_scripts::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}")) {
            steps += scenario.steps.len();
            wrong.extend(run(&scenario).into_iter().map(|line| format!("{name}:{line}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(steps > 150, "only {steps} steps ran");
}

#[test]
fn a_wrong_expectation_is_found() {
    let text = "auction a english start=10 ends=+100s
        +1s ana bid 20 -> leading price=10.50
        +2s ben bid 5 -> leading
        +3s ben bid 5 -> refused bid_too_low price=10.00";
    let scenarios = auction_scripts::parse(text).unwrap();
    let wrong = run(&scenarios[0]);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("2: ") && wrong[0].contains("price=10.50"));
    assert!(wrong[1].starts_with("3: ") && wrong[1].contains("leading"));
}

fn run(scenario: &Scenario) -> Vec<String> {
    let mut bench = Bench::listed(terms(&scenario.terms));
    let mut wrong = Vec::new();
    for step in &scenario.steps {
        let seen = perform(&mut bench, scenario, step);
        let missing = step.expected.missing_in(&seen);
        if !missing.is_empty() {
            wrong.push(format!("{}: wanted {}, saw {seen}", step.line, missing.join(" ")));
        }
    }
    wrong
}

fn perform(bench: &mut Bench, scenario: &Scenario, step: &Step) -> Observed {
    let actor = step.actor.as_str();
    let places = decimals(&scenario.terms.currency);
    let (command, key) = match &step.action {
        Action::Look => {
            let row = bench.view().row;
            return facts(bench, scenario, Observed::of([status(row.status)]));
        }
        Action::Own => {
            let own = bench.own(actor);
            let word = if own.leading { "leading" } else { "not_leading" };
            let max = own.my_max.map_or("none".into(), |max| major(max.amount.get(), places));
            return facts(bench, scenario, Observed::of([word]).with("max", max));
        }
        Action::Wake => (Command::Wake, None),
        Action::Bid { amount, currency, quantity, key } => {
            let amount = money(*amount, currency.as_ref().unwrap_or(&scenario.terms.currency));
            let bid =
                PlaceBid { amount, quantity: *quantity, min_quantity: None, confirm: Some(true) };
            (Command::PlaceBid(bid), key.clone())
        }
    };
    let key = key.unwrap_or_else(|| format!("line {}", step.line));
    let who = (actor != "clock").then_some(actor);
    let body = serde_json::to_vec(&command).unwrap();
    let decision = bench.send_raw(step.at_ms, who, &key, &body);
    let events = Bench::names(&decision).join(",");
    let seen = match serde_json::from_slice(&decision.reply).unwrap() {
        Reply::Bid { replayed, bid, .. } => {
            let mut seen = Observed::of([outcome(bid.outcome)]);
            if replayed {
                seen.words.push("replayed".to_owned());
            }
            // A replay shows the facts of its own time, not those of now.
            seen.with("price", amount(bid.price, places))
                .with("next", amount(bid.next_minimum, places))
                .with("ends", offset(bid.ends_at.ms_since(START)))
                .with("reserve", reserve(bid.reserve))
                .with("seq", bid.seq)
                .with("rule", bid.explanation.rule)
        }
        Reply::Refused(refused) => Observed::of(["refused", refused.code.as_str()]),
        Reply::Woken if events.is_empty() => Observed::of(["quiet"]),
        Reply::Woken => Observed::of([status(bench.view().row.status)]),
        Reply::Created { .. } | Reply::Auction { .. } | Reply::Offer { .. } => {
            unreachable!("scripts list only once")
        }
    };
    facts(bench, scenario, seen).with("events", events)
}

/// Adds the public facts of now that a reply did not state.
fn facts(bench: &Bench, scenario: &Scenario, mut seen: Observed) -> Observed {
    let stated: Vec<String> = seen.facts.iter().map(|(name, _)| name.clone()).collect();
    let now = facts_now(bench, scenario);
    seen.facts.extend(now.facts.into_iter().filter(|(name, _)| !stated.contains(name)));
    seen
}

fn facts_now(bench: &Bench, scenario: &Scenario) -> Observed {
    let row = bench.view().row;
    let places = decimals(&scenario.terms.currency);
    let amount = |money: Option<Money>| {
        money.map_or("none".to_owned(), |money| major(money.amount.get(), places))
    };
    let result = row.result.as_ref();
    let winner = result.and_then(|result| result.winner.as_ref());
    let name = |id| {
        let names = scenario.steps.iter().map(|step| step.actor.as_str());
        names.into_iter().find(|name| user(name) == id).unwrap_or("nobody").to_owned()
    };
    let leader = scenario
        .steps
        .iter()
        .map(|step| &step.actor)
        .find(|actor| row.leader.is_some() && bench.own(actor).alias == row.leader);
    Observed::default()
        .with("price", amount(row.price))
        .with("next", amount(row.next_minimum))
        .with("ends", offset(row.ends_at.ms_since(START)))
        .with("reserve", reserve(row.reserve))
        .with("seq", row.seq)
        .with("count", row.bid_count)
        .with("bidders", row.bidder_count)
        .with("leader", leader.map_or("none", String::as_str))
        .with("alias", row.leader.as_deref().unwrap_or("none"))
        .with("reason", result.and_then(|result| result.reason.as_deref()).unwrap_or("none"))
        .with("winner", winner.map_or("none".to_owned(), |winner| name(winner.user_id)))
        .with("hammer", amount(result.and_then(|result| result.hammer_price)))
}

fn terms(terms: &auction_scripts::Terms) -> Terms {
    let at = |ms: i64| -> Timestamp { START.plus_ms(ms) };
    let (mode, window, extension) = match terms.soft_close {
        auction_scripts::SoftClose::Off => (SoftCloseMode::Off, None, None),
        auction_scripts::SoftClose::Reset { window_seconds: window, extension_seconds } => {
            (SoftCloseMode::Reset, Some(window), Some(extension_seconds))
        }
        auction_scripts::SoftClose::Add { window_seconds: window, extension_seconds } => {
            (SoftCloseMode::Add, Some(window), Some(extension_seconds))
        }
    };
    Terms {
        title: "A lot".to_owned(),
        description: String::new(),
        category: String::new(),
        format: terms.format.clone(),
        start_price: money(terms.start, &terms.currency),
        reserve_price: terms.reserve.map(|reserve| money(reserve, &terms.currency)),
        buy_now_price: None,
        increments: Some(match &terms.increments {
            auction_scripts::Increments::Preset(name) => Increments::Preset(name.clone()),
            auction_scripts::Increments::Bands(bands) => {
                let minor = |units| Minor::new(units).unwrap();
                let band =
                    |(from, step): &(i64, i64)| Band { from: minor(*from), step: minor(*step) };
                Increments::Bands(bands.iter().map(band).collect())
            }
        }),
        dutch: None,
        reverse: None,
        uniform_price: None,
        starts_at: terms.starts_ms.map(at),
        ends_at: Some(at(terms.ends_ms)),
        duration_seconds: None,
        soft_close: SoftClose {
            mode,
            window_seconds: window,
            extension_seconds: extension,
            hard_stop_at: terms.hard_stop_ms.map(at),
        },
        retraction: "ebay".to_owned(),
        quantity: 1,
    }
}

fn money(units: i64, currency: &str) -> Money {
    Money::new(Minor::new(units).unwrap(), currency.parse::<Currency>().unwrap())
}

fn amount(money: Option<Money>, places: u32) -> String {
    money.map_or("none".to_owned(), |money| major(money.amount.get(), places))
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Leading => "leading",
        Outcome::Outbid => "outbid",
        Outcome::Accepted => "accepted",
        Outcome::Won => "won",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "scheduled",
        Status::Open => "open",
        Status::Sold => "sold",
        Status::Unsold => "unsold",
        Status::Cancelled => "cancelled",
    }
}

fn reserve(reserve: ReserveState) -> &'static str {
    match reserve {
        ReserveState::None => "none",
        ReserveState::NotMet => "not_met",
        ReserveState::Met => "met",
    }
}
