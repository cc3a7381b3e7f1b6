//! The composition root: what `spin.toml` says, read for this host.
//!
//! Spin's own keys are read where they mean the same here; ours stand under
//! `[component.X.tool.ecomauction]`, which Spin ignores. Unknown keys of ours are an error, so that
//! a typing slip is not a silent default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use composition::{Consumer, Machine, Tool};
use serde::Deserialize;

use crate::outbound::Allowed;

/// The whole manifest.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Application name.
    pub(crate) name: String,
    /// Its version, if it has one.
    pub(crate) version: Option<String>,
    /// Components by id.
    pub(crate) components: BTreeMap<String, Component>,
    /// Variables of the application, for what the host itself does.
    pub(crate) variables: BTreeMap<String, String>,
    /// HTTP routes in the order of the manifest.
    pub(crate) routes: Vec<Route>,
}

/// One HTTP trigger.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// Spin route syntax: exact, or a prefix ending in `/...`.
    pub(crate) pattern: String,
    /// Component id.
    pub(crate) component: String,
}

/// One component and what it is granted.
#[derive(Debug)]
pub(crate) struct Component {
    /// The component file.
    pub(crate) source: PathBuf,
    /// Variables by name, templates resolved.
    pub(crate) variables: BTreeMap<String, String>,
    /// Servers that it may send requests to.
    pub(crate) outbound: Vec<Allowed>,
    /// Our own keys.
    pub(crate) tool: Tool,
}

impl Manifest {
    /// Reads a manifest; `overrides` set variables over the manifest's defaults.
    pub(crate) fn read(path: &Path, overrides: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base, overrides)
            .with_context(|| format!("in the manifest {}", path.display()))
    }

    /// Every subscription and the component that it is for.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = (String, Consumer)> + '_ {
        self.components.iter().flat_map(|(id, component)| {
            component.tool.consumers.iter().map(move |consumer| (id.clone(), consumer.clone()))
        })
    }

    /// A machine by its name.
    pub(crate) fn machine(&self, name: &str) -> anyhow::Result<&Machine> {
        let machines = || self.components.values().flat_map(|one| &one.tool.machines);
        let found = machines().find(|(known, _)| *known == name).map(|(_, machine)| machine);
        found.with_context(|| {
            let known: Vec<&str> = machines().map(|(known, _)| known.as_str()).collect();
            format!("the manifest has no machine {name}, only: {}", known.join(", "))
        })
    }

    fn parse(
        text: &str,
        base: &Path,
        overrides: &BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let raw: RawManifest = toml::from_str(text)?;
        if raw.spin_manifest_version != 2 {
            bail!("spin_manifest_version must be 2");
        }
        let mut values = BTreeMap::new();
        for (name, variable) in &raw.variables {
            match overrides.get(name).or(variable.default.as_ref()) {
                Some(value) => {
                    values.insert(name.as_str(), value.clone());
                }
                None if variable.required => {
                    bail!("variable {name} is required: set SPIN_VARIABLE_{}", name.to_uppercase())
                }
                None => {}
            }
        }
        let mut components = BTreeMap::new();
        for (id, raw) in raw.component {
            let variables = raw.variables.iter().map(|(name, template)| {
                let value = resolve(template, &values)
                    .with_context(|| format!("variable {name} of component {id}"))?;
                Ok((name.clone(), value))
            });
            let variables = variables.collect::<anyhow::Result<_>>()?;
            let outbound = allowed(&raw.allowed_outbound_hosts, &values);
            let outbound = outbound.with_context(|| format!("hosts of component {id}"))?;
            let mut tool = raw.tool.ecomauction;
            tool.check().with_context(|| format!("component {id}"))?;
            for machine in tool.machines.values_mut() {
                machine.source = base.join(&machine.source);
                machine.verifier = machine.verifier.as_ref().map(|file| base.join(file));
            }
            let source = base.join(raw.source);
            components.insert(id, Component { source, variables, outbound, tool });
        }
        let mut routes = Vec::new();
        for trigger in raw.trigger.http {
            if !components.contains_key(&trigger.component) {
                bail!("route for an unknown component {}", trigger.component);
            }
            if let RawRoute::Pattern(pattern) = trigger.route {
                routes.push(Route { pattern, component: trigger.component });
            }
        }
        let RawApplication { name, version } = raw.application;
        let variables = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { name, version, components, variables, routes })
    }
}

/// The hosts that templates name; one that is a variable may be empty, and is left out.
fn allowed(templates: &[String], values: &BTreeMap<&str, String>) -> anyhow::Result<Vec<Allowed>> {
    let mut allowed = Vec::new();
    for template in templates {
        let host = resolve(template, values)?;
        if !host.is_empty() {
            allowed.push(Allowed::parse(&host)?);
        }
    }
    Ok(allowed)
}

