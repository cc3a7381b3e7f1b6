//! How each platform is started, and how it says that it is ready.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::files::{binary, root};
use super::kind::{Kind, real_spin};
use crate::setup::Setup;

/// What starts a platform.
#[derive(Debug, Clone)]
pub(crate) enum Runner {
    /// `ecomauction up`.
    Host {
        /// Every message is delivered twice.
        delivers_twice: bool,
    },
    /// `ecomauction up --only spin`.
    Shape,
    /// `spin up`.
    Spin(PathBuf),
    /// workerd, with what `cargo xtask build --cloudflare` made.
    Cloudflare,
}

/// A command, and where it listens if that is known before.
pub(super) struct Start {
    pub(super) command: Command,
    pub(super) known: Option<SocketAddr>,
}

/// Where a platform listens: the public address, and that of operators where there is one.
pub(super) type Addresses = (SocketAddr, Option<SocketAddr>);

impl Runner {
    /// What runs a kind here.
    pub(crate) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Host => Self::Host { delivers_twice: false },
            Kind::Spin => real_spin().map_or(Self::Shape, Self::Spin),
            Kind::Cloudflare => Self::Cloudflare,
        }
    }

    /// The platform on a state directory of its own.
    pub(super) fn start(&self, setup: &Setup, state: &Path) -> Start {
        let mut known = None;
        let mut command = match self {
            Self::Host { delivers_twice } => {
                let mut command = up(setup, state);
                command.args(["--operator-listen", ANY_PORT]);
                if setup.development && !setup.logs_as_in_production {
                    command.arg("--dev");
                }
                if *delivers_twice {
                    command.arg("--deliver-twice");
                }
                // What it prints is for people; its log is on the other stream.
                command.stdout(Stdio::null());
                command
            }
            Self::Shape => {
                let mut command = up(setup, state);
                command.args(["--only", "spin"]).stdout(Stdio::piped());
                command
            }
            Self::Spin(spin) => {
                let port = free_port();
                known = Some(port);
                let mut command = Command::new(spin);
                command.arg("up").arg("--from").arg(&setup.manifest).arg("--state-dir").arg(state);
                command.args(["--listen", &port.to_string()]).stdout(Stdio::piped());
                command
            }
            Self::Cloudflare => workerd(state),
        };
        for variable in self.variables(setup) {
            match self {
                Self::Cloudflare => command.arg(&variable),
                _ => command.args(["--variable", &variable]),
            };
        }
        command.env("NO_COLOR", "1").env_remove("ECOMAUCTION_LOG").current_dir(root());
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        Start { command, known }
    }

    fn variables(&self, setup: &Setup) -> Vec<String> {
        let mut variables = setup.variables.clone();
        let is_said_otherwise = matches!(self, Self::Host { .. }) && !setup.logs_as_in_production;
        if setup.development && !is_said_otherwise {
            variables.push("development=true".to_owned());
        }
        if self.has_variables_for_secrets() {
            variables.push(format!("platform_secret={PLATFORM_SECRET}"));
            variables.push(format!("tick_token={TICK_TOKEN}"));
        }
        variables
    }

    /// The addresses that a line of its output tells.
    pub(super) fn addresses(&self, line: &str) -> Option<Addresses> {
        match self {
            Self::Host { .. } => {
                Some((address(line, "public_addr")?, Some(address(line, "operator_addr")?)))
            }
            Self::Shape => Some((line.trim().strip_prefix("Serving http://")?.parse().ok()?, None)),
            Self::Cloudflare => {
                let (_, told) = line.split_once("Ready on http://")?;
                Some((told.split_whitespace().next()?.parse().ok()?, None))
            }
            Self::Spin(_) => None,
        }
    }

    /// Does it start other processes, or could it?
    pub(super) fn leads(&self) -> bool {
        !matches!(self, Self::Host { .. })
    }

    /// Where it keeps what it compiled; Spin itself does elsewhere.
    pub(super) fn compiled(&self, state: &Path) -> PathBuf {
        match self {
            Self::Host { .. } | Self::Spin(_) | Self::Cloudflare => state.join("compiled"),
            Self::Shape => state.join("spin").join("compiled"),
        }
    }

    /// Our host makes its keys and keeps them in files. Elsewhere they follow from a secret.
    pub(super) fn has_variables_for_secrets(&self) -> bool {
        !matches!(self, Self::Host { .. })
    }
}

