//! The formats of rules.md B8 beside naive models: random bids, replacements, withdrawals and
//! retractions; what everyone sees is compared after each, who gets what at the end.

mod laws;
mod model;
mod pair;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use model::{Kind, Numbers, Plant};
use pair::run;

/// One random command.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    user: usize,
    /// Over the least, under the most; compared with the newest bid's amount when `ties`.
    over: i64,
    ties: bool,
    units: u32,
    least: Option<u32>,
    later_ms: i64,
    takes_back: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let least = prop::option::weighted(0.4, 0_u32..5);
    let over = prop_oneof![6 => -2_i64..60, 2 => -2_i64..3, 1 => 0_i64..5_000];
    let later = prop_oneof![8 => 0_i64..9_000, 2 => Just(0), 2 => Just(1_000), 1 => 0_i64..40_000];
    let step =
        (0_usize..5, over, any::<bool>(), 0_u32..7, least, later, prop::bool::weighted(0.15));
    let step = step.prop_map(|(user, over, ties, units, least, later_ms, takes_back)| Step {
        user,
        over,
        ties,
        units,
        least,
        later_ms,
        takes_back,
    });
    prop::collection::vec(step, 1..=25)
}

fn kinds() -> impl Strategy<Value = (Kind, u32)> {
    let ladder = (1_i64..60, 2_i64..3_000, 1_i64..90)
        .prop_map(|(low, from, high)| vec![(1, low), (from, high)]);
    let clock = (1_i64..2_000, 1_i64..400, 1_i64..9, 0_i64..30);
    prop_oneof![
        ladder.prop_map(|ladder| (Kind::Outcry { ladder }, 1)),
        (clock, 1_u32..9).prop_map(|((floor, fall, tick, dwell), units)| {
            let (tick_ms, dwell_ms) = (tick * 1_000, dwell * 1_000);
            (Kind::Clock { floor, fall, tick_ms, dwell_ms }, units)
        }),
        Just((Kind::FirstPrice, 1)),
        Just((Kind::Vickrey, 1)),
        (1_i64..90).prop_map(|step| (Kind::ReverseFixed(step), 1)),
        (1_i64..2_000).prop_map(|bps| (Kind::ReverseBps(bps), 1)),
        (2_u32..9).prop_map(|units| (Kind::LowestAccepted, units)),
        (2_u32..9).prop_map(|units| (Kind::HighestRejected, units)),
    ]
}

fn all_numbers() -> impl Strategy<Value = Numbers> {
    (kinds(), 1_i64..3_000, prop::option::of(0_i64..90))
        .prop_map(|((kind, units), start, over)| {
            let (start, ends_ms) = match kind {
                Kind::Clock { floor, fall, tick_ms, dwell_ms } => {
                    let ticks = (start + fall - 1) / fall;
                    // A run is five seconds or longer.
                    let run_ms = ticks * tick_ms + dwell_ms;
                    (floor + start, run_ms)
                }
                Kind::ReverseFixed(_) | Kind::ReverseBps(_) => (start + 50, 120_000),
                _ => (start, 120_000),
            };
            let has_reserve =
                !matches!(kind, Kind::Clock { .. } | Kind::ReverseFixed(_) | Kind::ReverseBps(_));
            let reserve = over.filter(|_| has_reserve).map(|over| start + over);
            Numbers { kind, start, reserve, units, ends_ms }
        })
        .prop_filter("runs from 5 s to 90 days", |numbers| {
            (5_000..7_000_000_000).contains(&numbers.ends_ms)
        })
}

#[test]
fn random_bids_agree_with_the_naive_models() {
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(all_numbers(), steps()), |(numbers, steps)| {
        run(&numbers, &steps, Plant::Nothing).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn every_planted_wrong_rule_is_noticed() {
    for plant in PLANTS {
        let config = Config { cases: 3_000, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::deterministic();
        runner = TestRunner::new_with_rng(config, runner.new_rng());
        let outcome = runner.run(&(all_numbers(), steps()), |(numbers, steps)| {
            run(&numbers, &steps, plant).map_err(TestCaseError::fail)
        });
        assert!(outcome.is_err(), "{plant:?} went unnoticed");
    }
}

const PLANTS: [Plant; 19] = [
    Plant::OneUnitAbove,
    Plant::ReserveExclusive,
    Plant::TickEarly,
    Plant::NoFloor,
    Plant::PaysOwnLimit,
    Plant::AlwaysPartial,
    Plant::UniformClock,
    Plant::TieToTheLater,
    Plant::ReplacedKeepsPriority,
    Plant::WithdrawnCounts,
    Plant::HighestOfAllCounts,
    Plant::SecondBelowReserve,
    Plant::PaysFirst,
    Plant::RoundsDown,
    Plant::AnyLowerAsk,
    Plant::PayAsBid,
    Plant::TrimsMinimum,
    Plant::SkipsAreRejections,
    Plant::PartsAreNotRejected,
];

pub(crate) const USERS: [&str; 5] = ["ana", "ben", "cat", "dan", "fay"];
