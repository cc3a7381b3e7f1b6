//! Random commands drive the machine and the naive model side by side; what both show is compared
//! after every command, and hidden values are searched for in everything that is public.

mod leaks;
mod model;
mod pair;
mod terms;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use model::{ModelTerms, Plant, Policy};
use pair::run;

/// One random command; amounts and instants are relative to what stands when it comes.
#[derive(Debug, Clone)]
enum Step {
    Bid { user: usize, amount: Amount, jump: Jump },
    Replay { which: usize, changed: bool },
    Wake { jump: Jump, twice: bool },
    Wrong { user: usize, currency: bool },
    Retract { user: usize, which: usize, seller: bool, jump: Jump },
    BuyNow { user: usize, jump: Jump },
    Lower { amount: Amount, jump: Jump },
    Cancel { jump: Jump },
    SellerBids,
}

#[derive(Debug, Clone)]
enum Amount {
    OverMinimum(i64),
    OverLeader(i64),
    OverReserve(i64),
    AtEdge { band: usize, over: i64 },
    Largest,
}

#[derive(Debug, Clone)]
enum Jump {
    Ahead(i64),
    ToStart(i64),
    ToWindow(i64),
    ToEnd(i64),
    ToTwelveHours(i64),
    AnHourAfterTheLast(i64),
    Hours(i64),
}

fn amounts() -> impl Strategy<Value = Amount> {
    prop_oneof![
        24 => (-3_i64..400).prop_map(Amount::OverMinimum),
        4 => (0_i64..90_000).prop_map(Amount::OverMinimum),
        12 => (-2_i64..3).prop_map(Amount::OverLeader),
        8 => (-120_i64..300).prop_map(Amount::OverLeader),
        8 => (-2_i64..3).prop_map(Amount::OverReserve),
        6 => (0_usize..10, -2_i64..3).prop_map(|(band, over)| Amount::AtEdge { band, over }),
        1 => Just(Amount::Largest),
    ]
}

fn jumps() -> impl Strategy<Value = Jump> {
    prop_oneof![
        60 => (-500_i64..1_500).prop_map(Jump::Ahead),
        4 => (0_i64..40_000).prop_map(Jump::Ahead),
        8 => (-1_i64..2).prop_map(Jump::ToStart),
        4 => (-2_i64..2).prop_map(Jump::ToWindow),
        2 => (-2_i64..2).prop_map(Jump::ToEnd),
        3 => (-1_i64..2).prop_map(Jump::ToTwelveHours),
        2 => (-1_i64..2).prop_map(Jump::AnHourAfterTheLast),
        1 => (1_i64..6).prop_map(Jump::Hours),
    ]
}

/// The edges of the windows of B3.4 and B5, and any other instant.
fn windows() -> impl Strategy<Value = Jump> {
    prop_oneof![
        2 => (-1_i64..2).prop_map(Jump::ToTwelveHours),
        1 => (-1_i64..2).prop_map(Jump::AnHourAfterTheLast),
        2 => jumps(),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => (0_usize..5, amounts(), jumps())
            .prop_map(|(user, amount, jump)| Step::Bid { user, amount, jump }),
        2 => (any::<usize>(), any::<bool>())
            .prop_map(|(which, changed)| Step::Replay { which, changed }),
        2 => (jumps(), any::<bool>()).prop_map(|(jump, twice)| Step::Wake { jump, twice }),
        1 => (0_usize..5, any::<bool>())
            .prop_map(|(user, currency)| Step::Wrong { user, currency }),
        4 => (0_usize..5, 0_usize..3, prop::bool::weighted(0.2), windows())
            .prop_map(|(user, which, seller, jump)| Step::Retract { user, which, seller, jump }),
        1 => (0_usize..5, jumps()).prop_map(|(user, jump)| Step::BuyNow { user, jump }),
        2 => (amounts(), windows()).prop_map(|(amount, jump)| Step::Lower { amount, jump }),
        1 => jumps().prop_map(|jump| Step::Cancel { jump }),
        1 => Just(Step::SellerBids),
    ];
    prop::collection::vec(step, 1..=60)
}

