//! One keep-alive connection, as lean as it can be: a request is bytes, a reply is a status and a
//! slice of the read buffer.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An open connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// A complete reply; it lives in the connection's buffer.
#[derive(Debug)]
pub(crate) struct Reply<'c> {
    /// Status code.
    pub(crate) status: u16,
    /// The whole body.
    pub(crate) body: &'c [u8],
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 16 << 10], filled: 0 })
    }

    /// Sends a request and waits for its whole reply.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Reply<'_>> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        loop {
            let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let read = self.stream.read(free).await?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            self.filled += read;
            let seen = self.buffer.get(..self.filled).unwrap_or_default();
            let Some(head) = Head::parse(seen)? else { continue };
            let whole = head.bytes + head.body_bytes;
            if self.filled >= whole {
                if self.filled > whole {
                    bail!("the server sent more than one reply");
                }
                let body = self.buffer.get(head.bytes..whole).unwrap_or_default();
                return Ok(Reply { status: head.status, body });
            }
            if self.buffer.len() < whole {
                self.buffer.resize(whole.min(REPLY_MAX_BYTES), 0);
            }
        }
    }
}

struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
}

impl Head {
    /// The head of a reply; none while it is not complete.
    fn parse(seen: &[u8]) -> anyhow::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut reply = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(bytes) = reply.parse(seen)? else {
            return Ok(None);
        };
        let status = reply.code.context("a reply without a status")?;
        let length = reply.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
        let body_bytes = match length {
            Some(length) => std::str::from_utf8(length.value)?.trim().parse()?,
            None if matches!(status, 204 | 304) => 0,
            None => bail!("a reply without Content-Length"),
        };
        if body_bytes > REPLY_MAX_BYTES {
            bail!("a reply of {body_bytes} bytes");
        }
        Ok(Some(Self { status, bytes, body_bytes }))
    }
}

const REPLY_MAX_BYTES: usize = 4 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let reply = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        for end in 0..reply.len() - 2 {
            assert!(Head::parse(&reply[..end]).unwrap().is_none(), "{end}");
        }
        let head = Head::parse(reply).unwrap().unwrap();
        assert_eq!((head.status, head.bytes, head.body_bytes), (201, reply.len() - 2, 2));
    }

    #[test]
    fn a_reply_of_unknown_length_is_an_error() {
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
