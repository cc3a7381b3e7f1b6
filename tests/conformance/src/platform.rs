//! A platform on a scratch state directory: what can be done with every one of them.

pub(crate) mod files;
pub(crate) mod kind;
mod process;
pub(crate) mod runner;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::watch;

use crate::client::Address;
use crate::host;
use crate::setup::Setup;
use crate::{Client, User};
use files::{binary, compiled_store, copy_folder, lend_compiled, scratch};
use process::Process;
use runner::{Addresses, PLATFORM_SECRET, Runner};

/// A running (or killed) platform; it is killed for good when this is dropped.
///
/// Everything here holds on every platform. What only our host can do is in [`crate::Host`].
pub struct Platform {
    pub(crate) setup: Setup,
    runner: Runner,
    process: Option<Process>,
    state: Option<TempDir>,
    log: Arc<Mutex<Vec<String>>>,
    pub(crate) public: Address,
    pub(crate) operator: Address,
    client: Client,
    /// Names that signed up.
    pub(crate) accounts: Mutex<BTreeSet<String>>,
    /// How long the last start took, from the call until the platform was ready.
    pub start_took: Duration,
}

impl Platform {
    /// Starts it for the first time.
    pub(crate) async fn begin(setup: Setup, runner: Runner) -> Self {
        let (public, operator) = (Address::default(), Address::default());
        std::fs::create_dir_all(scratch()).unwrap();
        let state = tempfile::Builder::new().prefix("platform-").tempdir_in(scratch()).unwrap();
        // Of platforms that start side by side one compiles, and the others take what it made.
        let compiled = COMPILED.lock().await;
        let first = (!*compiled).then_some(compiled);
        lend_compiled(&compiled_store(), &runner.compiled(state.path()));
        let mut platform = Self {
            setup,
            runner,
            process: None,
            state: Some(state),
            log: Arc::default(),
            client: Client::new(Arc::clone(&public)),
            public,
            operator,
            accounts: Mutex::default(),
            start_took: Duration::ZERO,
        };
        platform.start().await;
        lend_compiled(&platform.runner.compiled(platform.state()), &compiled_store());
        if let Some(mut compiled) = first {
            *compiled = true;
        }
        platform
    }