/// Replaces `{{ name }}` by the variable's value.
fn resolve(template: &str, values: &BTreeMap<&str, String>) -> anyhow::Result<String> {
    let mut resolved = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("`{{` without `}}`")?;
        let name = name.trim();
        resolved.push_str(before);
        resolved.push_str(values.get(name).with_context(|| format!("no variable {name}"))?);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

#[derive(Deserialize)]
struct RawManifest {
    spin_manifest_version: u32,
    application: RawApplication,
    #[serde(default)]
    variables: BTreeMap<String, RawVariable>,
    #[serde(default)]
    trigger: RawTriggers,
    #[serde(default)]
    component: BTreeMap<String, RawComponent>,
}

#[derive(Deserialize)]
struct RawApplication {
    name: String,
    version: Option<String>,
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
    route: RawRoute,
    component: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawRoute {
    Pattern(String),
    Private {
        #[serde(rename = "private")]
        _private: bool,
    },
}

#[derive(Deserialize)]
struct RawComponent {
    source: PathBuf,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    tool: RawTool,
}

#[derive(Default, Deserialize)]
struct RawTool {
    #[serde(default)]
    ecomauction: Tool,
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
        development = { default = "false" }
        shop = { default = "" }
        [[trigger.http]]
        route = "/v1/things/..."
        component = "things"
        [component.things]
        source = "things.wasm"
        variables = { development = "{{ development }}" }
        allowed_outbound_hosts = ["https://example.com", "{{ shop }}"]
        [component.things.tool.ecomauction]
        machines = { thing = { source = "thing_machine.wasm" } }
        entities = ["thing"]
    "#;

    #[test]
    fn a_manifest_names_components_routes_and_grants() {
        let manifest = Manifest::parse(MANIFEST, Path::new("app"), &BTreeMap::new()).unwrap();
        let things = &manifest.components["things"];
        assert_eq!(things.source, Path::new("app/things.wasm"));
        assert_eq!(things.tool.machines["thing"].source, Path::new("app/thing_machine.wasm"));
        assert_eq!(things.variables["development"], "false");
        assert_eq!(things.outbound, [Allowed::parse("https://example.com").unwrap()]);
        assert_eq!(manifest.machine("thing").unwrap().shards, 8);
        let unknown = manifest.machine("ting").unwrap_err().to_string();
        assert!(unknown.contains("no machine ting, only: thing"), "{unknown}");
        assert!(!things.tool.signs_tokens, "nobody is granted what is not said");
        assert_eq!(manifest.routes[0].pattern, "/v1/things/...");
    }

    #[test]
    fn an_override_wins_over_the_default() {
        let overrides = BTreeMap::from([("development".to_owned(), "true".to_owned())]);
        let manifest = Manifest::parse(MANIFEST, Path::new("app"), &overrides).unwrap();
        assert_eq!(manifest.components["things"].variables["development"], "true");
        assert_eq!(manifest.variables["development"], "true");
    }

    #[test]
    fn a_typing_slip_in_our_keys_is_an_error() {
        let slipped = MANIFEST.replace("entities =", "entitles =");
        let error = Manifest::parse(&slipped, Path::new("app"), &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("entitles"), "{error}");
    }

    #[test]
    fn subscriptions_and_jobs_are_checked_at_the_start() {
        let parse = |keys: &str| {
            let text = MANIFEST.replace("entities = [\"thing\"]", keys);
            Manifest::parse(&text, Path::new("app"), &BTreeMap::new())
        };
        let manifest = parse(
            "consumers = [{ topic = \"a.v1\", filter = { n = [1] } }, { topic = \"b\" }]
             crons = [{ job = \"things.sweep\", schedule = \"*/10 * * * *\" }]",
        );
        let manifest = manifest.unwrap();
        let names = manifest.subscriptions().map(|(id, consumer)| consumer.queue(&id));
        assert_eq!(names.collect::<Vec<_>>(), ["things/a.v1", "things/b"]);
        assert_eq!(manifest.components["things"].tool.crons[0].job, "things.sweep");
        for (keys, word) in [
            ("consumers = [{ topic = \"a\" }, { topic = \"a\" }]", "twice"),
            ("consumers = [{ topic = \"a\", filters = { n = [1] } }]", "filters"),
            ("consumers = [{ topic = \"a b\" }]", "a b"),
            ("crons = [{ job = \"j\", schedule = \"never\" }]", "schedule of j"),
            ("crons = [{ job = \"j\", schedul = \"* * * * *\" }]", "schedul"),
        ] {
            let error = format!("{:#}", parse(keys).unwrap_err());
            assert!(error.contains(word), "{keys}: {error}");
        }
    }
}
