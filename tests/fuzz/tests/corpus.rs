//! The kept corpus through the same targets, without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use auction_machine::contract::Command;
use fuzz::commands::make::COMMANDS;
use fuzz::{TARGETS, Target};

#[test]
fn every_kept_input_holds() {
    for target in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "no corpus for {}", target.name);
        for path in inputs {
            let bytes = std::fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| (target.run)(&bytes));
            assert!(held.is_ok(), "{} breaks a law of {}", path.display(), target.name);
        }
    }
}

#[test]
fn the_corpus_stays_small_and_belongs_to_targets() {
    for target in TARGETS {
        let files = inputs(target);
        let bytes: u64 = files.iter().map(|path| path.metadata().unwrap().len()).sum();
        let counted = format!("{}: {} files, {bytes} bytes", target.name, files.len());
        assert!(files.len() <= FILES_MAX && bytes <= BYTES_MAX, "{counted}");
    }
    let known: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let folders = std::fs::read_dir(corpus()).unwrap();
    for folder in folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()) {
        assert!(known.contains(&folder), "{folder} is the corpus of no target");
    }
}

/// Serde names the variants when it meets one that it does not know.
#[test]
fn every_command_of_the_contract_is_made() {
    let error = serde_json::from_str::<Command>("\"?\"").unwrap_err().to_string();
    let (_, listed) = error.split_once("expected one of ").expect("a list of variants");
    let wanted: BTreeSet<&str> = listed.split('`').skip(1).step_by(2).collect();
    let made: BTreeSet<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(made, wanted);
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn inputs(target: &Target) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(corpus().join(target.name)) else { return Vec::new() };
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

const FILES_MAX: usize = 300;
const BYTES_MAX: u64 = 500_000;
