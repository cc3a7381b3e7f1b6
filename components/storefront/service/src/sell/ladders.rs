//! Ladders to choose from, and one's own: by how much bids must rise.
//!
//! The API knows the ladders of the field by name, for currencies with cents. Here they stand once
//! more, to be looked at; for other currencies their numbers are sent.

use kernel::{Currency, Minor, Money, limits};
use serde_json::{Value, json};

use crate::api::Step;
use crate::form;

/// A ladder that has a name.
pub(super) struct Preset {
    /// Its name in the API.
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    /// One sentence.
    pub(super) about: &'static str,
    /// From a price on, a step; in cents.
    pub(super) bands: &'static [(i64, i64)],
}

/// What a seller chose.
pub(super) enum Ladder {
    Preset(&'static Preset),
    Own(Vec<Step>),
}

impl Ladder {
    /// The bands in minor units of a currency. Cents of a ladder are whole units where there are no
    /// cents, and keep what they are worth where there is something smaller.
    pub(super) fn bands(&self, currency: Currency) -> Vec<Step> {
        let scale = 10_i64.saturating_pow(currency.exponent().saturating_sub(2));
        match self {
            Self::Own(bands) => bands.iter().map(|band| step(band.from, band.step)).collect(),
            Self::Preset(preset) => {
                let scaled = |(from, by): &(i64, i64)| {
                    // The first holds from the smallest price on.
                    let from = if *from == 1 { 1 } else { from.saturating_mul(scale) };
                    step(from, by.saturating_mul(scale))
                };
                preset.bands.iter().map(scaled).collect()
            }
        }
    }

    /// As the API takes it.
    pub(super) fn json(&self, currency: Currency) -> Value {
        match self {
            Self::Preset(preset) if currency.exponent() == 2 => json!(preset.code),
            _ => json!(self.bands(currency)),
        }
    }
}

impl Preset {
    /// The bands, for scripts.
    pub(super) fn json(&self) -> String {
        json!(self.bands.iter().map(|(from, by)| step(*from, *by)).collect::<Vec<_>>()).to_string()
    }
}

/// The ladder of that name.
pub(super) fn preset(code: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.code == code)
}

/// The named ladder that has these bands.
pub(super) fn named(bands: &[Step], currency: Currency) -> Option<&'static Preset> {
    let same = |preset: &&'static Preset| {
        let known = Ladder::Preset(preset).bands(currency);
        let pairs = |bands: &[Step]| bands.iter().map(|b| (b.from, b.step)).collect::<Vec<_>>();
        pairs(&known) == pairs(bands)
    };
    PRESETS.iter().find(same)
}

/// Bands as they were typed, one in a line: a price, and the step from it on.
pub(super) fn own(text: &str, currency: Currency) -> Result<Vec<Step>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut bands = Vec::new();
    for (line, at) in lines.zip(1..) {
        let read = |text| form::minor(text, currency.exponent());
        let parts: Vec<&str> = line.split_whitespace().collect();
        let band = match parts.as_slice() {
            [from, by] => read(from).zip(read(by)),
            _ => None,
        };
        let Some((from, by)) = band else {
            return Err(format!(
                "Line {at}: write a price and a step, like 100 2.50. {line:?} is neither."
            ));
        };
        bands.push(step(from, by));
    }
    match bands.len() {
        0 => Err("Write at least one line with a price and a step, like 0 1.".to_owned()),
        1..=limits::LADDER_MAX_BANDS => Ok(bands),
        _ => Err(format!("At most {} lines.", limits::LADDER_MAX_BANDS)),
    }
}