fn all_terms() -> impl Strategy<Value = ModelTerms> {
    let ladder = prop_oneof![
        Just(Vec::from(US)),
        Just(Vec::from(UK)),
        (1_i64..50, 1_i64..3_000, 1_i64..900).prop_map(|(a, b, c)| vec![(1, a), (1 + b, c)]),
    ];
    let soft_close = prop::option::weighted(
        0.85,
        (any::<bool>(), 1_i64..90, 1_i64..90)
            .prop_map(|(adds, window, extension)| (adds, window * 1_000, extension * 1_000)),
    );
    let run = prop_oneof![
        2 => 5_000_i64..600_000,
        2 => 43_000_000_i64..60_000_000,
    ];
    let retraction = prop_oneof![
        1 => Just(Policy::None),
        5 => Just(Policy::Ebay),
        1 => (1_i64..14).prop_map(Policy::Until),
    ];
    (
        ladder,
        1_i64..20_000,
        prop::option::of(0_i64..30_000),
        prop::option::weighted(0.4, 0_i64..30_000),
        prop_oneof![3 => Just(0), 1 => 1_i64..20_000],
        run,
        soft_close,
        prop::option::weighted(0.3, 0_i64..120_000),
        retraction,
    )
        .prop_map(
            |(ladder, start, reserve, buy_now, starts_ms, run, soft_close, stop, retraction)| {
                let reserve = reserve.map(|over| start + over);
                let least = reserve.unwrap_or(0).max((start * 13 + 9) / 10);
                ModelTerms {
                    start,
                    reserve,
                    buy_now: buy_now.map(|over| least + over),
                    ladder,
                    starts_ms,
                    ends_ms: starts_ms + run,
                    soft_close,
                    hard_stop_ms: stop.map(|over| starts_ms + run + over),
                    retraction,
                }
            },
        )
}

#[test]
fn random_commands_agree_with_the_naive_model() {
    let config = Config { cases: 1_500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&(all_terms(), steps()), |(terms, steps)| {
        run(&terms, &steps, Plant::Nothing).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn every_planted_wrong_rule_is_noticed() {
    for plant in PLANTS {
        let config = Config { cases: 2_500, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::deterministic();
        runner = TestRunner::new_with_rng(config, runner.new_rng());
        let outcome = runner.run(&(all_terms(), steps()), |(terms, steps)| {
            run(&terms, &steps, plant).map_err(TestCaseError::fail)
        });
        assert!(outcome.is_err(), "{plant:?} went unnoticed");
    }
}

const PLANTS: [Plant; 21] = [
    Plant::StepAtOldPrice,
    Plant::TieToTheLater,
    Plant::NoCap,
    Plant::OwnRaiseMovesPrice,
    Plant::NoReserveLift,
    Plant::InclusiveEnd,
    Plant::OwnRaiseExtends,
    Plant::ExclusiveWindow,
    Plant::NoHardStop,
    Plant::NeverReveals,
    Plant::RetractionKeepsPrice,
    Plant::LateRetractionTakesAll,
    Plant::NoSixtyMinutes,
    Plant::TwelveHoursExclusive,
    Plant::RetractionMovesEndBack,
    Plant::BuyNowComesBack,
    Plant::FirstBidEndsBuyNow,
    Plant::NoCut,
    Plant::RefoldForgetsCut,
    Plant::CutToReserve,
    Plant::LowersLate,
];

const USERS: [&str; 5] = ["ana", "ben", "cat", "dan", "fay"];
const MAX: i64 = 9_007_199_254_740_991;
const US: &[(i64, i64)] = &[
    (1, 5),
    (100, 25),
    (500, 50),
    (2_500, 100),
    (10_000, 250),
    (25_000, 500),
    (50_000, 1_000),
    (100_000, 2_500),
    (250_000, 5_000),
    (500_000, 10_000),
];
const UK: &[(i64, i64)] = &[
    (1, 5),
    (100, 20),
    (500, 50),
    (1_500, 100),
    (6_000, 200),
    (15_000, 500),
    (30_000, 1_000),
    (60_000, 2_000),
    (150_000, 5_000),
    (300_000, 10_000),
];
