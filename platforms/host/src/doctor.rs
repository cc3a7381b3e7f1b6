//! `ecomauction doctor`: is everything in the data directory what it says it is?
//!
//! Three depths over the whole journal: every record's checksum, every entity's hash chain
//! (`SHA-256(prev || public)`, gap-free seqs), and every command replayed through its machine
//! component, which must decide the same events byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use journal::{Event, Journal, Position, Record};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::cli::Doctor;
use crate::data::DataDirectory;
use crate::engine::{Engines, Watch, hex};
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

/// Where an entity's chain stands.
struct Chain {
    seq: u64,
    head: [u8; 32],
}

/// The examination of one journal.
#[derive(Default)]
struct Examination {
    findings: Findings,
    chains: BTreeMap<(String, String), Chain>,
    broken: BTreeSet<(String, String)>,
    replays: BTreeMap<String, Replay>,
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
            examination.replays.insert(name.clone(), Replay::new(image)?);
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
        let chained = record.events.iter().try_for_each(|event| self.link(&name, event));
        let replayed = chained.and_then(|()| match self.replays.get_mut(&name.0) {
            Some(replay) => replay.record(record),
            None => Err("no such machine in the manifest".to_owned()),
        });
        match replayed {
            Ok(()) => self.findings.replayed += 1,
            Err(why) => {
                self.findings.problems.push(format!("{} {}: {why}", name.0, name.1));
                self.broken.insert(name);
            }
        }
    }

    fn link(&mut self, name: &(String, String), event: &Event) -> Result<(), String> {
        let chain = self.chains.entry(name.clone()).or_insert_with(|| {
            let genesis = Sha256::digest(name.1.as_bytes()).into();
            Chain { seq: 0, head: genesis }
        });
        if event.seq != chain.seq + 1 {
            return Err(format!("seq {} follows {}", event.seq, chain.seq));
        }
        if event.prev != chain.head {
            return Err(format!("seq {}: prev is not the head before it", event.seq));
        }
        let head: [u8; 32] =
            Sha256::new().chain_update(event.prev).chain_update(&event.public).finalize().into();
        if head != event.head {
            let (said, is) = (hex(&event.head), hex(&head));
            return Err(format!("seq {}: head {said} should be {is}", event.seq));
        }
        *chain = Chain { seq: event.seq, head };
        Ok(())
    }
}