/// Bands as they are typed.
pub(super) fn typed(bands: &[Step], currency: Currency) -> String {
    let amount = |minor: i64| {
        let amount = Minor::new(minor).unwrap_or_default();
        form::typed(&Money { amount, currency })
    };
    let lines = bands.iter().map(|band| format!("{} {}", amount(band.from), amount(band.step)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The least that is taken, bid by bid, where each bid offers just that.
pub(super) fn minimums(bands: &[Step], start: Minor) -> Vec<Minor> {
    let mut minimums = Vec::with_capacity(MINIMUMS);
    let mut at = start;
    while minimums.len() < MINIMUMS {
        minimums.push(at);
        let band = bands.iter().rev().find(|band| band.from <= at.get()).or(bands.first());
        let Some(band) = band else { break };
        at = at.plus(Minor::new(band.step).unwrap_or_default());
    }
    minimums
}

/// An amount of a named ladder, without a currency.
pub(super) fn plain(cents: &i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn step(from: i64, step: i64) -> Step {
    Step { from, step }
}

/// How many steps a preview shows.
pub(super) const MINIMUMS: usize = 10;

/// rules.md B1; a test holds them to the machine's.
#[allow(clippy::inconsistent_digit_grouping, reason = "grouped as units and cents")]
pub(super) const PRESETS: &[Preset] = &[
    Preset {
        code: "ebay_us",
        name: "eBay, United States",
        about: "Small steps for small things: from 0.05 below 1 up to 100 above 5,000.",
        bands: &[
            (1, 5),
            (1_00, 25),
            (5_00, 50),
            (25_00, 1_00),
            (100_00, 2_50),
            (250_00, 5_00),
            (500_00, 10_00),
            (1_000_00, 25_00),
            (2_500_00, 50_00),
            (5_000_00, 100_00),
        ],
    },
    Preset {
        code: "ebay_uk",
        name: "eBay, United Kingdom",
        about: "Nearly the same, with somewhat larger steps between 15 and 5,000.",
        bands: &[
            (1, 5),
            (1_00, 20),
            (5_00, 50),
            (15_00, 1_00),
            (60_00, 2_00),
            (150_00, 5_00),
            (300_00, 10_00),
            (600_00, 20_00),
            (1_500_00, 50_00),
            (3_000_00, 100_00),
        ],
    },
    Preset {
        code: "trade_me",
        name: "Trade Me",
        about: "Few bands, and steps that are easy to reckon with.",
        bands: &[
            (0, 50),
            (20_00, 1_00),
            (200_00, 5_00),
            (1_000_00, 10_00),
            (5_000_00, 50_00),
            (25_000_00, 100_00),
        ],
    },
    Preset {
        code: "gun_broker",
        name: "GunBroker",
        about: "Small steps also for dear things: never more than 25.",
        bands: &[(1, 25), (10_00, 1_00), (50_00, 2_00), (100_00, 5_00), (500_00, 25_00)],
    },
    Preset {
        code: "copart",
        name: "Copart",
        about: "Large steps: what is dear goes fast.",
        bands: &[
            (1, 1_00),
            (5_00, 5_00),
            (50_00, 10_00),
            (100_00, 25_00),
            (1_000_00, 50_00),
            (5_000_00, 100_00),
            (25_000_00, 250_00),
        ],
    },
];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn pairs(bands: &[Step]) -> Vec<(i64, i64)> {
        bands.iter().map(|band| (band.from, band.step)).collect()
    }

    #[test]
    fn named_ladders_are_those_of_the_machine() {
        let names: Vec<_> = auction_machine::ladder::Ladder::preset_names().collect();
        assert_eq!(PRESETS.iter().map(|preset| preset.code).collect::<Vec<_>>(), names);
        for preset in PRESETS {
            let machine = auction_machine::ladder::Ladder::preset(preset.code).unwrap();
            let bands = machine.bands().iter().map(|band| (band.from.get(), band.step.get()));
            assert_eq!(bands.collect::<Vec<_>>(), preset.bands, "{}", preset.code);
        }
    }

    #[test]
    fn a_named_ladder_fits_every_currency() {
        let ladder = Ladder::Preset(preset("ebay_us").unwrap());
        assert_eq!(ladder.json(currency("EUR")), json!("ebay_us"));
        for (code, expected) in [
            ("JPY", [(1, 5), (100, 25), (500, 50)]),
            ("KWD", [(1, 50), (1_000, 250), (5_000, 500)]),
            ("CLF", [(1, 500), (10_000, 2_500), (50_000, 5_000)]),
        ] {
            let bands = pairs(&ladder.bands(currency(code)));
            assert_eq!(bands.get(..3), Some(expected.as_slice()), "{code}");
            assert!(ladder.json(currency(code)).is_array());
            let known = named(&ladder.bands(currency(code)), currency(code));
            assert_eq!(known.map(|preset| preset.code), Some("ebay_us"));
        }
        assert!(named(&[step(1, 6)], currency("USD")).is_none());
    }

    #[test]
    fn own_bands_are_read_line_by_line() {
        let usd = currency("USD");
        let bands = own("0 0.50\r\n\n 20\t1 \n1,000 25.5\n", usd).unwrap();
        assert_eq!(pairs(&bands), [(0, 50), (2_000, 100), (100_000, 2_550)]);
        assert_eq!(typed(&bands, usd), "0.00 0.50\n20.00 1.00\n1000.00 25.50");
        assert_eq!(pairs(&own(&typed(&bands, usd), usd).unwrap()), pairs(&bands));
        assert_eq!(pairs(&own("0 10", currency("JPY")).unwrap()), [(0, 10)]);
        for (text, line) in [
            ("0 1\n5", "Line 2"),
            ("0 1 2", "Line 1"),
            ("a b", "Line 1"),
            ("0 0.001", "Line 1"),
            ("0 -1", "Line 1"),
            (" \n", "at least one line"),
        ] {
            let wrong = own(text, usd).err().unwrap();
            assert!(wrong.contains(line), "{text:?}: {wrong}");
        }
        let many = "1 1\n".repeat(limits::LADDER_MAX_BANDS + 1);
        assert!(own(&many, usd).is_err());
    }

    #[test]
    fn ten_minimums_go_up_by_the_step_of_the_price_before() {
        let ladder = Ladder::Preset(preset("ebay_us").unwrap());
        let start = Minor::new(90).unwrap();
        let minimums = minimums(&ladder.bands(currency("USD")), start);
        let minimums: Vec<i64> = minimums.into_iter().map(Minor::get).collect();
        assert_eq!(minimums, [90, 95, 100, 125, 150, 175, 200, 225, 250, 275]);
        assert_eq!(super::minimums(&[], start).len(), 1);
    }

    #[test]
    fn cents_read_as_amounts() {
        assert_eq!(
            [0, 5, 250, 2_500_000].map(|cents| plain(&cents)),
            ["0.00", "0.05", "2.50", "25000.00"]
        );
    }
}
