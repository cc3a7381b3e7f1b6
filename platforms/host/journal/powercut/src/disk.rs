//! Files with pending writes, and the hand on the plug.

use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::contents::{Change, Contents, Survival};
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

    /// The next syncs fail, and what they should have synced never reaches the disk although
    /// reads still see it: what Linux does.
    pub fn fail_syncs(&self, syncs: u32) {
        self.platter.with(|state| state.failing_syncs = syncs);
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
    pub(crate) fn open(&self, name: &[u8]) -> Result<u64, Trouble> {
        let mut state = self.state.lock();
        if !state.powered {
            return Err(Trouble::NoPower);
        }
        state.files.entry(name.to_vec()).or_default();
        Ok(state.generation)
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

    pub(crate) fn sync(&self, name: &[u8], generation: u64) -> Result<(), Trouble> {
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
        let failing = state.failing_syncs > 0;
        state.failing_syncs = state.failing_syncs.saturating_sub(1);
        if let Some(contents) = state.files.get_mut(name) {
            let pending = std::mem::take(&mut contents.pending);
            if failing {
                return Err(Trouble::SyncFailed);
            }
            pending.iter().for_each(|change| change.apply(&mut contents.durable));
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
