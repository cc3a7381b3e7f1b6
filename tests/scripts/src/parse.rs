//! The text form of scripts.

use crate::action::action;
use crate::{Clock, Decrement, Increments, Observed, Scenario, SoftClose, Step, Terms, decimals};

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// All scenarios of a file.
pub fn parse(text: &str) -> Result<Vec<Scenario>, ParseError> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default().trim();
        let at_line = |reason: String| ParseError { line, reason };
        if text.is_empty() {
            continue;
        }
        if let Some(header) = text.strip_prefix("auction ") {
            scenarios.push(scenario(header, line).map_err(at_line)?);
            continue;
        }
        let scenario =
            scenarios.last_mut().ok_or_else(|| at_line("a step before any auction".to_owned()))?;
        let step = step(text, line, &scenario.terms.currency).map_err(at_line)?;
        if scenario.steps.last().is_some_and(|before| before.at_ms > step.at_ms) {
            return Err(at_line("steps stand in order of time".to_owned()));
        }
        scenario.steps.push(step);
    }
    Ok(scenarios)
}

fn scenario(header: &str, line: usize) -> Result<Scenario, String> {
    let mut words = header.split_whitespace();
    let name = words.next().ok_or("a scenario has a name")?.to_owned();
    let format = words.next().ok_or("a scenario has a format")?.to_owned();
    let members: Vec<(&str, &str)> = words
        .map(|word| word.split_once('=').ok_or_else(|| format!("{word} is not name=value")))
        .collect::<Result<_, _>>()?;
    if let Some((unknown, _)) = members.iter().find(|(name, _)| !MEMBERS.contains(name)) {
        return Err(format!("unknown member {unknown}"));
    }
    let member =
        |wanted: &str| members.iter().find(|(name, _)| *name == wanted).map(|found| found.1);
    let currency = member("currency").unwrap_or("USD").to_owned();
    let amount = |name: &str| member(name).map(|text| minor(text, &currency)).transpose();
    let instant = |name: &str| member(name).map(ms).transpose();
    let start = amount("start")?.ok_or("start is missing")?;
    let starts_ms = instant("starts")?;
    let clock = member("dutch").map(|text| clock(text, &currency)).transpose()?;
    // The clock itself says when it ends.
    let runs_out = clock.map(|clock| starts_ms.unwrap_or(0) + run_ms(&clock, start));
    let has_ladder = matches!(format.as_str(), "english" | "open_outcry");
    let ladder = member("increments").or(has_ladder.then_some("ebay_us"));
    let quantity = member("quantity").unwrap_or("1");
    let terms = Terms {
        seller: member("seller").unwrap_or("sam").to_owned(),
        reserve: amount("reserve")?,
        buy_now: amount("buy_now")?,
        quantity: quantity.parse().map_err(|_| format!("{quantity} is no count"))?,
        retraction: member("retraction").unwrap_or("ebay").to_owned(),
        increments: ladder.map(|text| increments(text, &currency)).transpose()?,
        decrement: member("reverse").map(|text| decrement(text, &currency)).transpose()?,
        pricing: member("pricing").map(str::to_owned),
        ends_ms: instant("ends")?.or(runs_out).ok_or("ends is missing")?,
        soft_close: soft_close(member("soft_close").unwrap_or("reset/120/120"))?,
        hard_stop_ms: instant("hard_stop")?,
        format,
        start,
        clock,
        starts_ms,
        currency,
    };
    Ok(Scenario { name, line, terms, steps: Vec::new() })
}

fn step(text: &str, line: usize, currency: &str) -> Result<Step, String> {
    let (command, expected) = text.split_once("->").ok_or("a step has an expectation after ->")?;
    let (at, rest) = command.trim().split_once(' ').ok_or("a step has an actor")?;
    let (actor, rest) = rest.trim().split_once(' ').ok_or("a step has a command")?;
    let (at_ms, actor) = (ms(at)?, actor.to_owned());
    let action = action(rest, currency)?;
    let mut observed = Observed::default();
    for word in expected.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) => observed.facts.push((name.to_owned(), value.to_owned())),
            None => observed.words.push(word.to_owned()),
        }
    }
    if observed == Observed::default() {
        return Err("an expectation asks for something".to_owned());
    }
    Ok(Step { line, at_ms, actor, action, expected: observed })
}

