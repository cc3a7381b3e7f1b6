//! The only automation of the repository: set up, build, start, test, and check the manners.
//!
//! What the platform does is elsewhere (`platforms/`); making components out of modules is in
//! `xtask/compose`. Nothing here ships.

mod browser;
mod build;
mod cloudflare;
mod command;
mod components;
mod deny;
mod fuzz;
mod node;
mod programs;
mod repo;
mod setup;
mod steps;
mod test;
mod tidy;
mod up;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::repo::Repo;
use crate::steps::Steps;

/// Everything that is done to this repository, one command each.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = HELP, version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    /// Show the output of every tool as it comes, not only of those that fail.
    #[arg(long, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Set up what is missing and build the host and every component.
    ///
    /// The host becomes target/release/ecomauction, the components land in target/components. A
    /// component that outgrows its size budget, a machine that imports anything and a service that
    /// names a platform are errors.
    Build {
        /// The components alone: what `spin build` wants.
        #[arg(long)]
        components: bool,
        /// The Worker for Cloudflare alone, into target/cloudflare: what `wrangler deploy` wants.
        #[arg(long, conflicts_with = "components")]
        cloudflare: bool,
    },
    /// Build, then start the platform in development mode.
    ///
    /// Runs `target/release/ecomauction up --dev [ARGS]` in the root of the repository.
    /// `target/release/ecomauction up --help` tells what ARGS there are.
    Up {
        /// Passed on as they are, for instance `--listen 127.0.0.1:9000`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Check the manners, build, and run every test of the repository.
    ///
    /// What is true on every platform runs on each of them, and a small table says how that went;
    /// everything else runs once. Ends with one line `N passed, N failed, N skipped`; whatever is
    /// skipped is listed with its reason.
    Test {
        /// Which platforms run what is true on every one.
        #[arg(long, value_enum, default_value_t = test::Platforms::All)]
        platform: test::Platforms,
        /// Begin nothing more on any platform after so many minutes; what is left is skipped.
        #[arg(long, value_name = "MINUTES", default_value_t = 240)]
        within: u64,
    },
    /// Kill the platform 200 times under load and check every answer afterwards.
    ///
    /// Passes ARGS on to the soak program; `cargo xtask soak --help` tells what there is.
    #[command(disable_help_flag = true)]
    Soak {
        /// For instance `--kills 50 --seed 7`, or `--platform spin`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Play 10 000 seeds of crashes, torn writes and odd clocks.
    ///
    /// Passes ARGS on to the simulation; `cargo xtask simulate --help` tells what there is.
    #[command(disable_help_flag = true)]
    Simulate {
        /// For instance `--seeds 500 --from 20000`, or `--seed 4711`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Measure what a bid and a read cost beside a raw HTTP server.
    ///
    /// Passes ARGS on to `load bench`; `cargo xtask bench --help` tells what there is.
    #[command(disable_help_flag = true)]
    Bench {
        /// For instance `--only bids --seconds 10`, or `--only resident`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Make docs/openapi.json and its page anew, from the route tables.
    ///
    /// A test fails while they are not up to date.
    Openapi,
    /// Look for inputs that break a law: libFuzzer on commands, snapshots, money, ids,
    /// instants, cursors.
    ///
    /// Stops by itself. The corpus in tests/fuzz/corpus is made anew of what says most;
    /// `cargo xtask test` replays it without a fuzzer. An input that breaks a law is kept in
    /// target/fuzz/broken.
    Fuzz {
        /// One of the folders of tests/fuzz/corpus; all of them, one after the other, without.
        target: Option<String>,
        /// How long each target is fuzzed.
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// Check formatting, lints, the rules of the house, and what is linked.
    ///
    /// The rules: who may depend on whom, sizes, bans, names, dead files, a page for every error
    /// code, and more; each has its reason in the message.
    Tidy {
        /// Only the rules of the house: no formatter, no compiler, done in a second.
        #[arg(long)]
        rules: bool,
        /// Let the formatter repair what it can, before anything is checked.
        #[arg(long, conflicts_with = "rules")]
        fix: bool,
    },
}

const HELP: &str = "\
Start here:
  cargo xtask up       from nothing to a listening platform that prints what to try
  cargo xtask test     everything that must hold before a change is done

One crate at a time, while working on it:
  cargo test --release -p auction-machine
  cargo clippy --release -p auction-machine --all-targets
  cargo xtask tidy --rules";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let repo = Repo::find()?;
    let mut steps = Steps::new(cli.verbose);
    match cli.task {
        Task::Build { components: true, .. } => {
            build::components(&repo, &mut steps, tidy::Lints::Apart)
        }
        Task::Build { cloudflare: true, .. } => build::worker(&repo, &mut steps),
        Task::Build { .. } => build::run(&repo, &mut steps),
        Task::Up { args } => up::run(&repo, steps, &args),
        Task::Test { platform, within } => test::run(&repo, steps, platform, within),
        Task::Soak { args } => programs::soak(&repo, steps, &args),
        Task::Simulate { args } => programs::simulate(&repo, &args),
        Task::Bench { args } => programs::bench(&repo, steps, &args),
        Task::Openapi => programs::openapi(&repo, &mut steps),
        Task::Fuzz { target, seconds } => fuzz::run(&repo, steps, target.as_deref(), seconds),
        Task::Tidy { rules, fix } => {
            if rules {
                tidy::rules(&repo, &mut steps)?;
            } else {
                tidy::run(&repo, &mut steps, fix)?;
                deny::install_and_check(&repo, &mut steps);
            }
            steps.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn up_passes_its_arguments_on_untouched() {
        let cli = Cli::try_parse_from(["xtask", "up", "--listen", "127.0.0.1:9000"]);
        let Ok(Cli { task: Task::Up { args }, .. }) = cli else { panic!("not parsed as up") };
        assert_eq!(args, ["--listen", "127.0.0.1:9000"]);
    }
}
