//! What Spin itself reads in `spin.toml`, as far as our manifest uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::files::Mount;
use super::hosts::AllowedHosts;
use super::toml_form::{Inherit, Raw, RawComponent, RawDependency, RawTrigger, Route};

pub(super) use super::toml_form::StaticResponse;

/// The manifest as Spin sees it.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The folder of the manifest.
    pub(super) base: PathBuf,
    /// Components by id.
    pub(super) components: BTreeMap<String, Component>,
    /// Components that requests reach, if only from other components.
    pub(super) triggered: BTreeSet<String>,
    /// Public HTTP routes and where they lead.
    pub(super) routes: Vec<(String, Target)>,
}

/// Where a route leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To a component.
    Component(String),
    /// To nobody: the manifest has the answer.
    Static(StaticResponse),
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
    /// What it sees at `/`.
    pub(super) files: Vec<Mount>,
    /// What it does not see of them.
    pub(super) exclude_files: Vec<String>,
    /// Where it may send requests.
    pub(super) allowed: AllowedHosts,
}

impl Manifest {
    /// Reads a manifest. `overrides` set variables over their defaults; names that the manifest
    /// does not have mean nothing, as in Spin.
    pub(super) fn read(path: &Path, overrides: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base, overrides)
            .with_context(|| format!("in the manifest {}", path.display()))
    }

    fn parse(
        text: &str,
        base: &Path,
        overrides: &BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let raw: Raw = toml::from_str(text)?;
        if raw.spin_manifest_version != 2 {
            bail!("spin_manifest_version must be 2");
        }
        for other in raw.trigger.others.keys() {
            tracing::warn!(trigger = other, "`up --only spin` has HTTP triggers alone");
        }
        let values = raw.values(overrides)?;
        let mut components = BTreeMap::new();
        for (id, component) in raw.component {
            let component = component.resolve(base, &values);
            components.insert(id.clone(), component.with_context(|| format!("component {id}"))?);
        }
        let (mut triggered, mut routes) = (BTreeSet::new(), Vec::new());
        for RawTrigger { route, component, static_response, .. } in raw.trigger.http {
            let target = match (component, static_response) {
                (Some(id), None) => {
                    if !components.contains_key(&id) {
                        bail!("route for an unknown component {id}");
                    }
                    triggered.insert(id.clone());
                    Target::Component(id)
                }
                (None, Some(response)) => Target::Static(response),
                _ => bail!("triggers must specify either component or static_response"),
            };
            match route {
                Route::Public(route) => routes.push((route, target)),
                Route::Private { private: true } => {}
                Route::Private { private: false } => {
                    bail!("route must be a string pattern or '{{ private = true }}'")
                }
            }
        }
        Ok(Self { base: base.to_owned(), components, triggered, routes })
    }
}

impl Raw {
    /// The values of the application's variables.
    fn values(
        &self,
        overrides: &BTreeMap<String, String>,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let (mut values, mut missing) = (BTreeMap::new(), Vec::new());
        for (name, variable) in &self.variables {
            if variable.required == variable.default.is_some() {
                bail!("variable {name} must be `required` OR have a `default`");
            }
            match overrides.get(name).or(variable.default.as_ref()) {
                Some(value) => drop(values.insert(name.clone(), value.clone())),
                None => missing.push(name.as_str()),
            }
        }
        if let Some(first) = missing.first() {
            let (all, upper) = (missing.join(", "), first.to_uppercase());
            bail!("required variables without a value: {all}; set SPIN_VARIABLE_{upper}, …");
        }
        Ok(values)
    }
}

impl RawComponent {
    fn resolve(self, base: &Path, values: &BTreeMap<String, String>) -> anyhow::Result<Component> {
        let mut dependencies = BTreeMap::new();
        for (name, dependency) in &self.dependencies {
            self.check_inheritance(name, dependency)?;
            dependencies.insert(name.clone(), base.join(&dependency.path));
        }
        let hosts = self.allowed_outbound_hosts.iter().map(|entry| {
            let was_template = entry.contains("{{");
            Ok((was_template, expand(entry, values)?))
        });
        let hosts = hosts.collect::<anyhow::Result<Vec<_>>>()?;
        let resolve = |(name, template): (String, String)| Ok((name, expand(&template, values)?));
        Ok(Component {
            source: base.join(self.source),
            dependencies,
            sqlite_databases: self.sqlite_databases,
            variables: self.variables.into_iter().map(resolve).collect::<anyhow::Result<_>>()?,
            environment: self.environment,
            files: self.files,
            exclude_files: self.exclude_files,
            allowed: AllowedHosts::parse(hosts)?,
        })
    }