/// `floor/decrement/tick/dwell`.
fn clock(text: &str, currency: &str) -> Result<Clock, String> {
    let wrong = || format!("{text} is no clock like 200/15/10/60");
    let parts: Vec<&str> = text.split('/').collect();
    let [floor, decrement, tick, dwell] = parts.as_slice() else { return Err(wrong()) };
    Ok(Clock {
        floor: minor(floor, currency)?,
        decrement: minor(decrement, currency)?,
        tick: tick.parse().map_err(|_| wrong())?,
        dwell: dwell.parse().map_err(|_| wrong())?,
    })
}

fn run_ms(clock: &Clock, start: i64) -> i64 {
    let step = clock.decrement.max(1);
    let ticks = (start - clock.floor + step - 1) / step;
    (ticks * i64::from(clock.tick) + i64::from(clock.dwell)) * 1_000
}

fn decrement(text: &str, currency: &str) -> Result<Decrement, String> {
    match text.strip_suffix("bps") {
        Some(bps) => bps.parse().map(Decrement::Bps).map_err(|_| format!("{text} is no decrement")),
        None => minor(text, currency).map(Decrement::Fixed),
    }
}

fn increments(text: &str, currency: &str) -> Result<Increments, String> {
    if !text.contains(':') {
        return Ok(Increments::Preset(text.to_owned()));
    }
    let band = |band: &str| {
        let (from, step) = band.split_once(':').ok_or_else(|| format!("{band} is no band"))?;
        Ok::<_, String>((minor(from, currency)?, minor(step, currency)?))
    };
    Ok(Increments::Bands(text.split(',').map(band).collect::<Result<_, _>>()?))
}

fn soft_close(text: &str) -> Result<SoftClose, String> {
    if text == "off" {
        return Ok(SoftClose::Off);
    }
    let wrong = || format!("{text} is no soft close");
    let seconds = |text: &str| text.parse().map_err(|_| wrong());
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        ["reset", window, extension] => Ok(SoftClose::Reset {
            window_seconds: seconds(window)?,
            extension_seconds: seconds(extension)?,
        }),
        ["add", window, extension] => Ok(SoftClose::Add {
            window_seconds: seconds(window)?,
            extension_seconds: seconds(extension)?,
        }),
        _ => Err(wrong()),
    }
}

/// `10`, `10.5` and `10.50` are the same number of cents.
pub(crate) fn minor(text: &str, currency: &str) -> Result<i64, String> {
    fixed(text, decimals(currency)).ok_or_else(|| format!("{text} is no amount of {currency}"))
}

/// `+1.5s`, `+20ms`, `+9m`, `+3h`, `+7d`.
fn ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text} is no instant like +1.5s");
    let rest = text.strip_prefix('+').ok_or_else(wrong)?;
    let parsed = if let Some(ms) = rest.strip_suffix("ms") {
        fixed(ms, 0)
    } else if let Some(seconds) = rest.strip_suffix('s') {
        fixed(seconds, 3)
    } else if let Some(minutes) = rest.strip_suffix('m') {
        fixed(minutes, 0).and_then(|minutes| minutes.checked_mul(60_000))
    } else if let Some(hours) = rest.strip_suffix('h') {
        fixed(hours, 0).and_then(|hours| hours.checked_mul(3_600_000))
    } else {
        let days = rest.strip_suffix('d').ok_or_else(wrong)?;
        fixed(days, 0).and_then(|days| days.checked_mul(86_400_000))
    };
    parsed.ok_or_else(wrong)
}

/// A decimal number in units of 10^-decimals; none when it has more decimals or is no number.
fn fixed(text: &str, decimals: u32) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= decimals)?;
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let all: i64 = format!("{whole}{fraction}").parse().ok()?;
    all.checked_mul(10_i64.checked_pow(decimals - places)?)
}

