//! What components print: lines on the platform's standard error, each with its component's id.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// The standard output or error of an instance. Cloning shares the unfinished line.
#[derive(Clone)]
pub(super) struct Lines(Arc<Mutex<Unfinished>>);

struct Unfinished {
    component: Arc<str>,
    line: Vec<u8>,
}

impl Lines {
    /// Of a component.
    pub(super) fn of(component: &Arc<str>) -> Self {
        let component = Arc::clone(component);
        Self(Arc::new(Mutex::new(Unfinished { component, line: Vec::new() })))
    }
}

impl Unfinished {
    /// Takes bytes and gives back the lines that they end.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut finished = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() >= LINE_MAX_BYTES {
                finished.append(&mut self.finish());
            }
        }
        finished
    }

    fn finish(&mut self) -> Vec<u8> {
        if self.line.is_empty() {
            return Vec::new();
        }
        let mut line = format!("[{}] ", self.component).into_bytes();
        line.append(&mut self.line);
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        line
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        print(&self.finish());
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let finished = self.0.lock().take(bytes);
        print(&finished);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn print(lines: &[u8]) {
    // Nobody can be told that nobody can be told.
    let _ = std::io::stderr().lock().write_all(lines);
}

/// A longer line is broken.
const LINE_MAX_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_the_id_of_their_component() {
        let mut unfinished = Unfinished { component: "auctions".into(), line: Vec::new() };
        assert_eq!(unfinished.take(b"one\ntw"), b"[auctions] one\n");
        assert_eq!(unfinished.take(b"o\nthree"), b"[auctions] two\n");
        assert_eq!(unfinished.finish(), b"[auctions] three\n");
        assert!(unfinished.finish().is_empty());
    }
}
