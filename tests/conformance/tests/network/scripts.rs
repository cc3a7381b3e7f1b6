//! The tables of tests/scripts over HTTP, as far as they do not need virtual time: every scenario
//! whose steps do not depend on how much time is left. It runs at once; when it has an end, that is
//! a few seconds away.

mod perform;
mod secrets;
mod shown;

use std::sync::Arc;

use auction_scripts::{Action, Scenario, SoftClose};
use conformance::{Heard, Kind, Setup, Tape, User};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use perform::{Played, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_holds_over_http() {
    let platform = Setup::development().start().await;
    let (runnable, left_out): (Vec<_>, Vec<_>) = auction_scripts::all()
        .unwrap()
        .into_iter()
        .partition(|(_, scenario)| needs_no_virtual_time(scenario));
    let mut names: Vec<_> = runnable.iter().flat_map(|(_, s)| people(s)).collect();
    names.sort();
    names.dedup();
    let tape = Tape::default();
    let mut users: Vec<User> = Vec::new();
    for name in &names {
        let user = platform.user(name).await;
        users.push(User { client: user.client.with_tape(&tape), ..user });
    }
    let users = Arc::new(users);
    let steps: usize = runnable.iter().map(|(_, scenario)| scenario.steps.len()).sum();
    let count = runnable.len();
    let (mut running, stages) = (JoinSet::new(), Arc::new(Semaphore::new(at_once())));
    for (file, scenario) in runnable {
        let stage = Stage::new(Arc::clone(&users), platform.client().with_tape(&tape));
        let stages = Arc::clone(&stages);
        running.spawn(async move {
            let _turn = stages.acquire().await.unwrap();
            (file, stage.play(&scenario).await)
        });
    }
    let (mut wrong, mut played) = (Vec::new(), Vec::new());
    while let Some(done) = running.join_next().await {
        let (file, scenario) = done.unwrap();
        wrong.extend(scenario.wrong.iter().map(|line| format!("{file}:{line}")));
        played.push(scenario);
    }
    println!("{count} scenarios with {steps} steps; left to virtual time:");
    left_out.iter().for_each(|(file, scenario)| println!("  {file}: {}", scenario.name));
    wrong.sort();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count >= 120 && steps >= 450, "only {count} scenarios with {steps} steps");

    let mut doubts = Vec::new();
    for Played { id, .. } in &played {
        doubts.extend(crate::proofs::doubt(&platform.client(), id).await);
    }
    assert!(doubts.is_empty(), "\n{}", doubts.join("\n"));

    let told = leaks(&played, &users, &tape.lock().unwrap());
    assert!(told.leaks.is_empty(), "\n{}", told.leaks.join("\n"));
    println!("{} hidden amounts, {} of them told to their owners", told.searched, told.owned);
    assert!(told.searched >= 50 && told.owned >= 50, "{} {}", told.searched, told.owned);
}

/// The search for what was hidden.
struct Search {
    /// Who was told what.
    leaks: Vec<String>,
    /// Hidden amounts that were searched for.
    searched: usize,
    /// Those that their owners were told, so that the search could have found them.
    owned: usize,
}

fn leaks(played: &[Played], users: &[User], heard: &[Heard]) -> Search {
    let mut search = Search { leaks: Vec::new(), searched: 0, owned: 0 };
    for Played { id, secrets, .. } in played {
        let about: Vec<_> = heard.iter().filter(|heard| heard.path.contains(id.as_str())).collect();
        for secret in secrets {
            let owner = users.iter().find(|user| user.name == secret.owner);
            let token = owner.and_then(|user| user.client.token());
            let told = about.iter().copied().filter(|heard| secret.is_in(heard));
            let (own, others): (Vec<&Heard>, Vec<&Heard>) =
                told.partition(|heard| token.is_some() && heard.token.as_deref() == token);
            search.searched += 1;
            search.owned += usize::from(!own.is_empty());
            search.leaks.extend(others.iter().map(|heard| {
                let said: String = String::from_utf8_lossy(&heard.body).chars().take(300).collect();
                format!("{secret} of {}: {} answers {said} …", secret.owner, heard.path)
            }));
        }
    }
    search
}

/// Everybody in a scenario who signs in.
fn people(scenario: &Scenario) -> Vec<String> {
    let named = scenario.steps.iter().filter_map(|step| match &step.action {
        Action::Block { name, .. } | Action::Offer { name, .. } => Some(name.clone()),
        _ => None,
    });
    let actors = scenario.steps.iter().map(|step| step.actor.clone());
    let actors = actors.chain(named).chain([scenario.terms.seller.clone(), "nobody".to_owned()]);
    actors.filter(|name| name != "clock").collect()
}

/// No clock, nothing in the soft-close window, no window of hours or days, and no step that takes
/// the auction or its planned end away.
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
    // What depends on how long ago something was, or on how long is left.
    let is_timed = |action: &Action| {
        matches!(action, Action::Retract { .. } | Action::Lower { .. } | Action::Offer { .. })
    };
    let timed = || scenario.steps.iter().filter(|step| is_timed(&step.action));
    let before_end = |at_ms: i64| at_ms < terms.ends_ms;
    let keeps_its_end = first_late.is_none();
    let windows = timed().all(|step| match step.action {
        Action::Offer { .. } if before_end(step.at_ms) => step.at_ms < HOUR_MS,
        Action::Offer { .. } => step.at_ms < terms.ends_ms + HOUR_MS,
        _ => step.at_ms < MINUTE_MS && (keeps_its_end || terms.ends_ms < HOUR_MS),
    });
    let has_offers = timed().any(|step| matches!(step.action, Action::Offer { .. }));
    let offers = !has_offers
        || scenario
            .steps
            .iter()
            .all(|step| before_end(step.at_ms) || step.at_ms < terms.ends_ms + HOUR_MS);
    let moves_it = |action: &Action| match action {
        Action::Delete { .. } => true,
        Action::Change { patch, .. } => patch.contains("duration_seconds"),
        _ => false,
    };
    terms.clock.is_none()
        && terms.starts_ms.is_none()
        && terms.hard_stop_ms.is_none()
        && ends_well
        && windows
        && offers
        && !scenario.steps.iter().any(|step| moves_it(&step.action))
        && first_late.is_none_or(|step| step.action == Action::Wake)
}

/// Scenarios that are played side by side: what ends in seconds must not wait for seconds.
fn at_once() -> usize {
    match Kind::chosen() {
        Kind::Host => 32,
        Kind::Spin | Kind::Cloudflare => 16,
    }
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
