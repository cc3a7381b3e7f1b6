//! Every planted bug is caught, by the promise that it breaks. README.md has the list.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use simulation::Invariant::{
    self, I1, I2, I3, I4, I5, I6, I7, I10, I12, I13, I15, I16, I17, I18, I26, I27, I30, Model,
};
use simulation::{Place, Plant, run};

/// The first seed that catches the bug, and by what.
fn caught(plant: Plant) -> (u64, Invariant) {
    let place = Place::new().unwrap();
    let found = (0..SEEDS).find_map(|seed| Some((seed, run(&place, seed, Some(plant)).err()?)));
    let Some((seed, violation)) = found else { panic!("{SEEDS} seeds do not catch {plant:?}") };
    println!("{plant:?}: seed {seed} breaks {violation}");
    (seed, violation.invariant)
}

macro_rules! plants {
    ($($name:ident: $plant:ident by $invariant:ident;)*) => {
        $(
            #[test]
            fn $name() {
                assert_eq!(caught(Plant::$plant).1, $invariant);
            }
        )*

        #[test]
        fn every_plant_has_its_test_and_its_line() {
            let tested = [$(Plant::$plant),*];
            assert_eq!(tested.as_slice(), Plant::ALL.as_slice());
            let list = include_str!("../README.md");
            let rows =
                [$(concat!("| `", stringify!($plant), "` | ", stringify!($invariant), " |")),*];
            for row in rows {
                assert!(list.contains(row), "README.md lacks {row}");
            }
        }
    };
}

plants! {
    a_reply_before_the_sync_is_caught: ReplyBeforeSync by I15;
    a_message_before_the_sync_is_caught: MessageBeforeSync by I18;
    a_disk_that_lies_about_syncs_is_caught: LyingDisk by I26;
    timers_that_a_restart_loses_are_caught: TimersLostAtRestart by I7;
    a_refused_message_that_is_forgotten_is_caught: OutboxForgetsRefused by I17;
    bids_at_the_end_are_caught: AcceptsAtEnd by I6;
    two_results_are_caught: TwoResults by I5;
    a_gap_in_the_order_is_caught: SkipsSeq by I12;
    forgotten_command_ids_are_caught: ForgetsCommandIds by I10;
    time_that_goes_back_is_caught: ClockGoesBack by I4;
    recovery_without_the_tail_is_caught: RecoveryWithoutTail by I30;
    state_that_survives_a_failed_commit_is_caught: StateSurvivesFailedCommit by I30;
    a_doubled_bid_is_caught: DoubledBid by I2;
    a_price_beside_the_rules_is_caught: WrongPrice by Model;
    answers_of_yesterday_are_caught: StaleAnswers by I16;
    a_price_beside_the_log_is_caught: ShowsOtherPrice by I3;
    pages_that_end_early_are_caught: ShortPages by I13;
    a_failure_that_lasts_is_caught: StaysDown by I27;
}

#[test]
fn a_disk_that_lies_loses_acknowledged_bids() {
    let place = Place::new().unwrap();
    let lost = |seed| run(&place, seed, Some(Plant::LyingDisk)).is_err_and(|it| it.invariant == I1);
    assert!((0..SEEDS).any(lost));
}

/// Within so many seeds a bug must show.
const SEEDS: u64 = 200;
