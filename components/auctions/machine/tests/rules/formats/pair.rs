//! A machine and a naive model of its format side by side.

use auction_machine::contract::{
    Band, Clock, Command, Decrement, Increments, PlaceBid, Pricing, Query, Reply, RetractionReason,
    SoftClose, SoftCloseMode, Status, Terms, Uniform,
};
use kernel::{Minor, Money};

use super::model::{Bid, Kind, Model, Numbers, Plant};
use super::{Step, USERS};
use crate::bench::{Bench, START};

pub(super) type Checked = Result<(), String>;

pub(super) fn run(numbers: &Numbers, steps: &[Step], plant: Plant) -> Checked {
    let mut bench = Bench::listed(terms(numbers));
    let mut model = Model::new(numbers.clone(), plant);
    let mut now = 0;
    for (index, step) in steps.iter().enumerate() {
        now += step.later_ms;
        bench.now = now;
        let told = |why: String| format!("step {index} {step:?} at {now}: {why}");
        act(&mut bench, &mut model, step, now, index).map_err(told)?;
        compare(&bench, &model, now).map_err(told)?;
    }
    let is_over = model.over;
    now = now.max(numbers.ends_ms);
    model.over = true;
    bench.send(now, None, "wake", &Command::Wake);
    compare(&bench, &model, now)?;
    ended(&bench, &model, is_over)
}

fn act(bench: &mut Bench, model: &mut Model, step: &Step, now: i64, index: usize) -> Checked {
    let who = USERS[step.user];
    if step.takes_back {
        return take_back(bench, model, step.user, now);
    }
    let newest = model.bids.last().map(|bid| bid.amount);
    let amount = match (model.bound(now), newest) {
        ((Some(least), _), Some(newest)) if step.ties => newest.max(least) + step.over % 2,
        ((Some(least), _), _) => least + step.over,
        ((None, most), _) => most.unwrap_or(0) - step.over,
    };
    // Models with a wrong rule may wish for anything.
    let amount = amount.max(0);
    let units = if model.numbers.units == 1 { 1 } else { step.units };
    let least = step.least.filter(|_| model.numbers.units > 1);
    let asked = PlaceBid {
        amount: usd(amount),
        quantity: Some(units),
        min_quantity: least,
        confirm: Some(true),
    };
    let command = Command::PlaceBid(asked);
    let reply = bench.send(now, Some(who), &format!("c{index}"), &command);
    let bid = Bid { user: step.user, amount, units, least, ms: now, void: false, got: None };
    same("refusal", &code(&reply).as_deref(), &model.bid(bid))?;
    let Reply::Bid { bid, ended, .. } = &reply else { return Ok(()) };
    let got = model.bids.last().and_then(|bid| bid.got);
    let price = match (model.is_sealed(), got) {
        (true, _) => None,
        (false, Some((_, price))) => Some(price),
        (false, None) => Some(amount),
    };
    same("reply price", &bid.price.map(|money| money.amount.get()), &price)?;
    let filled = got.map(|(units, _)| units);
    same("filled", &bid.quantity, &filled.filter(|_| model.is_clock()))?;
    same("ended", ended, &model.over)
}

/// Retracts in open formats, withdraws in sealed ones; nothing comes back from a clock.
fn take_back(bench: &mut Bench, model: &mut Model, user: usize, now: i64) -> Checked {
    let Some(bid) = model.bids.iter().rposition(|bid| bid.user == user) else { return Ok(()) };
    let bid_id = bench.entity.state().lot().unwrap().bids[bid].id;
    let sealed = model.is_sealed();
    let (who, command) = if sealed {
        (USERS[user], Command::Withdraw { bid_id })
    } else {
        ("sam", Command::Retract { bid_id, reason: RetractionReason::CancelledBySeller })
    };
    let reply = bench.send(now, Some(who), "back", &command);
    let late = model.over || now >= model.numbers.ends_ms;
    let expected = match () {
        () if model.is_clock() => Some("retraction_not_allowed"),
        () if model.bids[bid].void => None,
        () if late => Some("auction_closed"),
        () => None,
    };
    if expected.is_none() {
        let own = model.bids.iter_mut().filter(|bid| bid.user == user);
        own.for_each(|bid| bid.void = true);
    }
    same("refusal", &code(&reply).as_deref(), &expected)
}

/// What everyone sees while it runs.
fn compare(bench: &Bench, model: &Model, now: i64) -> Checked {
    if model.over {
        return Ok(());
    }
    let row = bench.view().row;
    let amount = |money: Option<Money>| money.map(|money| money.amount.get());
    let newest = model.standing().last();
    let is_open = !model.is_sealed() && !model.is_clock();
    let price = match model.is_clock() {
        true => Some(model.clock(now)),
        false => newest.filter(|_| is_open).map(|bid| bid.amount),
    };
    same("price", &amount(row.price), &price)?;
    let (least, most) = model.bound(now);
    same("next", &amount(row.next_minimum), &least.filter(|_| !model.is_sealed()))?;
    same("next max", &amount(row.next_maximum), &most.filter(|most| *most > 0))?;
    let standing: Vec<&Bid> = model.standing().collect();
    let mut users: Vec<usize> = standing.iter().map(|bid| bid.user).collect();
    users.sort_unstable();
    users.dedup();
    let counts = (standing.len() as u64, users.len() as u64);
    same("counts", &(row.bid_count, row.bidder_count), &counts)?;
    same("leader", &row.leader, &newest.filter(|_| is_open).map(|bid| alias(model, bid.user)))?;
    if model.is_sealed() {
        sealed(bench, model)?;
    }
    Ok(())
}

