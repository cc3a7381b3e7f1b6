//! Composition as Spin does it: flat. A component's imports are satisfied by its direct
//! dependencies; what those import themselves becomes an import of the result.

use std::collections::BTreeMap;

use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

/// Why components do not fit together. Where Spin has words for it, they are the same.
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
    /// Nothing that the component imports has the dependency's name.
    #[error("dependency '{dependency}' doesn't match any imports of component '{component}'")]
    Unmatched {
        /// Name of the component.
        component: String,
        /// Name of the dependency.
        dependency: String,
    },
    /// Two dependencies are named for one import.
    #[error(
        "component '{component}' has dependency conflicts: import '{import}' satisfied by \
         dependencies: '{}'", .dependencies.join(", ")
    )]
    Conflict {
        /// Name of the component.
        component: String,
        /// What would be satisfied twice.
        import: String,
        /// Who would satisfy it.
        dependencies: Vec<String>,
    },
    /// The dependency's name covers an import that the dependency does not export.
    #[error("dependency '{dependency}' doesn't export '{import}' to satisfy import '{import}'")]
    Missing {
        /// Name of the dependency.
        dependency: String,
        /// What it lacks.
        import: String,
    },
    /// The two mean different things by one name.
    #[error(
        "dependency '{dependency}' exports '{import}' which is not compatible with import \
         '{import}': {reason}"
    )]
    Unfit {
        /// Name of the dependency.
        dependency: String,
        /// What differs.
        import: String,
        /// The first difference.
        reason: String,
    },
    /// The graph cannot be built or written.
    #[error("the composition failed: {0}")]
    Graph(String),
}

/// Satisfies the service's imports with what `edge` exports, as Spin does for
/// `dependencies."ecomauction:edge"` with inherited configuration.
pub fn compose_spin(service: &[u8], edge: &[u8]) -> Result<Vec<u8>, ComposeError> {
    compose(("service", service), &[("ecomauction:edge", edge)])
}

/// Satisfies a component's imports with what its dependencies export. A dependency is named as in
/// the manifest, `package`, `package@version`, `package/interface` or `package/interface@version`,
/// and must export every import that its name covers. The result exports what the component
/// exports.
pub fn compose(
    (name, bytes): (&str, &[u8]),
    dependencies: &[(&str, &[u8])],
) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let (world, socket) = instantiate(&mut graph, name, (name, bytes))?;
    let imports: Vec<String> = graph.types()[world].imports.keys().cloned().collect();
    let mut plugs = Vec::new();
    for (dependency, bytes) in dependencies {
        if !imports.iter().any(|import| covers(dependency, import)) {
            let (component, dependency) = (name.to_owned(), (*dependency).to_owned());
            return Err(ComposeError::Unmatched { component, dependency });
        }
        let package = dependency.split(['/', '@']).next().unwrap_or(dependency);
        plugs.push((*dependency, instantiate(&mut graph, package, (dependency, bytes))?));
    }
    let mut satisfied = BTreeMap::new();
    for import in &imports {
        let mut fitting = plugs.iter().filter(|(dependency, _)| covers(dependency, import));
        let Some((dependency, plug)) = fitting.next() else { continue };
        let others: Vec<_> = fitting.map(|(other, _)| (*other).to_owned()).collect();
        if !others.is_empty() {
            let dependencies = [vec![(*dependency).to_owned()], others].concat();
            let (component, import) = (name.to_owned(), import.clone());
            return Err(ComposeError::Conflict { component, import, dependencies });
        }
        satisfied.insert(import, argument(&mut graph, world, (dependency, *plug), import)?);
    }
    for (import, export) in satisfied {
        graph.set_instantiation_argument(socket, import, export).map_err(failed)?;
    }
    let exports: Vec<String> = graph.types()[world].exports.keys().cloned().collect();
    for export in exports {
        let alias = graph.alias_instance_export(socket, &export).map_err(failed)?;
        graph.export(alias, &export).map_err(failed)?;
    }
    graph.encode(EncodeOptions { validate: true, ..EncodeOptions::default() }).map_err(failed)
}

/// The dependency's export for an import of `world`.
fn argument(
    graph: &mut CompositionGraph,
    world: WorldId,
    (dependency, (plug_world, plug)): (&str, (WorldId, NodeId)),
    import: &str,
) -> Result<NodeId, ComposeError> {
    let names = || (dependency.to_owned(), import.to_owned());
    let types = graph.types();
    let wanted = types[world].imports.get(import);
    let given = types[plug_world].exports.get(import);
    let (Some(wanted), Some(given)) = (wanted, given) else {
        let (dependency, import) = names();
        return Err(ComposeError::Missing { dependency, import });
    };
    let mut cache = Default::default();
    let fits = SubtypeChecker::new(&mut cache).is_subtype(*given, types, *wanted, types);
    fits.map_err(|error| {
        let (dependency, import) = names();
        ComposeError::Unfit { dependency, import, reason: format!("{error:#}") }
    })?;
    graph.alias_instance_export(plug, import).map_err(failed)
}

/// Is the import one that a dependency of this name is for?
fn covers(dependency: &str, import: &str) -> bool {
    let (wanted, wanted_version) = versioned(dependency);
    let (given, given_version) = versioned(import);
    let is_named = match (wanted.split_once('/'), given.split_once('/')) {
        (None, Some((package, _))) => wanted == package,
        _ => wanted == given,
    };
    is_named && wanted_version.is_none_or(|version| given_version == Some(version))
}

fn versioned(name: &str) -> (&str, Option<&str>) {
    name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)))
}

fn instantiate(
    graph: &mut CompositionGraph,
    package: &str,
    (name, bytes): (&str, &[u8]),
) -> Result<(WorldId, NodeId), ComposeError> {
    let unreadable =
        |reason: String| ComposeError::Unreadable { component: name.to_owned(), reason };
    let package = Package::from_bytes(package, None, bytes.to_vec(), graph.types_mut())
        .map_err(|error| unreadable(format!("{error:#}")))?;
    let world = package.ty();
    let id = graph.register_package(package).map_err(|error| unreadable(error.to_string()))?;
    Ok((world, graph.instantiate(id)))
}

fn failed(error: impl std::fmt::Display) -> ComposeError {
    ComposeError::Graph(error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn a_dependency_covers_imports_by_package_interface_and_version() {
        for (dependency, import, expected) in [
            ("a:b", "a:b/c@0.1.0", true),
            ("a:b", "a:b/c", true),
            ("a:b", "a:bc/c@0.1.0", false),
            ("a:b@0.1.0", "a:b/c@0.1.0", true),
            ("a:b@0.1.0", "a:b/c@0.1.1", false),
            ("a:b@0.1.0", "a:b/c", false),
            ("a:b/c", "a:b/c@0.1.0", true),
            ("a:b/c", "a:b/d@0.1.0", false),
            ("a:b/c@0.1.0", "a:b/c@0.1.0", true),
            ("plain", "plain", true),
        ] {
            assert_eq!(covers(dependency, import), expected, "{dependency} {import}");
        }
    }

    #[test]
    fn components_that_do_not_fit_are_told_so() {
        let error = compose_spin(EMPTY_COMPONENT, EMPTY_COMPONENT).unwrap_err().to_string();
        assert_eq!(
            error,
            "dependency 'ecomauction:edge' doesn't match any imports of component 'service'"
        );
    }

    #[test]
    fn an_unreadable_component_is_named() {
        let error = compose_spin(b"noise", EMPTY_COMPONENT).unwrap_err().to_string();
        assert!(error.starts_with("service cannot be read"), "{error}");
    }
}
