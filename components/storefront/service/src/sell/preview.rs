//! A listing as others would see it, before it is one: the card, the steps, the rules in words.

use kernel::{Minor, Money, Timestamp};

use super::draft::{Draft, Late, Numbers};
use super::ladders;
use crate::api::{Clock, Underbid};
use crate::show;

/// What is looked at first.
pub(super) struct Preview {
    pub(super) title: String,
    pub(super) start_price: Money,
    /// When it begins; none for at once.
    pub(super) begins: Option<Timestamp>,
    /// How long it runs.
    pub(super) runs: String,
    pub(super) steps: Option<Steps>,
    /// How it goes, sentence by sentence.
    pub(super) sentences: Vec<String>,
    /// What comes of it: when, and how much.
    pub(super) totals: Vec<(&'static str, Money)>,
    pub(super) is_bought: bool,
}

/// How the price goes from the start price on.
pub(super) struct Steps {
    pub(super) caption: &'static str,
    pub(super) count: &'static str,
    pub(super) amount: &'static str,
    pub(super) rows: Vec<(String, Money)>,
}

impl Preview {
    /// Of what was typed.
    pub(super) fn of(draft: &Draft) -> Self {
        let seconds = match &draft.numbers {
            Numbers::Clock(clock) => run_seconds(clock, draft.start_price),
            _ => draft.duration_seconds.unwrap_or_default().into(),
        };
        Self {
            title: draft.title.clone(),
            start_price: draft.start_price,
            begins: draft.starts_at,
            runs: span(seconds),
            steps: steps(draft),
            sentences: sentences(draft),
            totals: totals(draft),
            is_bought: draft.format == "reverse",
        }
    }
}

/// From the start to the end of the clock.
fn run_seconds(clock: &Clock, start: Money) -> i64 {
    let fall = start.amount.minus(clock.floor_price.amount).get();
    let ticks = fall.saturating_add(clock.decrement.amount.get().saturating_sub(1));
    let ticks = ticks.checked_div(clock.decrement.amount.get()).unwrap_or_default();
    ticks.saturating_mul(clock.tick_seconds.into()).saturating_add(clock.dwell_seconds.into())
}

fn steps(draft: &Draft) -> Option<Steps> {
    let start = draft.start_price;
    let money = |amount| Money { amount, currency: start.currency };
    let counted = |amounts: Vec<Minor>| {
        (1..).zip(amounts).map(|(at, amount): (u32, _)| (at.to_string(), money(amount))).collect()
    };
    match &draft.numbers {
        Numbers::Clock(clock) => Some(Steps {
            caption: "The price by the clock",
            count: "After",
            amount: "Price",
            rows: ticks(clock, start.amount)
                .map(|(seconds, amount)| (span(seconds), money(amount)))
                .collect(),
        }),
        Numbers::Underbid(underbid) => Some(Steps {
            caption: "The most that is taken, ask by ask",
            count: "Ask",
            amount: "At most",
            rows: counted(maximums(underbid, start.amount)),
        }),
        _ => draft.ladder.as_ref().map(|ladder| Steps {
            caption: "The least that is taken, bid by bid",
            count: "Bid",
            amount: "At least",
            rows: counted(ladders::minimums(&ladder.bands(start.currency), start.amount)),
        }),
    }
}

/// Seconds and prices of a clock, down to its floor or as far as is shown.
fn ticks(clock: &Clock, start: Minor) -> impl Iterator<Item = (i64, Minor)> {
    let (floor, decrement) = (clock.floor_price.amount, clock.decrement.amount);
    let tick_seconds = i64::from(clock.tick_seconds);
    let price = move |tick: i64| {
        let fallen = Minor::new(decrement.get().saturating_mul(tick)).unwrap_or(Minor::MAX);
        start.minus(fallen).max(floor)
    };
    let all = (0..).map(move |tick| (tick_seconds.saturating_mul(tick), price(tick)));
    let mut is_down = false;
    all.take(ladders::MINIMUMS).take_while(move |(_, price)| {
        let go_on = !is_down;
        is_down = *price == floor;
        go_on
    })
}

/// The most that is taken, where each ask is just that.
fn maximums(underbid: &Underbid, start: Minor) -> Vec<Minor> {
    let mut maximums = Vec::with_capacity(ladders::MINIMUMS);
    let mut at = start;
    while at > Minor::ZERO && maximums.len() < ladders::MINIMUMS {
        maximums.push(at);
        let by = match (underbid.decrement, underbid.decrement_bps) {
            (Some(step), _) => step.amount,
            // Rounded up to a minor unit.
            (None, bps) => {
                let part = i128::from(at.get()) * i128::from(bps.unwrap_or_default());
                let part = i64::try_from((part + 9_999) / 10_000).unwrap_or(i64::MAX);
                Minor::new(part).unwrap_or(Minor::MAX)
            }
        };
        if by == Minor::ZERO {
            break;
        }
        at = at.minus(by);
    }
    maximums
}

fn sentences(draft: &Draft) -> Vec<String> {
    let mut all = vec![show::format_sentence(draft.format).to_owned()];
    match (&draft.reserve_price, draft.format) {
        (Some(reserve), _) => {
            all.push(format!("Below {}, which nobody sees, it is not sold.", show::money(reserve)))
        }
        (None, "dutch" | "reverse") => {}
        (None, _) => all.push("There is no reserve: one bid is enough to sell it.".to_owned()),
    }
    if let Some(price) = &draft.buy_now_price {
        let until = match draft.reserve_price {
            Some(_) => "the reserve is met",
            None => "the first bid",
        };
        let price = show::money(price);
        all.push(format!("Whoever pays {price} has it at once. This is offered until {until}."));
    }
    if let Numbers::OnePrice(price) = &draft.numbers {
        let which = match price.pricing.as_str() {
            "highest_rejected" => "the highest price that got no unit",
            _ => "the lowest price that still got a unit",
        };
        all.push(format!("All who get units pay the same for each: {which}."));
    }
    all.push(draft.late.as_ref().map_or_else(|| STANDS.to_owned(), late));
    all.extend(draft.retraction.as_deref().map(retraction));
    all
}

/// How late bids move the end.
fn late(late: &Late) -> String {
    let seconds = |seconds: Option<u32>| span(seconds.unwrap_or(LATE_SECONDS).into());
    let extension = seconds(late.extension_seconds);
    let moves = match late.mode.as_str() {
        "reset" => format!("to {extension} after that bid"),
        "add" => format!("by {extension}"),
        _ => return STANDS.to_owned(),
    };
    let window = seconds(late.window_seconds);
    format!(
        "A bid in the last {window} that changes the price or who leads moves the end {moves}, as \
         often as it happens."
    )
}

fn retraction(policy: &str) -> String {
    match policy {
        "none" => "Bids bind: nobody takes one back.".to_owned(),
        "ebay" => "With 12 hours left or more bidders may take their bids back for a good reason; \
                   later only the last one, within an hour."
            .to_owned(),
        until => {
            let hours = until.trim_start_matches("until(").trim_end_matches(')');
            format!("Bidders may take their bids back until {hours} hours before the end.")
        }
    }
}

/// There is no fee, so what is paid is what comes.
fn totals(draft: &Draft) -> Vec<(&'static str, Money)> {
    let units = i64::from(draft.quantity.unwrap_or(1));
    let all = |price: Money| {
        let amount = price.amount.get().checked_mul(units);
        let amount = amount.and_then(|amount| Minor::new(amount).ok()).unwrap_or(Minor::MAX);
        Money { amount, ..price }
    };
    let mut totals = vec![("At the start price", all(draft.start_price))];
    totals.extend(draft.reserve_price.map(|price| ("At the reserve", all(price))));
    totals.extend(draft.buy_now_price.map(|price| ("Bought at once", all(price))));
    if let Numbers::Clock(clock) = &draft.numbers {
        totals.push(("At the floor", all(clock.floor_price)));
    }
    totals
}

/// A span of time in its largest units: `7 days`, `1 hour 30 minutes`.
pub(super) fn span(seconds: i64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut left = seconds.max(0);
    let mut parts = Vec::new();
    for (length, name) in units {
        let count = left / length;
        left %= length;
        if count > 0 {
            let ending = if count == 1 { "" } else { "s" };
            parts.push(format!("{count} {name}{ending}"));
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

const STANDS: &str = "The end stands: late bids do not move it.";
/// Where nothing is said (rules.md B6).
const LATE_SECONDS: u32 = 120;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn usd(amount: i64) -> Money {
        Money { amount: Minor::new(amount).unwrap(), currency: "USD".parse().unwrap() }
    }

    fn minors(amounts: Vec<Minor>) -> Vec<i64> {
        amounts.into_iter().map(Minor::get).collect()
    }

    #[test]
    fn a_clock_falls_to_its_floor() {
        // rules.md B8: S 500, F 200, d 15, τ 10 s.
        let clock = |decrement| Clock {
            floor_price: usd(20_000),
            decrement: usd(decrement),
            tick_seconds: 10,
            dwell_seconds: 60,
        };
        let start = usd(50_000);
        let shown: Vec<_> = ticks(&clock(1_500), start.amount).collect();
        assert_eq!(shown.len(), ladders::MINIMUMS);
        assert_eq!(shown.get(4), Some(&(40, usd(44_000).amount)));
        assert_eq!(shown.get(5), Some(&(50, usd(42_500).amount)));
        assert_eq!(run_seconds(&clock(1_500), start), 260);
        let steep: Vec<_> = ticks(&clock(20_000), start.amount).collect();
        let prices: Vec<_> = steep.into_iter().map(|(_, price)| price.get()).collect();
        assert_eq!(prices, [50_000, 30_000, 20_000]);
        assert_eq!(run_seconds(&clock(20_000), start), 80);
        assert_eq!(run_seconds(&clock(0), start), 60);
    }

    #[test]
    fn asks_fall_by_an_amount_or_a_part_that_is_rounded_up() {
        let part = |bps| Underbid { decrement: None, decrement_bps: Some(bps) };
        let fixed = |by| Underbid { decrement: Some(usd(by)), decrement_bps: None };
        // rules.md B8: 1 %, best 9,800.00 → 9,702.00 → 9,604.98.
        let asks = minors(maximums(&part(100), usd(980_000).amount));
        assert_eq!(asks.get(..3), Some([980_000, 970_200, 960_498].as_slice()));
        assert_eq!(minors(maximums(&fixed(400), usd(1_000).amount)), [1_000, 600, 200]);
        assert_eq!(minors(maximums(&part(0), usd(1_000).amount)), [1_000]);
    }

    #[test]
    fn spans_read_as_people_say_them() {
        for (seconds, text) in [
            (-1, "0 seconds"),
            (1, "1 second"),
            (300, "5 minutes"),
            (5_400, "1 hour 30 minutes"),
            (604_800, "7 days"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn late_bids_are_told_in_words() {
        let of = |mode: &str, seconds| {
            let mode = mode.to_owned();
            late(&Late { mode, window_seconds: seconds, extension_seconds: seconds })
        };
        assert!(of("reset", None).contains("last 2 minutes"));
        assert!(of("reset", Some(90)).contains("to 1 minute 30 seconds after that bid"));
        assert!(of("add", Some(60)).contains("by 1 minute"));
        assert_eq!(of("off", None), STANDS);
        assert!(retraction("until(24)").contains("24 hours"));
    }
}