    /// Spin denies a dependency what it does not inherit. Here nothing is denied, so that a
    /// dependency must inherit all that its component is granted.
    fn check_inheritance(&self, name: &str, dependency: &RawDependency) -> anyhow::Result<()> {
        let of_all = self.dependencies_inherit_configuration;
        let inherited = match (&dependency.inherit_configuration, of_all) {
            (Some(_), Some(_)) => bail!(
                "`dependencies_inherit_configuration` and per-dependency `inherit_configuration` \
                 are mutually exclusive; use one or the other"
            ),
            (Some(Inherit::All(true)), None) | (None, Some(true)) => return Ok(()),
            (Some(Inherit::Some(inherited)), None) => inherited.as_slice(),
            (Some(Inherit::All(false)) | None, _) => &[],
        };
        let granted = [
            ("allowed_outbound_hosts", self.allowed_outbound_hosts.is_empty()),
            ("environment", self.environment.is_empty()),
            ("files", self.files.is_empty()),
            ("sqlite_databases", self.sqlite_databases.is_empty()),
            ("variables", self.variables.is_empty()),
        ];
        for (grant, is_empty) in granted {
            if !is_empty && !inherited.iter().any(|name| name == grant) {
                bail!("dependency {name}: Spin denies it {grant} without inherit_configuration");
            }
        }
        Ok(())
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
        expanded.push_str(values.get(name).with_context(|| format!("unknown variable {name:?}"))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
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
        shop_host = { default = "" }
        [[trigger.http]]
        route = "/v1/things/..."
        component = "things"
        [[trigger.http]]
        route = { private = true }
        component = "cellar"
        [[trigger.http]]
        route = "/robots.txt"
        static_response = { headers = { content-type = "text/plain" }, body = "no" }
        [component.things]
        source = "things.wasm"
        sqlite_databases = ["default"]
        files = ["spin.toml", { source = "assets", destination = "/" }]
        exclude_files = ["assets/*.md"]
        allowed_outbound_hosts = ["http://*.spin.internal", "{{ shop_host }}"]
        variables = { banner = "{{ greeting }}, you" }
        [component.things.dependencies]
        "ecomauction:edge" = { path = "edge.wasm", inherit_configuration = true }
        [component.things.build]
        command = "make"
        [component.things.tool.ecomauction]
        entities = ["thing"]
        [component.cellar]
        source = "cellar.wasm"
    "#;

    fn parse(text: &str, overrides: &[(&str, &str)]) -> anyhow::Result<Manifest> {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Manifest::parse(text, Path::new("app"), &overrides.iter().map(owned).collect())
    }

    #[test]
    fn a_manifest_names_routes_dependencies_and_grants() {
        let manifest = parse(MANIFEST, &[]).unwrap();
        let things = &manifest.components["things"];
        assert_eq!(things.dependencies["ecomauction:edge"], Path::new("app/edge.wasm"));
        assert_eq!(things.sqlite_databases, ["default"]);
        assert_eq!(things.variables["banner"], "hello, you");
        assert_eq!(things.files.len(), 2);
        assert_ne!(things.allowed, AllowedHosts::default());
        assert_eq!(manifest.components["cellar"].allowed, AllowedHosts::default());
        assert_eq!(manifest.triggered.iter().collect::<Vec<_>>(), ["cellar", "things"]);
        let (route, target) = &manifest.routes[0];
        assert_eq!(
            (route.as_str(), target),
            ("/v1/things/...", &Target::Component("things".into()))
        );
        let Target::Static(robots) = &manifest.routes[1].1 else { panic!("a static response") };
        assert_eq!((robots.status_code, robots.body.as_deref()), (200, Some("no")));
        assert_eq!(manifest.routes.len(), 2, "a private route is nobody's path");
    }

    #[test]
    fn an_override_wins_and_an_unknown_one_means_nothing() {
        let manifest = parse(MANIFEST, &[("greeting", "bye"), ("greetings", "what")]).unwrap();
        assert_eq!(manifest.components["things"].variables["banner"], "bye, you");
    }

    #[test]
    fn a_required_variable_is_named_when_it_has_no_value() {
        let required = MANIFEST.replace("{ default = \"hello\" }", "{ required = true }");
        let error = format!("{:#}", parse(&required, &[]).unwrap_err());
        assert!(error.contains("greeting; set SPIN_VARIABLE_GREETING"), "{error}");
        assert!(parse(&required, &[("greeting", "hi")]).is_ok());
        let neither = MANIFEST.replace("{ default = \"hello\" }", "{ secret = true }");
        assert!(parse(&neither, &[("greeting", "hi")]).is_err());
    }

    #[test]
    fn a_dependency_inherits_all_that_is_granted() {
        let all = "\"allowed_outbound_hosts\", \"files\", \"sqlite_databases\", \"variables\"";
        let with = |inherit: &str, before: &str| {
            let text = MANIFEST.replace(", inherit_configuration = true", inherit);
            let things = "source = \"things.wasm\"";
            parse(&text.replace(things, &format!("{things}\n{before}")), &[])
        };
        let of_all = "dependencies_inherit_configuration = true";
        assert!(with("", of_all).is_ok());
        assert!(with(&format!(", inherit_configuration = [{all}]"), "").is_ok());
        for (inherit, before, word) in [
            ("", "", "inherit_configuration"),
            (", inherit_configuration = false", "", "inherit_configuration"),
            (", inherit_configuration = [\"variables\"]", "", "denies it allowed_outbound_hosts"),
            (", inherit_configuration = true", of_all, "mutually exclusive"),
        ] {
            let error = format!("{:#}", with(inherit, before).unwrap_err());
            assert!(error.contains(word), "{inherit} {before}: {error}");
        }
    }

    #[test]
    fn a_trigger_has_one_target() {
        let both =
            MANIFEST.replace("static_response =", "component = \"things\"\nstatic_response =");
        let error = format!("{:#}", parse(&both, &[]).unwrap_err());
        assert!(error.contains("either component or static_response"), "{error}");
    }
}
