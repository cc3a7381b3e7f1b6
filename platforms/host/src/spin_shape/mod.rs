//! `up --only spin`: the manifest as Spin 4.1 runs it, in its thinnest form.
//!
//! A component is composed with its dependencies and gets what Spin gives and we use: WASI 0.2 and
//! 0.3, `wasi:http`, `wasi:config` and `spin:sqlite`. Nothing of this host's own (entities,
//! journal, timers, queues) is linked, so what runs here runs under `spin up`. Outbound HTTP,
//! key-value and triggers other than HTTP are Spin's business.

mod application;
mod handler;
mod manifest;
mod sqlite;
mod variables;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::WasiBody;

use application::Application;

/// Serves the manifest's HTTP triggers on `listen`; databases are files in `state_dir`. Runs until
/// its future is dropped. The line on standard output that names the address is written when
/// connections are accepted.
pub async fn run(manifest: &Path, listen: SocketAddr, state_dir: &Path) -> anyhow::Result<()> {
    let manifest = manifest::Manifest::read(manifest)?;
    let application = Arc::new(Application::new(&manifest, state_dir)?);
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    println!("Serving http://{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        tokio::spawn(serve(connection, Arc::clone(&application)));
    }
}

async fn serve(connection: TcpStream, application: Arc<Application>) {
    let service = service_fn(move |request| {
        let application = Arc::clone(&application);
        async move { Ok::<_, Infallible>(respond(&application, request).await) }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    if let Err(error) = server.serve_connection(TokioIo::new(connection), service).await {
        tracing::debug!(%error, "connection ended");
    }
}

async fn respond(
    application: &Application,
    request: http::Request<Incoming>,
) -> http::Response<WasiBody> {
    let Some(handler) = application.find(request.uri().path()) else {
        return plain(http::StatusCode::NOT_FOUND);
    };
    let request = request.map(|body| body.map_err(wasmtime_wasi_http::Error::from).boxed_unsync());
    match handler.handle((), request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "component failed");
            plain(http::StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn plain(status: http::StatusCode) -> http::Response<WasiBody> {
    let body = Full::default().map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    response
}
