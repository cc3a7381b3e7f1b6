//! What Spin itself reads in `spin.toml`, as far as our manifest uses it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// The manifest as Spin sees it.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Components by id.
    pub(super) components: BTreeMap<String, Component>,
    /// Public HTTP routes and their components.
    pub(super) routes: Vec<(String, String)>,
}

/// One component and what it is granted.
#[derive(Debug)]
pub(super) struct Component {
    /// The component file.
    pub(super) source: PathBuf,
    /// Components that satisfy its imports, by package or interface name.
    pub(super) dependencies: BTreeMap<String, PathBuf>,
    /// Labels of the databases that it may open.
    pub(super) sqlite_databases: Vec<String>,
    /// Variables by name, values resolved.
    pub(super) variables: BTreeMap<String, String>,
    /// Environment of the component.
    pub(super) environment: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest. `SPIN_VARIABLE_NAME` in the environment overrides a variable's default.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        let variable = |name: &str| std::env::var(format!("SPIN_VARIABLE_{name}")).ok();
        Self::parse(&text, base, variable)
            .with_context(|| format!("in the manifest {}", path.display()))
    }

    fn parse(
        text: &str,
        base: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let raw: Raw = toml::from_str(text)?;
        if raw.spin_manifest_version != 2 {
            bail!("spin_manifest_version must be 2");
        }
        let mut values = BTreeMap::new();
        for (name, variable) in raw.variables {
            match environment(&name.to_uppercase()).or(variable.default) {
                Some(value) => drop(values.insert(name, value)),
                None if variable.required => bail!("variable {name} is required"),
                None => {}
            }
        }
        let mut components = BTreeMap::new();
        for (id, component) in raw.component {
            let component = component.resolve(base, &values);
            components.insert(id.clone(), component.with_context(|| format!("component {id}"))?);
        }
        let mut routes = Vec::new();
        for trigger in raw.trigger.http {
            if !components.contains_key(&trigger.component) {
                bail!("route for an unknown component {}", trigger.component);
            }
            // A table instead of a string is `{ private = true }`.
            if let Some(route) = trigger.route.as_str() {
                routes.push((route.to_owned(), trigger.component));
            }
        }
        Ok(Self { components, routes })
    }
}

impl RawComponent {
    fn resolve(self, base: &Path, values: &BTreeMap<String, String>) -> anyhow::Result<Component> {
        let mut dependencies = BTreeMap::new();
        for (name, dependency) in self.dependencies {
            if !(dependency.inherit_configuration || self.dependencies_inherit_configuration) {
                bail!("dependency {name}: Spin gives it nothing without inherit_configuration");
            }
            dependencies.insert(name, base.join(dependency.path));
        }
        let resolve = |(name, template): (String, String)| Ok((name, expand(&template, values)?));
        Ok(Component {
            source: base.join(self.source),
            dependencies,
            sqlite_databases: self.sqlite_databases,
            variables: self.variables.into_iter().map(resolve).collect::<anyhow::Result<_>>()?,
            environment: self.environment,
        })
    }
}

/// Replaces `{{ name }}` by the variable's value.
fn expand(template: &str, values: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let mut expanded = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("`{{` without `}}`")?;
        let name = name.trim();
        expanded.push_str(before);
        expanded.push_str(values.get(name).with_context(|| format!("no variable {name}"))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[derive(Deserialize)]
struct Raw {
    spin_manifest_version: u32,
    #[serde(default)]
    variables: BTreeMap<String, RawVariable>,
    #[serde(default)]
    trigger: RawTriggers,
    #[serde(default)]
    component: BTreeMap<String, RawComponent>,
}

#[derive(Deserialize)]
struct RawVariable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
}

#[derive(Default, Deserialize)]
struct RawTriggers {
    #[serde(default)]
    http: Vec<RawTrigger>,
}

#[derive(Deserialize)]
struct RawTrigger {
    route: toml::Value,
    component: String,
}

#[derive(Deserialize)]
struct RawComponent {
    source: PathBuf,
    #[serde(default)]
    dependencies: BTreeMap<String, RawDependency>,
    #[serde(default)]
    dependencies_inherit_configuration: bool,
    #[serde(default)]
    sqlite_databases: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawDependency {
    path: PathBuf,
    #[serde(default)]
    inherit_configuration: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "shop"
        [variables]
        greeting = { default = "hello" }
        [[trigger.http]]
        route = "/v1/things/..."
        component = "things"
        [[trigger.http]]
        route = { private = true }
        component = "things"
        [component.things]
        source = "things.wasm"
        sqlite_databases = ["default"]
        variables = { banner = "{{ greeting }}, you" }
        [component.things.dependencies]
        "ecomauction:edge" = { path = "edge.wasm", inherit_configuration = true }
        [component.things.tool.ecomauction]
        entities = ["thing"]
    "#;

    #[test]
    fn a_manifest_names_routes_dependencies_and_grants() {
        let manifest = Manifest::parse(MANIFEST, Path::new("app"), |_| None).unwrap();
        let things = &manifest.components["things"];
        assert_eq!(things.dependencies["ecomauction:edge"], Path::new("app/edge.wasm"));
        assert_eq!(things.sqlite_databases, ["default"]);
        assert_eq!(things.variables["banner"], "hello, you");
        assert_eq!(manifest.routes, [("/v1/things/...".to_owned(), "things".to_owned())]);
    }

    #[test]
    fn the_environment_overrides_a_variable() {
        let environment = |name: &str| (name == "GREETING").then(|| "bye".to_owned());
        let manifest = Manifest::parse(MANIFEST, Path::new("app"), environment).unwrap();
        assert_eq!(manifest.components["things"].variables["banner"], "bye, you");
    }

    #[test]
    fn a_dependency_without_inherited_configuration_is_refused() {
        let stripped = MANIFEST.replace(", inherit_configuration = true", "");
        let error = Manifest::parse(&stripped, Path::new("app"), |_| None).unwrap_err();
        assert!(format!("{error:#}").contains("inherit_configuration"), "{error:#}");
    }
}
