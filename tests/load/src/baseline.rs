//! The raw server: hyper as the platform sets it up, with nothing behind it.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

/// The raw server as a process of its own; ends with this value.
pub(crate) struct Baseline {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Baseline {
    /// Starts this very program in another process.
    pub(crate) fn start(get_bytes: usize) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["baseline", "--get-bytes", &get_bytes.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the raw server")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("the raw server has no output")?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
        let address = line.trim().parse().context("the raw server names no address")?;
        Ok(Self { child, address })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the process is killed.
pub(crate) fn run(get_bytes: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(get_bytes))
}

async fn serve(get_bytes: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let body = Bytes::from(format!("{{\"view\":\"{}\"}}", "v".repeat(get_bytes.max(11) - 11)));
    let builder = builder();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let service = service_fn(move |request| answer(request, body.clone()));
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    fixed: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.method() == Method::POST {
        // A body that breaks off ends its connection anyway.
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes)
    } else {
        Ok(fixed)
    };
    let mut response = Response::new(Full::new(body.unwrap_or_default()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// The settings of the platform's own listener (`platforms/host/src/http/server.rs`).
fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .max_buf_size(64 << 10)
        .max_headers(100)
        .half_close(false);
    builder
}
