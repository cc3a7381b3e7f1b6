//! Keys that sign: one does, those before it verify for as long as something needs them, and the
//! one after it is public long before it signs, so that whoever verifies knows it by then.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::RwLock;
use vault::SigningKey;

/// What keys are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    /// Key files begin with it.
    name: &'static str,
    /// A key signs for so long.
    pub(super) age_max_ms: i64,
    /// Does anything need a key for good?
    kept: bool,
}

/// Access tokens live for minutes.
pub(super) const TOKENS: Purpose =
    Purpose { name: "access-token", age_max_ms: 30 * DAY_MS, kept: false };
/// What a proof says can be asked years later. Keys are never deleted (docs/adr/0040).
pub(super) const PROOFS: Purpose = Purpose { name: "proof", age_max_ms: 90 * DAY_MS, kept: true };

/// A key and from when it signs.
pub(super) struct DatedKey {
    pub(super) signing: SigningKey,
    from_ms: i64,
    path: PathBuf,
}

/// The keys of a purpose in a data directory, oldest first. A file is called
/// `<purpose>.<from>.ed25519`, with the milliseconds since the epoch at which the key begins to
/// sign, and holds the 32-byte seed.
pub(super) struct KeyRing {
    directory: PathBuf,
    purpose: Purpose,
    keys: RwLock<Vec<Arc<DatedKey>>>,
}

impl KeyRing {
    /// Reads the key files.
    pub(super) fn open(directory: &Path, purpose: Purpose) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        for file in std::fs::read_dir(directory)? {
            let path = file?.path();
            if let Some(from_ms) = from_ms(&path, purpose) {
                keys.push(Arc::new(DatedKey::read(path, from_ms)?));
            }
        }
        keys.sort_by_key(|key| key.from_ms);
        Ok(Self { directory: directory.to_owned(), purpose, keys: RwLock::new(keys) })
    }

    /// The key that signs at an instant; the same one whenever it is asked, for what is not future:
    /// a new key begins later than now.
    pub(super) fn signing(&self, now_ms: i64) -> Option<Arc<DatedKey>> {
        let keys = self.keys.read();
        let began = keys.iter().rev().find(|key| key.from_ms <= now_ms);
        // None began when the clock was turned back.
        began.or(keys.first()).cloned()
    }

    /// The keys that verify, and that whoever verifies has to know.
    pub(super) fn live(&self) -> Vec<Arc<DatedKey>> {
        self.keys.read().clone()
    }

    /// Makes the key that signs when there is none, and the one after it as soon as that one signs:
    /// a day before it does itself, at least. Forgets a key that nothing needs a day after the next
    /// one took over.
    pub(super) fn rotate(&self, now_ms: i64) -> anyhow::Result<()> {
        let mut keys = self.keys.write();
        if keys.is_empty() {
            keys.push(self.make(now_ms)?);
        }
        if let Some(newest) = keys.last().filter(|newest| newest.from_ms <= now_ms) {
            let planned = newest.from_ms.saturating_add(self.purpose.age_max_ms);
            keys.push(self.make(planned.max(now_ms.saturating_add(OVERLAP_MS)))?);
        }
        while !self.purpose.kept
            && keys.get(1).is_some_and(|next| now_ms.saturating_sub(next.from_ms) > OVERLAP_MS)
        {
            let spent = keys.remove(0);
            let path = spent.path.display();
            std::fs::remove_file(&spent.path).with_context(|| format!("cannot remove {path}"))?;
        }
        Ok(())
    }

    fn make(&self, from_ms: i64) -> anyhow::Result<Arc<DatedKey>> {
        let name = self.purpose.name;
        let path = self.directory.join(format!("{name}.{from_ms}{SUFFIX}"));
        Ok(Arc::new(DatedKey::read(path, from_ms)?))
    }
}

impl DatedKey {
    /// Reads its file, which is made when there is none.
    fn read(path: PathBuf, from_ms: i64) -> anyhow::Result<Self> {
        let signing = SigningKey::of(&read_or_make(&path)?);
        Ok(Self { signing, from_ms, path })
    }
}

fn from_ms(path: &Path, purpose: Purpose) -> Option<i64> {
    let name = path.file_name()?.to_str()?.strip_prefix(purpose.name)?;
    name.strip_prefix('.')?.strip_suffix(SUFFIX)?.parse().ok()
}

/// The 32 bytes of a key file, which is made when there is none.
pub(super) fn read_or_make(path: &Path) -> anyhow::Result<[u8; 32]> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let wrong = |_| anyhow::anyhow!("{} is not a 32-byte key", path.display());
            bytes.try_into().map_err(wrong)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
            crate::data::write_private(path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

const SUFFIX: &str = ".ed25519";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A replaced key verifies for so long, and the next one is public for so long before it signs;
/// tokens live ten minutes, copies of the key set longer.
pub(super) const OVERLAP_MS: i64 = DAY_MS;
