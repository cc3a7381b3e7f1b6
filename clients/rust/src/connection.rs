//! One connection: how it is asked for, and why it ended.

use std::net::{IpAddr, SocketAddr};

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::order::Position;

/// Who asks. A token goes as a subprotocol, never in the address, where it would be logged; a
/// ticket is used once and dead after 30 s, so it may.
#[derive(Debug, Clone, Default)]
pub enum SignIn {
    /// Nobody: the socket only watches.
    #[default]
    Watcher,
    /// An access token.
    Token(String),
    /// A ticket of `POST /v1/live-tickets`.
    Ticket(String),
}

/// What one connection asks for.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    /// `ws://host:port` or `wss://host`.
    pub(crate) server: &'a str,
    pub(crate) auction: &'a str,
    pub(crate) after: Option<&'a Position>,
    pub(crate) origin: Option<&'a str>,
    /// Where connections leave from, on a machine with several addresses.
    pub(crate) from: Option<IpAddr>,
}

/// Why there is no connection, or none any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Parting {
    /// The platform restarts: go on elsewhere (4000).
    #[error("the platform restarts")]
    Restart,
    /// The token is bad or has expired (4001); new credentials are asked for.
    #[error("the sign-in is not valid any more")]
    BadAuth,
    /// The caller may not watch this (4003).
    #[error("not allowed")]
    Forbidden,
    /// The auction is not there any more (4004).
    #[error("the auction is gone")]
    Gone,
    /// This client read too slowly (4008).
    #[error("read too slowly")]
    Slow,
    /// History was rewritten: what was known is void (4009).
    #[error("history was rewritten")]
    EpochChanged,
    /// This client sent too much (4029).
    #[error("sent too much")]
    RateLimited,
    /// The upgrade was refused with an HTTP status.
    #[error("refused with {status} {code}: {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// `code` of the problem.
        code: String,
        /// `detail` of the problem.
        detail: String,
    },
    /// Closed with a code that says nothing about what to do.
    #[error("closed with {code}: {reason}")]
    Closed {
        /// Close code.
        code: u16,
        /// What the other side said.
        reason: String,
    },
    /// The connection broke.
    #[error("{0}")]
    Cut(String),
    /// Nothing was heard for longer than two pings.
    #[error("nothing was heard for too long")]
    Silence,
    /// The order was broken; what is missing is asked for again.
    #[error(transparent)]
    Gap(#[from] crate::order::Gap),
    /// The settings cannot work.
    #[error("{0}")]
    Unusable(String),
}

impl Parting {
    /// Nothing gets better by trying again.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Forbidden | Self::Gone | Self::Unusable(_) => true,
            Self::Refused { status, .. } => *status < 500 && *status != 429,
            Self::Closed { code, .. } => matches!(code, 1002 | 1003 | 1007 | 1009),
            Self::Restart
            | Self::BadAuth
            | Self::Slow
            | Self::EpochChanged
            | Self::RateLimited
            | Self::Cut(_)
            | Self::Silence
            | Self::Gap(_) => false,
        }
    }

    fn of_code(code: u16, reason: &str) -> Self {
        match code {
            4000 => Self::Restart,
            4001 => Self::BadAuth,
            4003 => Self::Forbidden,
            4004 => Self::Gone,
            4008 => Self::Slow,
            4009 => Self::EpochChanged,
            4029 => Self::RateLimited,
            code => Self::Closed { code, reason: reason.to_owned() },
        }
    }
}

/// An open socket.
pub(crate) struct Connection {
    stream: Stream,
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Connection {
    pub(crate) async fn open(ask: &Ask<'_>, sign_in: &SignIn) -> Result<Self, Parting> {
        let request = request(ask, sign_in)?;
        let address = address(&request).await?;
        let stream = connect(address, ask.from).await.map_err(cut)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX_BYTES))
            .max_frame_size(Some(MESSAGE_MAX_BYTES));
        match upgrade(request, stream, config).await {
            Ok(stream) => Ok(Self { stream }),
            Err(tungstenite::Error::Http(answer)) => Err(refusal(&answer)),
            Err(tungstenite::Error::Url(error)) => Err(Parting::Unusable(error.to_string())),
            Err(error) => Err(cut(error)),
        }
    }

    /// The next text; empty where something else only showed life: a ping is answered by the
    /// library. Safe to drop while it waits.
    pub(crate) async fn text(&mut self) -> Result<String, Parting> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(Some(frame)))) => {
                Err(Parting::of_code(frame.code.into(), frame.reason.as_str()))
            }
            Some(Ok(Message::Close(None))) => Err(Parting::of_code(NO_CODE, "")),
            Some(Ok(_)) => Ok(String::new()),
            Some(Err(error)) => Err(cut(error)),
            None => Err(Parting::Cut("the stream ended".to_owned())),
        }
    }

    pub(crate) async fn say(&mut self, text: String) -> Result<(), Parting> {
        self.stream.send(Message::text(text)).await.map_err(cut)
    }

    /// Says goodbye; whether that is heard does not matter.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.close(None).await;
    }
}

