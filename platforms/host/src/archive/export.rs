//! `ecomauction export`: the whole log of one entity as an archive.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ::archive::{Commit, Component, FORMAT, Header, VERSION, Writer};
use anyhow::{Context as _, ensure};
use journal::{Journal, Position};
use kernel::{Digest, Timestamp};

use super::{platform, record};
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
    let target = Target::of(options)?;
    let component = component(options)?;
    let (name, commits, events) = match &options.from {
        Some(url) => from_platform(options, url, &target, component)?,
        None => from_data(options, &target, component)?,
    };
    eprintln!("{name}: {events} events in {commits} commits; it holds hidden values, keep it so");
    Ok(())
}

type Exported = (String, u64, u64);

/// Out of a data directory of this host.
fn from_data(options: &Export, target: &Target, component: Component) -> anyhow::Result<Exported> {
    let Export { machine, key, data, .. } = options;
    ensure!(data.is_dir(), "no data directory at {}", data.display());
    let data = DataDirectory::open(data)?;
    ensure!(data.journal().is_dir(), "no journal at {}", data.journal().display());
    let journal = Journal::open(&data.journal(), journal::Options::default())?;
    let found = find(&journal, machine, key).context("ecomauction doctor says more")?;
    ensure!(!found.positions.is_empty(), "the journal knows no {machine} {key}");
    let header = header(options, component, found.positions.len() as u64, &found.chain);
    let (commits, events) = (header.commits, header.events);
    let name = target.write(|out| {
        let records = found.positions.iter().map(|position| journal.read(*position));
        write(out, header, records.map(|record| Ok(record::commit(&record?)?)))
    })?;
    Ok((name, commits, events))
}

/// Out of a platform on which the entity lives.
fn from_platform(
    options: &Export,
    url: &str,
    target: &Target,
    component: Component,
) -> anyhow::Result<Exported> {
    let Export { machine, key, .. } = options;
    let commits = platform::commits(url, machine, key)?;
    let mut chain = Chain::genesis(key);
    for commit in &commits {
        for event in &record::events(commit)? {
            // Commands are kept since a version of the platform; what is older is not told.
            chain.follow(event).context("the log that came is not whole")?;
        }
    }
    ensure!(!commits.is_empty(), "{url} has kept no command of {machine} {key}");
    let header = header(options, component, commits.len() as u64, &chain);
    let (count, events) = (header.commits, header.events);
    let name = target.write(|out| write(out, header, commits.into_iter().map(Ok)))?;
    Ok((name, count, events))
}

fn header(options: &Export, component: Component, commits: u64, chain: &Chain) -> Header {
    Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        machine: options.machine.clone(),
        key: options.key.clone(),
        component,
        written: Timestamp::from_ms(crate::clock::now_ms()),
        commits,
        events: chain.seq,
        head: Digest::from_bytes(chain.head),
    }
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
    commits: impl Iterator<Item = anyhow::Result<Commit>>,
) -> anyhow::Result<()> {
    let Header { commits: count, events, head, .. } = header;
    let mut writer = Writer::new(out);
    writer.header(header)?;
    for commit in commits {
        writer.commit(commit?)?;
    }
    writer.end(count, events, head)?;
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
