//! How the real binary is started.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::Command;

use crate::platform::{ANY_PORT, START_MAX, binary, root};

/// How a platform is started.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(crate) manifest: PathBuf,
    pub(crate) development: bool,
    pub(crate) variables: Vec<String>,
    pub(crate) delivers_twice: bool,
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
        let manifest = root().join("spin.toml");
        Self { manifest, development: false, variables: Vec::new(), delivers_twice: false }
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

    /// Every message is delivered twice.
    #[must_use]
    pub fn delivering_twice(mut self) -> Self {
        self.delivers_twice = true;
        self
    }

    /// Another composition.
    #[must_use]
    pub fn manifest(mut self, manifest: &Path) -> Self {
        self.manifest = manifest.to_owned();
        self
    }

    /// Development tokens, but logs as in production.
    #[must_use]
    pub fn with_json_logs(mut self) -> Self {
        self.development = false;
        self.variable("development=true")
    }

    /// Runs the binary with these arguments until it ends; its status and all that it printed.
    pub async fn run(arguments: &[&str]) -> (ExitStatus, String) {
        let command =
            Command::new(binary()).args(arguments).env("NO_COLOR", "1").kill_on_drop(true).output();
        let output = tokio::time::timeout(START_MAX, command).await.expect("it ends").unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status, String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts it on a data directory that somebody else may be using; what it said when it ended.
    ///
    /// # Errors
    /// What it said, when it did not succeed.
    pub async fn try_on(&self, data: &Path) -> Result<(), String> {
        let (data, manifest) = (data.to_string_lossy(), self.manifest.to_string_lossy());
        let listen = ["up", "--listen", ANY_PORT, "--operator-listen", ANY_PORT];
        let rest = ["--data", &*data, "--manifest", &*manifest];
        let (status, said) = Self::run(&[listen.as_slice(), &rest].concat()).await;
        if status.success() { Ok(()) } else { Err(said) }
    }
}

/// Variables that hold how often one address may do something.
const WIDE_RATES: &str = "sign_ups_per_hour sign_ins_per_minute refreshes_per_minute \
    codes_per_hour letters_per_hour";
const WIDE_RATE: u32 = 60_000;
