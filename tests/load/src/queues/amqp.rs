//! As much of AMQP 0-9-1 as it takes to publish with confirmations and to consume.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

/// A connection with one channel.
pub(crate) struct Channel {
    stream: TcpStream,
    /// What is sent next.
    out: Vec<u8>,
    /// What was read: from `start` on it is unread frames, the last perhaps in part.
    seen: Vec<u8>,
    start: usize,
}

/// What the server says that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It keeps messages up to that one.
    Kept {
        /// The publication's number.
        tag: u64,
        /// Those before it too.
        multiple: bool,
    },
    /// It delivers a message, whose body comes next.
    Delivers {
        /// The delivery's number.
        tag: u64,
    },
    /// The answer to something that was asked: class and method.
    Answers(u16, u16),
    /// The body, in the buffer, up to the next question.
    Body {
        /// Its first byte.
        from: usize,
        /// The byte behind it.
        to: usize,
    },
    /// What can be passed over.
    Other,
}

impl Channel {
    /// Connects as the user that a fresh server has.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let out = b"AMQP\x00\x00\x09\x01".to_vec();
        let mut channel = Self { stream, out, seen: Vec::new(), start: 0 };
        channel.wait_for((10, 10))?;
        channel.method(0, (10, 11), |start| {
            long(start, b"");
            short(start, "PLAIN");
            long(start, b"\0guest\0guest");
            short(start, "en_US");
        });
        channel.wait_for((10, 30))?;
        channel.method(0, (10, 31), |tune| {
            tune.extend(CHANNELS_MAX.to_be_bytes());
            tune.extend(FRAME_MAX_BYTES.to_be_bytes());
            tune.extend(NO_HEARTBEAT.to_be_bytes());
        });
        channel.method(0, (10, 40), |open| {
            short(open, "/");
            open.extend([0, 0]);
        });
        channel.wait_for((10, 41))?;
        channel.ask((20, 10), |open| short(open, ""))?;
        Ok(channel)
    }

    /// Calls a method and waits for its answer, whose number is the next.
    pub(crate) fn ask(
        &mut self,
        (class, method): (u16, u16),
        arguments: impl FnOnce(&mut Vec<u8>),
    ) -> anyhow::Result<()> {
        self.method(1, (class, method), arguments);
        self.wait_for((class, method + 1))
    }

    /// Adds a persistent message for a queue to what is sent next.
    pub(crate) fn publish(&mut self, queue: &str, body: &[u8]) {
        self.method(1, (60, 40), |publish| {
            publish.extend([0, 0]);
            short(publish, "");
            short(publish, queue);
            publish.push(0);
        });
        frame(&mut self.out, 2, 1, |header| {
            header.extend([0, 60, 0, 0]);
            header.extend((body.len() as u64).to_be_bytes());
            header.extend(DELIVERY_MODE.to_be_bytes());
            header.push(PERSISTENT);
        });
        frame(&mut self.out, 3, 1, |out| out.extend_from_slice(body));
    }

    /// Adds the acknowledgement of everything up to that delivery.
    pub(crate) fn acknowledge(&mut self, tag: u64) {
        self.method(1, (60, 80), |acknowledge| {
            acknowledge.extend(tag.to_be_bytes());
            acknowledge.push(1);
        });
    }

    /// Sends what was added.
    pub(crate) fn send(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// What the server says next; none when it says nothing for so long.
    pub(crate) fn hear(&mut self, patience: Duration) -> anyhow::Result<Option<Said>> {
        loop {
            let unread = self.seen.get(self.start..).unwrap_or_default();
            if let Some((said, bytes)) = parse(unread, self.start)? {
                self.start += bytes;
                return Ok(Some(said));
            }
            self.seen.drain(..self.start);
            self.start = 0;
            self.stream.set_read_timeout(Some(patience))?;
            let filled = self.seen.len();
            self.seen.resize(filled + READ_BYTES, 0);
            let read = self.stream.read(self.seen.get_mut(filled..).unwrap_or_default());
            self.seen.truncate(filled + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => bail!("the server closed the connection"),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Bytes of the buffer.
    pub(crate) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.seen.get(from..to).unwrap_or_default()
    }

    fn method(
        &mut self,
        channel: u16,
        (class, method): (u16, u16),
        arguments: impl FnOnce(&mut Vec<u8>),
    ) {
        frame(&mut self.out, 1, channel, |payload| {
            payload.extend(class.to_be_bytes());
            payload.extend(method.to_be_bytes());
            arguments(payload);
        });
    }

    fn wait_for(&mut self, (class, method): (u16, u16)) -> anyhow::Result<()> {
        self.send()?;
        let expected = Said::Answers(class, method);
        while self.hear(PATIENCE)?.with_context(|| format!("no {expected:?}"))? != expected {}
        Ok(())
    }
}

/// The first frame of the bytes, which stand at that place of the buffer, and its length; none
/// while it is not whole.
fn parse(bytes: &[u8], place: usize) -> anyhow::Result<Option<(Said, usize)>> {
    let Some(&[kind, _, _, a, b, c, d]) = bytes.first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let whole = HEAD_BYTES + length + 1;
    let Some(payload) = bytes.get(HEAD_BYTES..whole - 1).filter(|_| bytes.len() >= whole) else {
        return Ok(None);
    };
    ensure!(bytes.get(whole - 1) == Some(&FRAME_END), "a frame without an end");
    let said = match kind {
        1 => said(payload)?,
        3 => Said::Body { from: place + HEAD_BYTES, to: place + whole - 1 },
        _ => Said::Other,
    };
    Ok(Some((said, whole)))
}

fn said(payload: &[u8]) -> anyhow::Result<Said> {
    let (head, arguments) = payload.split_first_chunk().context("a method without a number")?;
    let &[a, b, c, d] = head;
    let tag_at = |from: usize| {
        let rest = arguments.get(from..).unwrap_or_default();
        rest.split_first_chunk().map(|(tag, rest)| (u64::from_be_bytes(*tag), rest))
    };
    match (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])) {
        (60, 80) => {
            let (tag, rest) = tag_at(0).context("a confirmation without a number")?;
            Ok(Said::Kept { tag, multiple: rest.first().is_some_and(|bits| bits & 1 == 1) })
        }
        (60, 60) => {
            let consumer_bytes = usize::from(arguments.first().copied().unwrap_or(0));
            let (tag, _) = tag_at(1 + consumer_bytes).context("a delivery without a number")?;
            Ok(Said::Delivers { tag })
        }
        (10, 50) | (20, 40) | (60, 120) => {
            bail!("the server refused: {}", String::from_utf8_lossy(arguments))
        }
        (class, method) => Ok(Said::Answers(class, method)),
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, channel: u16, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    out.extend(channel.to_be_bytes());
    let length_at = out.len();
    out.extend([0; 4]);
    write(out);
    let length = u32::try_from(out.len() - length_at - 4).unwrap_or(0);
    if let Some(place) = out.get_mut(length_at..length_at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    out.push(FRAME_END);
}

/// Writes a short string.
pub(crate) fn short(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).unwrap_or(0));
    out.extend_from_slice(text.as_bytes());
}

