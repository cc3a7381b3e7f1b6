//! One connection: commands and their answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

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
        letters: 0,
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
    /// That came over this connection.
    letters: usize,
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
        let verb = verb.to_ascii_uppercase();
        if self.is_shut(&verb) {
            self.say("421 4.3.2 closed for now").await?;
            return Ok(Next::End);
        }
        match verb.as_str() {
            "AUTH" => self.signs_in().await?,
            "EHLO" | "HELO" if rest.trim().is_empty() => self.say("501 who are you").await?,
            "EHLO" => {
                self.greeted();
                let extensions =
                    "PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SIZE 10485760";
                self.say(&format!("250-sink.test\r\n250-{extensions}")).await?;
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

    /// Whoever was let in before has to sign in anew.
    fn is_shut(&self, verb: &str) -> bool {
        let is_locked = self.shared.state.lock().unwrap().is_locked;
        is_locked && !["EHLO", "HELO", "AUTH", "QUIT"].contains(&verb)
    }

    async fn signs_in(&mut self) -> io::Result<()> {
        let is_locked = {
            let mut state = self.shared.state.lock().unwrap();
            state.locked_out += usize::from(state.is_locked);
            state.is_locked
        };
        self.say(if is_locked { "535 5.7.8 wrong password" } else { "235 2.7.0 it is you" }).await
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
        self.letters += 1;
        if self.refuses(&letter) {
            self.say("550 5.1.1 no such person after all").await?;
            return Ok(Next::Command);
        }
        let (is_cut, late) = {
            let mut state = self.shared.state.lock().unwrap();
            let late = if state.slow.0 > 0 { state.slow.1 } else { Duration::ZERO };
            state.slow.0 = state.slow.0.saturating_sub(1);
            let is_cut = state.cuts > 0;
            state.cuts = state.cuts.saturating_sub(1);
            letter.is_acknowledged = !is_cut;
            if letter.message_id.is_empty() || letter.header_from.is_empty() {
                state.complaints.push(format!("no Message-ID or From: {}", letter.summary()));
            }
            state.letters.push(letter);
            (is_cut, late)
        };
        self.shared.arrivals.send_modify(|count| *count += 1);
        if is_cut {
            return Ok(Next::End);
        }
        tokio::time::sleep(late).await;
        self.say("250 kept").await?;
        Ok(Next::Command)
    }

    fn refuses(&self, letter: &Letter) -> bool {
        let mut state = self.shared.state.lock().unwrap();
        let is_refused = |to: &String| state.refused_at_end.contains(&to.to_ascii_lowercase());
        let is_refused = letter.to.iter().any(is_refused);
        state.refused_again += usize::from(is_refused && self.letters > 1);
        is_refused
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
