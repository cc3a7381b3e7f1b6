//! What the manifest says about the messages that a component consumes, and when its jobs run.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A key that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SubscriptionError(String);

/// One subscription.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// Topic name.
    pub topic: String,
    /// How long messages are gathered before a delivery, in milliseconds.
    #[serde(default)]
    pub linger_ms: u64,
    /// Only the newest message of a key matters.
    #[serde(default)]
    pub compact: bool,
    /// Which messages of the topic.
    #[serde(default)]
    pub filter: Filter,
    /// Batches under way at once.
    concurrency: Option<u32>,
    /// Messages of a batch.
    batch_size: Option<u32>,
    /// A message that was received this often and not acknowledged becomes a dead letter.
    max_receives: Option<u32>,
    /// How long a message is hidden that its consumer has.
    visibility_seconds: Option<u32>,
    /// First pause after a refusal, in milliseconds; it doubles.
    retry_first_ms: Option<u32>,
    /// Of stations alone.
    #[serde(skip)]
    visibility_grows_ms: i64,
}

/// How the messages of a queue are delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long messages are gathered before a delivery.
    pub linger_ms: u64,
    /// Batches under way at once.
    pub concurrency: u32,
    /// Most messages of a batch.
    pub batch_size: u32,
    /// Receives after which a message is given up.
    pub max_receives: u32,
    /// How long a taken message is hidden.
    pub visibility_ms: i64,
    /// … and by how much longer each time that it was taken before.
    pub visibility_grows_ms: i64,
    /// First pause after a refusal.
    pub retry_first_ms: i64,
}

/// What the top-level members of a message's body must be: one of the values, each of them. A
/// filter without members takes everything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Filter {
    members: BTreeMap<String, Vec<Scalar>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Truth(bool),
    Integer(i64),
    Real(f64),
    Text(String),
}

/// A job of a component, and when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cron {
    /// What the component is told to do.
    pub job: String,
    /// Five fields, UTC; six begin with seconds.
    pub schedule: String,
}

impl Consumer {
    /// A subscription with nothing said but this.
    pub fn new(topic: &str, compact: bool) -> Self {
        Self { topic: topic.to_owned(), compact, ..Self::default() }
    }

    /// The name of its queue.
    pub fn queue(&self, component: &str) -> String {
        format!("{component}/{}", self.topic)
    }

    /// The same subscription at a station on the way, which passes messages on: it sends again
    /// until the other side has them, and never gives one up.
    #[must_use]
    pub fn passed_on(&self) -> Self {
        Self {
            concurrency: Some(CONCURRENCY_MAX),
            batch_size: Some(PASSED_ON_BATCH_SIZE),
            max_receives: Some(u32::MAX),
            visibility_seconds: Some(PASSED_ON_VISIBILITY_SECONDS),
            visibility_grows_ms: i64::from(PASSED_ON_VISIBILITY_SECONDS) * 1_000,
            ..self.clone()
        }
    }

    /// The same subscription behind such a station, where messages were gathered already, and
    /// where each of them costs some of the requests that one event may make.
    #[must_use]
    pub fn received(&self) -> Self {
        let batch_size = self.terms().batch_size.min(RECEIVED_BATCH_SIZE);
        Self { linger_ms: 0, batch_size: Some(batch_size), ..self.clone() }
    }

    /// How its messages are delivered.
    pub fn terms(&self) -> Terms {
        Terms {
            linger_ms: self.linger_ms,
            concurrency: self.concurrency.unwrap_or(CONCURRENCY),
            batch_size: self.batch_size.unwrap_or(BATCH_SIZE),
            max_receives: self.max_receives.unwrap_or(MAX_RECEIVES),
            visibility_ms: i64::from(self.visibility_seconds.unwrap_or(VISIBILITY_SECONDS)) * 1_000,
            visibility_grows_ms: self.visibility_grows_ms,
            retry_first_ms: self.retry_first_ms.unwrap_or(RETRY_FIRST_MS).into(),
        }
    }

