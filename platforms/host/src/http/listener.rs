//! Accepting connections, as many and as slow as they may be.

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use super::pace::{Paced, Requests};
use super::seats::{ConnectionSeat, Seats};
use super::{Body, HttpLimits};

/// What answers the requests of a listener.
pub(crate) trait Answer: Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves until `stop` resolves, then lets running requests finish within the drain time.
pub(crate) async fn serve<A: Answer>(
    listener: TcpListener,
    limits: HttpLimits,
    answer: Arc<A>,
    stop: impl Future<Output = ()>,
) {
    let seats = Arc::<Seats>::default();
    let graceful = GracefulShutdown::new();
    let builder = connection_builder(&limits);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors: existing connections must end first.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let peer = peer.ip();
        let Some(seat) = seats.take(peer, &limits) else {
            // Closed without a word: an answer would cost more than the connection.
            tracing::debug!(%peer, "a connection too many");
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (answer, requests) = (Arc::clone(&answer), Arc::<Requests>::default());
        let patience = (limits.head_timeout, limits.idle_timeout);
        let stream = TokioIo::new(Paced::new(stream, Arc::clone(&requests), patience));
        let seat = Arc::new(seat);
        let kept = Arc::clone(&seat);
        let service = service_fn(move |mut request: Request<Incoming>| {
            if request.headers().contains_key(http::header::UPGRADE) {
                request.extensions_mut().insert::<ConnectionSeat>(Arc::clone(&kept));
            }
            let answer = Arc::clone(&answer);
            let under_way = requests.begin(request.version());
            async move {
                let answered = answer.answer(request, peer).await;
                drop(under_way);
                Ok::<_, std::convert::Infallible>(answered)
            }
        });
        let connection = builder.serve_connection_with_upgrades(stream, service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A broken connection is the client's business.
            let _ = connection.await;
            drop(seat);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running after the drain time");
    }
}

fn connection_builder(limits: &HttpLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // `pace` tells heads and idle connections apart, and needs this: with it the next head is
        // looked for as soon as an answer was given.
        .header_read_timeout(limits.idle_timeout + limits.head_timeout)
        // A head has to fit into it.
        .max_buf_size(limits.head_max_bytes)
        .max_headers(limits.headers_max)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(limits.head_max_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(Some(64))
        .keep_alive_interval(Some(limits.idle_timeout / 2))
        .keep_alive_timeout(limits.head_timeout);
    builder
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    struct Up;

    impl Answer for Up {
        async fn answer(&self, _: Request<Incoming>, _: IpAddr) -> Response<Body> {
            Response::new(Body::default())
        }
    }

    /// A listener with these bounds.
    async fn listener(limits: HttpLimits) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, limits, Arc::new(Up), std::future::pending()));
        address
    }

    /// What a connection answers until it is closed.
    async fn told(address: SocketAddr, said: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // It may be closed before it took everything.
        let _ = stream.write_all(said.as_bytes()).await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.expect("it closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn slow_heads_and_idle_connections_are_closed() {
        let (head_timeout, idle_timeout) = (Duration::from_millis(200), Duration::from_millis(900));
        let address = listener(HttpLimits { head_timeout, idle_timeout, ..<_>::default() }).await;
        for said in ["", "P", "GET / HTTP/1.1\r\nhost: he", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            let started = std::time::Instant::now();
            let answer = told(address, said).await;
            assert!(!answer.starts_with("HTTP/1.1 2"), "{said}: {answer}");
            let took = started.elapsed();
            assert!((head_timeout..idle_timeout).contains(&took), "{said}: {took:?}");
        }
        let started = std::time::Instant::now();
        let answer = told(address, "GET / HTTP/1.1\r\nhost: here\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(started.elapsed() >= idle_timeout, "a kept connection has more time");
    }

    #[tokio::test]
    async fn heads_over_their_bound_are_refused() {
        let address = listener(HttpLimits::default()).await;
        let head = |bytes: usize| {
            let rest =
                "a".repeat(bytes - "GET / HTTP/1.1\r\nconnection: close\r\nx: \r\n\r\n".len());
            format!("GET / HTTP/1.1\r\nconnection: close\r\nx: {rest}\r\n\r\n")
        };
        let most = HttpLimits::default().head_max_bytes;
        assert!(told(address, &head(most)).await.starts_with("HTTP/1.1 200 "));
        assert!(told(address, &head(most + 1)).await.starts_with("HTTP/1.1 431 "));
    }

    #[tokio::test]
    async fn a_connection_too_many_is_closed_without_an_answer() {
        let limits = HttpLimits { connections_per_client_max: 2, ..<_>::default() };
        let address = listener(limits).await;
        let kept = async || {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'H');
            stream
        };
        let (one, _two) = (kept().await, kept().await);
        assert_eq!(told(address, "").await, "");
        drop(one);
        // Its end is noticed in a moment.
        let again = async {
            while told(address, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.is_empty() {}
        };
        tokio::time::timeout(Duration::from_secs(10), again).await.expect("there is room again");
    }
}
