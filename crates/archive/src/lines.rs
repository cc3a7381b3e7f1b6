//! Writing and reading an archive line by line, so that its length does not matter.

use std::io::{BufRead, Read as _, Write};

use kernel::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::ArchiveError;
use crate::format::{Commit, End, FORMAT, Header, Line, VERSION};

/// Writes lines and hashes them.
pub struct Writer<W> {
    out: W,
    hash: Sha256,
}

/// Reads lines and hashes them.
pub struct Reader<R> {
    input: R,
    hash: Sha256,
    line: u64,
    text: Vec<u8>,
}

/// What comes after the header.
pub enum Next {
    /// A commit.
    Commit(Box<Commit>),
    /// The last line; the bytes before it are what was written.
    End(End),
    /// The file is over in the middle of a line or before its last one.
    Cut,
}

impl<W: Write> Writer<W> {
    /// Writes to there.
    pub fn new(out: W) -> Self {
        Self { out, hash: Sha256::new() }
    }

    /// Writes the first line.
    pub fn header(&mut self, header: Header) -> std::io::Result<()> {
        self.line(&Line::Header(header))
    }

    /// Writes the line of the next commit.
    pub fn commit(&mut self, commit: Commit) -> std::io::Result<()> {
        self.line(&Line::Commit(Box::new(commit)))
    }

    fn line(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.hash.update(&text);
        self.out.write_all(&text)
    }

    /// Writes the last line, which repeats what the header says.
    pub fn end(mut self, commits: u64, events: u64, head: Digest) -> std::io::Result<W> {
        let sha256 = Digest::from_bytes(self.hash.clone().finalize().into());
        self.line(&Line::End(End { commits, events, head, sha256 }))?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads from there.
    pub fn new(input: R) -> Self {
        Self { input, hash: Sha256::new(), line: 0, text: Vec::new() }
    }

    /// The first line.
    pub fn header(&mut self) -> Result<Header, ArchiveError> {
        self.take()?;
        let probe = serde_json::from_slice::<Probe>(&self.text).ok().map(|probe| probe.header);
        match probe {
            Some(Kind { format, version }) if format == FORMAT && version != VERSION => {
                let what =
                    format!("the archive has version {version}, this program reads {VERSION}");
                return failed(what);
            }
            Some(Kind { format, .. }) if format == FORMAT => {}
            _ => return failed(format!("not an archive: its first line does not say {FORMAT}")),
        }
        match self.parse()? {
            Some(Line::Header(header)) => Ok(header),
            _ => failed("line 1: not a header".to_owned()),
        }
    }

    /// The next line.
    pub fn read(&mut self) -> Result<Next, ArchiveError> {
        let before = self.hash.clone();
        self.take()?;
        if self.text.is_empty() {
            return Ok(Next::Cut);
        }
        match self.parse()? {
            Some(Line::Commit(commit)) => Ok(Next::Commit(commit)),
            Some(Line::End(end)) => {
                let is = Digest::from_bytes(before.finalize().into());
                if end.sha256 != is {
                    let said = end.sha256;
                    let what = "the file was changed: its lines have the sha256";
                    return failed(format!("{what} {is}, not {said}"));
                }
                self.take()?;
                if !self.text.is_empty() {
                    return failed(format!("line {}: follows the last line", self.line));
                }
                Ok(Next::End(end))
            }
            Some(Line::Header(_)) => failed(format!("line {}: a second header", self.line)),
            None => Ok(Next::Cut),
        }
    }

    /// Where the reader is.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn take(&mut self) -> Result<(), ArchiveError> {
        self.line += 1;
        self.text.clear();
        let mut rest = self.input.by_ref().take(LINE_BYTES_MAX);
        rest.read_until(b'\n', &mut self.text)
            .map_err(|error| ArchiveError(format!("cannot read the archive: {error}")))?;
        if rest.limit() == 0 {
            return failed(format!("line {}: longer than any commit can be", self.line));
        }
        self.hash.update(&self.text);
        Ok(())
    }

