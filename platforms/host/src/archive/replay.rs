//! `ecomauction replay`: does the machine decide the archive's commands as the archive says, and
//! how did the entity stand after each event?

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::PathBuf;

use ::archive::Reader;
use anyhow::{Context as _, ensure};

use super::show::Show;
use super::walk::Walk;
use crate::cli::Replay;
use crate::engine::Engines;
use crate::machines::MachineImage;
use crate::manifest::Manifest;

/// Replays the archive; the error names the first event that differs, and what differs.
pub(crate) fn run(options: &Replay) -> anyhow::Result<()> {
    let input: Box<dyn BufRead> = if options.archive.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(&options.archive)
            .with_context(|| format!("cannot read {}", options.archive.display()))?;
        Box::new(BufReader::new(file))
    };
    replay(options, Reader::new(input)).with_context(|| options.archive.display().to_string())
}

fn replay(options: &Replay, mut reader: Reader<impl BufRead>) -> anyhow::Result<()> {
    let header = reader.header()?;
    let engines = Engines::without_cache()?;
    let source = source(options, &header.machine)?;
    let (component, digest) = engines.load(&engines.machines, &source)?;
    if digest != header.component.sha256.to_hex() {
        eprintln!(
            "note: {} is not the component beside which the archive was written: {digest}, not {}",
            source.display(),
            header.component.sha256
        );
    }
    let image = MachineImage::new(&header.machine, &engines.machines, &component, digest)?;
    let mut show = Show::new(BufWriter::new(std::io::stdout().lock()), options);
    let walked = Walk::new(&header, &image)?.run(&mut reader, |step| show.step(step));
    let end = match walked {
        Ok(end) => end,
        Err(difference) => {
            // The difference is the news, whatever becomes of the output.
            let _ = show.flush();
            return Err(difference);
        }
    };
    if let Some(at) = options.at {
        ensure!(!show.is_empty(), "there is no seq {at}: the last one is {}", end.events);
    }
    let (machine, key) = (&header.machine, &header.key);
    show.end(&format!(
        "{machine} {key}: {} events in {} commits decided again, the same bytes; head {}",
        end.events, end.commits, end.head
    ))
}

/// The component that decides.
fn source(options: &Replay, machine: &str) -> anyhow::Result<PathBuf> {
    if let Some(component) = &options.component {
        return Ok(component.clone());
    }
    let manifest = Manifest::read(&options.manifest, &BTreeMap::new())
        .context("which component decides? say --manifest FILE or --component FILE")?;
    Ok(manifest.machine(machine)?.source.clone())
}
