//! What `verify` can be asked.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::saved::salt;

/// Options of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Address of an auction, https or on this machine, a file with a saved public log, or an
    /// archive that `export` wrote.
    #[arg(value_name = "URL|FILE")]
    pub(crate) what: String,
    /// The published proof keys, kept from earlier; instead of those that come with the log.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Opens a commitment: the amount in minor units, the salt in hex; may be repeated.
    #[arg(long = "salt", value_name = "SEQ:SALT:AMOUNT:CURRENCY",
          value_parser = salt)]
    pub(crate) salts: Vec<Value>,
    /// Opens all commitments of somebody: the answer of GET …/bidding; may be repeated.
    #[arg(long = "salts", value_name = "FILE")]
    pub(crate) salt_files: Vec<PathBuf>,
    /// A receipt, or the answer to a bid that has it; may be repeated.
    #[arg(long = "receipt", value_name = "FILE")]
    pub(crate) receipts: Vec<PathBuf>,
    /// Whose log it is, where a file has its events alone, one on each line.
    #[arg(long, value_name = "ID")]
    pub(crate) auction: Option<String>,
    /// The report as it is.
    #[arg(long)]
    pub(crate) json: bool,
    /// The composition that names machine and verifier.
    #[arg(long, value_name = "FILE", default_value = "spin.toml", env = "ECOMAUCTION_MANIFEST")]
    pub(crate) manifest: PathBuf,
    /// The machine's component, for archives.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
    /// The component that checks public logs.
    #[arg(long, value_name = "FILE")]
    pub(crate) verifier: Option<PathBuf>,
}

/// How to ask.
pub(crate) const EXAMPLES: &str = "\
Examples:
  ecomauction verify https://auctions.example.com/v1/auctions/auc_01k…
  ecomauction verify saved.json --receipt reply.json --salts bidding.json
  ecomauction verify auc_01k….archive.jsonl --json | jq .first_bad";