const MEMBERS: [&str; 15] = [
    "start",
    "ends",
    "currency",
    "increments",
    "reserve",
    "buy_now",
    "quantity",
    "retraction",
    "starts",
    "soft_close",
    "hard_stop",
    "seller",
    "dutch",
    "reverse",
    "pricing",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::action::{Action, Nth};
    use crate::{major, offset};

    #[test]
    fn a_table_becomes_steps() {
        let text = "
            # nothing
            auction one english start=10 ends=+2h reserve=99.5 increments=0.01:0.05,1:0.25
            +1.5s ana bid 12.50 key=k quantity=2 -> refused invalid_quantity next=10.00 # why
            +2s clock wake -> quiet
            auction two english start=500 currency=JPY ends=+7d soft_close=add/60/30
            +20ms eve look -> open";
        let scenarios = parse(text).unwrap();
        assert_eq!(scenarios.len(), 2);
        let [first, second] = scenarios.as_slice() else { panic!() };
        assert_eq!((first.terms.start, first.terms.reserve), (1_000, Some(9_950)));
        assert_eq!(first.terms.increments, Some(Increments::Bands(vec![(1, 5), (100, 25)])));
        assert_eq!((first.terms.ends_ms, first.steps.len()), (7_200_000, 2));
        let step = &first.steps[0];
        assert_eq!((step.line, step.at_ms, step.actor.as_str()), (4, 1_500, "ana"));
        let seen = Observed::of(["refused", "invalid_quantity"]).with("next", "10.50");
        assert_eq!(step.expected.missing_in(&seen), ["next=10.00"]);
        assert_eq!(second.terms.start, 500);
        let add = SoftClose::Add { window_seconds: 60, extension_seconds: 30 };
        assert_eq!(second.terms.soft_close, add);
    }

    #[test]
    fn formats_and_commands_have_their_words() {
        let text = "
            auction d dutch start=500 dutch=200/15/10/60 quantity=4
            +1s ana bid 440 quantity=3 min=1 confirm key=k -> won
            auction r reverse start=9800 reverse=100bps ends=+1h buy_now=9 retraction=until(3)
            +1s sam retract ana 2 cancelled_by_seller -> open
            +2s ana withdraw 1                        -> open
            +3s sam change stale {\"title\": \"a b\"}  -> refused precondition_failed
            +9m sam offer ana 3 key=o                 -> offered
            +10m ana accept                           -> accepted
            +10m ana decline 2                        -> refused offer_closed";
        let scenarios = parse(text).unwrap();
        let clock = Clock { floor: 20_000, decrement: 1_500, tick: 10, dwell: 60 };
        assert_eq!((scenarios[0].terms.clock, scenarios[0].terms.ends_ms), (Some(clock), 260_000));
        assert_eq!(scenarios[1].terms.decrement, Some(Decrement::Bps(100)));
        assert_eq!(scenarios[1].terms.increments, None);
        let actions: Vec<_> = scenarios[1].steps.iter().map(|step| &step.action).collect();
        let ana = |name: Option<&str>, nth| Nth { name: name.map(str::to_owned), nth };
        let reason = "cancelled_by_seller".to_owned();
        assert_eq!(*actions[0], Action::Retract { which: ana(Some("ana"), 2), reason });
        assert_eq!(*actions[1], Action::Withdraw { which: ana(None, 1) });
        let patch = "{\"title\": \"a b\"}".to_owned();
        assert_eq!(*actions[2], Action::Change { stale: true, patch });
        let key = Some("o".to_owned());
        assert_eq!(*actions[3], Action::Offer { name: "ana".to_owned(), days: 3, key });
        assert_eq!(*actions[4], Action::Answer { which: None, accept: true });
        assert_eq!(*actions[5], Action::Answer { which: Some(2), accept: false });
        assert_eq!(scenarios[1].steps[3].at_ms, 540_000);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let header = "auction a english start=1 ends=+9s\n";
        for (text, line) in [
            ("+1s ana bid 1 -> x", 1),
            ("auction a english ends=+9s", 1),
            ("auction a english start=1.001 ends=+9s", 1),
            ("auction a english start=1 ends=+9s colour=red", 1),
            (&format!("{header}+1s ana bid 1"), 2),
            (&format!("{header}+1s ana bid 1 ->"), 2),
            (&format!("{header}+1s ana jump -> x"), 2),
            (&format!("{header}+1s ana wake now -> x"), 2),
            (&format!("{header}1s ana wake -> x"), 2),
            (&format!("{header}+2s ana wake -> x\n+1s ana wake -> x"), 3),
        ] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for (minor, text) in [(0, "0.00"), (5, "0.05"), (123_456, "1234.56")] {
            assert_eq!(major(minor, 2), text);
            assert_eq!(fixed(text, 2), Some(minor));
        }
        assert_eq!(major(7, 0), "7");
        for (at, text) in [(0, "+0s"), (1_500, "+1.5s"), (100_000, "+100s"), (20, "+0.02s")] {
            assert_eq!(offset(at), text);
            assert_eq!(ms(text), Ok(at));
        }
    }
}
