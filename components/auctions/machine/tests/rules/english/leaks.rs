//! Hidden values, searched for by value in everything that a stranger gets, and in
//! every message.

use std::collections::BTreeSet;

use auction_machine::contract::Query;
use serde_json::Value;

use super::MAX;
use super::model::Model;
use super::pair::Checked;
use super::terms::bid;
use crate::bench::Bench;

/// Every number in public is one that the model calls public, and no hidden salt is there.
pub(super) fn none(bench: &Bench, model: &Model, prices: &BTreeSet<i64>) -> Checked {
    let terms = &model.terms;
    let mut public: BTreeSet<i64> = (0..300).collect();
    public.extend(terms.ladder.iter().flat_map(|(from, step)| [*from, *step]));
    public.extend([terms.start].into_iter().chain(terms.buy_now));
    for price in prices {
        let above = terms.ladder.iter().map(|(_, step)| (price + step).min(MAX));
        public.extend([*price].into_iter().chain(above));
    }
    public.extend(&model.public);
    let lot = bench.entity.state().lot().unwrap();
    let hidden = lot.bids.iter().filter(|bid| !bid.shown);
    let hidden = hidden.flat_map(|bid| [bid.cut.as_ref().map(|cut| cut.to.salt), bid.salt]);
    let hidden = hidden.flatten().filter(|salt| !told(bench, model, *salt));
    let salts: Vec<String> = hidden
        .chain(lot.listing.reserve.map(|reserve| reserve.salt))
        .map(|salt| salt.digest().to_hex())
        .collect();
    let history = Query::History { after: 0, limit: 100 };
    let newest = Query::Newest { before: None, limit: 100 };
    let preview = Query::Preview(bid(prices.last().copied().unwrap_or(terms.start)));
    let mut texts: Vec<Vec<u8>> =
        [Query::View, Query::Own, Query::Rules, Query::Blocked, history, newest, preview]
            .iter()
            .map(|query| bench.ask_raw(Some("eve"), &serde_json::to_vec(query).unwrap()))
            .collect();
    texts.extend(bench.log.iter().map(|event| event.public.clone()));
    texts.extend(bench.told.iter().map(|message| message.body.clone()));
    for text in texts {
        let text = String::from_utf8(text).unwrap();
        if let Some(salt) = salts.iter().find(|salt| text.contains(*salt)) {
            return Err(format!("salt {salt} in {text}"));
        }
        let mut numbers = BTreeSet::new();
        numbers_of(&serde_json::from_str(&text).unwrap(), &mut numbers);
        if let Some(leak) = numbers.difference(&public).next() {
            return Err(format!("{leak} is not public, in {text}"));
        }
    }
    Ok(())
}

/// Was the amount behind the salt beaten once? Its bid may lead again, cut to another maximum.
fn told(bench: &Bench, model: &Model, salt: kernel::Salt) -> bool {
    let lot = bench.entity.state().lot().unwrap();
    let bids = lot.bids.iter().filter(|bid| bid.salt == Some(salt));
    bids.map(|bid| bid.amount.get()).any(|amount| model.public.contains(&amount))
}

fn numbers_of(value: &Value, into: &mut BTreeSet<i64>) {
    match value {
        Value::Number(number) => drop(into.insert(number.as_i64().unwrap())),
        Value::Array(items) => items.iter().for_each(|item| numbers_of(item, into)),
        Value::Object(members) => members.values().for_each(|member| numbers_of(member, into)),
        _ => {}
    }
}
