//! `ecomauction export`: the whole log of one entity as an archive.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use journal::{Journal, Position};
use kernel::{Digest, Timestamp};

use super::format::{Commit, Component, FORMAT, Header, Line, VERSION};
use super::lines::Writer;
use crate::chain::Chain;
use crate::cli::Export;
use crate::data::DataDirectory;
use crate::manifest::Manifest;

/// Where the records of the entity stand, their chain verified.
struct Found {
    positions: Vec<Position>,
    chain: Chain,
}

/// Writes the archive and says where it is.
pub(crate) fn run(options: &Export) -> anyhow::Result<()> {
    let Export { machine, key, data, .. } = options;
    let target = Target::of(options)?;
    let component = component(options)?;
    ensure!(data.is_dir(), "no data directory at {}", data.display());
    let data = DataDirectory::open(data)?;
    ensure!(data.journal().is_dir(), "no journal at {}", data.journal().display());
    let journal = Journal::open(&data.journal(), journal::Options::default())?;
    let found = find(&journal, machine, key).context("ecomauction doctor says more")?;
    ensure!(!found.positions.is_empty(), "the journal knows no {machine} {key}");
    let (commits, events) = (found.positions.len() as u64, found.chain.seq);
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        machine: machine.clone(),
        key: key.clone(),
        component,
        written: Timestamp::from_ms(crate::clock::now_ms()),
        commits,
        events,
        head: Digest::from_bytes(found.chain.head),
    };
    let name = target.write(|out| write(out, header, &journal, &found.positions))?;
    eprintln!("{name}: {events} events in {commits} commits; it holds hidden values, keep it so");
    Ok(())
}

/// The machine as the manifest names it now.
fn component(options: &Export) -> anyhow::Result<Component> {
    let manifest = Manifest::read(&options.manifest, &BTreeMap::new())?;
    let source = &manifest.machine(&options.machine)?.source;
    let bytes = std::fs::read(source).with_context(|| {
        format!("cannot read the component {}; build it first", source.display())
    })?;
    let exports = compose::exports_of(&bytes)
        .with_context(|| format!("{} is not a component", source.display()))?;
    let contract = exports.into_iter().find(|name| name.starts_with(CONTRACT));
    Ok(Component {
        sha256: Digest::of(&[&bytes]),
        contract: contract.with_context(|| format!("{} is no machine", source.display()))?,
        application: manifest.name,
        version: manifest.version,
    })
}

/// Reads the whole journal: only that shows that nothing of the entity is missing.
fn find(journal: &Journal, machine: &str, key: &str) -> anyhow::Result<Found> {
    let mut found = Found { positions: Vec::new(), chain: Chain::genesis(key) };
    let mut records = 0_u64;
    journal.scan(Position::START, |position, record| {
        records += 1;
        if records.is_multiple_of(RECORDS_PER_WORD) {
            let commits = found.positions.len();
            eprintln!("{records} records read, {commits} of {machine} {key}");
        }
        if record.entity.machine == machine && record.entity.key == key {
            record.events.iter().try_for_each(|event| found.chain.follow(event))?;
            found.positions.push(position);
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(found)
}

fn write(
    out: &mut dyn Write,
    header: Header,
    journal: &Journal,
    positions: &[Position],
) -> anyhow::Result<()> {
    let Header { commits, events, head, .. } = header;
    let mut writer = Writer::new(out);
    writer.line(&Line::Header(header))?;
    for position in positions {
        let record = journal.read(*position)?;
        let commit = Commit::of(&record).map_err(anyhow::Error::msg)?;
        writer.line(&Line::Commit(commit))?;
    }
    writer.end(commits, events, head)?;
    Ok(())
}

/// Where the archive goes.
enum Target {
    Stdout,
    /// A file that is not there yet.
    New(PathBuf),
    /// A file that may be there; it stays as it is until the new one is whole.
    Over(PathBuf),
}

impl Target {
    fn of(options: &Export) -> anyhow::Result<Self> {
        let path = match &options.out {
            Some(path) if path.as_os_str() == "-" => return Ok(Self::Stdout),
            Some(path) => path.clone(),
            None => {
                let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
                let named = options.key.chars().all(plain) && !options.key.starts_with('.');
                ensure!(named, "the key is no file name: say --out FILE");
                PathBuf::from(format!("{}.archive.jsonl", options.key))
            }
        };
        if options.force {
            return Ok(Self::Over(path));
        }
        let is_there = path.symlink_metadata().is_ok();
        ensure!(!is_there, "{} exists; --force writes over it", path.display());
        Ok(Self::New(path))
    }

    /// Lets `fill` write, durably; nothing is left of a file that could not be written whole.
    fn write(
        &self,
        fill: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<String> {
        let (path, writing) = match self {
            Self::Stdout => {
                fill(&mut BufWriter::new(std::io::stdout().lock()))?;
                return Ok("standard output".to_owned());
            }
            Self::New(path) => (path, path.clone()),
            Self::Over(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push(".unfinished");
                let unfinished = PathBuf::from(name);
                // Of an export that was killed.
                let _ = std::fs::remove_file(&unfinished);
                (path, unfinished)
            }
        };
        let file = create(&writing)?;
        let written = fill_file(file, fill).and_then(|()| {
            if writing != *path {
                std::fs::rename(&writing, path)?;
            }
            Ok(())
        });
        if written.is_err() {
            let _ = std::fs::remove_file(&writing);
        }
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }
}

/// A new file that only its owner can read.
fn create(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))
}

fn fill_file(
    file: File,
    fill: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(file);
    fill(&mut out)?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

/// What every machine exports, whatever its version.
const CONTRACT: &str = "ecomauction:machine/";
/// After that many records of a long journal there is a sign of life.
const RECORDS_PER_WORD: u64 = 250_000;
