//! Files with pending writes, and the hand on the plug.

use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::contents::{Change, Contents, Survival};
use crate::file::{Handle, SimulatedFile};
use crate::vfs;

/// A disk of its own. Clones are the same disk. It stays registered until the process ends; its
/// contents go with the last clone.
#[derive(Clone)]
pub struct Disk {
    name: String,
    platter: Arc<Platter>,
}

/// The disk as its open files see it.
pub(crate) struct Platter {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    files: BTreeMap<Vec<u8>, Contents>,
    powered: bool,
    /// Counts the power cuts; files that were opened before one stay dead.
    generation: u64,
    /// Operations until the power is cut.
    left: Option<u64>,
    /// Writes, truncations and syncs so far.
    operations: u64,
    failing_syncs: u32,
    /// What the names of the files end with whose syncs fail.
    failing_files: String,
    lying: bool,
    full: bool,
    gate_closed: bool,
    held: usize,
}

/// Why an operation did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The power is off, or was since the file was opened.
    NoPower,
    Full,
    SyncFailed,
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Full => io::ErrorKind::StorageFull.into(),
            Trouble::NoPower => io::Error::other("the power is off"),
            Trouble::SyncFailed => io::Error::other("the sync failed"),
        }
    }
}

impl Disk {
    /// A new, empty disk, registered with SQLite.
    #[must_use]
    pub fn register() -> Self {
        let number = DISKS.fetch_add(1, Ordering::Relaxed);
        let name = format!("powercut-{number}");
        let state = State {
            files: BTreeMap::new(),
            powered: true,
            generation: 0,
            left: None,
            operations: 0,
            failing_syncs: 0,
            failing_files: String::new(),
            lying: false,
            full: false,
            gate_closed: false,
            held: 0,
        };
        let platter = Arc::new(Platter { state: Mutex::new(state), changed: Condvar::new() });
        vfs::register(&name, &platter);
        Self { name, platter }
    }

    /// Name of the VFS.
    #[must_use]
    pub fn vfs(&self) -> &str {
        &self.name
    }

    /// Cuts the power now: every operation fails until it is restored.
    pub fn cut(&self) {
        self.platter.with(State::cut);
    }

    /// Cuts the power before the operation after the next `operations` writes, truncations and
    /// syncs.
    pub fn cut_after(&self, operations: u64) {
        self.platter.with(|state| state.left = Some(operations));
    }

    /// Whether the power is on.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.platter.state.lock().powered
    }

    /// Brings the power back with what has survived. Files that were open stay dead.
    pub fn restore(&self, survival: Survival) {
        self.platter.with(|state| {
            for contents in state.files.values_mut() {
                contents.settle(survival);
            }
            state.powered = true;
            state.generation += 1;
            state.left = None;
            state.failing_syncs = 0;
            state.full = false;
            state.gate_closed = false;
        });
    }

    /// Writes, truncations and syncs so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.platter.state.lock().operations
    }

    /// The next syncs fail, as on Linux: of what they should have synced the disk has nothing, or
    /// any sectors; reads still see all of it, and no later sync writes it. Whoever had the file
    /// open is told by his next sync, and only by that one.
    pub fn fail_syncs(&self, syncs: u32) {
        self.fail_syncs_of("", syncs);
    }

    /// As [`fail_syncs`](Self::fail_syncs), of files whose names end so.
    pub fn fail_syncs_of(&self, ending: &str, syncs: u32) {
        self.platter.with(|state| {
            state.failing_syncs = syncs;
            ending.clone_into(&mut state.failing_files);
        });
    }

    /// Opens a file without SQLite, which names it by its whole path. Its `flush` syncs it.
    ///
    /// # Errors
    /// When the power is off, or the folder is not there.
    pub fn open(&self, path: &Path) -> io::Result<SimulatedFile> {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let name = dir.canonicalize()?.join(name).into_os_string().into_encoded_bytes();
        Ok(SimulatedFile::new(Handle::open(&self.platter, name)?))
    }

    /// While lying, every sync succeeds and does nothing.
    pub fn set_lying(&self, lying: bool) {
        self.platter.with(|state| state.lying = lying);
    }

    /// A new, empty disk in the place of this one.
    pub fn wipe(&self) {
        self.platter.with(|state| {
            state.files.clear();
            state.operations = 0;
            state.lying = false;
        });
        self.restore(Survival::Synced);
    }

    /// While full, every write fails.
    pub fn set_full(&self, full: bool) {
        self.platter.with(|state| state.full = full);
    }

    /// While closed, every sync waits.
    pub fn set_sync_gate(&self, closed: bool) {
        self.platter.with(|state| state.gate_closed = closed);
    }

    /// Waits until a sync stands at the closed gate.
    ///
    /// # Panics
    /// When none comes within ten seconds.
    pub fn wait_for_held_sync(&self) {
        let end = Instant::now() + PATIENCE;
        let mut state = self.platter.state.lock();
        while state.held == 0 {
            let late = self.platter.changed.wait_until(&mut state, end).timed_out();
            // Whoever is at the gate when the test unwinds must be able to end.
            state.gate_closed &= !late;
            assert!(!late, "no sync came to the gate");
        }
    }
}

