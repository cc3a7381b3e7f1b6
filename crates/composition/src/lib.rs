//! What `spin.toml` says about components under our own keys, `[component.X.tool.ecomauction]`.
//!
//! Spin ignores them, and every platform reads them here. Unknown keys of ours are an error, so
//! that a typing slip is not a silent default.
//!
//! ```
//! let text = r#"
//!     [component.shop]
//!     source = "shop.wasm"
//!     [component.shop.tool.ecomauction]
//!     consumers = [{ topic = "auction.closed.v1", filter = { outcome = ["sold"] } }]
//! "#;
//! let composition = composition::Composition::parse(text).unwrap();
//! let consumers = &composition.of("shop").unwrap().consumers;
//! assert_eq!(consumers[0].terms().max_receives, 8);
//! ```

mod neighbours;
mod routes;
mod schedule;
mod subscription;

pub use routes::{Caught, Pattern};
pub use schedule::{Schedule, ScheduleError};
pub use subscription::{Consumer, Cron, Filter, PUT_OFF_MAX_MS, SubscriptionError, Terms, backoff};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

/// Our keys of all components. Everything else in the manifest is somebody else's to read.
#[derive(Debug, Default)]
pub struct Composition {
    /// By the ids of the components; one without our keys has the defaults.
    pub components: BTreeMap<String, Tool>,
    /// Public routes and the components that they lead to; of two that take a path the first does.
    routes: Vec<(Pattern, String)>,
    /// The hosts that components may send requests to.
    outbound: BTreeMap<String, Vec<String>>,
    /// What variables are where nobody sets them.
    defaults: BTreeMap<String, String>,
    version: Option<String>,
}

/// `[component.X.tool.ecomauction]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Machines that this component brings, by name.
    #[serde(default)]
    pub machines: BTreeMap<String, Machine>,
    /// Machines that it may call.
    #[serde(default)]
    pub entities: Vec<String>,
    /// Topics that its `consumer` handles.
    #[serde(default)]
    pub consumers: Vec<Consumer>,
    /// Jobs that its `schedule` runs.
    #[serde(default)]
    pub crons: Vec<Cron>,
    /// It may sign access tokens: it says to all others who somebody is.
    #[serde(default)]
    pub signs_tokens: bool,
    /// It may sign proofs: what stands in the logs of its machines.
    #[serde(default)]
    pub signs_proofs: bool,
    /// Prefix of its tables.
    #[serde(default)]
    pub tables: Option<String>,
    /// Largest body of a request that somebody signed in sends; none: as for everyone.
    #[serde(default)]
    pub body_max_bytes: Option<usize>,
    /// Most memory of one of its instances; none: as for everyone.
    #[serde(default)]
    pub memory_max_bytes: Option<usize>,
    /// How long a request may keep a processor; none: as for everyone.
    #[serde(default)]
    pub running_ms_max: Option<u32>,
    /// How many requests that write may run at once; none: as many as there are instances.
    #[serde(default)]
    pub writes_at_once_max: Option<u16>,
    /// The cookie in which it keeps access tokens of people; over HTTPS behind `__Host-`.
    #[serde(default)]
    pub token_cookie: Option<String>,
}

/// One machine component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The component file.
    pub source: PathBuf,
    /// How many instances share its entities.
    #[serde(default = "default_shards")]
    pub shards: u16,
    /// The component that checks what public logs of it say, if there is one.
    #[serde(default)]
    pub verifier: Option<PathBuf>,
}

/// The manifest cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompositionError {
    /// No TOML, or a key of ours that is unknown, missing or of another type.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// Our keys of a component are wrong.
    #[error("component {id}: {why}")]
    Component {
        /// Which component.
        id: String,
        /// What is wrong.
        why: ToolError,
    },
}

/// What is wrong with our keys of a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// A subscription is wrong by itself.
    #[error("{0}")]
    Subscription(SubscriptionError),
    /// Two subscriptions to a topic.
    #[error("it consumes {0} twice")]
    ConsumedTwice(String),
    /// The schedule of a job is none.
    #[error("schedule of {job}: {why}")]
    Schedule {
        /// Which job.
        job: String,
        /// What is wrong.
        why: ScheduleError,
    },
    /// Two schedules for a job.
    #[error("its job {0} has two schedules")]
    ScheduledTwice(String),
    /// A machine with nowhere to run.
    #[error("a machine needs at least one shard")]
    NoShard,
    /// A bound that lets nothing through, or more than any platform has.
    #[error("{0} is out of bounds")]
    Bound(&'static str),
}