    /// Starts it again on the same state, at another address, and waits until it is ready.
    ///
    /// # Panics
    /// With its log when it does not become ready.
    pub async fn start(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let started = Instant::now();
        let start = self.runner.start(&self.setup, self.state());
        let mut process =
            Process::start(start.command, self.runner.leads()).unwrap_or_else(|error| {
                panic!("{}: {error}; build it first: cargo xtask build", binary().display())
            });
        let (say, mut heard) = watch::channel(Heard::Nothing);
        let child = process.child();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take().unwrap());
        if let Some(stdout) = stdout {
            tokio::spawn(listen(stdout, self.runner.clone(), Arc::clone(&self.log), say.clone()));
        }
        tokio::spawn(listen(stderr, self.runner.clone(), Arc::clone(&self.log), say));
        self.process = Some(process);
        if let Some(address) = start.known {
            *self.public.write().unwrap() = Some(address);
        }
        let ready = tokio::time::timeout(START_MAX, self.ready(&mut heard, start.known.is_some()));
        let ready = ready.await;
        assert!(matches!(ready, Ok(true)), "not ready:\n{}", self.log_tail());
        self.start_took = started.elapsed();
    }

    /// Waits until it is ready: by its own word, or where it gives none by an answer. False when
    /// it ended instead.
    async fn ready(&self, heard: &mut watch::Receiver<Heard>, by_answer: bool) -> bool {
        if !by_answer {
            let ready = heard.wait_for(|heard| !matches!(heard, Heard::Nothing)).await;
            let Ok(Heard::Ready((public, operator))) = ready.map(|heard| *heard) else {
                return false;
            };
            *self.public.write().unwrap() = Some(public);
            *self.operator.write().unwrap() = operator;
            return true;
        }
        loop {
            let answer = self.client.call("GET", "/readyz").send().await;
            if answer.is_ok_and(|answer| answer.status == 200) {
                return true;
            }
            if matches!(*heard.borrow(), Heard::End) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL to it and everything that it started, and wait until they are gone.
    pub async fn kill(&mut self) {
        let process = self.process.take().expect("it runs");
        self.forget_addresses();
        process.kill().await;
    }

    /// Speaks to its public address, wherever that is at the time.
    pub fn client(&self) -> Client {
        self.client.clone()
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

    /// A user of that name by a development token: for tests that need crowds.
    pub async fn user_by_token(&self, name: &str) -> User {
        User::by_development_token(&self.client, name).await
    }

    /// A value of /proc/PID/status in KiB, for example `VmHWM`; of all its processes together.
    pub fn memory_kib(&self, name: &str) -> u64 {
        self.process.as_ref().expect("it runs").memory_kib(name)
    }

    /// Everything that it logged, over all its starts.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Everything that it tells those who run it: its log, and metrics where it has them.
    pub async fn told_to_operators(&self) -> String {
        let mut told = self.log();
        if self.is_host() {
            let metrics = Client::of_operators(Arc::clone(&self.operator)).get("/metrics").await;
            told.push_str(&metrics.expect(200).text());
        }
        told
    }

    /// The key that signs its access tokens now: in a file of our host, elsewhere by its secret.
    pub fn token_key(&self) -> SigningKey {
        if !self.runner.has_variables_for_secrets() {
            return host::token_key(self.state());
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(PLATFORM_SECRET.as_bytes()).unwrap();
        mac.update(b"token");
        SigningKey::from_bytes(&mac.finalize().into_bytes().into())
    }

    pub(crate) fn is_host(&self) -> bool {
        matches!(self.runner, Runner::Host { .. })
    }

    /// Its state directory.
    pub(crate) fn state(&self) -> &Path {
        self.state.as_ref().expect("kept until the end").path()
    }

    /// A copy of its state while it does not run.
    pub(crate) fn copy_of_state(&self) -> TempDir {
        assert!(self.process.is_none(), "it still writes");
        let copy = tempfile::tempdir_in(scratch()).unwrap();
        copy_folder(self.state(), copy.path());
        copy
    }

    /// Plants the worst fault of a store: everything since the copy is forgotten.
    pub(crate) fn forget_all_since(&self, copy: &TempDir) {
        assert!(self.process.is_none(), "it still writes");
        std::fs::remove_dir_all(self.state()).unwrap();
        copy_folder(copy.path(), self.state());
    }

    /// SIGTERM without waiting.
    pub(crate) fn terminate(&self) {
        self.process.as_ref().expect("it runs").terminate();
    }

    /// Waits until it ends by itself; its exit status and how long that took.
    pub(crate) async fn ended(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let mut process = self.process.take().expect("it runs");
        let ended = tokio::time::timeout(STOP_MAX, process.ended()).await;
        self.forget_addresses();
        let status = ended.unwrap_or_else(|_| panic!("does not stop:\n{}", self.log_tail()));
        (status, started.elapsed())
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
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
            let kept = self.state.take().map(TempDir::keep);
            eprintln!(
                "--- state kept in {kept:?}; the platform's last words:\n{}",
                self.log_tail()
            );
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Heard {
    Nothing,
    Ready(Addresses),
    End,
}

async fn listen(
    stream: impl tokio::io::AsyncRead + Unpin,
    runner: Runner,
    log: Arc<Mutex<Vec<String>>>,
    say: watch::Sender<Heard>,
) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let addresses = runner.addresses(&line);
        log.lock().unwrap().push(line);
        if let Some(addresses) = addresses {
            say.send_replace(Heard::Ready(addresses));
        }
    }
    say.send_if_modified(|heard| match heard {
        Heard::Nothing => {
            *heard = Heard::End;
            true
        }
        _ => false,
    });
}

/// Compiling every component on a busy machine is the slow part.
pub(crate) const START_MAX: Duration = Duration::from_secs(60);
/// Longer than the drain time.
const STOP_MAX: Duration = Duration::from_secs(30);

/// Whether a platform of this process has started, and with it all its components are compiled.
static COMPILED: tokio::sync::Mutex<bool> = tokio::sync::Mutex::const_new(false);
