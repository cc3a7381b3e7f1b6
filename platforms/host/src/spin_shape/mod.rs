//! `up --only spin`: the manifest as Spin 4.1 runs it, in its thinnest form.
//!
//! A component is composed with its dependencies and gets what Spin gives and we use: WASI 0.2 and
//! 0.3, `wasi:http` both ways, `wasi:config`, `spin:sqlite` and its files. Nothing of this host's
//! own (entities, journal, timers, queues) is linked, so what runs here runs under `spin up`.
//! Key-value, other databases and triggers other than HTTP are Spin's business.

mod application;
mod component;
mod files;
mod handler;
mod headers;
mod hosts;
mod manifest;
mod outward;
mod sqlite;
mod stdio;
mod toml_form;
mod variables;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::WasiBody;

use application::Application;

/// Serves the manifest's HTTP triggers on `listen`; databases and mounted files are in `state_dir`;
/// `overrides` set variables. Runs until its future is dropped. The line on standard output that
/// names the address is written when connections are accepted.
pub async fn run(
    manifest: &Path,
    listen: SocketAddr,
    state_dir: &Path,
    overrides: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let manifest = manifest::Manifest::read(manifest, overrides)?;
    let application = Arc::new(Application::new(manifest, state_dir)?);
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    println!("Serving http://{address}\nAvailable Routes:");
    for (route, target) in application.routes() {
        println!("  {target}: http://{address}{route}");
    }
    loop {
        let (connection, client) = listener.accept().await?;
        tokio::spawn(serve(connection, client, Arc::clone(&application)));
    }
}

async fn serve(connection: TcpStream, client: SocketAddr, application: Arc<Application>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let application = Arc::clone(&application);
        let request =
            request.map(|body| body.map_err(wasmtime_wasi_http::Error::from).boxed_unsync());
        async move { application.answer(request, client).await }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    if let Err(error) = server.serve_connection(TokioIo::new(connection), service).await {
        tracing::debug!(%error, "connection ended");
    }
}

fn plain(status: StatusCode, body: Bytes) -> Response<WasiBody> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    response
}

fn whole(body: Bytes) -> WasiBody {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync()
}