impl Composition {
    /// Reads our keys out of the text of a manifest.
    pub fn parse(text: &str) -> Result<Self, CompositionError> {
        let raw: RawManifest = toml::from_str(text)?;
        let (mut components, mut outbound) = (BTreeMap::new(), BTreeMap::new());
        for (id, RawComponent { tool, allowed_outbound_hosts }) in raw.component {
            let tool = tool.ecomauction;
            if let Err(why) = tool.check() {
                return Err(CompositionError::Component { id, why });
            }
            outbound.insert(id.clone(), allowed_outbound_hosts);
            components.insert(id, tool);
        }
        let mut routes = Vec::new();
        for trigger in raw.trigger.http {
            if let (Some(route), Some(component)) = (trigger.route.as_str(), trigger.component) {
                routes.push((Pattern::parse(route), component));
            }
        }
        routes.sort_by_key(|(pattern, _)| pattern.precedence());
        let default = |(name, variable): (String, RawVariable)| Some((name, variable.default?));
        let defaults = raw.variables.into_iter().filter_map(default).collect();
        let version = raw.application.version;
        Ok(Self { components, routes, outbound, defaults, version })
    }

    /// What a variable is where nobody sets it.
    pub fn default_of(&self, variable: &str) -> Option<&str> {
        self.defaults.get(variable).map(String::as_str)
    }

    /// Version of the application, if it has one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The component that a path belongs to.
    pub fn serving(&self, path: &str) -> Option<&str> {
        let found = self.routes.iter().find(|(pattern, _)| pattern.matches(path));
        found.map(|(_, component)| component.as_str())
    }

    /// Our keys of a component.
    pub fn of(&self, id: &str) -> Option<&Tool> {
        self.components.get(id)
    }

    /// Every subscription, after the id of its component.
    pub fn subscriptions(&self) -> impl Iterator<Item = (&str, &Consumer)> {
        self.components
            .iter()
            .flat_map(|(id, tool)| tool.consumers.iter().map(move |one| (id.as_str(), one)))
    }
}

impl Tool {
    /// Finds what cannot be meant.
    pub fn check(&self) -> Result<(), ToolError> {
        if self.machines.values().any(|machine| machine.shards == 0) {
            return Err(ToolError::NoShard);
        }
        self.check_bounds()?;
        let mut topics = BTreeSet::new();
        for consumer in &self.consumers {
            consumer.check().map_err(ToolError::Subscription)?;
            if !topics.insert(&consumer.topic) {
                return Err(ToolError::ConsumedTwice(consumer.topic.clone()));
            }
        }
        let mut jobs = BTreeSet::new();
        for Cron { job, schedule } in &self.crons {
            Schedule::parse(schedule)
                .map_err(|why| ToolError::Schedule { job: job.clone(), why })?;
            if !jobs.insert(job) {
                return Err(ToolError::ScheduledTwice(job.clone()));
            }
        }
        Ok(())
    }
}

impl Tool {
    fn check_bounds(&self) -> Result<(), ToolError> {
        let running = self.running_ms_max.map(|ms| ms as usize);
        let writes = self.writes_at_once_max.map(usize::from);
        for (name, bound, most) in [
            ("body_max_bytes", self.body_max_bytes, BODY_LARGEST_BYTES),
            ("memory_max_bytes", self.memory_max_bytes, MEMORY_LARGEST_BYTES),
            ("running_ms_max", running, RUNNING_LONGEST_MS),
            ("writes_at_once_max", writes, usize::from(u16::MAX)),
        ] {
            if bound.is_some_and(|bound| bound == 0 || bound > most) {
                return Err(ToolError::Bound(name));
            }
        }
        Ok(())
    }
}

/// Bodies are held whole.
const BODY_LARGEST_BYTES: usize = 16 << 20;
/// What the memory of an instance may be set to at most; platforms set so many addresses aside.
pub const MEMORY_LARGEST_BYTES: usize = 256 << 20;
const RUNNING_LONGEST_MS: usize = 30_000;

fn default_shards() -> u16 {
    8
}

#[derive(Deserialize)]
struct RawManifest {
    #[serde(default)]
    application: RawApplication,
    #[serde(default)]
    component: BTreeMap<String, RawComponent>,
    #[serde(default)]
    trigger: RawTriggers,
    #[serde(default)]
    variables: BTreeMap<String, RawVariable>,
}

