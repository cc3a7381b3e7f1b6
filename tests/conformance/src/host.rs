//! What only our host has: its operator address, its command line, its data directory, its way to
//! stop. Tests of every platform cannot name any of it.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use serde_json::Value;
use tokio::process::Command;

use crate::platform::files::binary;
use crate::platform::runner::{ANY_PORT, Runner};
use crate::platform::{Platform, START_MAX};
use crate::setup::Setup;
use crate::smtp::Sink;
use crate::{Client, User, now_ms};

/// Our host, whatever platform is asked otherwise.
pub struct Host {
    platform: Platform,
}

/// How our host is started.
#[derive(Debug, Clone)]
pub struct HostSetup {
    pub(crate) setup: Setup,
    delivers_twice: bool,
}

impl Setup {
    /// On our host, with what it alone can do.
    pub fn on_host(self) -> HostSetup {
        HostSetup { setup: self, delivers_twice: false }
    }
}

impl HostSetup {
    /// Every message is delivered twice.
    #[must_use]
    pub fn delivering_twice(mut self) -> Self {
        self.delivers_twice = true;
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// With its log when it does not become ready.
    pub async fn start(self) -> Host {
        let runner = Runner::Host { delivers_twice: self.delivers_twice };
        Host { platform: Platform::begin(self.setup, runner).await }
    }

    /// Starts it on a data directory that somebody else may be using; what it said when it ended.
    ///
    /// # Errors
    /// What it said, when it did not succeed.
    pub async fn try_on(&self, data: &Path) -> Result<(), String> {
        let (data, manifest) = (data.to_string_lossy(), self.setup.manifest.to_string_lossy());
        let listen = ["up", "--listen", ANY_PORT, "--operator-listen", ANY_PORT];
        let rest = ["--data", &*data, "--manifest", &*manifest];
        let (status, said) = Host::run(&[listen.as_slice(), &rest].concat()).await;
        if status.success() { Ok(()) } else { Err(said) }
    }
}

impl Host {
    /// Runs the binary with these arguments until it ends; its status and all that it printed.
    pub async fn run(arguments: &[&str]) -> (ExitStatus, String) {
        let command =
            Command::new(binary()).args(arguments).env("NO_COLOR", "1").kill_on_drop(true).output();
        let output = tokio::time::timeout(START_MAX, command).await.expect("it ends").unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status, String::from_utf8_lossy(&said).into_owned())
    }

    /// Speaks to its operator address.
    pub fn operator(&self) -> Client {
        Client::of_operators(Arc::clone(&self.platform.operator))
    }

    /// A new user of that name, where letters leave by a mail server.
    pub async fn user_by_mail(&self, sink: &Sink, name: &str) -> User {
        let user = User::sign_up_by_mail(&self.client(), sink, name).await;
        self.accounts.lock().unwrap().insert(name.to_owned());
        user
    }

    /// SIGTERM, and wait until it ends by itself; its exit status and how long that took.
    pub async fn stop(&mut self) -> (ExitStatus, Duration) {
        self.platform.stop().await
    }

    /// SIGTERM without waiting.
    pub fn terminate(&self) {
        self.platform.terminate();
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> (ExitStatus, Duration) {
        self.platform.ended().await
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.platform.state()
    }

    /// What `ecomauction doctor --json` says about the data directory of a stopped platform.
    pub async fn doctor(&self) -> Value {
        self.platform.doctor().await
    }
}

impl Platform {
    /// Ends it and has its state examined, where somebody can: what is wrong with it.
    pub(crate) async fn examined(&mut self, auctions: u64) -> Vec<String> {
        if !self.is_host() {
            self.kill().await;
            return Vec::new();
        }
        let mut wrong = Vec::new();
        let (status, took) = self.stop().await;
        if !status.success() {
            wrong.push(format!("the stop ended with {status} after {took:?}"));
        }
        let findings = self.doctor().await;
        if findings["problems"].as_array().is_none_or(|problems| !problems.is_empty()) {
            wrong.push(format!("doctor: {findings}"));
        }
        let entities = &findings["entities"];
        if entities.as_u64() != Some(auctions) {
            wrong.push(format!("doctor: {entities} entities, {auctions} auctions listed"));
        }
        wrong
    }

    pub(crate) async fn stop(&mut self) -> (ExitStatus, Duration) {
        self.terminate();
        self.ended().await
    }

    async fn doctor(&self) -> Value {
        assert!(!self.is_running(), "the doctor wants a stopped platform");
        let mut command = Command::new(binary());
        command.arg("doctor").arg("--json").arg("--data").arg(self.state());
        let output = command.arg("--manifest").arg(&self.setup.manifest).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said)
            .unwrap_or_else(|_| panic!("doctor: {said}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Deref for Host {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.platform
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut Platform {
        &mut self.platform
    }
}

/// The token key in a data directory that signs now: the next one lies beside it already, and the
/// names say from when each signs.
pub(crate) fn token_key(data: &Path) -> SigningKey {
    let files = std::fs::read_dir(data.join("keys")).unwrap().flatten().map(|file| file.path());
    let begins = |path: &Path| {
        let name = path.file_name()?.to_str()?.strip_prefix("access-token.")?;
        name.strip_suffix(".ed25519")?.parse::<i64>().ok()
    };
    let keys = files.filter_map(|path| Some((begins(&path)?, path)));
    let (_, signs) =
        keys.filter(|(begins, _)| *begins <= now_ms()).max().expect("a key that signs");
    let seed: [u8; 32] = std::fs::read(&signs).unwrap().try_into().expect("a 32-byte seed");
    SigningKey::from_bytes(&seed)
}
