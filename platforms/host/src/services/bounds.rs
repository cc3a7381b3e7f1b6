//! What one component may use: the same for all, unless the manifest says otherwise.

use std::time::Duration;

use composition::Tool;
use wasmtime::ResourceLimiter;

use crate::engine::EPOCH;

/// The bounds of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Largest body of somebody who is signed in; none: that of the listener.
    pub(crate) body_max_bytes: Option<usize>,
    /// Requests at once that are no reads.
    pub(crate) writes_at_once_max: Option<usize>,
    /// The cookie that says, beside the header, who is signed in.
    pub(crate) token_cookie: Option<String>,
    /// Memory of an instance.
    pub(super) memory_max_bytes: usize,
    /// Epochs in which a request may run.
    pub(super) epochs_max: u64,
    /// How long a request may take, waiting included.
    pub(super) request_max: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body_max_bytes: None,
            writes_at_once_max: None,
            token_cookie: None,
            memory_max_bytes: MEMORY_MAX_BYTES,
            epochs_max: EPOCHS_MAX,
            request_max: REQUEST_MAX,
        }
    }
}

impl Bounds {
    /// As the manifest says.
    pub(crate) fn of(tool: &Tool) -> Self {
        let usual = Self::default();
        let running = tool.running_ms_max.map(|ms| Duration::from_millis(ms.into()));
        let epochs = |running: Duration| {
            u64::try_from(running.as_millis() / EPOCH.as_millis().max(1)).unwrap_or(EPOCHS_MAX)
        };
        Self {
            body_max_bytes: tool.body_max_bytes,
            writes_at_once_max: tool.writes_at_once_max.map(usize::from),
            token_cookie: tool.token_cookie.clone(),
            memory_max_bytes: tool.memory_max_bytes.unwrap_or(usual.memory_max_bytes),
            epochs_max: running.map_or(usual.epochs_max, epochs),
            // Others run meanwhile.
            request_max: REQUEST_MAX + running.unwrap_or_default() * 2,
        }
    }
}

/// The memory of one instance: what it may have, and what it has.
#[derive(Debug)]
pub(crate) struct Memory {
    max_bytes: usize,
    bytes: usize,
}

impl Memory {
    pub(super) fn up_to(max_bytes: usize) -> Self {
        Self { max_bytes, bytes: 0 }
    }

    /// Has it grown beyond what every instance may have? Memory of wasm never shrinks.
    pub(super) fn is_large(&self) -> bool {
        self.bytes > MEMORY_MAX_BYTES
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // An instance may have several: glue that was composed in.
        let all = self.bytes.saturating_add(desired.saturating_sub(current));
        let is_allowed = all <= self.max_bytes;
        if is_allowed {
            self.bytes = all;
        }
        Ok(is_allowed)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// Memory of one instance.
const MEMORY_MAX_BYTES: usize = 64 << 20;
/// A request may run for this many epochs (10 ms each).
const EPOCHS_MAX: u64 = 100;
/// A request may take this long, waiting included.
const REQUEST_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_the_manifest_does_not_say_is_as_for_everyone() {
        assert_eq!(Bounds::of(&Tool::default()), Bounds::default());
        let tool = Tool { running_ms_max: Some(2_000), ..Tool::default() };
        let bounds = Bounds::of(&tool);
        assert_eq!((bounds.epochs_max, bounds.request_max), (200, Duration::from_secs(14)));
        assert_eq!(bounds.memory_max_bytes, MEMORY_MAX_BYTES);
    }

    #[test]
    fn memory_ends_where_it_was_said_and_a_large_instance_is_known() {
        let mut memory = Memory::up_to(100 << 20);
        assert!(memory.memory_growing(0, 64 << 20, None).unwrap() && !memory.is_large());
        assert!(!memory.memory_growing(64 << 20, 101 << 20, None).unwrap());
        assert!(memory.memory_growing(64 << 20, 100 << 20, None).unwrap() && memory.is_large());
    }
}
