//! Running tools: quiet while they work, complete when they fail.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};

use anyhow::Context as _;

use crate::steps::Progress;

/// What a tool said, and whether it was content.
pub(crate) struct Outcome {
    /// Exit status 0.
    pub(crate) success: bool,
    /// Standard output and error, in the order in which lines came.
    pub(crate) lines: Vec<String>,
}

impl Outcome {
    /// An error with what the tool said, unless it was content.
    pub(crate) fn or_fail(self, what: &str) -> anyhow::Result<Vec<String>> {
        if self.success {
            return Ok(self.lines);
        }
        let said: Vec<String> = self.lines.into_iter().filter(|line| !is_progress(line)).collect();
        anyhow::bail!("{what} failed\n{}", said.join("\n"))
    }
}

/// cargo with some arguments, in a folder.
pub(crate) fn cargo<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(folder);
    if std::io::stderr().is_terminal() && std::env::var_os("CARGO_TERM_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Runs a tool to its end; each line that it writes becomes the progress message.
pub(crate) fn run(command: &mut Command, progress: &Progress) -> anyhow::Result<Outcome> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender);
    }
    let mut lines = Vec::new();
    for line in receiver {
        progress.say(&line);
        lines.push(line);
    }
    let status = child.wait().with_context(|| format!("{program} was lost"))?;
    Ok(Outcome { success: status.success(), lines })
}

/// cargo saying what it is at; nobody asks afterwards.
fn is_progress(line: &str) -> bool {
    PROGRESS.iter().any(|verb| line.contains(verb))
}

/// Sends each line of a stream; ends with the stream.
fn forward(stream: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if lines.send(line).is_err() {
                break;
            }
        }
    });
}

/// As cargo aligns them.
const PROGRESS: &[&str] =
    &["   Compiling", "    Checking", "  Downloaded", " Downloading", "    Blocking"];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn shell(script: &str) -> Outcome {
        run(Command::new("sh").args(["-c", script]), &Progress::silent()).unwrap()
    }

    #[test]
    fn both_streams_are_kept() {
        let mut lines = shell("echo out; echo err >&2").or_fail("echo").unwrap();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
    }

    #[test]
    fn a_failure_tells_what_was_said() {
        let error =
            shell("echo '    Checking a'; echo why; exit 3").or_fail("it").unwrap_err().to_string();
        assert_eq!(error, "it failed\nwhy");
    }
}
