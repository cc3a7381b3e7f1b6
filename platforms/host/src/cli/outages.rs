//! Options of `outage`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kernel::Timestamp;

/// Options of `outage`.
#[derive(Debug, Args)]
pub(crate) struct Outages {
    /// What to do.
    #[command(subcommand)]
    pub(crate) task: OutageTask,
    /// The operator address of a platform that runs.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        env = "ECOMAUCTION_OPERATOR",
        global = true
    )]
    pub(crate) operator: String,
    /// The composition that the data belongs to.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "spin.toml",
        env = "ECOMAUCTION_MANIFEST",
        global = true
    )]
    pub(crate) manifest: PathBuf,
    /// Machine-readable output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What can be done about outages.
#[derive(Debug, Subcommand)]
pub(crate) enum OutageTask {
    /// Moves the end of every auction that was to be open meanwhile, by the time that it lost.
    ///
    /// With --data, before the platform starts again, also of those whose end came meanwhile; a
    /// platform that runs has ended them.
    Declare(Declare),
}

/// Options of `outage declare`.
#[derive(Debug, Args)]
pub(crate) struct Declare {
    /// When the platform went away, RFC 3339: 2026-11-24T12:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(crate) from: Timestamp,
    /// When it was back.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(crate) until: Timestamp,
    /// Seconds beyond the lost time, for those who must hear of it.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) grace: u32,
    /// A data directory that no platform runs on.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "an instant as 2026-11-24T12:00:00Z".to_owned())
}
