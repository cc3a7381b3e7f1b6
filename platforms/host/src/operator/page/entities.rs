//! Entities by what the host knows of them: how many, and who was touched when. When one was made
//! and whether it is over stands in its log, which only its machine reads.

use super::words::{UNKNOWN, age, instant};
use crate::machines::{COUNTED_MAX, Census, Touched};

/// The entities of all machines.
#[derive(Default)]
pub(in crate::operator) struct Population {
    /// By machine, with how many of them have a snapshot, where that is known.
    pub(in crate::operator) machines: Vec<(Census, Option<u64>)>,
    /// Those that were touched last.
    pub(in crate::operator) touched: Vec<Touched>,
}

/// The entities on the page.
pub(super) struct Shown<'a> {
    pub(super) loaded: u64,
    pub(super) machines: Vec<Machine<'a>>,
    pub(super) touched: Vec<Entity<'a>>,
}

/// Those of one machine.
pub(super) struct Machine<'a> {
    pub(super) census: &'a Census,
    pub(super) all: String,
}

/// One of them.
pub(super) struct Entity<'a> {
    pub(super) machine: &'a str,
    pub(super) key: &'a str,
    pub(super) age: String,
    pub(super) wake: String,
    pub(super) tail: usize,
}

pub(super) fn shown(population: &Population, now: i64) -> Shown<'_> {
    let Population { machines, touched } = population;
    Shown {
        loaded: machines.iter().map(|(census, _)| census.loaded).sum(),
        machines: machines.iter().map(machine).collect(),
        touched: touched.iter().map(|one| entity(one, now)).collect(),
    }
}

fn machine((census, stored): &(Census, Option<u64>)) -> Machine<'_> {
    Machine { census, all: all(census, *stored) }
}

fn entity(one: &Touched, now: i64) -> Entity<'_> {
    let Touched { machine, key, at, wake, tail } = one;
    let (age, wake) = (age(now.saturating_sub(*at)), instant(*wake));
    Entity { machine, key, age, wake, tail: *tail }
}

/// How many there are: those with a snapshot, and those that only the journal holds.
fn all(census: &Census, stored: Option<u64>) -> String {
    match stored {
        None => UNKNOWN.to_owned(),
        Some(stored) if stored >= COUNTED_MAX => format!("at least {COUNTED_MAX}"),
        Some(stored) => stored.saturating_add(census.unstored).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_counted_as_far_as_that_is_cheap() {
        let census = Census { unstored: 3, ..Census::default() };
        let told = [Some(0), Some(5), Some(COUNTED_MAX), None].map(|stored| all(&census, stored));
        assert_eq!(told, ["3", "8", "at least 100000", "not known"]);
    }
}
