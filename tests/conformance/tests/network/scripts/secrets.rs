//! What a scenario hid to its end, searched for by value in everything that anybody else was
//! answered about the auction, whatever the answer was.

use std::collections::BTreeSet;

use auction_scripts::{Action, Scenario, decimals, major};
use conformance::{Heard, amount_of};
use serde_json::Value;

/// An amount that only its owner may be told.
pub(super) struct Secret {
    /// Name of the owner.
    pub(super) owner: String,
    /// Minor units.
    amount: i64,
    /// As prose writes it.
    written: String,
}

/// The amounts of a scenario that the public log does not open, and that nothing public equals: a
/// price may reach a maximum, and two people may think of one number.
pub(super) fn hidden(scenario: &Scenario, bids: &[Accepted], log: &[Value]) -> Vec<Secret> {
    let terms = &scenario.terms;
    let opened = opened(log);
    let own = bids.iter().filter(|bid| !opened.contains(bid.id.as_str()));
    let own = own.map(|bid| (bid.bidder.as_str(), bid.amount));
    let lowered = scenario.steps.iter().filter_map(|step| match &step.action {
        Action::Lower { amount, .. } => Some(*amount),
        _ => None,
    });
    // A lowered reserve may cut the leader's maximum to itself, which the leader is told (B3.4).
    let is_cut = log.iter().any(|event| event["event"] == "max_lowered");
    let lowered = lowered.filter(|_| !is_cut);
    let reserves = terms.reserve.into_iter().chain(lowered);
    let reserves = reserves.map(|amount| (terms.seller.as_str(), amount));
    let public = public_amounts(scenario, log);
    let all: Vec<_> = own.chain(reserves).collect();
    let is_sole = |(owner, amount): &(&str, i64)| {
        let said = scenario.steps.iter().filter_map(|step| match &step.action {
            Action::Bid(bid) | Action::Preview(bid) => Some((step.actor.as_str(), bid.amount)),
            Action::Lower { amount, .. } => Some((step.actor.as_str(), *amount)),
            _ => None,
        });
        let others = said.chain(all.iter().copied());
        !others.into_iter().any(|(other, said)| other != *owner && said == *amount)
    };
    let secret = |(owner, amount): (&str, i64)| Secret {
        owner: owner.to_owned(),
        amount,
        written: major(amount, decimals(&terms.currency)),
    };
    // Numbers of one or two digits stand everywhere.
    let is_rare = |amount: i64| amount >= 100 && !public.contains(&amount);
    let sole = all.iter().copied().filter(is_sole);
    sole.filter(|(_, amount)| is_rare(*amount)).map(secret).collect()
}

/// An accepted bid.
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) bidder: String,
    pub(super) amount: i64,
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written)
    }
}

impl Secret {
    /// Does the answer show it?
    pub(super) fn is_in(&self, heard: &Heard) -> bool {
        let text = String::from_utf8_lossy(&heard.body);
        [self.amount.to_string(), self.written.clone()].iter().any(|number| stands(&text, number))
    }
}

/// Does a number stand there by itself, and not as a part of an id, an instant or another number?
fn stands(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + number.len()..]);
        let mut behind = after.chars();
        let goes_on = match behind.next() {
            Some('.') => behind.next().is_some_and(|next| next.is_ascii_digit()),
            Some(next) => next.is_alphanumeric() || matches!(next, ':' | '-' | '_'),
            None => false,
        };
        let comes_from = before
            .chars()
            .next_back()
            .is_some_and(|last| last.is_alphanumeric() || matches!(last, '.' | ':' | '-' | '_'));
        // `"amount":5000` is a number by itself.
        let is_member = before.ends_with("\":");
        !goes_on && (is_member || !comes_from)
    })
}

/// Bids whose amounts the log shows, at once or later.
fn opened(log: &[Value]) -> BTreeSet<&str> {
    let at_once = log.iter().map(|event| &event["data"]).filter(|data| data["amount"].is_object());
    let members =
        ["revealed", "bids"].map(|name| log.iter().map(move |event| &event["data"][name]));
    let later = members.into_iter().flatten().filter_map(Value::as_array).flatten();
    at_once.chain(later).filter_map(|bid| bid["bid_id"].as_str()).collect()
}

/// Amounts that the terms and the log show to everybody.
fn public_amounts(scenario: &Scenario, log: &[Value]) -> BTreeSet<i64> {
    let terms = &scenario.terms;
    let mut all: BTreeSet<i64> = [terms.start].into_iter().chain(terms.buy_now).collect();
    for data in log.iter().map(|event| &event["data"]) {
        let plain = ["amount", "price", "next_minimum", "next_maximum"].map(|name| &data[name]);
        let listed = |list: &'static str| data[list].as_array().into_iter().flatten();
        let opened = listed("revealed").chain(listed("bids")).map(|bid| &bid["amount"]);
        // A reserve that is met becomes a price, and a maximum may be one.
        let result = &data["result"];
        let winners = result["winners"].as_array().into_iter().flatten();
        let paid = winners.map(|winner| &winner["unit_price"]);
        let amounts = plain.into_iter().chain(opened).chain(paid).filter_map(amount_of);
        let bands = listed("increments").flat_map(|band| [&band["from"], &band["step"]]);
        all.extend(amounts.chain(bands.filter_map(Value::as_i64)));
    }
    all
}

#[test]
fn numbers_are_found_where_they_stand_by_themselves() {
    for text in ["{\"amount\":7500}", "of 75.00 USD", "is 75.00.", "(7500)", "7500"] {
        assert!(stands(text, "7500") || stands(text, "75.00"), "{text}");
    }
    for text in ["175.00", "75.001", "bid_7500", "17500", "7500a", "10:75.00"] {
        assert!(!stands(text, "7500") && !stands(text, "75.00"), "{text}");
    }
}
