//! How slow a connection may be: the head of a request arrives in time, and a connection without a
//! request does not stay for long (reliability.md 3.3).
//!
//! HTTP/1 alone is watched head by head. HTTP/2 speaks of other things than requests, too: its
//! first request has the time of a head, then a connection without requests the time of an idle
//! one.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What the requests of a connection tell its stream.
#[derive(Default)]
pub(super) struct Requests {
    under_way: AtomicUsize,
    ended: AtomicUsize,
    is_http2: AtomicBool,
}

/// Counts as under way until it is dropped.
pub(super) struct UnderWay(Arc<Requests>);

impl Requests {
    /// A head is complete.
    pub(super) fn begin(self: &Arc<Self>, version: http::Version) -> UnderWay {
        self.is_http2.store(version == http::Version::HTTP_2, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // In this order: who sees it end sees that it was.
        self.0.ended.fetch_add(1, Ordering::Release);
        self.0.under_way.fetch_sub(1, Ordering::Release);
    }
}

/// A stream that ends when its client is too slow.
pub(crate) struct Paced<S> {
    stream: S,
    requests: Arc<Requests>,
    head: Duration,
    idle: Duration,
    waiting: Waiting,
    deadline: Pin<Box<Sleep>>,
    /// The client takes nothing of what is there for it.
    is_stuck: bool,
    /// Until when it may do so.
    patience: Pin<Box<Sleep>>,
}

/// For what a stream waits that has nothing to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// For the end of a head; so many requests ended before it.
    Head(usize),
    /// For the beginning of the head after so many requests.
    Request(usize),
    /// An answer is on its way, and the time of the next request has not begun.
    Answer,
}

impl<S> Paced<S> {
    pub(super) fn new(
        stream: S,
        requests: Arc<Requests>,
        (head, idle): (Duration, Duration),
    ) -> Self {
        let deadline = Box::pin(tokio::time::sleep(head));
        let patience = Box::pin(tokio::time::sleep(idle));
        let waiting = Waiting::Head(0);
        Self { stream, requests, head, idle, waiting, deadline, is_stuck: false, patience }
    }

