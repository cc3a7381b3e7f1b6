//! Runs the tables of `tests/scripts` against the machine with virtual time.

mod shown;

use std::path::Path;

use auction_machine::contract::{
    Change, Command, Offer, OfferStatus, PlaceBid, Preview, PreviewOutcome, Query, Refused, Reply,
    RetractionReason,
};
use auction_scripts::{Action, Nth, Observed, Scenario, Step, offset};
use kernel::{Id, Minor, Money, kind};
use serde_json::{Value, json};

use crate::bench::{Bench, START, user};
use shown::{facts, outcome, price, reserve, status};

#[test]
fn every_table_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "auction"))
        .collect();
    files.sort();
    assert!(files.len() >= 18, "tables are in {}", folder.display());
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
    assert!(steps > 900, "only {steps} steps ran");
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
    play(scenario).1
}

/// The auction after all steps, and the lines that did not hold.
pub(crate) fn play(scenario: &Scenario) -> (Bench, Vec<String>) {
    let mut bench = Bench::listed(shown::terms(&scenario.terms));
    let mut wrong = Vec::new();
    for step in &scenario.steps {
        let seen = perform(&mut bench, scenario, step);
        let missing = step.expected.missing_in(&seen);
        if !missing.is_empty() {
            wrong.push(format!("{}: wanted {}, saw {seen}", step.line, missing.join(" ")));
        }
    }
    (bench, wrong)
}

fn perform(bench: &mut Bench, scenario: &Scenario, step: &Step) -> Observed {
    bench.now = step.at_ms;
    let actor = step.actor.as_str();
    let (command, key) = match &step.action {
        Action::Look => {
            let view = shown::view(bench);
            let word = view.map_or("gone", |view| status(view.row.status));
            return facts(bench, scenario, Observed::of([word]));
        }
        Action::Own => {
            let own = bench.own(actor);
            let word = if own.leading { "leading" } else { "not_leading" };
            let seen = Observed::of([word]).with("max", price(own.my_max, scenario));
            return facts(bench, scenario, seen);
        }
        Action::Preview(bid) => {
            let question = serde_json::to_vec(&Query::Preview(asked(scenario, bid))).unwrap();
            let answer = bench.ask_raw(Some(actor), &question);
            return facts(bench, scenario, previewed(scenario, &answer));
        }
        Action::Wake => (Command::Wake, None),
        Action::Bid(bid) => (Command::PlaceBid(asked(scenario, bid)), bid.key.clone()),
        Action::BuyNow { key } => (Command::BuyNow, key.clone()),
        Action::Retract { which, reason } => {
            let reason: RetractionReason = serde_json::from_value(json!(reason)).unwrap();
            (Command::Retract { bid_id: bid_id(bench, actor, which), reason }, None)
        }
        Action::Withdraw { which } => {
            (Command::Withdraw { bid_id: bid_id(bench, actor, which) }, None)
        }
        Action::Lower { amount, currency } => {
            let currency = currency.as_ref().unwrap_or(&scenario.terms.currency);
            (Command::LowerReserve { amount: money(*amount, currency) }, None)
        }
        Action::Cancel { reason } => (Command::Cancel { reason: reason.clone() }, None),
        Action::Delete { stale } => (Command::Delete { head: head(bench, *stale) }, None),
        Action::Change { stale, patch } => {
            let mut patch: Value = serde_json::from_str(patch).unwrap();
            let addition = patch.as_object_mut().unwrap().remove("description_addition");
            let terms = patch.as_object().filter(|terms| !terms.is_empty()).cloned();
            let addition = addition.map(|text| text.as_str().unwrap().to_owned());
            let head = head(bench, *stale);
            (Command::Change(Change { head, terms, description_addition: addition }), None)
        }
        Action::Block { name, blocked } => {
            (Command::Block { bidder: called(bench, name), blocked: *blocked }, None)
        }
        Action::Offer { name, days, key } => {
            let bidder = called(bench, name);
            (Command::OfferSecondChance { bidder, days: *days }, key.clone())
        }
        Action::Answer { which, accept } => {
            let offers = &bench.entity.state().lot().unwrap().offers;
            let offer = offers.get(which.unwrap_or(offers.len()).wrapping_sub(1));
            let offer_id = offer.map_or(Id::from_u128(0), |offer| offer.made.id);
            (Command::AnswerOffer { offer_id, accept: *accept }, None)
        }
    };
    let key = key.unwrap_or_else(|| format!("line {}", step.line));
    let who = (actor != "clock").then_some(actor);
    let body = serde_json::to_vec(&command).unwrap();
    let decision = bench.send_raw(step.at_ms, who, &key, &body);
    let events = Bench::names(&decision).join(",");
    let reply = serde_json::from_slice(&decision.reply).unwrap();
    let seen = replied(bench, scenario, reply, events.is_empty());
    facts(bench, scenario, seen).with("events", events)
}

