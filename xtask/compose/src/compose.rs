//! Composition as Spin does it: flat. A component's imports are satisfied by its direct
//! dependencies; what those import themselves becomes an import of the result.

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, PlugError};

/// Why components do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// One of the two is no component, or uses a form that the composer does not know.
    #[error("{component} cannot be read as a component: {reason}")]
    Unreadable {
        /// The name given by the caller.
        component: String,
        /// The parser's words.
        reason: String,
    },
    /// The dependencies export nothing that the component imports in the same shape.
    #[error("the dependencies export nothing that the component imports")]
    NothingFits,
    /// The graph cannot be built or written.
    #[error("the composition failed: {0}")]
    Graph(String),
}

/// Satisfies the service's imports with what `edge` exports, as Spin does for
/// `dependencies."ecomauction:edge"` with inherited configuration.
pub fn compose_spin(service: &[u8], edge: &[u8]) -> Result<Vec<u8>, ComposeError> {
    compose(("service", service), &[("edge", edge)])
}

/// Satisfies a component's imports with what its dependencies export. The result exports what the
/// component exports. Names only show up in errors.
pub fn compose(
    component: (&str, &[u8]),
    dependencies: &[(&str, &[u8])],
) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let socket = register(&mut graph, component)?;
    let plugs = dependencies
        .iter()
        .map(|dependency| register(&mut graph, *dependency))
        .collect::<Result<Vec<_>, _>>()?;
    wac_graph::plug(&mut graph, plugs, socket).map_err(|error| match error {
        PlugError::NoPlugHappened => ComposeError::NothingFits,
        PlugError::GraphError { source } => ComposeError::Graph(format!("{source:#}")),
    })?;
    let options = EncodeOptions { validate: true, ..EncodeOptions::default() };
    graph.encode(options).map_err(|error| ComposeError::Graph(error.to_string()))
}

fn register(
    graph: &mut CompositionGraph,
    (name, bytes): (&str, &[u8]),
) -> Result<PackageId, ComposeError> {
    let unreadable =
        |reason: String| ComposeError::Unreadable { component: name.to_owned(), reason };
    let package = Package::from_bytes(name, None, bytes.to_vec(), graph.types_mut())
        .map_err(|error| unreadable(format!("{error:#}")))?;
    graph.register_package(package).map_err(|error| unreadable(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn components_that_do_not_fit_are_told_so() {
        let composed = compose_spin(EMPTY_COMPONENT, EMPTY_COMPONENT);
        assert!(matches!(composed, Err(ComposeError::NothingFits)));
    }

    #[test]
    fn an_unreadable_dependency_is_named() {
        let error = compose_spin(EMPTY_COMPONENT, b"noise").unwrap_err().to_string();
        assert!(error.starts_with("edge cannot be read"), "{error}");
    }
}
