//! The platform as a process: started, asked, killed, started again.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use serde::Serialize;

use crate::Bench;
use crate::client::Client;
use crate::metrics::Metrics;

/// Where things are.
pub(crate) struct Place {
    /// The platform's.
    pub(crate) program: PathBuf,
    kind: Kind,
    manifest: PathBuf,
    /// Where data directories are made.
    pub(crate) data_in: PathBuf,
}

impl Place {
    /// Finds the binary beside this program, unless the options say otherwise.
    pub(crate) fn find(bench: &Bench) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let folder = own.parent().context("this program is in no folder")?;
        let kind = bench.platform;
        let own = if kind == Kind::Cloudflare { node() } else { folder.join("ecomauction") };
        let program = bench.program.clone().unwrap_or(own);
        ensure!(program.is_file(), "{} is missing: cargo xtask build", program.display());
        let manifest = bench.manifest.clone();
        ensure!(manifest.is_file(), "{} is missing: choose --manifest", manifest.display());
        let data_in = bench.data_in.clone().unwrap_or_else(|| folder.to_owned());
        Ok(Self { program, kind, manifest, data_in })
    }
}

/// Whose platform is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The project's own host.
    Host,
    /// The Spin shape: `ecomauction up --only spin`, or Spin itself where `--program` is `spin`.
    Spin,
    /// Cloudflare's Worker on workerd, without wrangler: node runs platforms/cloudflare/local.mjs.
    Cloudflare,
}

/// A running platform in development mode; killed with this value.
pub(crate) struct Platform {
    child: Child,
    log: Arc<Mutex<VecDeque<String>>>,
    /// The public API.
    pub(crate) address: SocketAddr,
    /// Only the host has one.
    operator: Option<SocketAddr>,
}

impl Place {
    /// What starts the platform.
    fn command(&self, address: SocketAddr, operator: Option<SocketAddr>, data: &Path) -> Command {
        let mut command = Command::new(&self.program);
        if self.kind == Kind::Cloudflare {
            command.args(["platforms/cloudflare/local.mjs", "target/cloudflare"]).arg(data);
            command.arg(address.port().to_string());
            command.args([
                "development=true",
                "platform_secret=a secret of the bench with 32 characters",
            ]);
            return command;
        }
        command.arg("up").args(["--listen", &address.to_string()]);
        command.args(["--variable", "development=true"]);
        let is_spin_itself = self.program.file_stem().is_some_and(|name| name == "spin");
        if is_spin_itself {
            command.arg("--from").arg(&self.manifest).arg("--state-dir").arg(data);
            return command;
        }
        command.arg("--manifest").arg(&self.manifest).arg("--data").arg(data);
        match operator {
            Some(operator) => command.args(["--operator-listen", &operator.to_string()]),
            None => command.args(["--only", "spin"]),
        };
        command
    }
}

impl Platform {
    /// Starts it on a data directory and waits until it is ready.
    pub(crate) fn start(place: &Place, data: &Path) -> anyhow::Result<Self> {
        let operator = (place.kind == Kind::Host).then(free_address).transpose()?;
        let (platform, _) = Self::start_at(place, data, free_address()?, operator)?;
        Ok(platform)
    }

    /// Kills it with SIGKILL, starts it on the same data, and tells how long it took from the start
    /// of the process to the first 200 of `/readyz`.
    pub(crate) fn kill_and_restart(
        mut self,
        place: &Place,
        data: &Path,
    ) -> anyhow::Result<(Self, Duration)> {
        self.child.kill()?;
        self.child.wait()?;
        Self::start_at(place, data, self.address, self.operator)
    }

    fn start_at(
        place: &Place,
        data: &Path,
        address: SocketAddr,
        operator: Option<SocketAddr>,
    ) -> anyhow::Result<(Self, Duration)> {
        let started = Instant::now();
        let mut child = place
            .command(address, operator, data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", place.program.display()))?;
        let log = Arc::new(Mutex::default());
        if let Some(stderr) = child.stderr.take() {
            keep_reading(stderr, Arc::clone(&log));
        }
        let mut platform = Self { child, log, address, operator };
        platform.wait_until_ready(started)?;
        Ok((platform, started.elapsed()))
    }

    /// The process that does the work: node starts one that runs the Worker.
    pub(crate) fn pid(&self) -> u32 {
        let own = self.child.id();
        let started = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let started = started.unwrap_or_default();
        started.split_whitespace().next().and_then(|pid| pid.parse().ok()).unwrap_or(own)
    }

    /// A reading of its metrics; an empty one where the platform has no operator address.
    pub(crate) fn metrics(&self) -> anyhow::Result<Metrics> {
        self.operator.map_or_else(|| Ok(Metrics::default()), Metrics::read)
    }

    /// The last lines of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    fn wait_until_ready(&mut self, started: Instant) -> anyhow::Result<()> {
        while started.elapsed() < START_MAX {
            if let Some(status) = self.child.try_wait()? {
                bail!("the platform ended with {status}:\n{}", self.last_words());
            }
            let asked = Client::open(self.address).and_then(|mut client| client.get("/readyz"));
            if matches!(asked, Ok((200, _))) {
                return Ok(());
            }
            crate::pause::sleep(Duration::from_millis(5));
        }
        bail!("the platform is not ready after {START_MAX:?}:\n{}", self.last_words())
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let working = self.pid();
        if working != self.child.id() {
            let _ = Command::new("kill").args(["-9", &working.to_string()]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A log that nobody reads would stop the process once the pipe is full.
fn keep_reading(stderr: ChildStderr, log: Arc<Mutex<VecDeque<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.len() >= LOG_MAX_LINES {
                log.pop_front();
            }
            log.push_back(line);
        }
    });
}

/// An address that nobody listens at now; a restart needs to know it.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The node of the Worker's tools, in the checkout where this runs.
fn node() -> PathBuf {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let modules = Path::new("platforms/cloudflare/node_modules");
    modules.join(format!("node-linux-{architecture}/bin/node"))
}

const START_MAX: Duration = Duration::from_secs(180);
const LOG_MAX_LINES: usize = 20;