    /// The stream without its pace.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    fn wait_for(&mut self, waiting: Waiting) {
        let patience = match waiting {
            Waiting::Head(_) => self.head,
            Waiting::Request(_) | Waiting::Answer => self.idle,
        };
        self.waiting = waiting;
        self.deadline.as_mut().reset(Instant::now() + patience);
    }

    /// Bytes came while no request was under way.
    fn heard(&mut self) {
        let ended = self.requests.ended.load(Ordering::Acquire);
        let begins = self.waiting != Waiting::Head(ended);
        if begins && !self.requests.is_http2.load(Ordering::Relaxed) {
            self.wait_for(Waiting::Head(ended));
        }
    }

    /// The client takes what it asked for, however long that is. HTTP/2 writes without being asked.
    fn wrote(&mut self) {
        let is_next = matches!(self.waiting, Waiting::Request(_));
        if is_next && !self.requests.is_http2.load(Ordering::Relaxed) {
            self.waiting = Waiting::Answer;
        }
    }

    /// Whoever takes nothing for as long as a connection may be idle is gone.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.is_stuck = false;
            self.wrote();
            return written;
        }
        if !self.is_stuck {
            self.is_stuck = true;
            self.patience.as_mut().reset(Instant::now() + self.idle);
        }
        ready!(self.patience.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Nothing to read while no request is under way: is the client too slow?
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let ended = self.requests.ended.load(Ordering::Acquire);
        if !matches!(self.waiting, Waiting::Head(n) | Waiting::Request(n) if n == ended) {
            self.wait_for(Waiting::Request(ended));
        }
        self.deadline.as_mut().poll(context).is_ready()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.requests.under_way.load(Ordering::Acquire) > 0 {
            return read;
        }
        match read {
            Poll::Ready(_) if buffer.filled().len() > before => self.heard(),
            Poll::Pending if self.is_over(context) => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            _ => {}
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    const HEAD: Duration = Duration::from_millis(300);
    const IDLE: Duration = Duration::from_millis(1_500);

    fn connection() -> (DuplexStream, Paced<DuplexStream>, Arc<Requests>) {
        let requests = Arc::<Requests>::default();
        let (client, server) = tokio::io::duplex(64);
        let paced = Paced::new(server, Arc::clone(&requests), (HEAD, IDLE));
        (client, paced, requests)
    }

    /// When the stream gives up that has nothing more to read.
    async fn ends_after(paced: &mut Paced<DuplexStream>) -> Duration {
        let started = Instant::now();
        let error = paced.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        started.elapsed()
    }

    /// Not before its time, and not at another one.
    fn is_about(took: Duration, expected: Duration) -> bool {
        let tick = Duration::from_millis(5);
        (expected.saturating_sub(tick)..expected + 3 * HEAD).contains(&took)
    }

    #[tokio::test]
    async fn a_head_has_its_time_and_no_more_for_coming_in_drops() {
        let (client, mut paced, _) = connection();
        assert!(is_about(ends_after(&mut paced).await, HEAD), "who says nothing at all");
        drop(client);
        let (mut client, mut paced, _) = connection();
        let started = Instant::now();
        for _ in 0..9 {
            tokio::time::sleep(HEAD / 10).await;
            client.write_u8(b'G').await.unwrap();
            paced.read_u8().await.unwrap();
        }
        ends_after(&mut paced).await;
        assert!(is_about(started.elapsed(), HEAD), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_kept_connection_may_be_idle_until_a_head_begins() {
        let (mut client, mut paced, requests) = connection();
        let request = requests.begin(http::Version::HTTP_11);
        let read = tokio::time::timeout(IDLE + HEAD, paced.read_u8()).await;
        assert!(read.is_err(), "a request under way has a time of its own: {read:?}");
        drop(request);
        let read = tokio::time::timeout(IDLE / 2, paced.read_u8()).await;
        assert!(read.is_err(), "{read:?}");
        client.write_u8(b'G').await.unwrap();
        paced.read_u8().await.unwrap();
        assert!(is_about(ends_after(&mut paced).await, HEAD));
        let (_client, mut paced, requests) = connection();
        drop(requests.begin(http::Version::HTTP_11));
        assert!(is_about(ends_after(&mut paced).await, IDLE));
    }

    #[tokio::test]
    async fn an_answer_that_is_taken_slowly_is_no_idleness() {
        let (mut client, mut paced, requests) = connection();
        drop(requests.begin(http::Version::HTTP_11));
        for _ in 0..3 {
            let read = tokio::time::timeout(IDLE / 2, paced.read_u8()).await;
            assert!(read.is_err(), "{read:?}");
            paced.write_u8(b'.').await.unwrap();
            client.read_u8().await.unwrap();
        }
        assert!(is_about(ends_after(&mut paced).await, IDLE));
    }

    #[tokio::test]
    async fn who_takes_nothing_of_an_answer_is_left_whatever_else_it_said() {
        let (mut client, mut paced, requests) = connection();
        client.write_u8(b'G').await.unwrap();
        drop(requests.begin(http::Version::HTTP_11));
        let started = Instant::now();
        let written = tokio::time::timeout(2 * IDLE, paced.write_all(&[b'.'; 1_000])).await;
        let error = written.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(is_about(started.elapsed(), IDLE), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn http2_without_requests_is_idle_whatever_else_it_says() {
        let (mut client, mut paced, requests) = connection();
        drop(requests.begin(http::Version::HTTP_2));
        let started = Instant::now();
        for _ in 0..3 {
            let read = tokio::time::timeout(HEAD, paced.read_u8()).await;
            assert!(read.is_err(), "{read:?}");
            paced.write_u8(b'p').await.unwrap();
            client.write_u8(b'p').await.unwrap();
            paced.read_u8().await.unwrap();
        }
        ends_after(&mut paced).await;
        assert!(is_about(started.elapsed(), IDLE), "{:?}", started.elapsed());
    }
}