/// What a reply states. A replay shows the facts of its own time, not those of now.
fn replied(bench: &Bench, scenario: &Scenario, reply: Reply, is_quiet: bool) -> Observed {
    let words = |word, replayed: bool| {
        Observed::of([word].into_iter().chain(replayed.then_some("replayed")))
    };
    match reply {
        Reply::Bid { replayed, bid, .. } => {
            let seen = words(outcome(bid.outcome), replayed)
                .with("price", price(bid.price, scenario))
                .with("next", price(bid.next_minimum, scenario))
                .with("next_max", price(bid.next_maximum, scenario))
                .with("ends", offset(bid.ends_at.ms_since(START)))
                .with("reserve", reserve(bid.reserve))
                .with("seq", bid.seq)
                .with("rule", bid.explanation.rule);
            match bid.quantity {
                Some(units) => seen.with("filled", units),
                None => seen,
            }
        }
        Reply::Refused(refused) => refusal(&refused),
        Reply::Woken if is_quiet => Observed::of(["quiet"]),
        Reply::Woken => Observed::of([status(bench.view().row.status)]),
        Reply::Auction { view } => {
            let word = view.map_or("gone", |view| status(view.row.status));
            Observed::of([word])
        }
        Reply::Offer { replayed, offer, .. } => words(offer_word(&offer), replayed)
            .with("offer", price(Some(offer.price), scenario))
            .with("until", offset(offer.expires_at.ms_since(START))),
        Reply::Created { .. } => unreachable!("scripts list only once"),
    }
}

fn refusal(refused: &Refused) -> Observed {
    let seen = Observed::of(["refused", refused.code.as_str()]);
    match refused.errors.first() {
        Some(error) => seen.with("fault", format!("{}:{}", error.pointer, error.code)),
        None => seen,
    }
}

fn previewed(scenario: &Scenario, answer: &[u8]) -> Observed {
    let Ok(preview) = serde_json::from_slice::<Preview>(answer) else {
        return refusal(&serde_json::from_slice(answer).unwrap());
    };
    let word = match preview.outcome {
        PreviewOutcome::WouldLeadOrBeOutbid => "would_lead_or_be_outbid",
        PreviewOutcome::WouldWin => "would_win",
        PreviewOutcome::TooLow => "too_low",
        PreviewOutcome::TooHigh => "too_high",
        PreviewOutcome::NotOpen => "not_open",
        PreviewOutcome::NotAllowed => "not_allowed",
    };
    Observed::of([word])
        .with("next", price(preview.next_minimum, scenario))
        .with("next_max", price(preview.next_maximum, scenario))
        .with("advised", if preview.confirmation_advised { "yes" } else { "no" })
        .with("rule", preview.explanation.rule)
}

fn offer_word(offer: &Offer) -> &'static str {
    match offer.status {
        OfferStatus::Open => "offered",
        OfferStatus::Accepted => "accepted",
        OfferStatus::Declined => "declined",
        OfferStatus::Expired => "expired",
    }
}

fn asked(scenario: &Scenario, bid: &auction_scripts::Bid) -> PlaceBid {
    let currency = bid.currency.as_ref().unwrap_or(&scenario.terms.currency);
    PlaceBid {
        amount: money(bid.amount, currency),
        quantity: bid.quantity,
        min_quantity: bid.min_quantity,
        confirm: bid.confirm.then_some(true),
    }
}

/// The id of somebody's N-th accepted bid; an id that no bid has when there is none.
fn bid_id(bench: &Bench, actor: &str, which: &Nth) -> Id<kind::Bid> {
    let lot = bench.entity.state().lot().unwrap();
    let bidder = lot.bidder_index(user(which.name.as_deref().unwrap_or(actor)));
    let mut bids = lot.bids.iter().filter(|bid| Some(bid.bidder) == bidder);
    bids.nth(which.nth - 1).map_or(Id::from_u128(0), |bid| bid.id)
}

/// The alias of a bidder, the id of anybody else.
fn called(bench: &Bench, name: &str) -> String {
    let lot = bench.entity.state().lot().unwrap();
    match lot.bidder_index(user(name)) {
        Some(index) => auction_machine::public::alias(index),
        None => user(name).to_string(),
    }
}

fn head(bench: &Bench, stale: bool) -> String {
    let event = &bench.log[bench.log.len() - 1];
    let head = if stale { event.prev } else { event.head };
    head.digest().to_hex()
}

fn money(units: i64, currency: &str) -> Money {
    Money::new(Minor::new(units).unwrap(), currency.parse().unwrap())
}