fn request(ask: &Ask<'_>, sign_in: &SignIn) -> Result<http::Request<()>, Parting> {
    let mut query = Vec::new();
    if let Some(position) = ask.after {
        query.push(format!("after={}&epoch={}", position.seq, position.epoch));
    }
    if let SignIn::Ticket(ticket) = sign_in {
        query.push(format!("ticket={ticket}"));
    }
    let server = ask.server.trim_end_matches('/');
    let joint = if query.is_empty() { "" } else { "?" };
    let query = query.join("&");
    let address = format!("{server}/v1/auctions/{}/live{joint}{query}", ask.auction);
    let mut request = address.into_client_request().map_err(unusable)?;
    let protocols = match sign_in {
        SignIn::Token(token) => format!("{PROTOCOL}, bearer.{token}"),
        SignIn::Watcher | SignIn::Ticket(_) => PROTOCOL.to_owned(),
    };
    let protocols = HeaderValue::try_from(protocols).map_err(unusable)?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocols);
    if let Some(origin) = ask.origin {
        request.headers_mut().insert(ORIGIN, HeaderValue::try_from(origin).map_err(unusable)?);
    }
    Ok(request)
}

async fn address(request: &http::Request<()>) -> Result<SocketAddr, Parting> {
    let host = request.uri().host().unwrap_or_default();
    let usual = if request.uri().scheme_str() == Some("wss") { 443 } else { 80 };
    let port = request.uri().port_u16().unwrap_or(usual);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut found = lookup_host((host, port)).await.map_err(cut)?;
    found.next().ok_or_else(|| Parting::Cut(format!("{host} has no address")))
}

async fn connect(to: SocketAddr, from: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(feature = "tls")]
async fn upgrade(
    request: http::Request<()>,
    stream: TcpStream,
    config: WebSocketConfig,
) -> Result<Stream, tungstenite::Error> {
    let upgrading =
        tokio_tungstenite::client_async_tls_with_config(request, stream, Some(config), None);
    Ok(upgrading.await?.0)
}

#[cfg(not(feature = "tls"))]
async fn upgrade(
    request: http::Request<()>,
    stream: TcpStream,
    config: WebSocketConfig,
) -> Result<Stream, tungstenite::Error> {
    if request.uri().scheme_str() == Some("wss") {
        return Err(tungstenite::error::UrlError::TlsFeatureNotEnabled.into());
    }
    let stream = MaybeTlsStream::Plain(stream);
    let upgrading = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    Ok(upgrading.await?.0)
}

fn refusal(answer: &http::Response<Option<Vec<u8>>>) -> Parting {
    let body = answer.body().as_deref().unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |name: &str| {
        let text = problem.get(name).and_then(serde_json::Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let status = answer.status().as_u16();
    Parting::Refused { status, code: member("code"), detail: member("detail") }
}

fn cut(error: impl core::fmt::Display) -> Parting {
    Parting::Cut(error.to_string())
}

fn unusable(error: impl core::fmt::Display) -> Parting {
    Parting::Unusable(error.to_string())
}

/// What RFC 6455 calls a close without a code.
const NO_CODE: u16 = 1005;
const PROTOCOL: &str = "ecomauction.v1";
/// Far above the largest snapshot.
const MESSAGE_MAX_BYTES: usize = 1 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn ask(after: Option<&Position>) -> Ask<'_> {
        let (server, auction) = ("ws://127.0.0.1:9/", "auc_1");
        Ask { server, auction, after, origin: Some("https://shop.test"), from: None }
    }

    #[test]
    fn a_token_is_a_subprotocol_and_a_ticket_stands_in_the_address() {
        let position = Position { epoch: "e1".to_owned(), seq: 7 };
        let signed = request(&ask(Some(&position)), &SignIn::Token("abc.d".to_owned())).unwrap();
        assert_eq!(signed.headers()["sec-websocket-protocol"], "ecomauction.v1, bearer.abc.d");
        assert_eq!(signed.uri().query(), Some("after=7&epoch=e1"));
        assert_eq!(signed.headers()["origin"], "https://shop.test");
        let ticket = request(&ask(None), &SignIn::Ticket("t".to_owned())).unwrap();
        assert_eq!(ticket.uri().path_and_query().unwrap(), "/v1/auctions/auc_1/live?ticket=t");
        assert_eq!(ticket.headers()["sec-websocket-protocol"], "ecomauction.v1");
    }

    #[test]
    fn what_cannot_get_better_is_final() {
        let refused =
            |status| Parting::Refused { status, code: String::new(), detail: String::new() };
        for parting in [Parting::of_code(4003, ""), Parting::of_code(4004, ""), refused(401)] {
            assert!(parting.is_final(), "{parting}");
        }
        assert!(Parting::of_code(1009, "").is_final());
        for code in [4000, 4001, 4008, 4009, 4029, 1001, 1006, 1011] {
            assert!(!Parting::of_code(code, "").is_final(), "{code}");
        }
        assert!(!refused(503).is_final() && !refused(429).is_final());
    }
}
