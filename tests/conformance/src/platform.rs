//! The real binary on a scratch data directory.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::client::Address;
use crate::setup::Setup;
use crate::smtp::Sink;
use crate::{Client, User};

/// A running (or killed) platform; it is killed for good when this is dropped.
pub struct Platform {
    setup: Setup,
    child: Option<Child>,
    data: Option<TempDir>,
    log: Arc<Mutex<Vec<String>>>,
    public: Address,
    operator: Address,
    client: Client,
    /// Names that signed up.
    accounts: Mutex<BTreeSet<String>>,
    /// How long the last start took, from the call to the platform's own word that it is ready.
    pub start_took: Duration,
}

impl Setup {
    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// With its log when it does not become ready.
    pub async fn start(self) -> Platform {
        let (public, operator) = (Address::default(), Address::default());
        let scratch = target().join("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        let data = tempfile::Builder::new().prefix("platform-").tempdir_in(scratch).unwrap();
        lend_compiled(&compiled_store(), &data.path().join("compiled"));
        let mut platform = Platform {
            setup: self,
            child: None,
            data: Some(data),
            log: Arc::default(),
            client: Client::new(Arc::clone(&public)),
            public,
            operator,
            accounts: Mutex::default(),
            start_took: Duration::ZERO,
        };
        platform.start().await;
        lend_compiled(&platform.data().join("compiled"), &compiled_store());
        platform
    }
}

impl Platform {
    /// Starts it again on the same data directory, at another address.
    pub async fn start(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let started = Instant::now();
        let mut command = Command::new(binary());
        command.arg("up").args(["--listen", ANY_PORT, "--operator-listen", ANY_PORT]);
        command.arg("--data").arg(self.data()).arg("--manifest").arg(&self.setup.manifest);
        if self.setup.development {
            command.arg("--dev");
        }
        if self.setup.delivers_twice {
            command.arg("--deliver-twice");
        }
        for variable in &self.setup.variables {
            command.args(["--variable", variable]);
        }
        command.env("NO_COLOR", "1").env_remove("ECOMAUCTION_LOG").current_dir(root());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap_or_else(|error| {
            panic!("{}: {error}; build it first: cargo xtask build", binary().display())
        });
        let (say, mut heard) = watch::channel(Heard::Nothing);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        tokio::spawn(listen(stderr, Arc::clone(&self.log), say));
        self.child = Some(child);
        let ready = heard.wait_for(|heard| !matches!(heard, Heard::Nothing));
        let heard = tokio::time::timeout(START_MAX, ready).await;
        match heard.map(|heard| heard.map(|heard| *heard)) {
            Ok(Ok(Heard::Ready(public, operator))) => {
                *self.public.write().unwrap() = Some(public);
                *self.operator.write().unwrap() = Some(operator);
            }
            other => panic!("not ready ({other:?}):\n{}", self.log_tail()),
        }
        self.start_took = started.elapsed();
    }

    /// SIGKILL, and wait until it is gone.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        self.forget_addresses();
        child.kill().await.unwrap();
    }

    /// SIGTERM, and wait until it ends by itself; its exit status and how long that took.
    pub async fn stop(&mut self) -> (ExitStatus, Duration) {
        self.terminate();
        self.ended().await
    }

    /// SIGTERM without waiting.
    pub fn terminate(&self) {
        let pid = i32::try_from(self.pid()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let mut child = self.child.take().expect("it runs");
        let ended = tokio::time::timeout(STOP_MAX, child.wait()).await;
        self.forget_addresses();
        let status = ended.unwrap_or_else(|_| panic!("does not stop:\n{}", self.log_tail()));
        (status.unwrap(), started.elapsed())
    }

    /// Speaks to its public address, wherever that is at the time.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Speaks to its operator address.
    pub fn operator(&self) -> Client {
        Client::of_operators(Arc::clone(&self.operator))
    }

    /// A user of that name, signed in; signed up before when there is no account yet.
    pub async fn user(&self, name: &str) -> User {
        if self.accounts.lock().unwrap().contains(name) {
            return User::sign_in(&self.client, name).await;
        }
        let user = User::sign_up(&self.client, name).await;
        self.accounts.lock().unwrap().insert(name.to_owned());
        user
    }

    /// A new user of that name, where letters leave by a mail server.
    pub async fn user_by_mail(&self, sink: &Sink, name: &str) -> User {
        let user = User::sign_up_by_mail(&self.client, sink, name).await;
        self.accounts.lock().unwrap().insert(name.to_owned());
        user
    }

    /// A user of that name by a development token: for tests that need crowds.
    pub async fn user_by_token(&self, name: &str) -> User {
        User::by_development_token(&self.client, name).await
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("it runs")
    }

    /// A value of /proc/PID/status in KiB, for example `VmHWM`.
    pub fn memory_kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
        value.and_then(|value| value.parse().ok()).expect("the kernel tells")
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.data.as_ref().expect("kept until the end").path()
    }

