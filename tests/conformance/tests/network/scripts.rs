//! The tables of tests/scripts over HTTP, as far as they do not need virtual time: every scenario
//! whose bids lie before the soft-close window. It runs at once, and its end is a few seconds away.

use std::path::Path;
use std::sync::Arc;

use auction_scripts::{Action, Increments, Observed, Scenario, SoftClose, Step, decimals, major};
use conformance::{Client, Reply, Setup, User, id_of, ms_of, now_ms, rfc3339};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::closed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_holds_over_http() {
    let platform = Setup::development().start().await;
    let (runnable, left_out): (Vec<_>, Vec<_>) =
        scenarios().into_iter().partition(|(_, scenario)| needs_no_virtual_time(scenario));
    let mut names: Vec<_> = runnable.iter().flat_map(|(_, s)| people(s)).collect();
    names.sort();
    names.dedup();
    let mut users = Vec::new();
    for name in &names {
        users.push(platform.user(name).await);
    }
    let users = Arc::new(users);
    let steps: usize = runnable.iter().map(|(_, scenario)| scenario.steps.len()).sum();
    let count = runnable.len();
    let mut running = JoinSet::new();
    for (file, scenario) in runnable {
        let stage = Stage { users: Arc::clone(&users), public: platform.client() };
        running.spawn(async move { (file, stage.play(&scenario).await) });
    }
    let mut wrong = Vec::new();
    while let Some(played) = running.join_next().await {
        let (file, lines) = played.unwrap();
        wrong.extend(lines.into_iter().map(|line| format!("{file}:{line}")));
    }
    println!("{count} scenarios with {steps} steps; left to virtual time:");
    left_out.iter().for_each(|(file, scenario)| println!("  {file}: {}", scenario.name));
    wrong.sort();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count >= 55 && steps >= 180, "only {count} scenarios with {steps} steps");
}

fn scenarios() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "auction") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let parsed = auction_scripts::parse(&text).unwrap();
            all.extend(parsed.into_iter().map(|scenario| (name.clone(), scenario)));
        }
    }
    all
}

fn people(scenario: &Scenario) -> Vec<String> {
    let actors = scenario.steps.iter().map(|step| step.actor.clone());
    let actors = actors.chain([scenario.terms.seller.clone(), "nobody".to_owned()]);
    actors.filter(|name| name != "clock").collect()
}

/// Bids before the window, then perhaps the end; nothing that is to happen between.
fn needs_no_virtual_time(scenario: &Scenario) -> bool {
    let terms = &scenario.terms;
    let window_ms = match terms.soft_close {
        SoftClose::Off => 0,
        SoftClose::Reset { window_seconds, .. } | SoftClose::Add { window_seconds, .. } => {
            window_seconds * 1_000
        }
    };
    let mut late = scenario.steps.iter().skip_while(|step| step.at_ms < terms.ends_ms - window_ms);
    let ends_well = late.clone().all(|step| step.at_ms >= terms.ends_ms);
    let first_late = late.next();
    terms.starts_ms.is_none()
        && terms.hard_stop_ms.is_none()
        && ends_well
        && first_late.is_none_or(|step| step.action == Action::Wake)
}

/// One auction's public and people.
struct Stage {
    users: Arc<Vec<User>>,
    public: Client,
}

impl Stage {
    async fn play(&self, scenario: &Scenario) -> Vec<String> {
        let seller = self.user(&scenario.terms.seller);
        let listed = seller.lists(terms(scenario)).await;
        let id = id_of(&listed);
        let mut wrong = Vec::new();
        let mut is_over = false;
        for step in &scenario.steps {
            let is_late = step.at_ms >= scenario.terms.ends_ms;
            if step.action == Action::Wake && (!is_late || is_over) {
                // The platform wakes auctions by itself; a wake without effect has no trace.
                continue;
            }
            if is_late && !is_over {
                is_over = true;
                closed(&self.public, &id).await;
            }
            let seen = self.perform(scenario, &id, step, &listed).await;
            let missing = step.expected.missing_in(&seen);
            if !missing.is_empty() {
                wrong.push(format!("{}: wanted {}, saw {seen}", step.line, missing.join(" ")));
            }
        }
        let log = conformance::chain::examine(&id, &self.public.log(&id).await);
        wrong.extend(log.violations.iter().map(|what| format!("{}: {what}", scenario.line)));
        wrong
    }

