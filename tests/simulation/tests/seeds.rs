//! Seeds that must hold, the same bytes for the same seed, and a run that is worth the name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use simulation::{Place, Report, run};

fn seeds() -> u64 {
    std::env::var("SIMULATION_SEEDS").map_or(500, |seeds| seeds.parse().unwrap())
}

#[test]
fn every_seed_keeps_every_promise() {
    let halves = [0, 1].map(|half| (half..seeds()).step_by(2));
    std::thread::scope(|scope| {
        for half in halves {
            scope.spawn(move || {
                let place = Place::new().unwrap();
                for seed in half {
                    if let Err(violation) = run(&place, seed, None) {
                        panic!("{violation}\nagain: cargo xtask simulate --seed {seed}");
                    }
                }
            });
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (place, other) = (Place::new().unwrap(), Place::new().unwrap());
    let mut traces = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let first = run(&place, seed, None).unwrap();
        assert_eq!(first, run(&place, seed, None).unwrap(), "seed {seed}");
        assert_eq!(first, run(&other, seed, None).unwrap(), "seed {seed} elsewhere");
        traces.insert(first.trace);
    }
    assert_eq!(traces.len(), 40, "another seed is another run");
}

#[test]
fn runs_are_full_of_life_and_of_trouble() {
    let place = Place::new().unwrap();
    let mut all = Report::default();
    for seed in 0..50 {
        let report = run(&place, seed, None).unwrap();
        all.acknowledged += report.acknowledged;
        all.crashes += report.crashes;
        all.failures += report.failures;
        all.records += report.records;
        all.closed += report.closed;
    }
    assert!(all.acknowledged > 100 && all.records > 250, "{all:?}");
    assert!(all.crashes > 100 && all.failures > 20 && all.closed > 100, "{all:?}");
}
