//! One byte of an archive is another: whichever it is, that shows, and where.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::path::Path;

use super::*;
use crate::engine::Engines;

/// An archive that the suite keeps: six commits of one event each.
const ARCHIVE: &str = include_str!("../../../../../tests/conformance/archives/host.jsonl");

/// The machine, where `cargo xtask build --components` puts it.
fn machine() -> (Engines, Arc<MachineImage>) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(MACHINE);
    assert!(source.is_file(), "the components are not built: cargo xtask build --components");
    let engines = Engines::without_cache().unwrap();
    let (component, digest) = engines.load(&engines.machines, &source).unwrap();
    let image = MachineImage::new("auction", &engines.machines, &component, digest).unwrap();
    (engines, Arc::new(image))
}

const MACHINE: &str = "target/components/auction_machine.wasm";

#[test]
fn an_archive_is_proven_and_its_public_log_is_that_of_its_events() {
    let (_engines, image) = machine();
    let proven =
        prove(ARCHIVE.as_bytes(), |_| Ok(image)).unwrap_or_else(|bad| panic!("{}", bad.what));
    assert_eq!((proven.machine.as_str(), proven.commands), ("auction", 6));
    let log: serde_json::Value = serde_json::from_str(&proven.public_log()).unwrap();
    let events = log["events"].as_array().unwrap();
    assert_eq!(events.len(), 6);
    assert!(events.windows(2).all(|pair| pair[0]["hash"] == pair[1]["prev"]));
}

#[test]
fn every_byte_of_an_archive_counts_and_the_seq_is_named() {
    let (_engines, image) = machine();
    let (mut line, mut named) = (0, 0);
    for at in 0..ARCHIVE.len() {
        let mut bytes = ARCHIVE.as_bytes().to_vec();
        let is_break = bytes[at] == b'\n';
        bytes[at] ^= 1;
        let proven = prove(&bytes, |_| Ok(Arc::clone(&image)));
        let bad = proven.err().unwrap_or_else(|| panic!("byte {at} of line {line} counts"));
        // The first line is the header, the last one the end; commits are between.
        if !is_break && (1..=6).contains(&line) {
            // What no decision depends on is found by the digest of all lines.
            let is_named = bad.seq == Some(line) || bad.what.contains("its lines have the sha256");
            assert!(is_named, "byte {at}: {:?} {}", bad.seq, bad.what);
            named += u64::from(bad.seq.is_some());
        }
        line += u64::from(is_break);
    }
    assert!(named > ARCHIVE.len() as u64 / 2, "{named} bytes of {}", ARCHIVE.len());
}
