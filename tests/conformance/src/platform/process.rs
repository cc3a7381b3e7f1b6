//! A running process, and those that it started.

use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

/// A platform's process; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    /// It starts others, which die with it.
    leads: bool,
}

impl Process {
    /// Starts it. Who `leads` gets a process group of its own; our host stays in that of the test,
    /// so that an interrupted test takes it along.
    pub(crate) fn start(mut command: Command, leads: bool) -> std::io::Result<Self> {
        if leads {
            command.process_group(0);
        }
        let child = command.kill_on_drop(true).spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { child, pid: pid.expect("it was started a moment ago"), leads })
    }

    /// Its standard output, where it is piped.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// SIGKILL to all of them, and wait until they are gone: what they held is free then.
    pub(crate) async fn kill(mut self) {
        if self.leads {
            kill_process_group(self.pid, Signal::KILL).unwrap();
        }
        self.child.kill().await.unwrap();
        while self.leads && self.pids().next().is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        kill_process(self.pid, Signal::TERM).unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// The sum of a value of /proc/PID/status in KiB over all of them.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        let sum = self.pids().filter_map(|pid| value_of(pid, name)).sum();
        assert!(sum > 0, "the kernel tells");
        sum
    }

    /// Those that live.
    fn pids(&self) -> impl Iterator<Item = i32> {
        let (leader, leads) = (self.pid.as_raw_nonzero().get(), self.leads);
        let folders = std::fs::read_dir("/proc").unwrap().flatten();
        let all = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
        all.filter(move |pid| if leads { is_in(*pid, leader) } else { *pid == leader })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The child itself is killed on drop; gone already after `kill` and after its end.
        if self.leads && self.child.id().is_some() {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }
}

/// Is it in the group, and more than what its parent has not yet heard the end of?
fn is_in(pid: i32, group: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // `PID (NAME) STATE PARENT GROUP …`, where the name may hold anything.
    let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
    let mut words = rest.split(' ');
    let lives = words.next().is_some_and(|state| !matches!(state, "Z" | "X"));
    lives && words.nth(1).and_then(|word| word.parse().ok()) == Some(group)
}

fn value_of(pid: i32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::io::{AsyncBufReadExt as _, BufReader};

    use super::*;

    #[tokio::test]
    async fn whoever_it_started_dies_with_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo ready; wait"]).stdout(Stdio::piped());
        let mut process = Process::start(command, true).unwrap();
        let mut lines = BufReader::new(process.child().stdout.take().unwrap()).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ready"));
        let pids: Vec<i32> = process.pids().collect();
        assert_eq!(pids.len(), 2, "{pids:?}");
        assert!(process.memory_kib("VmRSS") > 0);
        let group = process.pid.as_raw_nonzero().get();
        process.kill().await;
        assert!(pids.iter().all(|pid| !is_in(*pid, group)), "{pids:?}");
    }
}
