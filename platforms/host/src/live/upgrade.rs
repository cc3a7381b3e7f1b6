//! The handshake of a WebSocket (RFC 6455 §4.2).

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ports::live::bounds;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::hub::{Followed, Follower};
use super::socket::Socket;
use super::{Body, Live};
use crate::http::{ConnectionSeat, Paced, problem};
use crate::services::{Service, face, socket};

/// A request that asks for a socket.
pub(crate) struct Asked<'a> {
    /// The head.
    pub(crate) head: &'a mut Parts,
    /// Who asks.
    pub(crate) client: IpAddr,
    /// Id of the request.
    pub(crate) request_id: &'a str,
}

/// Does the request ask for a WebSocket?
pub(crate) fn is_upgrade(method: &Method, headers: &HeaderMap) -> bool {
    let has = |name, wanted: &str| {
        let values = headers.get_all(name).into_iter();
        let mut tokens = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
        tokens.any(|token| token.trim().eq_ignore_ascii_case(wanted))
    };
    method == Method::GET && has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade")
}

/// Opens a socket, if the component lets it; else its response.
pub(crate) async fn upgrade(
    live: &Arc<Live>,
    service: &Arc<Service>,
    asked: Asked<'_>,
    opened: socket::Opened,
) -> Response<Body> {
    let Asked { head, client, request_id } = asked;
    let path = head.uri.path().to_owned();
    let refuse = |status, code, detail: &str| problem(status, code, detail, &path, request_id);
    let version = head.headers.get(header::SEC_WEBSOCKET_VERSION);
    if version.is_none_or(|version| version != "13") {
        let detail = "Sockets speak version 13 of the WebSocket protocol.";
        let mut response = refuse(StatusCode::UPGRADE_REQUIRED, "upgrade_unsupported", detail);
        let versions = HeaderValue::from_static("13");
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, versions);
        return response;
    }
    let key = head.headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let key = key.filter(|key| key.len() == KEY_CHARS).map(derive_accept_key);
    let accept = key.and_then(|key| HeaderValue::from_str(&key).ok());
    let (Some(accept), Some(upgrade)) = (accept, head.extensions.remove::<OnUpgrade>()) else {
        let detail = "The request does not begin a WebSocket: see RFC 6455, 4.1.";
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", detail);
    };
    let Some(seat) = live.seats.take(client, opened.principal.as_deref()) else {
        let detail = "This user or this address has as many open sockets as it may.";
        return refuse(StatusCode::TOO_MANY_REQUESTS, "too_many_sockets", detail);
    };
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if is_offered(&head.headers) {
        let chosen = HeaderValue::from_static(PROTOCOL);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, chosen);
    }
    let connection = head.extensions.remove::<ConnectionSeat>();
    let (live, service) = (Arc::clone(live), Arc::clone(service));
    tokio::spawn(async move {
        let face::Following { machine, key, after } = opened.following.clone();
        let follower = Follower::new(&live.machines, Followed { machine, key }, &service);
        if let Some(stream) = begun(upgrade).await {
            Socket::new(live, follower, stream, opened, after).run().await;
        }
        drop((seat, connection));
    });
    response
}

/// The connection, without everything that HTTP had around it.
async fn begun(upgrade: OnUpgrade) -> Option<WebSocketStream<TcpStream>> {
    let upgraded = upgrade.await.ok()?;
    type Io = TokioIo<Paced<TcpStream>>;
    let parts = hyper_util::server::conn::auto::upgrade::downcast::<Io>(upgraded).ok()?;
    let (stream, read) = (parts.io.into_inner().into_inner(), parts.read_buf.to_vec());
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_MAX_BYTES)
        .max_message_size(Some(bounds::MESSAGE_MAX_BYTES))
        .max_frame_size(Some(bounds::MESSAGE_MAX_BYTES));
    Some(WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await)
}

fn is_offered(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let mut names = offers.flat_map(|offer| offer.to_str().unwrap_or_default().split(','));
    names.any(|name| name.trim() == PROTOCOL)
}

const PROTOCOL: &str = "ecomauction.v1";
/// 16 bytes in base64.
const KEY_CHARS: usize = 24;
/// A client's frames are small, and most sockets never send one.
const READ_BUFFER_BYTES: usize = 1 << 10;
/// Frames that come together leave together.
const WRITE_BUFFER_BYTES: usize = 4 << 10;
/// What waits for a slow reader in its own buffer; the rest waits in everybody's.
const WRITE_MAX_BYTES: usize = 256 << 10;