#[derive(Default, Deserialize)]
struct RawApplication {
    version: Option<String>,
}

#[derive(Deserialize)]
struct RawVariable {
    default: Option<String>,
}

#[derive(Default, Deserialize)]
struct RawTriggers {
    #[serde(default)]
    http: Vec<RawTrigger>,
}

/// What is no text, a private route or a component in place, leads nowhere from outside.
#[derive(Deserialize)]
struct RawTrigger {
    route: toml::Value,
    #[serde(default, deserialize_with = "text")]
    component: Option<String>,
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(toml::Value::deserialize(deserializer)?.as_str().map(str::to_owned))
}

#[derive(Deserialize)]
struct RawComponent {
    #[serde(default)]
    tool: RawTool,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
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
        secret = { required = true }
        [[trigger.http]]
        route = { private = true }
        component = "things"
        [component.things]
        source = { url = "https://example.com/things.wasm", digest = "sha256:00" }
        files = ["spin.toml"]
        [component.things.tool.other]
        anything = 1
        [component.things.tool.ecomauction]
        entities = ["thing"]
        [component.plain]
        source = "plain.wasm"
    "#;

    #[test]
    fn routes_and_defaults_are_read_for_who_links_services() {
        let text = r#"
            [variables]
            colour = { default = "red" }
            [[trigger.http]]
            route = "/..."
            component = "rest"
            [[trigger.http]]
            route = "/things/:id"
            component = "things"
            [[trigger.http]]
            route = "/inline"
            component = { source = "x.wasm" }
        "#;
        let composition = Composition::parse(text).unwrap();
        assert_eq!(composition.serving("/things/1"), Some("things"));
        assert_eq!(composition.serving("/things/1/more"), Some("rest"));
        assert_eq!(composition.serving("/inline"), Some("rest"));
        assert_eq!(composition.default_of("colour"), Some("red"));
        assert_eq!(composition.default_of("size"), None);
    }

    #[test]
    fn our_keys_are_read_and_everything_else_is_left_to_others() {
        let composition = Composition::parse(MANIFEST).unwrap();
        assert_eq!(composition.of("things").unwrap().entities, ["thing"]);
        assert_eq!((composition.default_of("secret"), composition.serving("/a")), (None, None));
        assert!(composition.of("plain").unwrap().entities.is_empty());
        assert!(composition.of("other").is_none());
        let things = composition.of("things").unwrap();
        assert!(!things.signs_tokens && !things.signs_proofs, "nobody is granted it unsaid");
    }

    #[test]
    fn the_manifest_of_this_project_is_read() {
        let text = include_str!("../../../spin.toml");
        let composition = Composition::parse(text).unwrap();
        assert_eq!(composition.of("auctions").unwrap().machines["auction"].shards, 8);
        assert!(composition.version().is_some());
        let takers =
            composition.subscriptions().filter(|(_, one)| one.topic.starts_with("auction."));
        let ids: BTreeSet<&str> = takers.map(|(id, _)| id).collect();
        assert_eq!(ids, BTreeSet::from(["auctions", "notifications", "pictures", "qr"]));
    }

    #[test]
    fn what_cannot_be_meant_is_an_error() {
        for (keys, word) in [
            ("entitles = [\"thing\"]", "entitles"),
            ("machines = { m = { source = \"m.wasm\", shards = 0 } }", "shard"),
            ("consumers = [{ topic = \"a\" }, { topic = \"a\" }]", "consumes a twice"),
            ("consumers = [{ topic = \"a\", filters = { n = [1] } }]", "filters"),
            ("consumers = [{ topic = \"a b\" }]", "component things: topic \"a b\""),
            ("crons = [{ job = \"j\", schedule = \"never\" }]", "schedule of j: \"never\""),
            ("body_max_bytes = 0", "body_max_bytes is out of bounds"),
            ("body_max_bytes = 99000000", "body_max_bytes is out of bounds"),
            ("memory_max_bytes = 999000000", "memory_max_bytes is out of bounds"),
            ("running_ms_max = 60000", "running_ms_max is out of bounds"),
            ("writes_at_once_max = 0", "writes_at_once_max is out of bounds"),
        ] {
            let text = MANIFEST.replace("entities = [\"thing\"]", keys);
            let error = Composition::parse(&text).unwrap_err().to_string();
            assert!(error.contains(word), "{keys}: {error}");
        }
    }
}
