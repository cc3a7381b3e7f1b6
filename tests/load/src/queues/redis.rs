//! Redis Streams: every write of the append-only file is synced before it is answered.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::child::{self, Child};
use super::trial::{Consumer, Publisher, Server};

/// A server of its own in a folder of its own; ends with this value.
pub(crate) struct Redis {
    _child: Child,
    address: SocketAddr,
}

impl Redis {
    /// Starts it.
    pub(crate) fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let address = child::free_address()?;
        let mut command = Command::new(program);
        command
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = Child::start(command)?;
        child.wait_for(|| Link::open(address)?.ask(&[b"PING"]).map(|_| ()))?;
        Ok(Self { _child: child, address })
    }
}

impl Server for Redis {
    fn prepare(&self) -> anyhow::Result<()> {
        let mut link = Link::open(self.address)?;
        link.ask(&[b"DEL", STREAM])?;
        link.ask(&[b"XGROUP", b"CREATE", STREAM, GROUP, b"0", b"MKSTREAM"]).map(|_| ())
    }

    fn publisher(&self) -> anyhow::Result<Box<dyn Publisher>> {
        Ok(Box::new(Link::open(self.address)?))
    }

    fn consumer(&self, batch: usize) -> anyhow::Result<Box<dyn Consumer>> {
        let link = Link::open(self.address)?;
        let name = link.stream.get_ref().local_addr()?.port().to_string().into_bytes();
        Ok(Box::new(Group { link, name, batch: batch.to_string().into_bytes(), held: Vec::new() }))
    }
}

/// A connection.
struct Link {
    stream: BufReader<TcpStream>,
    out: Vec<u8>,
}

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Text(Vec<u8>),
    Number(i64),
    List(Vec<Reply>),
    Nothing,
}

