//! How terms are sent and answers are written.

use auction_scripts::{Decrement, Increments, Observed, Scenario, SoftClose, decimals, major};
use conformance::{Reply, ms_of, now_ms, rfc3339};
use serde_json::{Value, json};

/// Writes answers as a scenario does.
pub(super) struct Shown<'s> {
    pub(super) scenario: &'s Scenario,
    /// The view that the listing answered.
    pub(super) listed: Value,
}

impl Shown<'_> {
    pub(super) fn price(&self, money: &Value) -> String {
        let places = decimals(&self.scenario.terms.currency);
        money["amount"].as_i64().map_or("none".to_owned(), |amount| major(amount, places))
    }

    /// An end that did not move is the one of the script; any other is shown as it is.
    fn end(&self, ends_at: &Value) -> String {
        if *ends_at == self.listed["scheduled_end"] {
            auction_scripts::offset(self.scenario.terms.ends_ms)
        } else {
            format!("moved to {:?}", ms_of(ends_at))
        }
    }

    /// What an answer to an accepted bid states.
    pub(super) fn bid(&self, reply: &Reply) -> Observed {
        let body = reply.json();
        let seen = words(body["outcome"].as_str().unwrap(), reply)
            .with("price", self.price(&body["price"]))
            .with("next", self.price(&body["next_minimum"]))
            .with("next_max", self.price(&body["next_maximum"]))
            .with("ends", self.end(&body["ends_at"]))
            .with("reserve", body["reserve"].as_str().unwrap())
            .with("seq", &body["seq"])
            .with("rule", body["explanation"]["rule"].as_str().unwrap());
        match &body["quantity"] {
            Value::Null => seen,
            units => seen.with("filled", units),
        }
    }

    pub(super) fn offer(&self, reply: &Reply) -> Observed {
        let body = reply.json();
        let word = match body["status"].as_str().unwrap() {
            "open" => "offered",
            status => status,
        };
        words(word, reply).with("offer", self.price(&body["price"]))
    }

    pub(super) fn preview(&self, reply: &Reply) -> Observed {
        if reply.status != 200 {
            return refusal(reply);
        }
        let body = reply.json();
        Observed::of([body["outcome"].as_str().unwrap()])
            .with("next", self.price(&body["next_minimum"]))
            .with("next_max", self.price(&body["next_maximum"]))
            .with("advised", if body["confirmation_advised"] == true { "yes" } else { "no" })
            .with("rule", body["explanation"]["rule"].as_str().unwrap())
    }

    /// The facts of the seller's view and of the public history.
    pub(super) fn view(
        &self,
        view: &Value,
        history: &[Value],
        leader: &str,
        named: &dyn Fn(&Value) -> String,
    ) -> Observed {
        let result = &view["result"];
        let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        let winner = &result["winner"];
        let winners = result["winners"].as_array().into_iter().flatten().map(|winner| {
            let (name, units) = (named(&winner["user_id"]), &winner["quantity"]);
            format!("{name}:{units}@{}", self.price(&winner["unit_price"]))
        });
        let winners: Vec<_> = winners.collect();
        let bids = history.iter().map(|bid| match &bid["amount"] {
            Value::Null => "?".to_owned(),
            amount => self.price(amount),
        });
        Observed::default()
            .with("price", self.price(&view["price"]))
            .with("next", self.price(&view["next_minimum"]))
            .with("next_max", self.price(&view["next_maximum"]))
            .with("buy_now", self.price(&view["buy_now_price"]))
            .with("ends", self.end(&view["ends_at"]))
            .with("reserve", text(&view["reserve"]))
            .with("seq", &view["seq"])
            .with("count", &view["bid_count"])
            .with("bidders", &view["bidder_count"])
            .with("leader", leader)
            .with("alias", text(&view["leader"]))
            .with("reason", text(&result["reason"]))
            .with(
                "winner",
                if winner.is_object() { named(&winner["user_id"]) } else { "none".to_owned() },
            )
            .with("winners", if winners.is_empty() { "none".to_owned() } else { winners.join(",") })
            .with("hammer", self.price(&result["hammer_price"]))
            .with("quantity", result["quantity"].as_u64().unwrap_or(0))
            .with("bids", bids.collect::<Vec<_>>().join(","))
            .with("title", text(&view["title"]).replace(' ', "_"))
    }
}

/// What a problem states.
pub(super) fn refusal(reply: &Reply) -> Observed {
    let seen = Observed::of(["refused", reply.code().as_str()]);
    match reply.json()["errors"].get(0) {
        Some(error) => {
            let part = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            seen.with("fault", format!("{}:{}", part("pointer"), part("code")))
        }
        None => seen,
    }
}

fn words(word: &str, reply: &Reply) -> Observed {
    Observed::of([word].into_iter().chain(reply.is_replay().then_some("replayed")))
}

/// The body of the listing. One that has an end ends soon; one that has none keeps its length, for
/// which retraction windows ask.
pub(super) fn terms(scenario: &Scenario) -> Value {
    let terms = &scenario.terms;
    let money = |amount: i64| json!({"amount": amount, "currency": terms.currency});
    let increments = match &terms.increments {
        None => Value::Null,
        Some(Increments::Preset(name)) => json!(name),
        Some(Increments::Bands(bands)) => {
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
    let has_end = scenario.steps.iter().any(|step| step.at_ms >= terms.ends_ms);
    let run_ms = if has_end { RUN_MS } else { terms.ends_ms };
    let reverse = terms.decrement.map(|decrement| match decrement {
        Decrement::Fixed(step) => json!({"decrement": money(step)}),
        Decrement::Bps(bps) => json!({"decrement_bps": bps}),
    });
    let pricing = terms.pricing.as_ref().map(|pricing| json!({"pricing": pricing}));
    json!({
        "title": scenario.name, "format": terms.format, "start_price": money(terms.start),
        "reserve_price": terms.reserve.map(money), "buy_now_price": terms.buy_now.map(money),
        "increments": increments, "reverse": reverse, "uniform_price": pricing,
        "ends_at": rfc3339(now_ms() + run_ms), "duration_seconds": null, "soft_close": soft_close,
        "retraction": terms.retraction, "quantity": terms.quantity,
    })
}

const RUN_MS: i64 = 12_000;
