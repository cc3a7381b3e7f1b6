//! Keys of access tokens: one signs, those before it verify until nothing needs them, and the one
//! after it is public long before it signs, so that whoever verifies knows it by then.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::RwLock;
use vault::SigningKey;

/// A key and from when it signs.
pub(super) struct TokenKey {
    pub(super) signing: SigningKey,
    from_ms: i64,
    path: PathBuf,
}

/// The keys of a data directory, oldest first. A file is called `access-token.<from>.ed25519`, with
/// the milliseconds since the epoch at which the key begins to sign, and holds the 32-byte seed.
pub(super) struct TokenKeys {
    directory: PathBuf,
    keys: RwLock<Vec<Arc<TokenKey>>>,
}

impl TokenKeys {
    /// Reads the key files.
    pub(super) fn open(directory: &Path) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        for file in std::fs::read_dir(directory)? {
            let path = file?.path();
            if let Some(from_ms) = from_ms(&path) {
                keys.push(Arc::new(TokenKey::read(path, from_ms)?));
            }
        }
        keys.sort_by_key(|key| key.from_ms);
        Ok(Self { directory: directory.to_owned(), keys: RwLock::new(keys) })
    }

    /// The key that signs.
    pub(super) fn signing(&self, now_ms: i64) -> Option<Arc<TokenKey>> {
        let keys = self.keys.read();
        let began = keys.iter().rev().find(|key| key.from_ms <= now_ms);
        // None began when the clock was turned back.
        began.or(keys.first()).cloned()
    }

    /// The keys that verify, and that whoever verifies has to know.
    pub(super) fn live(&self) -> Vec<Arc<TokenKey>> {
        self.keys.read().clone()
    }

    /// Makes the key that signs when there is none, and the one after it as soon as that one signs:
    /// a day before it does itself, at least. Forgets a key a day after the next one took over.
    pub(super) fn rotate(&self, now_ms: i64) -> anyhow::Result<()> {
        let mut keys = self.keys.write();
        if keys.is_empty() {
            keys.push(self.make(now_ms)?);
        }
        if let Some(newest) = keys.last().filter(|newest| newest.from_ms <= now_ms) {
            let planned = newest.from_ms.saturating_add(KEY_AGE_MAX_MS);
            keys.push(self.make(planned.max(now_ms.saturating_add(OVERLAP_MS)))?);
        }
        while keys.get(1).is_some_and(|next| now_ms.saturating_sub(next.from_ms) > OVERLAP_MS) {
            let spent = keys.remove(0);
            let path = spent.path.display();
            std::fs::remove_file(&spent.path).with_context(|| format!("cannot remove {path}"))?;
        }
        Ok(())
    }

    fn make(&self, from_ms: i64) -> anyhow::Result<Arc<TokenKey>> {
        let path = self.directory.join(format!("{PREFIX}{from_ms}{SUFFIX}"));
        Ok(Arc::new(TokenKey::read(path, from_ms)?))
    }
}

impl TokenKey {
    /// Reads its file, which is made when there is none.
    fn read(path: PathBuf, from_ms: i64) -> anyhow::Result<Self> {
        let signing = SigningKey::of(&read_or_make(&path)?);
        Ok(Self { signing, from_ms, path })
    }
}

fn from_ms(path: &Path) -> Option<i64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
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

const PREFIX: &str = "access-token.";
const SUFFIX: &str = ".ed25519";
/// A key signs for so long.
pub(super) const KEY_AGE_MAX_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// A replaced key verifies for so long, and the next one is public for so long before it signs;
/// tokens live ten minutes, copies of the key set longer.
pub(super) const OVERLAP_MS: i64 = 24 * 60 * 60 * 1_000;
