//! Increment ladders (rules.md B1): half-open bands, pinned when the auction is listed.

use kernel::{Minor, limits};
use serde::{Deserialize, Serialize};

use crate::contract::Band;

/// A ladder: for every price from its first band on, how much more the next bid must offer.
///
/// ```
/// use auction_machine::ladder::Ladder;
/// use kernel::Minor;
/// let ladder = Ladder::preset("ebay_us").unwrap();
/// assert_eq!(ladder.step_at(Minor::new(99).unwrap()), Minor::new(5).unwrap());
/// assert_eq!(ladder.step_at(Minor::new(100).unwrap()), Minor::new(25).unwrap());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ladder(Box<[Band]>);

/// Why bands are not a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LadderFault {
    /// No bands, or more than `LADDER_MAX_BANDS`.
    #[error("a ladder has 1 to {max} bands", max = limits::LADDER_MAX_BANDS)]
    BandCount,
    /// The band does not start above the one before it.
    #[error("bands start at ascending prices")]
    NotAscending {
        /// Index of the band.
        band: usize,
    },
    /// The band's step is zero.
    #[error("a step is at least one minor unit")]
    NoStep {
        /// Index of the band.
        band: usize,
    },
}

impl Ladder {
    /// A preset of the field, in minor units of a two-decimal currency.
    pub fn preset(name: &str) -> Option<Self> {
        let (_, bands) = PRESETS.iter().find(|(preset, _)| *preset == name)?;
        let minor = |units: i64| Minor::new(units).unwrap_or_default();
        let band = |(from, step): &(i64, i64)| Band { from: minor(*from), step: minor(*step) };
        Some(Self(bands.iter().map(band).collect()))
    }

    /// Names of all presets.
    pub fn preset_names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// A ladder of one's own.
    pub fn from_bands(bands: &[Band]) -> Result<Self, LadderFault> {
        if bands.is_empty() || bands.len() > limits::LADDER_MAX_BANDS {
            return Err(LadderFault::BandCount);
        }
        let mut floor = None;
        for (index, band) in bands.iter().enumerate() {
            if floor.is_some_and(|floor| band.from <= floor) {
                return Err(LadderFault::NotAscending { band: index });
            }
            if band.step == Minor::ZERO {
                return Err(LadderFault::NoStep { band: index });
            }
            floor = Some(band.from);
        }
        Ok(Self(bands.into()))
    }

    /// inc(p): the step of the band that holds the price. Below the first band its step holds.
    pub fn step_at(&self, price: Minor) -> Minor {
        let above = self.0.partition_point(|band| band.from <= price);
        self.0.get(above.saturating_sub(1)).map_or(Minor::MAX, |band| band.step)
    }

    /// The bands, ascending.
    pub fn bands(&self) -> &[Band] {
        &self.0
    }
}

/// (from, step) in minor units. Sources: rules.md B1. It gives the steps of GunBroker and Copart
/// without their edges; the edges of these two are round amounts of our own choice.
#[allow(clippy::inconsistent_digit_grouping, reason = "grouped as units and cents")]
const PRESETS: [(&str, &[(i64, i64)]); 5] = [
    (
        "ebay_us",
        &[
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
    ),
    (
        "ebay_uk",
        &[
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
    ),
    (
        "trade_me",
        &[
            (0, 50),
            (20_00, 1_00),
            (200_00, 5_00),
            (1_000_00, 10_00),
            (5_000_00, 50_00),
            (25_000_00, 100_00),
        ],
    ),
    ("gun_broker", &[(1, 25), (10_00, 1_00), (50_00, 2_00), (100_00, 5_00), (500_00, 25_00)]),
    (
        "copart",
        &[
            (1, 1_00),
            (5_00, 5_00),
            (50_00, 10_00),
            (100_00, 25_00),
            (1_000_00, 50_00),
            (5_000_00, 100_00),
            (25_000_00, 250_00),
        ],
    ),
];