    /// A copy of its data directory while it does not run.
    pub fn copy_of_data(&self) -> TempDir {
        assert!(self.child.is_none(), "it still writes");
        let copy = tempfile::tempdir_in(target().join("tmp")).unwrap();
        copy_folder(self.data(), copy.path());
        copy
    }

    /// Plants the worst fault of a store: everything since the copy is forgotten.
    pub fn forget_all_since(&self, copy: &TempDir) {
        assert!(self.child.is_none(), "it still writes");
        std::fs::remove_dir_all(self.data()).unwrap();
        copy_folder(copy.path(), self.data());
    }

    /// Everything that it logged, over all its starts.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// What `ecomauction doctor --json` says about the data directory of a stopped platform.
    pub async fn doctor(&self) -> Value {
        assert!(self.child.is_none(), "the doctor wants a stopped platform");
        let mut command = Command::new(binary());
        command.arg("doctor").arg("--json").arg("--data").arg(self.data());
        let output = command.arg("--manifest").arg(&self.setup.manifest).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said)
            .unwrap_or_else(|_| panic!("doctor: {said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn forget_addresses(&self) {
        *self.public.write().unwrap() = None;
        *self.operator.write().unwrap() = None;
    }

    fn log_tail(&self) -> String {
        let log = self.log.lock().unwrap();
        log[log.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = self.data.take().map(TempDir::keep);
            eprintln!("--- data kept in {kept:?}; the platform's last words:\n{}", self.log_tail());
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Heard {
    Nothing,
    Ready(SocketAddr, SocketAddr),
    End,
}

async fn listen(
    stderr: BufReader<impl tokio::io::AsyncRead + Unpin>,
    log: Arc<Mutex<Vec<String>>>,
    say: watch::Sender<Heard>,
) {
    let mut lines = stderr.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let public = address(&line, "public_addr");
        if let (Some(public), Some(operator)) = (public, address(&line, "operator_addr")) {
            say.send_replace(Heard::Ready(public, operator));
        }
        log.lock().unwrap().push(line);
    }
    say.send_if_modified(|heard| match heard {
        Heard::Nothing => {
            *heard = Heard::End;
            true
        }
        _ => false,
    });
}

/// The address behind a name in a log line, be it text or JSON.
fn address(line: &str, name: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(name)?;
    let rest = rest.trim_start_matches(['"', ':', '=', ' ']);
    let is_part = |symbol: char| symbol.is_ascii_digit() || symbol == '.' || symbol == ':';
    rest.split(|symbol| !is_part(symbol)).next()?.parse().ok()
}

/// The binary, which cargo puts beside what it builds of this crate; `CONFORMANCE_BINARY` names
/// another one.
pub(crate) fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("CONFORMANCE_BINARY") {
        return named.into();
    }
    let own = std::env::current_exe().unwrap();
    let folders = own.ancestors().skip(1).take(2).map(|folder| folder.join("ecomauction"));
    let found = folders.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| target().join("release/ecomauction"))
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn target() -> PathBuf {
    root().join("target")
}

/// Compiled components, kept between tests: their names pin the bytes they were made of.
fn compiled_store() -> PathBuf {
    target().join("tmp/compiled")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// Copies what is missing; a copy is whole or absent.
fn lend_compiled(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else { return };
    std::fs::create_dir_all(to).unwrap();
    for entry in entries.flatten() {
        let (source, wanted) = (entry.path(), to.join(entry.file_name()));
        if source.extension().is_some_and(|extension| extension == "cwasm") && !wanted.exists() {
            let copy = tempfile::NamedTempFile::new_in(to).unwrap();
            std::fs::copy(&source, copy.path()).unwrap();
            // Somebody else may have been faster.
            drop(copy.persist_noclobber(&wanted));
        }
    }
}

pub(crate) const ANY_PORT: &str = "127.0.0.1:0";
/// Compiling every component on a busy machine is the slow part.
pub(crate) const START_MAX: Duration = Duration::from_secs(60);
/// Longer than the drain time.
const STOP_MAX: Duration = Duration::from_secs(30);
