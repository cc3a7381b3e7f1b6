//! A machine's core module (wasm32-unknown-unknown) as a component that imports nothing.

use wit_component::ComponentEncoder;

use crate::names::{NamesError, imports_of};

/// Why a core module is not a machine.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// The module cannot be a component: it lacks the contract's exports, or imports core functions
    /// (`env`, `wasi_snapshot_preview1`, `__wbindgen…`), which a dependency dragged in.
    #[error("the core module does not become a component: {0}")]
    Encode(String),
    /// A machine imports nothing, so that everyone who replays its log decides the same.
    #[error("a machine may import nothing, but this one imports {}", .0.join(", "))]
    Imports(Vec<String>),
    /// The encoder produced something that is no component.
    #[error(transparent)]
    Names(#[from] NamesError),
}

/// Wraps a machine's core module, whose contract wit-bindgen embedded, into a component and refuses
/// one that imports anything.
pub fn wrap_machine(core: &[u8]) -> Result<Vec<u8>, WrapError> {
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| WrapError::Encode(format!("{error:#}")))?;
    let imports = imports_of(&encoded)?;
    if imports.is_empty() { Ok(encoded) } else { Err(WrapError::Imports(imports)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_contract_that_imports_is_refused() {
        // (module (import "env" "now" (func)))
        let clock = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x0b\x01\x03env\x03now\0\0";
        assert!(matches!(wrap_machine(clock), Err(WrapError::Encode(_))));
    }
}
