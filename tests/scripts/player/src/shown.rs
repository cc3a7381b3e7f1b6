//! How terms are sent and facts are written.

use auction_machine::contract::{
    Band, Clock, Decrement, History, Increments, Outcome, Pricing, Query, ReserveState, SoftClose,
    SoftCloseMode, Status, Terms, Uniform, View,
};
use auction_scripts::{Observed, Scenario, decimals, major, offset};
use kernel::{Id, Minor, Money, Timestamp, kind};

use super::money;
use crate::bench::{Bench, START, user};

/// The public view; none when the listing was taken away.
pub(super) fn view(bench: &Bench) -> Option<View> {
    bench.ask(None, &Query::View)
}

/// Adds the public facts of now that a reply did not state.
pub(super) fn facts(bench: &Bench, scenario: &Scenario, mut seen: Observed) -> Observed {
    let Some(view) = view(bench) else { return seen };
    let stated: Vec<String> = seen.facts.iter().map(|(name, _)| name.clone()).collect();
    let now = of_view(bench, scenario, &view);
    seen.facts.extend(now.facts.into_iter().filter(|(name, _)| !stated.contains(name)));
    seen
}

fn of_view(bench: &Bench, scenario: &Scenario, view: &View) -> Observed {
    let row = &view.row;
    let name = |id: Id<kind::User>| {
        let mut names = scenario.steps.iter().map(|step| step.actor.as_str());
        names.find(|name| user(name) == id).unwrap_or("nobody").to_owned()
    };
    let bidders = &bench.entity.state().lot().unwrap().bidders;
    let mut aliases = (0..).zip(bidders);
    let leader = row.leader.as_ref().and_then(|leader| {
        aliases.find(|(index, _)| auction_machine::public::alias(*index) == *leader)
    });
    let result = row.result.as_ref();
    let winner = result.and_then(|result| result.winner.as_ref());
    let winners = result.map_or(&[][..], |result| &result.winners).iter().map(|winner| {
        let unit_price = price(Some(winner.unit_price), scenario);
        format!("{}:{}@{unit_price}", name(winner.user_id), winner.quantity)
    });
    let winners: Vec<_> = winners.collect();
    Observed::default()
        .with("price", price(row.price, scenario))
        .with("next", price(row.next_minimum, scenario))
        .with("next_max", price(row.next_maximum, scenario))
        .with("buy_now", price(row.buy_now_price, scenario))
        .with("ends", offset(row.ends_at.ms_since(START)))
        .with("reserve", reserve(row.reserve))
        .with("seq", row.seq)
        .with("count", row.bid_count)
        .with("bidders", row.bidder_count)
        .with("leader", leader.map_or("none".to_owned(), |(_, bidder)| name(bidder.user)))
        .with("alias", row.leader.as_deref().unwrap_or("none"))
        .with("reason", result.and_then(|result| result.reason.as_deref()).unwrap_or("none"))
        .with("winner", winner.map_or("none".to_owned(), |winner| name(winner.user_id)))
        .with("winners", if winners.is_empty() { "none".to_owned() } else { winners.join(",") })
        .with("hammer", price(result.and_then(|result| result.hammer_price), scenario))
        .with("quantity", result.map_or(0, |result| result.quantity))
        .with("bids", amounts(bench, scenario))
        .with("title", view.fixed.title.replace(' ', "_"))
}

/// The amounts of the public history; `?` is hidden.
fn amounts(bench: &Bench, scenario: &Scenario) -> String {
    let history: History = bench.ask(None, &Query::History { after: 0, limit: 100 });
    let amounts = history.items.iter().map(|bid| match bid.amount {
        Some(amount) => price(Some(amount), scenario),
        None => "?".to_owned(),
    });
    amounts.collect::<Vec<_>>().join(",")
}

/// Terms as the contract says them.
pub(super) fn terms(terms: &auction_scripts::Terms) -> Terms {
    let at = |ms: i64| -> Timestamp { START.plus_ms(ms) };
    let amount = |units: i64| money(units, &terms.currency);
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
        start_price: amount(terms.start),
        reserve_price: terms.reserve.map(amount),
        buy_now_price: terms.buy_now.map(amount),
        increments: terms.increments.as_ref().map(increments),
        dutch: terms.clock.map(|clock| Clock {
            floor_price: amount(clock.floor),
            decrement: amount(clock.decrement),
            tick_seconds: clock.tick,
            dwell_seconds: clock.dwell,
        }),
        reverse: terms.decrement.map(|decrement| match decrement {
            auction_scripts::Decrement::Fixed(step) => {
                Decrement { decrement: Some(amount(step)), decrement_bps: None }
            }
            auction_scripts::Decrement::Bps(bps) => {
                Decrement { decrement: None, decrement_bps: Some(bps) }
            }
        }),
        uniform_price: terms.pricing.as_deref().map(|pricing| Uniform {
            pricing: match pricing {
                "lowest_accepted" => Pricing::LowestAccepted,
                "highest_rejected" => Pricing::HighestRejected,
                other => panic!("no pricing {other}"),
            },
        }),
        starts_at: terms.starts_ms.map(at),
        ends_at: terms.clock.is_none().then(|| at(terms.ends_ms)),
        duration_seconds: None,
        soft_close: SoftClose {
            mode,
            window_seconds: window,
            extension_seconds: extension,
            hard_stop_at: terms.hard_stop_ms.map(at),
        },
        retraction: terms.retraction.clone(),
        quantity: terms.quantity,
    }
}

fn increments(increments: &auction_scripts::Increments) -> Increments {
    let minor = |units| Minor::new(units).unwrap();
    let band = |(from, step): &(i64, i64)| Band { from: minor(*from), step: minor(*step) };
    match increments {
        auction_scripts::Increments::Preset(name) => Increments::Preset(name.clone()),
        auction_scripts::Increments::Bands(bands) => {
            Increments::Bands(bands.iter().map(band).collect())
        }
    }
}

pub(super) fn price(money: Option<Money>, scenario: &Scenario) -> String {
    let places = decimals(&scenario.terms.currency);
    money.map_or("none".to_owned(), |money| major(money.amount.get(), places))
}

pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Leading => "leading",
        Outcome::Outbid => "outbid",
        Outcome::Accepted => "accepted",
        Outcome::Won => "won",
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "scheduled",
        Status::Open => "open",
        Status::Sold => "sold",
        Status::Unsold => "unsold",
        Status::Cancelled => "cancelled",
    }
}

pub(super) fn reserve(reserve: ReserveState) -> &'static str {
    match reserve {
        ReserveState::None => "none",
        ReserveState::NotMet => "not_met",
        ReserveState::Met => "met",
    }
}
