//! The bytes of facts and snapshots, for every variant of an event. Logs exist for good, so facts
//! of every version are read for good. Snapshots are not: a platform makes them again from the log.

use std::collections::BTreeSet;

use auction_machine::Auction;
use kernel::Entity;

use crate::bench::{Bench, KEY};
use crate::scripts::played;
use crate::{outages, pictures};

/// Name of a scenario and its auction.
fn lived() -> Vec<(String, Bench)> {
    let scenarios = auction_scripts::parse(include_str!("golden.auction")).unwrap();
    let played = scenarios.iter().map(|scenario| {
        let (bench, wrong) = played(scenario);
        assert!(wrong.is_empty(), "{wrong:?}");
        (scenario.name.clone(), bench)
    });
    let beside = [("pictures", pictures::shown()), ("outages", outages::extended())];
    played.chain(beside.map(|(name, bench)| (name.to_owned(), bench))).collect()
}

/// `name seq hex` of facts, `name snapshot hex` of the state after them.
fn lines(name: &str, bench: &Bench) -> Vec<String> {
    let facts = bench.log.iter().map(|event| format!("{name} {} {}", event.seq, hex(&event.fact)));
    let snapshot = format!("{name} snapshot {}", hex(&bench.entity.snapshot()));
    facts.chain([snapshot]).collect()
}

#[test]
fn facts_and_snapshots_are_written_as_ever() {
    let mut golden = GOLDEN.lines();
    for (name, bench) in lived() {
        for line in lines(&name, &bench) {
            assert_eq!(golden.next(), Some(line.as_str()), "the encoding has changed");
        }
    }
    assert_eq!(golden.next(), None);
}

#[test]
fn facts_and_snapshots_are_read_as_ever() {
    let mut entity = Entity::<Auction>::new(KEY);
    let mut snapshots = 0;
    for line in GOLDEN.lines() {
        let mut words = line.split(' ').skip(1);
        let (what, bytes) = (words.next().unwrap(), unhex(words.next().unwrap()));
        let version = if what == "snapshot" { 3 } else { 2 };
        assert_eq!(bytes[0], version, "the version comes first");
        if what != "snapshot" {
            entity.apply(&bytes).unwrap();
            assert_eq!(entity.position().seq.to_string(), what);
            continue;
        }
        assert_eq!(entity.snapshot(), bytes, "{line}");
        let restored = Entity::<Auction>::restore(KEY, &bytes).unwrap();
        assert!(restored.state() == entity.state());
        assert_eq!(restored.snapshot(), bytes);
        entity = Entity::new(KEY);
        snapshots += 1;
    }
    assert_eq!(snapshots, lived().len());
}

/// What was written before auctions had pictures.
#[test]
fn older_facts_are_read_and_older_snapshots_are_told_apart() {
    let mut entity = Entity::<Auction>::new(KEY);
    for line in OLDER.lines() {
        let mut words = line.split(' ').skip(1);
        let (what, bytes) = (words.next().unwrap(), unhex(words.next().unwrap()));
        if what == "snapshot" {
            let error = Entity::<Auction>::restore(KEY, &bytes).err().unwrap().to_string();
            assert!(error.contains("snapshot of version 2"), "{error}");
            assert!(entity.state().lot().unwrap().pictures.is_empty());
            entity = Entity::new(KEY);
        } else {
            entity.apply(&bytes).unwrap();
            assert_eq!(entity.position().seq.to_string(), what);
        }
    }
}

#[test]
fn every_event_and_every_format_is_there() {
    let lived = lived();
    let mut names = BTreeSet::new();
    let mut formats = BTreeSet::new();
    for (_, bench) in &lived {
        for event in &bench.log {
            let body: serde_json::Value = serde_json::from_slice(&event.public).unwrap();
            names.insert(body["event"].as_str().unwrap().to_owned());
        }
        formats.insert(bench.entity.state().lot().unwrap().listing.format.name());
    }
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), EVENTS);
    assert_eq!(formats.len(), auction_machine::formats::Format::NAMES.len());
}

/// Prints the golden lines of a new version; those of an old one stay.
#[test]
#[ignore = "prints the file"]
fn print_golden() {
    for (name, bench) in lived() {
        lines(&name, &bench).iter().for_each(|line| println!("{line}"));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

const GOLDEN: &str = include_str!("golden_v3.txt");
const OLDER: &str = include_str!("golden_v2.txt");
const EVENTS: [&str; 20] = [
    "auction_cancelled",
    "auction_changed",
    "auction_closed",
    "auction_extended",
    "auction_opened",
    "auction_scheduled",
    "bid_placed",
    "bid_retracted",
    "bidder_blocked",
    "bidder_unblocked",
    "bids_revealed",
    "description_added",
    "max_lowered",
    "outage_declared",
    "pictures_changed",
    "reserve_lowered",
    "second_chance_accepted",
    "second_chance_declined",
    "second_chance_expired",
    "second_chance_offered",
];
