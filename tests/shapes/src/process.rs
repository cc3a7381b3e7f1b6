//! A server process with its own process group: started until a line says that it listens, killed
//! with everything it started.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    group: Pid,
}

impl Server {
    /// Starts the command and waits for the first line of standard output that `ready` accepts;
    /// what it makes of the line is returned. Later lines are read and dropped.
    pub async fn start<T>(
        mut command: Command,
        ready: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = group.context("the process ended at once")?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let server = Self { child, group };
        let mut lines = BufReader::new(stdout).lines();
        let mut seen = String::new();
        let first = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(found) = ready(&line) {
                    return Ok(found);
                }
                seen.push_str(&line);
                seen.push('\n');
            }
            bail!("the server ended without listening")
        };
        let found = tokio::time::timeout(START_MAX, first).await;
        let found = found.context("the server does not listen in time").flatten();
        let found = found.with_context(|| format!("its output:\n{seen}"))?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((server, found))
    }

    /// Asks the process to end, and waits until it does.
    pub async fn terminate(mut self) -> anyhow::Result<std::process::ExitStatus> {
        kill_process_group(self.group, Signal::TERM)?;
        let ended = tokio::time::timeout(END_MAX, self.child.wait()).await;
        Ok(ended.context("the server does not end")??)
    }

    /// Kills the process and everything it started, and waits for its end.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        kill_process_group(self.group, Signal::KILL)?;
        self.child.wait().await?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already after `kill`; otherwise a failed test must not leave servers behind.
        if self.child.id().is_some() {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
    }
}

const START_MAX: Duration = Duration::from_secs(120);
const END_MAX: Duration = Duration::from_secs(60);
