//! The one unsafe act of the host: mapping machine code that it compiled itself.
#![allow(unsafe_code, reason = "loading compiled code is unsafe by nature; see `open`")]

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Opens a compiled component that this host wrote into its own cache directory.
///
/// Whoever can write that directory can run code as this process, like whoever can replace its
/// binary: the data directory belongs to the host's user alone.
pub(crate) fn open(engine: &Engine, artefact: &Path) -> anyhow::Result<Component> {
    // SAFETY: the file was written by `Engines::load` with this engine's settings in its name, and
    // the data directory is created with access for its owner only.
    crate::engine::lift(unsafe { Component::deserialize_file(engine, artefact) })
}
