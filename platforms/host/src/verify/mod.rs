//! `ecomauction verify`: is that auction what it says it is? A public log is checked by a component
//! that knows the rules; an archive is decided again by the machine, too.

mod fetch;
mod opinion;
mod options;
mod saved;
mod told;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use crate::archive::Unproven;
use crate::engine::Engines;
use crate::machines::MachineImage;
use crate::manifest::Manifest;
use opinion::Opinion;
pub(crate) use options::{EXAMPLES, Verify};
use saved::{Found, Wrong};

/// Checks it and says what came of it: 0 when it is proven, 1 when it is not, 2 for a question that
/// cannot be meant.
pub(crate) fn run(options: &Verify) -> ExitCode {
    let report = match checked(options) {
        Ok(report) => report,
        Err(Wrong::Usage(why)) => {
            eprintln!("ecomauction: {why:#}");
            return ExitCode::from(2);
        }
        Err(Wrong::Unproven(what)) => {
            json!({"ok": false, "first_bad": {"seq": null, "what": format!("{what:#}")}})
        }
    };
    if options.json {
        println!("{report}");
    } else {
        print!("{}", told::words(&options.what, &report));
    }
    let is_proven = report.get("ok").and_then(Value::as_bool) == Some(true);
    if is_proven { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn checked(options: &Verify) -> Result<Value, Wrong> {
    let beside = saved::beside(options)?;
    let found = if options.what.contains("://") {
        fetch::auction(&options.what)?
    } else {
        saved::file(options)?
    };
    let engines = Engines::without_cache().map_err(Wrong::Unproven)?;
    match found {
        Found::Public(log) => {
            let missing = || Wrong::Usage(anyhow!("no verifier is known: say --verifier FILE"));
            let opinion = Opinion::open(&engines, options, None)?.ok_or_else(missing)?;
            public(&opinion, &log, &beside)
        }
        Found::Archive(bytes) => archive(&engines, options, &bytes, &beside),
    }
}

/// The component's report on a saved public log.
fn public(opinion: &Opinion, log: &[u8], beside: &[(&str, String)]) -> Result<Value, Wrong> {
    opinion.on(&saved::with(log, beside)).map_err(Wrong::Unproven)
}

/// An archive is decided again, and its public events are checked by the other opinion.
fn archive(
    engines: &Engines,
    options: &Verify,
    bytes: &[u8],
    beside: &[(&str, String)],
) -> Result<Value, Wrong> {
    let image = |machine: &str| {
        let source = match &options.component {
            Some(component) => component.clone(),
            None => {
                let manifest = Manifest::read(&options.manifest, &BTreeMap::new());
                let manifest = manifest.context("which machine decides? say --component FILE")?;
                manifest.machine(machine)?.source.clone()
            }
        };
        let (component, digest) = engines.load(&engines.machines, &source)?;
        let image = MachineImage::new(machine, &engines.machines, &component, digest)?;
        Ok(Arc::new(image))
    };
    let proven = match crate::archive::prove(bytes, image) {
        Ok(proven) => proven,
        Err(Unproven { seq, what }) => {
            return Ok(json!({"ok": false, "first_bad": {"seq": seq, "what": what}}));
        }
    };
    let opinion = Opinion::open(engines, options, Some(&proven.machine))?;
    let mut report = match &opinion {
        Some(opinion) => public(opinion, proven.public_log().as_bytes(), beside)?,
        None => json!({"ok": true, "auction_id": proven.key, "events": proven.events.len(),
            "checked": [], "undecided": [], "first_bad": null}),
    };
    let (commands, machine) = (proven.commands, &proven.machine);
    let word = format!("replay: {machine} decides all {commands} commands again, byte for byte");
    if let Some(checked) = report.get_mut("checked").and_then(Value::as_array_mut) {
        checked.insert(0, word.into());
    }
    Ok(report)
}