impl Platter {
    /// Returns the generation of the disk, and how many syncs of the file have failed.
    pub(crate) fn open(&self, name: &[u8]) -> Result<(u64, u64), Trouble> {
        let mut state = self.state.lock();
        if !state.powered {
            return Err(Trouble::NoPower);
        }
        let failed = state.files.entry(name.to_vec()).or_default().failed_syncs;
        Ok((state.generation, failed))
    }

    pub(crate) fn delete(&self, name: &[u8]) -> Result<(), Trouble> {
        let mut state = self.state.lock();
        if !state.powered {
            return Err(Trouble::NoPower);
        }
        state.files.remove(name);
        Ok(())
    }

    /// An empty file counts as absent, as in SQLite's own VFS.
    pub(crate) fn exists(&self, name: &[u8]) -> bool {
        self.state.lock().files.get(name).is_some_and(|contents| !contents.current.is_empty())
    }

    pub(crate) fn size(&self, name: &[u8], generation: u64) -> Result<usize, Trouble> {
        let state = self.alive(generation)?;
        Ok(state.files.get(name).map_or(0, |contents| contents.current.len()))
    }

    /// Reads what is there and returns how much that is.
    pub(crate) fn read(
        &self,
        name: &[u8],
        generation: u64,
        offset: usize,
        out: &mut [u8],
    ) -> Result<usize, Trouble> {
        let state = self.alive(generation)?;
        let current = state.files.get(name).map_or(&[][..], |contents| &contents.current);
        let rest = current.get(offset..).unwrap_or_default();
        let bytes = rest.len().min(out.len());
        out[..bytes].copy_from_slice(&rest[..bytes]);
        Ok(bytes)
    }

    pub(crate) fn write(
        &self,
        name: &[u8],
        generation: u64,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), Trouble> {
        let mut state = self.operate(generation)?;
        if state.full {
            return Err(Trouble::Full);
        }
        state.change(name, Change::Write { offset, bytes: bytes.to_vec() });
        Ok(())
    }

    pub(crate) fn truncate(
        &self,
        name: &[u8],
        generation: u64,
        bytes: usize,
    ) -> Result<(), Trouble> {
        self.operate(generation)?.change(name, Change::Resize { bytes });
        Ok(())
    }

    /// `told` is how many failed syncs of the file the caller knows of.
    pub(crate) fn sync(
        &self,
        name: &[u8],
        generation: u64,
        told: &AtomicU64,
    ) -> Result<(), Trouble> {
        let mut state = self.operate(generation)?;
        while state.gate_closed && state.powered && state.generation == generation {
            state.held += 1;
            self.changed.notify_all();
            self.changed.wait(&mut state);
            state.held -= 1;
        }
        if !state.powered || state.generation != generation {
            return Err(Trouble::NoPower);
        }
        if state.lying {
            return Ok(());
        }
        let failing = state.fails(name);
        let seed = state.operations;
        let Some(contents) = state.files.get_mut(name) else { return Ok(()) };
        contents.sync(failing, seed);
        if told.swap(contents.failed_syncs, Ordering::Relaxed) < contents.failed_syncs {
            return Err(Trouble::SyncFailed);
        }
        Ok(())
    }

    fn with(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }

    fn alive(&self, generation: u64) -> Result<MutexGuard<'_, State>, Trouble> {
        let state = self.state.lock();
        if state.powered && state.generation == generation {
            return Ok(state);
        }
        Err(Trouble::NoPower)
    }

    /// As `alive`, and counts towards the cut.
    fn operate(&self, generation: u64) -> Result<MutexGuard<'_, State>, Trouble> {
        let mut state = self.alive(generation)?;
        state.operations += 1;
        match &mut state.left {
            Some(0) => {
                state.cut();
                self.changed.notify_all();
                return Err(Trouble::NoPower);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(state)
    }
}

impl State {
    fn cut(&mut self) {
        self.powered = false;
    }

    /// Whether this sync of the file is one that has to fail.
    fn fails(&mut self, name: &[u8]) -> bool {
        let failing = self.failing_syncs > 0 && name.ends_with(self.failing_files.as_bytes());
        self.failing_syncs -= u32::from(failing);
        failing
    }

    fn change(&mut self, name: &[u8], change: Change) {
        if let Some(contents) = self.files.get_mut(name) {
            change.apply(&mut contents.current);
            contents.pending.push(change);
        }
    }
}

static DISKS: AtomicU64 = AtomicU64::new(0);

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);