    /// The line that was read; none when the file is over in the middle of it.
    fn parse(&self) -> Result<Option<Line>, ArchiveError> {
        match serde_json::from_slice(&self.text) {
            Ok(line) => Ok(Some(line)),
            Err(error) if error.is_eof() && !self.text.ends_with(b"\n") => Ok(None),
            Err(error) => {
                let (said, column) = (error.to_string(), error.column());
                let what = said.split(" at line ").next().unwrap_or(&said);
                failed(format!("line {}, column {column}: {what}", self.line))
            }
        }
    }
}

fn failed<T>(what: String) -> Result<T, ArchiveError> {
    Err(ArchiveError(what))
}

/// As much of a header as every version has.
#[derive(Deserialize)]
struct Probe {
    header: Kind,
}

#[derive(Deserialize)]
struct Kind {
    format: String,
    version: u32,
}

/// Four times the longest record of a journal: in hex it would still be shorter.
const LINE_BYTES_MAX: u64 = 32 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use kernel::Timestamp;

    use super::*;
    use crate::format::Component;
    use crate::format::tests::commit;

    fn archive() -> String {
        let commit = commit(b"{\"a\":1}", b"{}").unwrap();
        let head = commit.events[0].head;
        let component = Component {
            sha256: Digest::of(&[]),
            contract: "c".to_owned(),
            application: "a".to_owned(),
            version: None,
        };
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            machine: "m".to_owned(),
            key: "e_1".to_owned(),
            component,
            written: Timestamp::from_ms(0),
            commits: 1,
            events: 1,
            head,
        };
        let mut writer = Writer::new(Vec::new());
        writer.header(header).unwrap();
        writer.commit(commit).unwrap();
        String::from_utf8(writer.end(1, 1, head).unwrap()).unwrap()
    }

    /// How many commits there are before a proper end; none for a cut.
    fn read(text: &str) -> Result<Option<u64>, ArchiveError> {
        let mut reader = Reader::new(text.as_bytes());
        reader.header()?;
        for commits in 0.. {
            match reader.read()? {
                Next::Commit(_) => {}
                Next::End(_) => return Ok(Some(commits)),
                Next::Cut => break,
            }
        }
        Ok(None)
    }

    #[test]
    fn what_was_written_is_read_and_every_cut_is_found() {
        let whole = archive();
        assert_eq!(read(&whole).unwrap(), Some(1));
        let first = whole.find('\n').unwrap();
        // Without its very last line break nothing is missing.
        assert_eq!(read(&whole[..whole.len() - 1]).unwrap(), Some(1));
        for at in first + 1..whole.len() - 1 {
            assert_eq!(read(&whole[..at]).unwrap(), None, "cut at {at}");
        }
        for at in 0..first {
            read(&whole[..at]).unwrap_err();
        }
    }

    #[test]
    fn a_changed_byte_is_found_even_where_it_means_nothing() {
        let whole = archive();
        for (from, to) in [("\"usr_1\"", "\"usr_2\""), ("\"written\":\"1970", "\"written\":\"1971")]
        {
            let why = read(&whole.replace(from, to)).unwrap_err().to_string();
            assert!(why.starts_with("the file was changed"), "{why}");
        }
    }

    #[test]
    fn a_file_that_is_no_archive_of_this_version_is_told_so() {
        let whole = archive();
        let told = |text: &str| read(text).unwrap_err().to_string();
        assert!(told("").starts_with("not an archive"), "{}", told(""));
        assert!(told("{\"header\":{}}\n").starts_with("not an archive"));
        let newer = whole.replacen("\"version\":1", "\"version\":2,\"new\":0", 1);
        assert_eq!(told(&newer), "the archive has version 2, this program reads 1");
        let unknown = whole.replacen("\"wake\":", "\"wakes\":", 1);
        assert!(told(&unknown).contains("line 2, column"), "{}", told(&unknown));
        assert!(told(&unknown).contains("unknown field `wakes`"), "{}", told(&unknown));
        let more = format!("{whole}{{}}\n");
        assert_eq!(told(&more), "line 4: follows the last line");
    }
}