    /// Finds what cannot be meant.
    pub fn check(&self) -> Result<(), SubscriptionError> {
        let wrong = |why: String| Err(SubscriptionError(why));
        let topic = &self.topic;
        let is_part = |symbol: char| symbol.is_ascii_alphanumeric() || "._-".contains(symbol);
        if topic.is_empty() || !topic.chars().all(is_part) {
            return wrong(format!(
                "topic {topic:?}: letters, digits, `.`, `_` and `-` make a topic"
            ));
        }
        let within = |name: &str, value: Option<u32>, most: u32| match value {
            Some(value) if value == 0 || value > most => {
                wrong(format!("consumer of {topic}: {name} must be 1 to {most}, not {value}"))
            }
            _ => Ok(()),
        };
        within("concurrency", self.concurrency, CONCURRENCY_MAX)?;
        within("batch_size", self.batch_size, BATCH_SIZE_MAX)?;
        within("max_receives", self.max_receives, MAX_RECEIVES_MAX)?;
        within("visibility_seconds", self.visibility_seconds, VISIBILITY_MAX_SECONDS)?;
        within("retry_first_ms", self.retry_first_ms, RETRY_FIRST_MAX_MS)?;
        if let Some((member, _)) = self.filter.members.iter().find(|(_, any)| any.is_empty()) {
            let why = format!("consumer of {topic}: the filter lists no value for {member}");
            return wrong(why);
        }
        let is_plain = self.filter == Filter::default()
            && self.concurrency.or(self.batch_size).or(self.max_receives).is_none()
            && self.visibility_seconds.or(self.retry_first_ms).is_none();
        if self.compact && !is_plain {
            return wrong(format!("consumer of {topic}: compact goes with linger_ms alone"));
        }
        Ok(())
    }
}

impl Filter {
    /// Takes everything?
    pub fn is_open(&self) -> bool {
        self.members.is_empty()
    }

    /// Does it take a message with that body? One that is no JSON object has no members.
    pub fn takes(&self, body: &Value) -> bool {
        self.members.iter().all(|(member, any)| {
            let value = body.get(member);
            value.is_some_and(|value| any.iter().any(|scalar| scalar.is(value)))
        })
    }
}

impl Scalar {
    fn is(&self, value: &Value) -> bool {
        match self {
            Self::Truth(truth) => value.as_bool() == Some(*truth),
            Self::Integer(integer) => value.as_i64() == Some(*integer),
            Self::Real(real) => value.is_f64() && value.as_f64() == Some(*real),
            Self::Text(text) => value.as_str() == Some(text),
        }
    }
}

/// The pause after the `attempts`th failure: it doubles, and half of it is chance, so that those
/// who failed together do not come together.
pub fn backoff(first_ms: i64, attempts: u32, random: u64) -> i64 {
    let doublings = attempts.saturating_sub(1).min(DOUBLINGS_MAX);
    let pause = first_ms.saturating_mul(1 << doublings).clamp(1, PUT_OFF_MAX_MS);
    let half = pause / 2;
    let chance = i64::try_from(random % (half.unsigned_abs() + 1)).unwrap_or(0);
    pause - half + chance
}

