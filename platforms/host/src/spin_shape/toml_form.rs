//! The keys of `spin.toml` that this shape reads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::files::Mount;

#[derive(Deserialize)]
pub(super) struct Raw {
    pub(super) spin_manifest_version: u32,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, RawVariable>,
    #[serde(default)]
    pub(super) trigger: RawTriggers,
    #[serde(default)]
    pub(super) component: BTreeMap<String, RawComponent>,
}

#[derive(Deserialize)]
pub(super) struct RawVariable {
    pub(super) default: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
}

#[derive(Default, Deserialize)]
pub(super) struct RawTriggers {
    #[serde(default)]
    pub(super) http: Vec<RawTrigger>,
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, toml::Value>,
}

/// What is not known here would change what a request meets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTrigger {
    #[serde(default, rename = "id")]
    pub(super) _id: Option<String>,
    pub(super) route: Route,
    pub(super) component: Option<String>,
    pub(super) static_response: Option<StaticResponse>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Route {
    Public(String),
    Private { private: bool },
}

/// An answer that needs no component.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct StaticResponse {
    /// Its status.
    #[serde(default = "ok")]
    pub(super) status_code: u16,
    /// Its header fields.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Its body.
    pub(super) body: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RawComponent {
    pub(super) source: PathBuf,
    #[serde(default)]
    pub(super) dependencies: BTreeMap<String, RawDependency>,
    pub(super) dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    pub(super) sqlite_databases: Vec<String>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) files: Vec<Mount>,
    #[serde(default)]
    pub(super) exclude_files: Vec<String>,
    #[serde(default)]
    pub(super) allowed_outbound_hosts: Vec<String>,
}

/// Files alone: registries and other components of the manifest are for Spin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDependency {
    pub(super) path: PathBuf,
    pub(super) inherit_configuration: Option<Inherit>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Inherit {
    All(bool),
    Some(Vec<String>),
}

fn ok() -> u16 {
    200
}
