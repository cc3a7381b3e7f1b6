//! How terms are sent and facts are written.

use std::collections::BTreeSet;

use auction_machine::contract::{
    Band, Clock, Decrement, History, Increments, Outcome, Own, Pricing, Query, ReserveState,
    SoftClose, SoftCloseMode, Status, Terms, Uniform, View,
};
use auction_scripts::{Observed, Scenario, decimals, major, offset};
use kernel::{Id, Minor, Money, Timestamp, kind};

use crate::{Playing, START, Stage, money, user};

impl<S: Stage> Playing<'_, S> {
    /// The public view; none when the listing was taken away.
    pub(crate) fn view(&mut self) -> Option<View> {
        serde_json::from_slice(&self.ask(None, &Query::View)).unwrap()
    }

    pub(crate) fn own(&mut self, who: &str) -> Own {
        serde_json::from_slice(&self.ask(Some(who), &Query::Own)).unwrap()
    }

    pub(crate) fn ask(&mut self, who: Option<&str>, question: &Query) -> Vec<u8> {
        self.stage.ask(self.now, who, &serde_json::to_vec(question).unwrap())
    }

    fn of_view(&mut self, view: &View) -> Observed {
        let (row, scenario) = (&view.row, self.scenario);
        let actors: BTreeSet<_> = scenario.steps.iter().map(|step| step.actor.as_str()).collect();
        let name = |id: Id<kind::User>| {
            let name = actors.iter().copied().find(|name| user(name) == id);
            name.unwrap_or("nobody").to_owned()
        };
        let mut bidders = actors.iter().copied().filter(|name| *name != "clock");
        let leader = row
            .leader
            .as_ref()
            .and_then(|leader| bidders.find(|name| self.own(name).alias.as_ref() == Some(leader)));
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
            .with("leader", leader.unwrap_or("none"))
            .with("alias", row.leader.as_deref().unwrap_or("none"))
            .with("reason", result.and_then(|result| result.reason.as_deref()).unwrap_or("none"))
            .with("winner", winner.map_or("none".to_owned(), |winner| name(winner.user_id)))
            .with("winners", if winners.is_empty() { "none".to_owned() } else { winners.join(",") })
            .with("hammer", price(result.and_then(|result| result.hammer_price), scenario))
            .with("quantity", result.map_or(0, |result| result.quantity))
            .with("bids", self.amounts())
            .with("title", view.fixed.title.replace(' ', "_"))
    }

    /// The amounts of the public history; `?` is hidden.
    fn amounts(&mut self) -> String {
        let question = Query::History { after: 0, limit: 100 };
        let history: History = serde_json::from_slice(&self.ask(None, &question)).unwrap();
        let amounts = history.items.iter().map(|bid| match bid.amount {
            Some(amount) => price(Some(amount), self.scenario),
            None => "?".to_owned(),
        });
        amounts.collect::<Vec<_>>().join(",")
    }
}

/// Adds the public facts of now that a reply did not state.
pub(crate) fn facts<S: Stage>(playing: &mut Playing<'_, S>, mut seen: Observed) -> Observed {
    let Some(view) = playing.view() else { return seen };
    let stated: Vec<String> = seen.facts.iter().map(|(name, _)| name.clone()).collect();
    let now = playing.of_view(&view);
    seen.facts.extend(now.facts.into_iter().filter(|(name, _)| !stated.contains(name)));
    seen
}

/// Terms as the contract says them.
///
/// # Panics
/// When the script names a pricing that the contract does not know.
pub fn terms(terms: &auction_scripts::Terms) -> Terms {
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

pub(crate) fn price(money: Option<Money>, scenario: &Scenario) -> String {
    let places = decimals(&scenario.terms.currency);
    money.map_or("none".to_owned(), |money| major(money.amount.get(), places))
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Leading => "leading",
        Outcome::Outbid => "outbid",
        Outcome::Accepted => "accepted",
        Outcome::Won => "won",
    }
}

pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "scheduled",
        Status::Open => "open",
        Status::Sold => "sold",
        Status::Unsold => "unsold",
        Status::Cancelled => "cancelled",
    }
}

pub(crate) fn reserve(reserve: ReserveState) -> &'static str {
    match reserve {
        ReserveState::None => "none",
        ReserveState::NotMet => "not_met",
        ReserveState::Met => "met",
    }
}