    async fn perform(
        &self,
        scenario: &Scenario,
        id: &str,
        step: &Step,
        listed: &Value,
    ) -> Observed {
        let before = self.public.log(id).await.len();
        let places = decimals(&scenario.terms.currency);
        let seen = match &step.action {
            Action::Look | Action::Wake => {
                let view = self.public.view(id).await;
                Observed::of([view["status"].as_str().unwrap()])
            }
            Action::Own => {
                let own = self.user(&step.actor).own(id).await.expect(200).json();
                let word = if own["leading"] == true { "leading" } else { "not_leading" };
                Observed::of([word]).with("max", shown(&own["my_max"], places))
            }
            Action::Bid { amount, currency, quantity, key } => {
                let currency = currency.as_ref().unwrap_or(&scenario.terms.currency);
                let mut body = json!({"amount": {"amount": amount, "currency": currency}});
                if let Some(quantity) = quantity {
                    body["quantity"] = json!(quantity);
                }
                let key = key.clone().unwrap_or_else(|| format!("line-{}", step.line));
                let client = &self.user(&step.actor).client;
                let call = client.post(&format!("/v1/auctions/{id}/bids"), &body).key(&key);
                answer(&call.send().await.unwrap(), places, scenario, listed)
            }
        };
        let log = self.public.log(id).await;
        let closing = usize::from(step.action == Action::Wake);
        let news = log[before - closing..].iter().map(|event| event["event"].as_str().unwrap());
        let news = news.collect::<Vec<_>>().join(",");
        self.facts(scenario, id, listed, seen).await.with("events", news)
    }

    /// Adds the public facts of now that an answer did not state.
    async fn facts(
        &self,
        scenario: &Scenario,
        id: &str,
        listed: &Value,
        mut seen: Observed,
    ) -> Observed {
        let places = decimals(&scenario.terms.currency);
        let view = self.public.view(id).await;
        let mut leader = "none".to_owned();
        for name in people(scenario) {
            let own = self.user(&name).own(id).await;
            if own.status == 200 && view["leader"].is_string() {
                let own = own.json();
                if own["alias"] == view["leader"] || own["leading"] == true {
                    leader = name;
                }
            }
        }
        let result = &view["result"];
        let sold = result["winner"].is_object();
        let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        let now = Observed::default()
            .with("price", shown(&view["price"], places))
            .with("next", shown(&view["next_minimum"], places))
            .with("ends", end(&view["ends_at"], scenario, listed))
            .with("reserve", text(&view["reserve"]))
            .with("seq", &view["seq"])
            .with("count", &view["bid_count"])
            .with("bidders", &view["bidder_count"])
            .with("alias", text(&view["leader"]))
            .with("reason", text(&result["reason"]))
            .with("winner", if sold { leader.as_str() } else { "none" })
            .with("hammer", shown(&result["hammer_price"], places))
            .with("leader", &leader);
        let stated: Vec<String> = seen.facts.iter().map(|(name, _)| name.clone()).collect();
        seen.facts.extend(now.facts.into_iter().filter(|(name, _)| !stated.contains(name)));
        seen
    }

    fn user(&self, name: &str) -> &User {
        self.users.iter().find(|user| user.name == name).expect("signed in before")
    }
}

/// What an answer to a bid states.
fn answer(reply: &Reply, places: u32, scenario: &Scenario, listed: &Value) -> Observed {
    let body = reply.json();
    if reply.status != 201 {
        return Observed::of(["refused", reply.code().as_str()]);
    }
    let mut seen = Observed::of([body["outcome"].as_str().unwrap()]);
    if reply.is_replay() {
        seen.words.push("replayed".to_owned());
    }
    seen.with("price", shown(&body["price"], places))
        .with("next", shown(&body["next_minimum"], places))
        .with("ends", end(&body["ends_at"], scenario, listed))
        .with("reserve", body["reserve"].as_str().unwrap())
        .with("seq", &body["seq"])
        .with("rule", body["explanation"]["rule"].as_str().unwrap())
}

fn shown(money: &Value, places: u32) -> String {
    money["amount"].as_i64().map_or("none".to_owned(), |amount| major(amount, places))
}

/// An end that did not move is the one of the script; any other is shown as it is.
fn end(ends_at: &Value, scenario: &Scenario, listed: &Value) -> String {
    if ends_at == &listed["scheduled_end"] {
        auction_scripts::offset(scenario.terms.ends_ms)
    } else {
        format!("moved to {:?}", ms_of(ends_at))
    }
}

fn terms(scenario: &Scenario) -> Value {
    let terms = &scenario.terms;
    let money = |amount: i64| json!({"amount": amount, "currency": terms.currency});
    let increments = match &terms.increments {
        Increments::Preset(name) => json!(name),
        Increments::Bands(bands) => {
            bands.iter().map(|(from, step)| json!({"from": from, "step": step})).collect()
        }
    };
    // A window of one second at the end of twelve: no bid of a script comes so late.
    let soft_close = match terms.soft_close {
        SoftClose::Off => json!({"mode": "off"}),
        SoftClose::Reset { extension_seconds, .. } => {
            json!({"mode": "reset", "window_seconds": 1, "extension_seconds": extension_seconds})
        }
        SoftClose::Add { extension_seconds, .. } => {
            json!({"mode": "add", "window_seconds": 1, "extension_seconds": extension_seconds})
        }
    };
    json!({
        "title": scenario.name, "format": terms.format, "start_price": money(terms.start),
        "reserve_price": terms.reserve.map_or(Value::Null, money), "increments": increments,
        "ends_at": rfc3339(now_ms() + RUN_MS), "duration_seconds": null, "soft_close": soft_close,
    })
}

const RUN_MS: i64 = 12_000;
