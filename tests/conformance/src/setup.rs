//! How a platform is started.

use std::path::{Path, PathBuf};

use crate::platform::Platform;
use crate::platform::files::root;
use crate::platform::kind::Kind;
use crate::platform::runner::Runner;

/// How a platform is started.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(crate) manifest: PathBuf,
    pub(crate) development: bool,
    pub(crate) logs_as_in_production: bool,
    pub(crate) variables: Vec<String>,
}

impl Setup {
    /// The checkout's composition with captured mail and development tokens. Every test comes from
    /// one address, so that rates by address are out of its way.
    pub fn development() -> Self {
        let wide = WIDE_RATES.split(' ').map(|name| format!("{name}={WIDE_RATE}"));
        Self { development: true, variables: wide.collect(), ..Self::production() }
    }

    /// The checkout's composition as an operator starts it.
    pub fn production() -> Self {
        let (manifest, variables) = (root().join("spin.toml"), Vec::new());
        Self { manifest, development: false, logs_as_in_production: false, variables }
    }

    /// Starts the platform that is asked, and waits until it is ready.
    ///
    /// # Panics
    /// With its log when it does not become ready.
    pub async fn start(self) -> Platform {
        self.start_on(Kind::chosen()).await
    }

    /// Starts a platform of that kind, and waits until it is ready.
    ///
    /// # Panics
    /// With its log when it does not become ready.
    pub async fn start_on(self, kind: Kind) -> Platform {
        Platform::begin(self, Runner::of(kind)).await
    }

    /// With the rates by address that an operator gets without a word.
    #[must_use]
    pub fn with_default_rates(mut self) -> Self {
        let is_rate = |set: &String| WIDE_RATES.split(' ').any(|name| set.starts_with(name));
        self.variables.retain(|set| !is_rate(set));
        self
    }

    /// With a variable: `name=value`.
    #[must_use]
    pub fn variable(mut self, set: impl Into<String>) -> Self {
        self.variables.push(set.into());
        self
    }

    /// Another composition.
    #[must_use]
    pub fn manifest(mut self, manifest: &Path) -> Self {
        self.manifest = manifest.to_owned();
        self
    }

    /// Development tokens, but logs as in production, where that differs.
    #[must_use]
    pub fn logging_as_in_production(mut self) -> Self {
        self.logs_as_in_production = true;
        self
    }
}

/// Variables that hold how often one address may do something.
const WIDE_RATES: &str = "sign_ups_per_hour sign_ins_per_minute refreshes_per_minute \
    codes_per_hour letters_per_hour";
const WIDE_RATE: u32 = 60_000;
