//! Requests of components: to each other, and to the servers that the manifest allows.

use std::error::Error as StdError;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::application::Handler;
use super::headers::{self, Matched};
use super::hosts::AllowedHosts;

/// All components with a trigger, and the client of all. It lives as long as the process: the
/// handlers refer to it.
pub(super) struct Surroundings {
    handlers: OnceLock<BTreeMap<String, Handler>>,
    client: Client<HttpsConnector<HttpConnector>, WasiBody>,
}

/// How one instance sends requests.
pub(super) struct Outward {
    pub(super) allowed: Arc<AllowedHosts>,
    pub(super) around: Arc<Surroundings>,
}

/// A response and what became of the request's transmission.
type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl Surroundings {
    pub(super) fn new() -> anyhow::Result<Self> {
        let client = Client::builder(TokioExecutor::new()).build(crate::outbound::connector()?);
        Ok(Self { handlers: OnceLock::new(), client })
    }

    /// From now on these are the components that requests reach.
    pub(super) fn fill(&self, handlers: BTreeMap<String, Handler>) {
        let _ = self.handlers.set(handlers);
    }

    fn handler(&self, id: &str) -> Option<&Handler> {
        self.handlers.get()?.get(id)
    }

    /// A component's answer. A component that fails answers 500; an error means that there is no
    /// telling for whom the request is.
    pub(super) async fn ask(
        &self,
        id: &str,
        mut request: Request<WasiBody>,
        matched: &Matched,
        client: SocketAddr,
    ) -> anyhow::Result<Response<WasiBody>> {
        headers::address(&mut request)?;
        let handler = self.handler(id);
        let handler =
            handler.ok_or_else(|| anyhow::anyhow!("unknown routing destination '{id}'"))?;
        let answered = async {
            headers::add(&mut request, matched, client)?;
            anyhow::Ok(handler.handle((), request).await?)
        };
        Ok(answered.await.unwrap_or_else(|error| {
            tracing::error!(component = id, error = format!("{error:#}"), "component failed");
            super::plain(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())
        }))
    }

    async fn send(
        self: Arc<Self>,
        mut request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Sent, Error> {
        // As in Spin: the authority of the URI says it all.
        request.headers_mut().remove(header::HOST);
        let chained = request.uri().host().and_then(ports::neighbour).map(str::to_owned);
        let response = if let Some(id) = chained {
            let matched = Matched::chained(request.uri());
            let answer = self.ask(&id, request, &matched, CHAINED).await;
            // Spin ends the instance; here its request fails.
            answer.map_err(|error| Error::InternalError(Some(format!("{error:#}"))))?
        } else {
            let patience = options.first_byte_timeout.unwrap_or(PATIENCE);
            let response = tokio::time::timeout(patience, self.client.request(request)).await;
            let response = response.map_err(|_| Error::ConnectionReadTimeout)?;
            let response = response.map_err(|error| failure(&error))?;
            response.map(|body| body.map_err(Error::from).boxed_unsync())
        };
        let pause = options.between_bytes_timeout.unwrap_or(PATIENCE);
        let response = response.map(|body| Paced { body, pause, sleep: None }.boxed_unsync());
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }
}

impl WasiHttpHooks for Outward {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _heard: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let around = Arc::clone(&self.around);
        if !self.allowed.allow(request.uri(), |id| around.handler(id).is_some()) {
            let host = request.uri().host().unwrap_or_default();
            tracing::warn!(host, "allowed_outbound_hosts does not allow a request");
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        Box::new(around.send(request, options.unwrap_or_default()))
    }
}

/// Why there is no response, in the terms of WASI.
fn failure(error: &hyper_util::client::legacy::Error) -> Error {
    let mut cause = error.source();
    while let Some(why) = cause {
        if why.is::<rustls::Error>() {
            return Error::TlsProtocolError;
        }
        if why.to_string() == "dns error" {
            let rcode = Some("address not available".to_owned());
            return Error::DnsError { rcode, info_code: Some(0) };
        }
        // An error of a body passes through as it is for its sender.
        cause = match why.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) if inner.is::<rustls::Error>() => return Error::TlsProtocolError,
            _ => why.source(),
        };
    }
    if error.is_connect() { Error::ConnectionRefused } else { Error::HttpProtocolError }
}

/// A body that may not pause for longer than that.
struct Paced {
    body: WasiBody,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.sleep = None;
            return Poll::Ready(frame);
        }
        let pause = self.pause;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The client address of requests between components.
const CHAINED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// How long a component waits that does not say how long.
const PATIENCE: Duration = Duration::from_secs(600);
