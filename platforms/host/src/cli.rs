//! The command line: what can be asked for, and how to ask.

mod outages;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub(crate) use outages::{OutageTask, Outages};

use crate::engine::Watch;
use crate::http::{CONNECTIONS_PER_CLIENT_MAX, HttpLimits};
use crate::live::{SOCKETS_PER_CLIENT_MAX, SOCKETS_PER_USER_MAX};
use crate::verify::Verify;

/// The auction platform in one process.
///
/// `ecomauction up --dev` starts it for trying out; `--help` after a command says more.
#[derive(Debug, Parser)]
#[command(name = "ecomauction", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the platform and serves until it is told to stop (SIGTERM or Ctrl-C).
    #[command(after_help = UP_EXAMPLES)]
    Up(Up),
    /// Checks a data directory: every record's checksum, every auction's chain, every replay.
    ///
    /// The platform must not be running on it. No record is changed.
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Doctor),
    /// Writes the whole log of one entity to a file, hidden values included: for its owner's eyes
    /// only.
    ///
    /// The file is JSON lines: a header, every command with the events it led to, and a last line
    /// that counts and hashes the others. `ecomauction replay` proves and shows it. The platform
    /// must not be running on the data directory. No record is changed.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(Export),
    /// Decides every command of an archive again and shows how the entity stood after each event.
    ///
    /// The machine must give the same bytes as the archive; the first difference is named and the
    /// exit status is 1. Prices are shown with the rule that set them, in the machine's own words.
    /// No data directory is needed.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Checks an auction: its public log at an address or in a file, or an archive of it.
    ///
    /// Of a public log the chain, every signature, and all that public data determine: order,
    /// amounts, prices, extensions, the end, the winner, revealed amounts. An archive is decided
    /// again byte for byte, too. The first event that is wrong is named. The exit status is 0 when
    /// it is proven, 1 when it is not, 2 for a question that cannot be meant.
    #[command(after_help = crate::verify::EXAMPLES)]
    Verify(Verify),
    /// Shows the queues of a running platform, and what became of messages that nobody could
    /// handle.
    #[command(after_help = QUEUES_EXAMPLES)]
    Queues(Queues),
    /// Gives everyone the time back at which the platform was away.
    Outage(Outages),
    /// Sends messages through queues of a directory of its own and prints how long that took.
    #[command(hide = true)]
    QueuesAlone(QueuesAlone),
}

/// Options of `up`.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address of the public API.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "ECOMAUCTION_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// Address for operators: a page, queues, /metrics, /healthz, /readyz. Keep it private.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:9090",
        env = "ECOMAUCTION_OPERATOR_LISTEN"
    )]
    pub(crate) operator_listen: SocketAddr,
    /// Data directory, made when missing. All state is in it.
    #[arg(long, value_name = "DIR", default_value = ".ecomauction", env = "ECOMAUCTION_DATA")]
    pub(crate) data: PathBuf,
    /// The composition: which components serve what.
    #[arg(long, value_name = "FILE", default_value = "spin.toml", env = "ECOMAUCTION_MANIFEST")]
    pub(crate) manifest: PathBuf,
    /// Development mode: readable logs, letters kept at `/_dev/mail`, `POST /_dev/token`, a
    /// walk-through to paste.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Delivers every batch of messages twice, one after the other and both at once by turns: what
    /// may happen at a crash happens all the time. For trying consumers.
    #[arg(long, requires = "dev")]
    pub(crate) deliver_twice: bool,
    /// Runs the manifest as Spin would, with nothing of this host's own: HTTP triggers, SQLite in
    /// the data directory, composed dependencies.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) only: Option<Only>,
    /// Address of a proxy whose `X-Forwarded-For` is believed; may be repeated.
    #[arg(
        long = "trusted-proxy",
        value_name = "IP",
        env = "ECOMAUCTION_TRUSTED_PROXIES",
        value_delimiter = ','
    )]
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// Most open connections of one client: an address of IPv4, or a /64 network of IPv6. Trusted
    /// proxies have no such bound.
    #[arg(
        long,
        value_name = "N",
        env = "ECOMAUCTION_CONNECTIONS_PER_CLIENT",
        default_value_t = CONNECTIONS_PER_CLIENT_MAX
    )]
    pub(crate) connections_per_client: usize,
    /// Most open sockets and streams of one client address.
    #[arg(
        long,
        value_name = "N",
        env = "ECOMAUCTION_SOCKETS_PER_CLIENT",
        default_value_t = SOCKETS_PER_CLIENT_MAX
    )]
    pub(crate) sockets_per_client: usize,
    /// Most open sockets of one user.
    #[arg(
        long,
        value_name = "N",
        env = "ECOMAUCTION_SOCKETS_PER_USER",
        default_value_t = SOCKETS_PER_USER_MAX
    )]
    pub(crate) sockets_per_user: usize,
    /// A name by which operators call the operator address, besides `localhost` and addresses; may
    /// be repeated.
    #[arg(
        long = "operator-host",
        value_name = "NAME",
        env = "ECOMAUCTION_OPERATOR_HOSTS",
        value_delimiter = ',',
        value_parser = host_name
    )]
    pub(crate) operator_hosts: Vec<String>,
    /// Sets a variable of the manifest; may be repeated. SPIN_VARIABLE_NAME does the same.
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// Names the functions of components for Linux `perf`, in /tmp/perf-PID.map. Components are
    /// compiled anew at each start.
    #[arg(long)]
    pub(crate) perf_map: bool,
}