/// Writes a long string, or a table that is written out.
pub(crate) fn long(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(bytes);
}

const HEAD_BYTES: usize = 7;
const FRAME_END: u8 = 0xCE;
const CHANNELS_MAX: u16 = 1;
const NO_HEARTBEAT: u16 = 0;
const FRAME_MAX_BYTES: u32 = 128 << 10;
const READ_BYTES: usize = 64 << 10;
/// The one property of a message that is sent.
const DELIVERY_MODE: u16 = 0x1000;
const PERSISTENT: u8 = 2;
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn written(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        frame(&mut out, kind, 1, |out| out.extend_from_slice(payload));
        out
    }

    #[test]
    fn frames_are_read_once_they_are_whole() {
        let kept = written(1, &[0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 1, 2, 1]);
        for end in 0..kept.len() {
            assert_eq!(parse(&kept[..end], 0).unwrap(), None, "{end}");
        }
        let said = Said::Kept { tag: 258, multiple: true };
        assert_eq!(parse(&kept, 0).unwrap(), Some((said, kept.len())));
        let delivers = written(1, &[0, 60, 0, 60, 2, b'a', b'b', 0, 0, 0, 0, 0, 0, 0, 7, 0]);
        assert_eq!(parse(&delivers, 0).unwrap().unwrap().0, Said::Delivers { tag: 7 });
        let body = written(3, b"abc");
        assert_eq!(parse(&body, 10).unwrap().unwrap().0, Said::Body { from: 17, to: 20 });
    }

    #[test]
    fn a_refusal_and_a_broken_frame_are_errors() {
        assert!(parse(&written(1, &[0, 60, 0, 120, 0]), 0).is_err());
        let mut broken = written(3, b"abc");
        *broken.last_mut().unwrap() = 0;
        assert!(parse(&broken, 0).is_err());
    }
}
