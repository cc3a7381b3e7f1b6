//! What a component imports and exports, by name.

use wasmparser::{Parser, Payload};

/// The bytes are not a component.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// Not WebAssembly at all, or cut short.
    #[error("not a WebAssembly component: {0}")]
    Malformed(#[from] wasmparser::BinaryReaderError),
    /// A core module where a component was expected.
    #[error("a core module, not a component: wrap it first")]
    CoreModule,
}

/// Names of everything that a component imports (`wasi:http/types@0.3.0`, …), in its own order.
pub fn imports_of(component: &[u8]) -> Result<Vec<String>, NamesError> {
    names(component, Side::Imports)
}

/// Names of everything that a component exports, in its own order.
pub fn exports_of(component: &[u8]) -> Result<Vec<String>, NamesError> {
    names(component, Side::Exports)
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Imports,
    Exports,
}

fn names(component: &[u8], side: Side) -> Result<Vec<String>, NamesError> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { encoding: wasmparser::Encoding::Module, .. } if depth == 0 => {
                return Err(NamesError::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 && side == Side::Imports => {
                for import in imports {
                    names.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 && side == Side::Exports => {
                for export in exports {
                    names.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn an_empty_component_has_no_names() {
        assert_eq!(imports_of(EMPTY_COMPONENT).unwrap(), Vec::<String>::new());
        assert_eq!(exports_of(EMPTY_COMPONENT).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_core_module_and_noise_are_refused() {
        assert!(matches!(imports_of(EMPTY_MODULE), Err(NamesError::CoreModule)));
        assert!(matches!(imports_of(b"noise"), Err(NamesError::Malformed(_))));
    }
}