impl Up {
    /// Who looks on.
    pub(crate) fn watch(&self) -> Watch {
        if self.perf_map { Watch::Perf } else { Watch::Nobody }
    }

    /// Bounds of the listeners.
    pub(crate) fn limits(&self) -> HttpLimits {
        HttpLimits {
            connections_per_client_max: self.connections_per_client,
            proxies: self.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
            ..HttpLimits::default()
        }
    }
}

/// Another platform's shape.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Only {
    /// Spin 4.1.
    Spin,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Data directory to check.
    #[arg(long, value_name = "DIR", default_value = ".ecomauction", env = "ECOMAUCTION_DATA")]
    pub(crate) data: PathBuf,
    /// The composition that the data belongs to.
    #[arg(long, value_name = "FILE", default_value = "spin.toml", env = "ECOMAUCTION_MANIFEST")]
    pub(crate) manifest: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Name of the machine in the manifest, for example `auction`.
    #[arg(value_name = "MACHINE")]
    pub(crate) machine: String,
    /// Key of the entity, for example `auc_…`.
    #[arg(value_name = "ID")]
    pub(crate) key: String,
    /// Data directory to read.
    #[arg(long, value_name = "DIR", default_value = ".ecomauction", env = "ECOMAUCTION_DATA")]
    pub(crate) data: PathBuf,
    /// A platform on which the entity lives instead: Spin or Cloudflare. Its `tick_token` is
    /// taken from ECOMAUCTION_TICK_TOKEN.
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,
    /// The composition that the data belongs to.
    #[arg(long, value_name = "FILE", default_value = "spin.toml", env = "ECOMAUCTION_MANIFEST")]
    pub(crate) manifest: PathBuf,
    /// Where to write, readable by its owner only; `-` is standard output [default:
    /// ID.archive.jsonl].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Writes over a file that exists.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The file that `export` wrote; `-` is standard input.
    #[arg(value_name = "ARCHIVE")]
    pub(crate) archive: PathBuf,
    /// Shows only the state after that event, in full.
    #[arg(long, value_name = "SEQ")]
    pub(crate) at: Option<u64>,
    /// One JSON object per event.
    #[arg(long)]
    pub(crate) json: bool,
    /// The composition that names the machine's component.
    #[arg(long, value_name = "FILE", default_value = "spin.toml", env = "ECOMAUCTION_MANIFEST")]
    pub(crate) manifest: PathBuf,
    /// The machine's component itself; no manifest is read then.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
}

/// Options of `queues`.
#[derive(Debug, Args)]
pub(crate) struct Queues {
    /// What to do [default: list].
    #[command(subcommand)]
    pub(crate) task: Option<QueuesTask>,
    /// The platform's operator address.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        env = "ECOMAUCTION_OPERATOR",
        global = true
    )]
    pub(crate) operator: String,
    /// The platform's answer as it is.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Options of `queues-alone`, which `cargo xtask bench --only queues` starts.
#[derive(Debug, Args)]
pub(crate) struct QueuesAlone {
    /// Directory of the file, empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// How many messages.
    #[arg(long)]
    pub(crate) messages: u64,
    /// Bytes of a body.
    #[arg(long)]
    pub(crate) body_bytes: usize,
    /// Messages of a publication and of a delivery.
    #[arg(long)]
    pub(crate) batch: u32,
    /// Who publish at once, each waiting for its confirmation.
    #[arg(long)]
    pub(crate) publishers: u32,
    /// Deliveries under way at once.
    #[arg(long)]
    pub(crate) consumers: u32,
}