/// No amount of a sealed bid is in anything that a stranger gets.
fn sealed(bench: &Bench, model: &Model) -> Checked {
    let history = Query::History { after: 0, limit: 100 };
    let newest = Query::Newest { before: None, limit: 100 };
    let mut texts: Vec<Vec<u8>> = [Query::View, Query::Own, history, newest]
        .iter()
        .map(|query| bench.ask_raw(Some("eve"), &serde_json::to_vec(query).unwrap()))
        .collect();
    texts.extend(bench.log.iter().map(|event| event.public.clone()));
    let known = [model.numbers.start];
    let hidden = model.bids.iter().map(|bid| bid.amount).chain(model.numbers.reserve);
    let hidden: Vec<String> = hidden
        .filter(|amount| !known.contains(amount))
        .map(|amount| format!("\"amount\":{amount},"))
        .collect();
    for text in texts {
        let text = String::from_utf8(text).unwrap();
        if let Some(leak) = hidden.iter().find(|amount| text.contains(*amount)) {
            return Err(format!("{leak} in {text}"));
        }
    }
    Ok(())
}

fn ended(bench: &Bench, model: &Model, sold_out: bool) -> Checked {
    let row = bench.view().row;
    let result = row.result.ok_or("no result")?;
    let winners = model.winners();
    let (status, reason) = match (winners.is_empty(), model.standing().next()) {
        (false, _) => (Status::Sold, None),
        (true, None) => (Status::Unsold, Some("no_bids")),
        (true, Some(_)) => (Status::Unsold, Some("reserve_not_met")),
    };
    same("outcome", &(result.outcome, result.reason.as_deref()), &(status, reason))?;
    let seen = result.winners.iter();
    let seen: Vec<_> =
        seen.map(|won| (won.bidder.clone(), won.quantity, won.unit_price.amount.get())).collect();
    let named = winners.iter().map(|(user, units, price)| (alias(model, *user), *units, *price));
    same("winners", &seen, &named.collect())?;
    let hammer = winners.last().map(|won| won.2);
    same("hammer", &result.hammer_price.map(|money| money.amount.get()), &hammer)?;
    same("units", &result.quantity, &winners.iter().map(|won| won.1).sum())?;
    let all = winners.iter().map(|won| won.1).sum::<u32>() == model.numbers.units;
    same("sold out", &(sold_out && !all), &false)
}

fn alias(model: &Model, user: usize) -> String {
    let mut users: Vec<usize> = Vec::new();
    for bid in &model.bids {
        if !users.contains(&bid.user) {
            users.push(bid.user);
        }
    }
    format!("bidder-{}", users.iter().position(|known| *known == user).unwrap() + 1)
}

pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, machine: &T, model: &T) -> Checked {
    if machine == model {
        return Ok(());
    }
    Err(format!("{what}: machine {machine:?}, model {model:?}"))
}

fn code(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Refused(refused) => Some(refused.code.clone()),
        _ => None,
    }
}

pub(super) fn usd(amount: i64) -> Money {
    Money::new(Minor::new(amount).unwrap(), "USD".parse().unwrap())
}

pub(super) fn terms(numbers: &Numbers) -> Terms {
    let minor = |units| Minor::new(units).unwrap();
    let mut terms = Terms {
        title: "A lot".to_owned(),
        description: String::new(),
        category: String::new(),
        format: String::new(),
        start_price: usd(numbers.start),
        reserve_price: numbers.reserve.map(usd),
        buy_now_price: None,
        increments: None,
        dutch: None,
        reverse: None,
        uniform_price: None,
        starts_at: None,
        ends_at: Some(START.plus_ms(numbers.ends_ms)),
        duration_seconds: None,
        soft_close: SoftClose { mode: SoftCloseMode::Off, ..SoftClose::default() },
        retraction: "ebay".to_owned(),
        quantity: numbers.units,
    };
    let format = match &numbers.kind {
        Kind::Outcry { ladder } => {
            let band = |(from, step): &(i64, i64)| Band { from: minor(*from), step: minor(*step) };
            terms.increments = Some(Increments::Bands(ladder.iter().map(band).collect()));
            "open_outcry"
        }
        Kind::Clock { floor, fall, tick_ms, dwell_ms } => {
            terms.ends_at = None;
            let seconds = |ms: i64| u32::try_from(ms / 1_000).unwrap();
            terms.dutch = Some(Clock {
                floor_price: usd(*floor),
                decrement: usd(*fall),
                tick_seconds: seconds(*tick_ms),
                dwell_seconds: seconds(*dwell_ms),
            });
            "dutch"
        }
        Kind::FirstPrice => "sealed_first_price",
        Kind::Vickrey => "vickrey",
        Kind::ReverseFixed(step) => {
            let decrement = Some(usd(*step));
            terms.reverse = Some(Decrement { decrement, decrement_bps: None });
            "reverse"
        }
        Kind::ReverseBps(bps) => {
            let decrement_bps = Some(u32::try_from(*bps).unwrap());
            terms.reverse = Some(Decrement { decrement: None, decrement_bps });
            "reverse"
        }
        Kind::LowestAccepted => {
            terms.uniform_price = Some(Uniform { pricing: Pricing::LowestAccepted });
            "uniform_price"
        }
        Kind::HighestRejected => {
            terms.uniform_price = Some(Uniform { pricing: Pricing::HighestRejected });
            "uniform_price"
        }
    };
    terms.format = format.to_owned();
    terms
}