impl Link {
    fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream), out: Vec::new() })
    }

    fn ask(&mut self, words: &[&[u8]]) -> anyhow::Result<Reply> {
        self.say(words)?;
        self.send()?;
        self.reply()
    }

    /// Adds a command to those that are sent together.
    fn say(&mut self, words: &[&[u8]]) -> anyhow::Result<()> {
        write!(self.out, "*{}\r\n", words.len())?;
        for word in words {
            write!(self.out, "${}\r\n", word.len())?;
            self.out.extend_from_slice(word);
            self.out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    fn send(&mut self) -> anyhow::Result<()> {
        self.stream.get_mut().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    fn reply(&mut self) -> anyhow::Result<Reply> {
        read(&mut self.stream)
    }
}

/// Reads one reply; an error of the server is an error.
fn read(stream: &mut impl std::io::BufRead) -> anyhow::Result<Reply> {
    let mut line = Vec::new();
    std::io::Read::take(&mut *stream, LINE_MAX_BYTES).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\r\n").context("the server closed the connection")?;
    let (kind, rest) = line.split_first().context("an empty line")?;
    let number = || -> anyhow::Result<i64> { Ok(std::str::from_utf8(rest)?.parse()?) };
    Ok(match kind {
        b'+' => Reply::Text(rest.to_vec()),
        b'-' => bail!("the server refused: {}", String::from_utf8_lossy(rest)),
        b':' => Reply::Number(number()?),
        b'$' | b'*' if number()? < 0 => Reply::Nothing,
        b'$' => {
            let mut text = vec![0; usize::try_from(number()?)? + 2];
            stream.read_exact(&mut text)?;
            text.truncate(text.len() - 2);
            Reply::Text(text)
        }
        b'*' => Reply::List((0..number()?).map(|_| read(stream)).collect::<Result<_, _>>()?),
        other => bail!("a reply of kind {other}"),
    })
}

impl Publisher for Link {
    fn publish(&mut self, bodies: &[Vec<u8>]) -> anyhow::Result<()> {
        // In one piece: whoever waits for the first of them gets all, which is faster here.
        let whole = bodies.len() > 1;
        if whole {
            self.say(&[b"MULTI"])?;
        }
        for body in bodies {
            self.say(&[b"XADD", STREAM, b"*", b"b", body])?;
        }
        if whole {
            self.say(&[b"EXEC"])?;
        }
        self.send()?;
        for _ in 0..bodies.len() + if whole { 2 } else { 0 } {
            ensure!(self.reply()? != Reply::Nothing, "the server kept nothing");
        }
        Ok(())
    }
}

/// A member of the consumer group.
struct Group {
    link: Link,
    name: Vec<u8>,
    batch: Vec<u8>,
    /// Ids of what was taken and not acknowledged.
    held: Vec<Vec<u8>>,
}

impl Group {
    /// Acknowledges what is held and deletes it, as our queues do.
    fn say_done(&mut self) -> anyhow::Result<usize> {
        if self.held.is_empty() {
            return Ok(0);
        }
        let ids = self.held.iter().map(Vec::as_slice);
        let done: Vec<&[u8]> =
            [b"XACK".as_slice(), STREAM, GROUP].into_iter().chain(ids.clone()).collect();
        let gone: Vec<&[u8]> = [b"XDEL".as_slice(), STREAM].into_iter().chain(ids).collect();
        self.link.say(&done)?;
        self.link.say(&gone)?;
        Ok(2)
    }

    fn hear_done(&mut self, replies: usize) -> anyhow::Result<()> {
        for _ in 0..replies {
            let reply = self.link.reply()?;
            let all = Reply::Number(i64::try_from(self.held.len())?);
            ensure!(reply == all, "settled {reply:?} of {all:?}");
        }
        self.held.clear();
        Ok(())
    }
}

impl Consumer for Group {
    fn exchange(&mut self, see: &mut dyn FnMut(&[u8])) -> anyhow::Result<usize> {
        let replies = self.say_done()?;
        self.link.say(&[
            b"XREADGROUP",
            b"GROUP",
            GROUP,
            &self.name,
            b"COUNT",
            &self.batch,
            b"BLOCK",
            BLOCK_MS,
            b"STREAMS",
            STREAM,
            b">",
        ])?;
        self.link.send()?;
        self.hear_done(replies)?;
        let Reply::List(streams) = self.link.reply()? else { return Ok(0) };
        for stream in streams {
            let Reply::List(parts) = stream else { bail!("a stream without parts") };
            let Some(Reply::List(entries)) = parts.into_iter().nth(1) else {
                bail!("a stream without entries")
            };
            for entry in entries {
                let Reply::List(entry) = entry else { bail!("an entry without parts") };
                let mut entry = entry.into_iter();
                let (Some(Reply::Text(id)), Some(Reply::List(fields))) =
                    (entry.next(), entry.next())
                else {
                    bail!("an entry without fields")
                };
                let Some(Reply::Text(body)) = fields.get(1) else { bail!("an entry, no body") };
                see(body);
                self.held.push(id);
            }
        }
        Ok(self.held.len())
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        let replies = self.say_done()?;
        self.link.send()?;
        self.hear_done(replies)
    }
}

const STREAM: &[u8] = b"bench";
const GROUP: &[u8] = b"all";
const BLOCK_MS: &[u8] = b"50";
const LINE_MAX_BYTES: u64 = 1 << 10;
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_as_they_come() {
        let mut bytes: &[u8] = b"+OK\r\n:7\r\n*2\r\n$3\r\na\r\n\r\n*-1\r\n$-1\r\n-ERR no\r\n";
        let text = |text: &[u8]| Reply::Text(text.to_vec());
        assert_eq!(read(&mut bytes).unwrap(), text(b"OK"));
        assert_eq!(read(&mut bytes).unwrap(), Reply::Number(7));
        assert_eq!(read(&mut bytes).unwrap(), Reply::List(vec![text(b"a\r\n"), Reply::Nothing]));
        assert_eq!(read(&mut bytes).unwrap(), Reply::Nothing);
        assert!(read(&mut bytes).unwrap_err().to_string().contains("ERR no"));
        assert!(read(&mut bytes).is_err(), "the end");
    }
}
