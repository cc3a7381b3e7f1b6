//! One connection: commands and their answers.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::{Letter, Shared};

/// Answers until the client quits, is cut off, or goes away.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut session = Session {
        stream: BufReader::new(stream),
        shared,
        is_greeted: false,
        from: None,
        to: Vec::new(),
    };
    // A client that goes away in the middle has lost its letter, and that is all.
    let _ = session.run().await;
}

struct Session {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
    is_greeted: bool,
    from: Option<String>,
    to: Vec<String>,
}

/// Is there more to say?
enum Next {
    Command,
    End,
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        self.say("220 sink.test ESMTP").await?;
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Next::End = self.command(&line).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" if rest.trim().is_empty() => self.say("501 who are you").await?,
            "EHLO" => {
                self.greeted();
                self.say("250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10485760")
                    .await?;
            }
            "HELO" => {
                self.greeted();
                self.say("250 sink.test").await?;
            }
            "MAIL" => self.mail(rest).await?,
            "RCPT" => self.recipient(rest).await?,
            "DATA" if self.to.is_empty() => self.say("554 no valid recipients").await?,
            "DATA" => return self.data().await,
            "RSET" => {
                self.forget();
                self.say("250 forgotten").await?;
            }
            "NOOP" => self.say("250 fine").await?,
            "QUIT" => {
                self.say("221 bye").await?;
                return Ok(Next::End);
            }
            _ => {
                self.complain(format!("unknown command {line:?}"));
                self.say("500 unknown command").await?;
            }
        }
        Ok(Next::Command)
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        let Some(from) = path_after(rest, "FROM:") else {
            return self.say("501 MAIL FROM:<address>").await;
        };
        if !self.is_greeted || self.from.is_some() {
            self.complain("MAIL out of order".to_owned());
            return self.say("503 not now").await;
        }
        self.from = Some(from);
        self.say("250 from whom").await
    }

    async fn recipient(&mut self, rest: &str) -> io::Result<()> {
        let Some(to) = path_after(rest, "TO:").filter(|to| to.contains('@')) else {
            return self.say("501 RCPT TO:<address>").await;
        };
        if self.from.is_none() {
            self.complain("RCPT out of order".to_owned());
            return self.say("503 not now").await;
        }
        let answer = {
            let mut state = self.shared.state.lock().unwrap();
            if state.refused.contains(&to.to_ascii_lowercase()) {
                "550 5.1.1 no such person"
            } else if state.is_busy {
                state.deferred += 1;
                "451 4.7.1 later"
            } else {
                self.to.push(to);
                "250 to whom"
            }
        };
        self.say(answer).await
    }

    async fn data(&mut self) -> io::Result<Next> {
        self.say("354 go on, end with a dot").await?;
        let mut raw = Vec::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(Next::End) };
            let line = match line.split_first() {
                Some((b'.', [])) => break,
                Some((b'.', rest)) => rest,
                _ => &line,
            };
            if line.len() > LINE_MAX_BYTES {
                self.complain(format!("a line of {} bytes", line.len()));
            }
            raw.extend_from_slice(line);
            raw.extend_from_slice(b"\r\n");
        }
        let from = self.from.take().unwrap_or_default();
        let mut letter = Letter::read(&from, &self.to, raw);
        self.forget();
        let is_cut = {
            let mut state = self.shared.state.lock().unwrap();
            let is_cut = state.cuts > 0;
            state.cuts = state.cuts.saturating_sub(1);
            letter.is_acknowledged = !is_cut;
            if letter.message_id.is_empty() || letter.header_from.is_empty() {
                state.complaints.push(format!("no Message-ID or From: {}", letter.summary()));
            }
            state.letters.push(letter);
            is_cut
        };
        self.shared.arrivals.send_modify(|count| *count += 1);
        if is_cut {
            return Ok(Next::End);
        }
        self.say("250 kept").await?;
        Ok(Next::Command)
    }

    fn greeted(&mut self) {
        self.is_greeted = true;
        self.forget();
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// A line without its CRLF; none at the end of the stream. A bare LF ends no line: whoever
    /// sends one could smuggle a letter into another.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
            if !line.ends_with(b"\r\n") {
                self.complain("a bare LF".to_owned());
            }
        }
        line.truncate(line.len() - 2);
        Ok(Some(line))
    }

    async fn say(&mut self, answer: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await
    }

    fn complain(&self, what: String) {
        self.shared.state.lock().unwrap().complaints.push(what);
    }
}

/// The address in `FROM:<address> SIZE=5`; empty in `FROM:<>`.
fn path_after(rest: &str, word: &str) -> Option<String> {
    let (named, path) = rest.split_at_checked(word.len())?;
    let path = path.trim_start().strip_prefix('<')?;
    let (path, _) = path.split_once('>')?;
    named.eq_ignore_ascii_case(word).then(|| path.to_owned())
}

/// RFC 5322, 2.1.1.
const LINE_MAX_BYTES: usize = 998;