/// What can be done with queues.
#[derive(Debug, Subcommand)]
pub(crate) enum QueuesTask {
    /// Lists the queues: what waits, what is under way, what is dead.
    List,
    /// Shows the dead letters of a queue, oldest first.
    DeadLetters {
        /// Name of the queue, for example `notifications/auction.ended.v1`.
        #[arg(value_name = "QUEUE", value_parser = queue_name)]
        queue: String,
        /// Most letters.
        #[arg(long, value_name = "N", default_value_t = 20,
              value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
        /// Where the page before ended.
        #[arg(long, value_name = "CURSOR", value_parser = token)]
        cursor: Option<String>,
    },
    /// Returns dead letters to their queue, each once.
    Redrive {
        /// Name of the queue.
        #[arg(value_name = "QUEUE", value_parser = queue_name)]
        queue: String,
        /// Only the messages with these ids.
        #[arg(value_name = "ID", value_parser = token)]
        ids: Vec<String>,
    },
    /// Deletes dead letters for good.
    Purge {
        /// Name of the queue.
        #[arg(value_name = "QUEUE", value_parser = queue_name)]
        queue: String,
        /// The messages with these ids.
        #[arg(value_name = "ID", value_parser = token)]
        ids: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

fn queue_name(text: &str) -> Result<String, String> {
    let (component, topic) = text.split_once('/').ok_or("a queue is COMPONENT/TOPIC")?;
    Ok(format!("{}/{}", token(component)?, token(topic)?))
}

/// The name of a host, without a port.
fn host_name(text: &str) -> Result<String, String> {
    match token(text) {
        Ok(name) => Ok(name),
        Err(parts) => Err(format!("a name without a port: {parts}")),
    }
}

/// What is part of a URL as it is.
fn token(text: &str) -> Result<String, String> {
    let is_part = |symbol: char| symbol.is_ascii_alphanumeric() || "._-".contains(symbol);
    if text.is_empty() || !text.chars().all(is_part) {
        return Err("letters, digits, `.`, `_` and `-`".to_owned());
    }
    Ok(text.to_owned())
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Up(up) => crate::up::run(&up),
        Command::Doctor(doctor) => return crate::doctor::run(&doctor),
        Command::Export(export) => crate::archive::export(&export),
        Command::Replay(replay) => crate::archive::replay(&replay),
        Command::Verify(verify) => return crate::verify::run(&verify),
        Command::Queues(queues) => crate::remote::run(&queues),
        Command::Outage(outages) => return crate::outage::run(&outages),
        Command::QueuesAlone(alone) => crate::queues_alone::run(&alone),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ecomauction: {error:#}");
            ExitCode::FAILURE
        }
    }
}

const DOCTOR_EXAMPLES: &str = "\
Examples:
  ecomauction doctor                              the data directory .ecomauction
  ecomauction doctor --data /var/lib/ecomauction --json";

const EXPORT_EXAMPLES: &str = "\
Examples:
  ecomauction export auction auc_01k…             writes auc_01k….archive.jsonl
  ecomauction export auction auc_01k… --data /var/lib/ecomauction --out safe/watch.jsonl
  ecomauction export auction auc_01k… --out - | ecomauction replay -
  ecomauction export auction auc_01k… --from https://auctions.example.com";

const REPLAY_EXAMPLES: &str = "\
Examples:
  ecomauction replay auc_01k….archive.jsonl       proves it, and shows a line per event
  ecomauction replay watch.jsonl --at 7           why was the price what it was after event 7?
  ecomauction replay watch.jsonl --json | jq 'select(.event == \"bid_placed\") | .rule'
  ecomauction replay watch.jsonl --component target/components/auction_machine.wasm";

const QUEUES_EXAMPLES: &str = "\
Examples:
  ecomauction queues                              what waits, and what is dead
  ecomauction queues dead-letters notifications/auction.ended.v1
  ecomauction queues redrive notifications/auction.ended.v1          all of them
  ecomauction queues redrive notifications/auction.ended.v1 7-0 9-1  these two
  ecomauction queues purge notifications/auction.ended.v1 7-0
  ecomauction queues --operator http://10.0.0.5:9090 --json | jq '.items[].dead_letters'";

const UP_EXAMPLES: &str = "\
Examples:
  ecomauction up --dev                       try it: prints curl lines to paste
  ecomauction up --data /var/lib/ecomauction --listen 0.0.0.0:8080
  ecomauction up --variable development=true set a variable of spin.toml";
