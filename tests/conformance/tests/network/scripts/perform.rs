//! One auction's people do over HTTP what a table says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use auction_scripts::{Action, Bid, Nth, Observed, Scenario, Step};
use conformance::{Call, Client, Reply, User, closed, id_of};
use serde_json::{Value, json};

use super::secrets::{self, Accepted, Secret};
use super::shown::{self, Shown};
/// One auction's public and people.
pub(super) struct Stage {
    users: Arc<Vec<User>>,
    public: Client,
    /// Ids of accepted bids by bidder, and of offers, as their answers told them.
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    bids: HashMap<String, Vec<String>>,
    offers: Vec<String>,
    accepted: Vec<Accepted>,
}

/// A scenario that was played.
pub(super) struct Played {
    /// The auction.
    pub(super) id: String,
    /// Lines that did not hold.
    pub(super) wrong: Vec<String>,
    /// What stayed hidden.
    pub(super) secrets: Vec<Secret>,
}

/// A scenario and its auction.
struct Scene<'s> {
    scenario: &'s Scenario,
    id: String,
    shown: Shown<'s>,
}

impl Stage {
    pub(super) fn new(users: Arc<Vec<User>>, public: Client) -> Self {
        Self { users, public, told: Mutex::default() }
    }

    pub(super) async fn play(&self, scenario: &Scenario) -> Played {
        let seller = self.user(&scenario.terms.seller);
        let listed = seller.lists(shown::terms(scenario)).await;
        let scene = Scene { scenario, id: id_of(&listed), shown: Shown { scenario, listed } };
        let mut wrong = Vec::new();
        let mut known = 1;
        let mut is_over = false;
        for step in &scenario.steps {
            let is_late = step.at_ms >= scenario.terms.ends_ms;
            if step.action == Action::Wake && (!is_late || is_over) {
                // The platform wakes auctions by itself; a wake without effect has no trace.
                continue;
            }
            if is_late && !is_over {
                is_over = true;
                let status = self.public.view(&scene.id).await["status"].clone();
                if status != "open" {
                    // It was over before its end: nothing is due.
                    continue;
                }
                closed(&self.public, &scene.id).await;
            }
            let seen = self.perform(&scene, step).await;
            let log = self.public.log(&scene.id).await;
            let news = log[known..].iter().map(|event| event["event"].as_str().unwrap());
            let seen = seen.with("events", news.collect::<Vec<_>>().join(","));
            known = log.len();
            let mut expected = step.expected.clone();
            // An offer lapses some days after the instant of a real clock.
            expected.facts.retain(|(name, _)| name != "until");
            // What is not there has one code over HTTP.
            for word in expected.words.iter_mut().filter(|word| word.ends_with("_not_found")) {
                *word = "not_found".to_owned();
            }
            let missing = expected.missing_in(&seen);
            if !missing.is_empty() {
                wrong.push(format!("{}: wanted {}, saw {seen}", step.line, missing.join(" ")));
            }
        }
        let events = self.public.log(&scene.id).await;
        let log = conformance::chain::examine(&scene.id, &events);
        wrong.extend(log.violations.iter().map(|what| format!("{}: {what}", scenario.line)));
        let accepted = std::mem::take(&mut self.told.lock().unwrap().accepted);
        let secrets = secrets::hidden(scenario, &accepted, &events);
        for who in super::people(scenario) {
            for rest in ["/rules", "/bids?limit=100", "/events?limit=100"] {
                self.user(&who).client.get(&format!("/v1/auctions/{}{rest}", scene.id)).await;
            }
        }
        Played { id: scene.id, wrong, secrets }
    }

    async fn perform(&self, scene: &Scene<'_>, step: &Step) -> Observed {
        let actor = step.actor.as_str();
        let seen = match &step.action {
            Action::Look | Action::Wake => {
                let view = self.public.view(&scene.id).await;
                Observed::of([view["status"].as_str().unwrap()])
            }
            Action::Own => {
                let own = self.user(actor).own(&scene.id).await.expect(200).json();
                let word = if own["leading"] == true { "leading" } else { "not_leading" };
                Observed::of([word]).with("max", scene.shown.price(&own["my_max"]))
            }
            Action::Preview(bid) => {
                let call = self.post(scene, actor, "/bids:preview", &bid_body(scene, bid));
                let reply = call.send().await.unwrap();
                scene.shown.preview(&reply)
            }
            _ => {
                let reply = self.call(scene, step).await.send().await.unwrap();
                self.remember(actor, &step.action, &reply);
                self.answered(scene, &step.action, &reply).await
            }
        };
        self.facts(scene, seen).await
    }

