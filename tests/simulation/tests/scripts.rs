//! The tables of tests/scripts in the host, with virtual time and all formats.

#![allow(clippy::unwrap_used, reason = "tests")]

use simulation::{Between, Place, Theatre};

fn every_table_holds(between: Between) {
    let place = Place::new().unwrap();
    let (mut wrong, mut steps) = (Vec::new(), 0);
    for (file, scenario) in auction_scripts::all().unwrap() {
        steps += scenario.steps.len();
        let mut theatre = Theatre::open(&place, between).unwrap();
        let lines = auction_player::play(&mut theatre, &scenario);
        wrong.extend(lines.into_iter().map(|line| format!("{file}:{line}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(steps > 900, "only {steps} steps ran");
}

#[test]
fn every_table_holds_in_the_host() {
    every_table_holds(Between::Nothing);
}

#[test]
fn every_table_holds_with_memory_emptied_between_any_two_steps() {
    every_table_holds(Between::Evictions);
}

#[test]
fn every_table_holds_with_a_power_cut_between_any_two_steps() {
    every_table_holds(Between::PowerCuts);
}
