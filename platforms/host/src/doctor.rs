//! `ecomauction doctor`: is everything in the data directory what it says it is?
//!
//! Three depths over the whole journal: every record's checksum, every entity's hash chain
//! (`SHA-256(prev || public)`, gap-free seqs), and every command replayed through its machine
//! component, which must decide the same events byte for byte, with the same effects and wake.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use journal::{Journal, Position, Record};
use serde::Serialize;

use crate::chain::Chain;
use crate::cli::Doctor;
use crate::data::DataDirectory;
use crate::engine::{Engines, Watch};
use crate::machines::{MachineImage, Replay};
use crate::manifest::Manifest;

/// What the doctor found.
#[derive(Debug, Default, Serialize)]
struct Findings {
    records: u64,
    events: u64,
    entities: usize,
    replayed: u64,
    problems: Vec<String>,
}

/// The examination of one journal.
#[derive(Default)]
struct Examination {
    findings: Findings,
    chains: BTreeMap<(String, String), Chain>,
    broken: BTreeSet<(String, String)>,
    replays: BTreeMap<String, Replay<MachineImage>>,
}

/// Runs the check and says what it found.
pub(crate) fn run(options: &Doctor) -> ExitCode {
    let findings = match examine(options) {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("ecomauction: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    if options.json {
        println!("{}", serde_json::to_string(&findings).unwrap_or_default());
    } else {
        let Findings { records, events, entities, replayed, problems } = &findings;
        println!("records   {records:>10}  checksums verified");
        println!("events    {events:>10}  in {entities} chains, hashes verified");
        println!("replayed  {replayed:>10}  commands through their machine, same bytes");
        for problem in problems {
            println!("PROBLEM   {problem}");
        }
        println!("{}", if problems.is_empty() { "healthy" } else { "NOT healthy" });
    }
    if findings.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn examine(options: &Doctor) -> anyhow::Result<Findings> {
    let manifest = Manifest::read(&options.manifest, &BTreeMap::new())?;
    anyhow::ensure!(options.data.is_dir(), "no data directory at {}", options.data.display());
    let data = DataDirectory::open(&options.data)?;
    let engines = Engines::new(&data.compiled(), Watch::Nobody)?;
    let mut examination = Examination::default();
    for component in manifest.components.values() {
        for (name, machine) in &component.tool.machines {
            let (compiled, digest) = engines.load(&engines.machines, &machine.source)?;
            let image = MachineImage::new(name, &engines.machines, &compiled, digest)?;
            examination.replays.insert(name.clone(), Replay::new(&image)?);
        }
    }
    let journal = Journal::open(&data.journal(), journal::Options::default())?;
    let scanned = journal.scan(Position::START, |_, record| {
        examination.record(&record);
        Ok::<_, journal::JournalError>(())
    });
    let mut findings = examination.findings;
    findings.entities = examination.chains.len();
    if let Err(error) = scanned {
        findings.problems.push(format!("journal: {error}"));
    }
    Ok(findings)
}

impl Examination {
    /// Examines one record; the first problem of an entity ends its examination.
    fn record(&mut self, record: &Record) {
        self.findings.records += 1;
        self.findings.events += record.events.len() as u64;
        let name = (record.entity.machine.clone(), record.entity.key.clone());
        if self.broken.contains(&name) {
            return;
        }
        let chain = self.chains.entry(name.clone()).or_insert_with(|| Chain::genesis(&name.1));
        let chained = record.events.iter().try_for_each(|event| chain.follow(event));
        let chained = chained.map_err(|broken| broken.to_string());
        let replayed = chained.and_then(|()| match self.replays.get_mut(&name.0) {
            Some(replay) => replay.record(record).map_err(|difference| difference.to_string()),
            None => Err("no such machine in the manifest".to_owned()),
        });
        match replayed {
            Ok(_) => self.findings.replayed += 1,
            Err(why) => {
                self.findings.problems.push(format!("{} {}: {why}", name.0, name.1));
                self.broken.insert(name);
            }
        }
    }
}
