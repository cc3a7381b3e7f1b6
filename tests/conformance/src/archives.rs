//! Logs of auctions as archives: out of every platform, and through the machine of every platform.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::process::Command;

use crate::Client;
use crate::platform::files::{binary, root, scratch};
use crate::platform::runner::TICK_TOKEN;
use crate::platform::{Platform, START_MAX};

impl Platform {
    /// The archive of an auction. Our host must be stopped for that, and stays so.
    ///
    /// # Panics
    /// When it cannot be exported.
    pub async fn archive(&mut self, auction: &str) -> String {
        let mut export = tool(&["export", "auction", auction, "--out", "-"]);
        if self.is_host() {
            let (status, _) = self.stop().await;
            assert!(status.success());
            export.arg("--data").arg(self.state());
        } else {
            let url = format!("http://{}", self.client().address());
            export.args(["--from", &url]).env("ECOMAUCTION_TICK_TOKEN", TICK_TOKEN);
        }
        let (worked, archive, said) = run(&mut export).await;
        assert!(worked, "{said}");
        archive
    }

    /// Has the machine that this platform runs decide an archive again: what it says, or how it
    /// refuses.
    ///
    /// # Errors
    /// What differs.
    pub async fn replay(&self, archive: &str) -> Result<String, String> {
        if self.is_host() {
            return replay(archive).await;
        }
        let client = Client::of_operators(Arc::clone(&self.public)).with_token(TICK_TOKEN);
        let post = client.call("POST", "/_edge/archives");
        let reply = post.bytes("application/jsonl", archive.to_owned()).send().await.unwrap();
        if reply.status == 200 { Ok(reply.text()) } else { Err(reply.text()) }
    }
}

/// Has the machine's component decide an archive again, without any platform: an object for each
/// event, or how it refuses.
///
/// # Errors
/// What differs.
pub async fn replay(archive: &str) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new_in(scratch()).unwrap();
    std::fs::write(file.path(), archive).unwrap();
    let (worked, shown, said) = run(tool(&["replay", "--json"]).arg(file.path())).await;
    if worked { Ok(shown) } else { Err(said) }
}

/// Archives that were exported from every platform, by its name.
pub fn kept() -> Vec<(String, String)> {
    let mut kept: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    kept.sort();
    kept
}

/// Keeps an archive as that of a platform.
pub fn keep(platform: &str, archive: &str) {
    std::fs::write(folder().join(format!("{platform}.jsonl")), archive).unwrap();
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("archives")
}

pub(crate) fn tool(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).args(["--manifest"]).arg(root().join("spin.toml"));
    command.env("NO_COLOR", "1").kill_on_drop(true);
    command
}

/// Whether it worked, what it printed, and what it said beside.
pub(crate) async fn run(command: &mut Command) -> (bool, String, String) {
    let output = tokio::time::timeout(START_MAX, command.output()).await.expect("it ends").unwrap();
    let [out, said] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.success(), out, said)
}