    /// The request of a command.
    async fn call(&self, scene: &Scene<'_>, step: &Step) -> Call<'_> {
        let actor = step.actor.as_str();
        let fresh = |key: &Option<String>| key.clone().unwrap_or(format!("line-{}", step.line));
        let client = &self.user(actor).client;
        let path = |rest: &str| format!("/v1/auctions/{}{rest}", scene.id);
        match &step.action {
            Action::Bid(bid) => {
                let call = self.post(scene, actor, "/bids", &bid_body(scene, bid));
                call.key(&fresh(&bid.key))
            }
            Action::BuyNow { key } => {
                self.post(scene, actor, "/buy-now", &json!({})).key(&fresh(key))
            }
            Action::Retract { which, reason } => {
                let rest = format!("/bids/{}/retraction", self.bid(actor, which));
                self.post(scene, actor, &rest, &json!({"reason": reason}))
            }
            Action::Withdraw { which } => {
                client.call("DELETE", &path(&format!("/bids/{}", self.bid(actor, which))))
            }
            Action::Lower { amount, currency } => {
                let currency = currency.as_ref().unwrap_or(&scene.scenario.terms.currency);
                let body = json!({"amount": {"amount": amount, "currency": currency}});
                client.call("PATCH", &path("/reserve")).json(&body)
            }
            Action::Cancel { reason } => {
                self.post(scene, actor, "/cancellation", &json!({"reason": reason}))
            }
            Action::Delete { stale } => {
                let tag = self.tag(scene, actor, *stale).await;
                client.call("DELETE", &path("")).header("if-match", &tag)
            }
            Action::Change { stale, patch } => {
                let tag = self.tag(scene, actor, *stale).await;
                let patch: Value = serde_json::from_str(patch).unwrap();
                client.call("PATCH", &path("")).header("if-match", &tag).json(&patch)
            }
            Action::Block { name, blocked } => {
                let method = if *blocked { "PUT" } else { "DELETE" };
                let bidder = self.called(scene, name).await;
                client.call(method, &path(&format!("/blocked-bidders/{bidder}")))
            }
            Action::Offer { name, days, key } => {
                let bidder = self.called(scene, name).await;
                let body = json!({"bidder": bidder, "days": days});
                self.post(scene, actor, "/second-chance-offers", &body).key(&fresh(key))
            }
            Action::Answer { which, accept } => {
                let offer = self.offer(*which);
                let verb = if *accept { "acceptance" } else { "decline" };
                let rest = format!("/second-chance-offers/{offer}/{verb}");
                self.post(scene, actor, &rest, &json!({}))
            }
            Action::Preview(_) | Action::Wake | Action::Look | Action::Own => {
                unreachable!("these are no commands")
            }
        }
    }

    fn post(&self, scene: &Scene<'_>, actor: &str, rest: &str, body: &Value) -> Call<'_> {
        self.user(actor).client.post(&format!("/v1/auctions/{}{rest}", scene.id), body)
    }

    /// What an answer to a command states.
    async fn answered(&self, scene: &Scene<'_>, action: &Action, reply: &Reply) -> Observed {
        if reply.status >= 300 {
            return shown::refusal(reply);
        }
        match action {
            Action::Bid(_) | Action::BuyNow { .. } => scene.shown.bid(reply),
            Action::Offer { .. } | Action::Answer { .. } => scene.shown.offer(reply),
            _ => {
                let view = self.public.view(&scene.id).await;
                Observed::of([view["status"].as_str().unwrap()])
            }
        }
    }

    fn remember(&self, actor: &str, action: &Action, reply: &Reply) {
        if reply.status != 201 || reply.is_replay() {
            return;
        }
        let mut told = self.told.lock().unwrap();
        let id = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
        match action {
            Action::Bid(bid) => {
                told.bids.entry(actor.to_owned()).or_default().push(id("bid_id"));
                let (id, bidder, amount) = (id("bid_id"), actor.to_owned(), bid.amount);
                told.accepted.push(Accepted { id, bidder, amount });
            }
            Action::BuyNow { .. } => {
                told.bids.entry(actor.to_owned()).or_default().push(id("bid_id"));
            }
            Action::Offer { .. } => told.offers.push(id("offer_id")),
            _ => {}
        }
    }

    /// The id of somebody's N-th accepted bid; an id that no bid has when there is none.
    fn bid(&self, actor: &str, which: &Nth) -> String {
        let told = self.told.lock().unwrap();
        let bids = told.bids.get(which.name.as_deref().unwrap_or(actor));
        let bid = bids.and_then(|bids| bids.get(which.nth - 1)).cloned();
        bid.unwrap_or_else(|| kernel::Id::<kernel::kind::Bid>::from_u128(0).to_string())
    }

    fn offer(&self, which: Option<usize>) -> String {
        let told = self.told.lock().unwrap();
        let offer = told.offers.get(which.unwrap_or(told.offers.len()).wrapping_sub(1)).cloned();
        offer.unwrap_or_else(|| kernel::Id::<kernel::kind::Offer>::from_u128(0).to_string())
    }

    /// The alias of a bidder, the id of anybody else.
    async fn called(&self, scene: &Scene<'_>, name: &str) -> String {
        let own = self.user(name).own(&scene.id).await;
        let alias = (own.status == 200).then(|| own.json()["alias"].as_str().map(str::to_owned));
        alias.flatten().unwrap_or_else(|| self.user(name).id.clone())
    }

    /// The tag of the auction as the actor sees it, or one that has passed.
    async fn tag(&self, scene: &Scene<'_>, actor: &str, stale: bool) -> String {
        if stale {
            return "\"passed\"".to_owned();
        }
        let view = self.user(actor).client.get(&format!("/v1/auctions/{}", scene.id)).await;
        view.header("etag").unwrap_or("\"none\"").to_owned()
    }

    /// Adds the public facts of now that an answer did not state.
    async fn facts(&self, scene: &Scene<'_>, mut seen: Observed) -> Observed {
        let path = format!("/v1/auctions/{}", scene.id);
        // Who has won is shown to the seller.
        let view = self.user(&scene.scenario.terms.seller).client.get(&path).await;
        let view = view.expect(200).json();
        let history = self.public.all(&format!("{path}/bids?limit=100")).await;
        let mut leader = "none".to_owned();
        for name in super::people(scene.scenario) {
            let own = self.user(&name).own(&scene.id).await;
            if own.status == 200 && view["leader"].is_string() {
                let own = own.json();
                if own["alias"] == view["leader"] || own["leading"] == true {
                    leader = name;
                }
            }
        }
        let named = |id: &Value| {
            let user = self.users.iter().find(|user| *id == user.id);
            user.map_or("nobody", |user| user.name.as_str()).to_owned()
        };
        let now = scene.shown.view(&view, &history, &leader, &named);
        let stated: Vec<String> = seen.facts.iter().map(|(name, _)| name.clone()).collect();
        seen.facts.extend(now.facts.into_iter().filter(|(name, _)| !stated.contains(name)));
        seen
    }

    fn user(&self, name: &str) -> &User {
        self.users.iter().find(|user| user.name == name).expect("signed in before")
    }
}

fn bid_body(scene: &Scene<'_>, bid: &Bid) -> Value {
    let currency = bid.currency.as_ref().unwrap_or(&scene.scenario.terms.currency);
    let mut body = json!({"amount": {"amount": bid.amount, "currency": currency}});
    if let Some(quantity) = bid.quantity {
        body["quantity"] = json!(quantity);
    }
    if let Some(least) = bid.min_quantity {
        body["min_quantity"] = json!(least);
    }
    if bid.confirm {
        body["confirm"] = json!(true);
    }
    body
}
