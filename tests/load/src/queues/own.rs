//! Our own queues, in a process of the platform's program.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::trial::{BODY_BYTES, EACH, Took, Trial};

/// Runs them over a folder that is empty.
pub(crate) fn run(program: &Path, folder: &Path, trial: Trial) -> anyhow::Result<Took> {
    let each = EACH.to_string();
    let output = Command::new(program)
        .arg("queues-alone")
        .arg("--data")
        .arg(folder)
        .args(["--messages", &trial.messages.to_string(), "--batch", &trial.batch.to_string()])
        .args(["--body-bytes", &BODY_BYTES.to_string()])
        .args(["--publishers", &each, "--consumers", &each])
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "our queues ended with {}: {said}", output.status);
    read(&output.stdout)
}

fn read(line: &[u8]) -> anyhow::Result<Took> {
    #[derive(Deserialize)]
    struct Line {
        seconds: f64,
        p50_us: f64,
        p99_us: f64,
    }
    let line: Line = serde_json::from_slice(line)?;
    Ok(Took { seconds: line.seconds, p50_ms: line.p50_us / 1e3, p99_ms: line.p99_us / 1e3 })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_our_queues_say_is_read() {
        let took = read(b"{\"seconds\":1.5,\"p50_us\":250,\"p99_us\":4000}\n").unwrap();
        assert_eq!((took.seconds, took.p50_ms, took.p99_ms), (1.5, 0.25, 4.0));
    }
}