/// Longest time for which a message is put off.
pub const PUT_OFF_MAX_MS: i64 = 15 * 60 * 1_000;
const DOUBLINGS_MAX: u32 = 20;
/// Two, so that a message over which the consumer hangs leaves a way for the others.
const CONCURRENCY: u32 = 2;
const CONCURRENCY_MAX: u32 = 64;
const BATCH_SIZE: u32 = 100;
const BATCH_SIZE_MAX: u32 = 1_000;
const MAX_RECEIVES: u32 = 8;
const MAX_RECEIVES_MAX: u32 = 1_000;
const VISIBILITY_SECONDS: u32 = 30;
const VISIBILITY_MAX_SECONDS: u32 = 12 * 60 * 60;
const PASSED_ON_BATCH_SIZE: u32 = 25;
const RECEIVED_BATCH_SIZE: u32 = 25;
const PASSED_ON_VISIBILITY_SECONDS: u32 = 10;
const RETRY_FIRST_MS: u32 = 1_000;
const RETRY_FIRST_MAX_MS: u32 = 15 * 60 * 1_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn consumer(keys: &str) -> Result<Consumer, String> {
        let consumer = toml::from_str(&format!("topic = \"t.v1\"\n{keys}"));
        let consumer: Consumer = consumer.map_err(|error| error.to_string())?;
        consumer.check().map_err(|error| error.to_string())?;
        Ok(consumer)
    }

    #[test]
    fn a_filter_takes_what_has_one_of_the_values_in_every_member() {
        let keys = "filter = { outcome = [\"sold\", \"unsold\"], n = [1, 2.5], test = [false] }";
        let filter = consumer(keys).unwrap().filter;
        let takes = |body: Value| filter.takes(&body);
        assert!(takes(json!({"outcome": "sold", "n": 1, "test": false, "more": []})));
        assert!(takes(json!({"outcome": "unsold", "n": 2.5, "test": false})));
        for other in [
            json!({"outcome": "sold", "n": 1}),
            json!({"outcome": "sold", "n": 1, "test": true}),
            json!({"outcome": "sold", "n": "1", "test": false}),
            json!({"outcome": "cancelled", "n": 1, "test": false}),
            json!({"outcome": ["sold"], "n": 1, "test": false}),
            json!({"deep": {"outcome": "sold", "n": 1, "test": false}}),
            json!("sold"),
        ] {
            assert!(!takes(other.clone()), "{other}");
        }
        assert!(consumer("").unwrap().filter.takes(&json!(null)));
    }

    #[test]
    fn what_cannot_be_meant_is_an_error() {
        for (keys, word) in [
            ("max_recieves = 3", "max_recieves"),
            ("max_receives = 0", "max_receives"),
            ("concurrency = 65", "concurrency"),
            ("visibility_seconds = 0", "visibility_seconds"),
            ("retry_first_ms = 0", "retry_first_ms"),
            ("batch_size = 1001", "batch_size"),
            ("filter = { outcome = [] }", "outcome"),
            ("filter = { outcome = \"sold\" }", "outcome"),
            ("filter = { outcome = [[\"sold\"]] }", "filter"),
            ("compact = true\nfilter = { outcome = [\"sold\"] }", "compact"),
            ("compact = true\nmax_receives = 2", "compact"),
        ] {
            let error = consumer(keys).unwrap_err();
            assert!(error.contains(word), "{keys}: {error}");
        }
        let slashed = Consumer::new("a/b", false).check();
        assert!(slashed.is_err());
    }

    #[test]
    fn terms_have_defaults() {
        let terms = consumer("max_receives = 3\nlinger_ms = 5").unwrap().terms();
        let expected = Terms {
            linger_ms: 5,
            concurrency: 2,
            batch_size: 100,
            max_receives: 3,
            visibility_ms: 30_000,
            visibility_grows_ms: 0,
            retry_first_ms: 1_000,
        };
        assert_eq!(terms, expected);
    }

    #[test]
    fn pauses_double_and_scatter_within_bounds() {
        for (attempts, most) in [(0, 100), (1, 100), (2, 200), (5, 1_600), (40, PUT_OFF_MAX_MS)] {
            let all: Vec<i64> = (0..1_000).map(|random| backoff(100, attempts, random)).collect();
            assert!(all.iter().all(|pause| (most / 2..=most).contains(pause)), "{attempts}");
            assert!(all.iter().max() > all.iter().min());
        }
        assert_eq!(backoff(1, 1, u64::MAX), 1);
    }
}
