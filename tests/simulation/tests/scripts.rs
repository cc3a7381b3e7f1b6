//! The tables of tests/scripts in the host, with virtual time and all formats.

#![allow(clippy::unwrap_used, reason = "tests")]

use simulation::{Between, Place, Theatre};

/// Rows that tell of an auction between the instant that something was due and its wake hold for
/// the machine alone: the host wakes first. They, and what follows, are left out and counted.
fn every_table_holds(between: Between) {
    let place = Place::new().unwrap();
    let (mut wrong, mut rows, mut left_out) = (Vec::new(), 0, 0);
    for (file, scenario) in auction_scripts::all().unwrap() {
        let mut theatre = Theatre::open(&place, between).unwrap();
        let played = auction_player::play(&mut theatre, &scenario);
        rows += played.rows;
        left_out += scenario.steps.len() - played.rows;
        wrong.extend(played.wrong.into_iter().map(|line| format!("{file}:{line}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    println!("{rows} rows; {left_out} tell of the time before a wake");
    assert!(rows > 900 && left_out < 50, "{rows} rows, {left_out} left out");
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