/// Our binary with what both of its shapes take.
fn up(setup: &Setup, state: &Path) -> Command {
    let mut command = Command::new(binary());
    command.args(["up", "--listen", ANY_PORT]).arg("--data").arg(state);
    command.arg("--manifest").arg(&setup.manifest);
    command
}

/// The bundled Worker on workerd, by the tools of the lockfile.
fn workerd(state: &Path) -> Command {
    let folder = root().join("platforms/cloudflare");
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let node = folder.join(format!("node_modules/node-linux-{architecture}/bin/node"));
    let mut command = Command::new(node);
    command.arg(folder.join("local.mjs")).arg(root().join("target/cloudflare"));
    command.arg(state).arg("0").stdout(Stdio::piped());
    command
}

/// A port that was free a moment ago: Spin does not tell which one it took.
fn free_port() -> SocketAddr {
    TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap()
}

/// The address behind a name in a log line, be it text or JSON.
fn address(line: &str, name: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(name)?;
    let rest = rest.trim_start_matches(['"', ':', '=', ' ']);
    let is_part = |symbol: char| symbol.is_ascii_digit() || symbol == '.' || symbol == ':';
    rest.split(|symbol| !is_part(symbol)).next()?.parse().ok()
}

pub(crate) const ANY_PORT: &str = "127.0.0.1:0";
/// From which a platform that is deployed with a secret derives its keys.
pub(super) const PLATFORM_SECRET: &str = "0123456789abcdef0123456789abcdef of a test";

/// What opens such a platform to operators.
pub(crate) const TICK_TOKEN: &str = "a-tick-token-that-only-the-deployer-knows";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(runner: &Runner, setup: &Setup) -> Vec<String> {
        let start = runner.start(setup, Path::new("state"));
        let arguments = start.command.as_std().get_args();
        arguments.map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn development_is_said_to_each_platform_once() {
        let says = |arguments: &[String], what: &str| arguments.iter().any(|said| said == what);
        let (setup, host) = (Setup::development(), Runner::Host { delivers_twice: false });
        let (as_host, as_spin) = (told(&host, &setup), told(&Runner::Shape, &setup));
        assert!(says(&as_host, "--dev") && !says(&as_host, "development=true"), "{as_host:?}");
        assert!(!says(&as_spin, "--dev") && says(&as_spin, "development=true"), "{as_spin:?}");
        let quiet = told(&host, &setup.logging_as_in_production());
        assert!(!says(&quiet, "--dev") && says(&quiet, "development=true"), "{quiet:?}");
        let production = told(&Runner::Spin("spin".into()), &Setup::production());
        assert!(!says(&production, "development=true"), "{production:?}");
        assert!(says(&production, "--state-dir") && says(&production, "--from"));
    }

    #[test]
    fn each_platform_tells_its_address_in_its_own_words() {
        let host = Runner::Host { delivers_twice: false };
        let json = r#"{"public_addr":"127.0.0.1:81","operator_addr":"127.0.0.1:82"}"#;
        let wanted = ("127.0.0.1:81".parse().unwrap(), Some("127.0.0.1:82".parse().unwrap()));
        assert_eq!(host.addresses(json), Some(wanted));
        assert_eq!(
            host.addresses("public_addr=127.0.0.1:81 operator_addr=127.0.0.1:82"),
            Some(wanted)
        );
        let shape = Runner::Shape.addresses("Serving http://127.0.0.1:81");
        assert_eq!(shape, Some((wanted.0, None)));
        assert_eq!(Runner::Shape.addresses("  auctions: http://127.0.0.1:81/v1"), None);
    }
}
