//! What stands in the lines of an archive.
//!
//! Version 1. A reader refuses versions and members that it does not know, so whatever is added is
//! a new version; lines of old versions are read forever.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{Decision, Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ArchiveError;

/// Name of the format, in the first line.
pub const FORMAT: &str = "ecomauction-archive";
/// Version of the format, in the first line.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Line {
    /// The first one.
    Header(Header),
    /// One commit of the entity.
    Commit(Box<Commit>),
    /// The last one.
    End(End),
}

/// What the file is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name of the entity's machine.
    pub machine: String,
    /// Key of the entity.
    pub key: String,
    /// The machine when the archive was written.
    pub component: Component,
    /// When that was.
    pub written: Timestamp,
    /// How many commits follow.
    pub commits: u64,
    /// How many events are in them.
    pub events: u64,
    /// Chain head after the last event.
    pub head: Digest,
}

/// A machine's component. It need not be the one that decided: rules may have changed since.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// The interface that it exports, with its version.
    pub contract: String,
    /// Name of the composition that it belongs to.
    pub application: String,
    /// Version of that composition, if it has one.
    pub version: Option<String>,
}

/// One command, what it led to and what followed from it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The command as the machine got it.
    pub envelope: Envelope,
    /// What it decided.
    pub events: Vec<Event>,
    /// What the world had to do.
    pub effects: Vec<Effect>,
    /// When the entity wanted to be called next.
    pub wake: Option<Wake>,
}

/// How the file ends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// As in the header.
    pub commits: u64,
    /// As in the header.
    pub events: u64,
    /// As in the header.
    pub head: Digest,
    /// SHA-256 of all bytes before this line.
    pub sha256: Digest,
}

/// A command, and what came with it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Its idempotency key.
    pub command_id: String,
    /// Who gave it; none for the platform itself.
    pub principal: Option<String>,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub now: i64,
    /// What chance there was.
    pub seed: Digest,
    /// The command.
    pub body: Body,
}

/// One event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its place.
    pub seq: u64,
    /// Chain head before it.
    pub prev: Digest,
    /// Chain head after it.
    pub head: Digest,
    /// The bytes that enter the chain, as they are.
    public: Box<RawValue>,
    /// Base64.
    fact: String,
}

/// What the world had to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Deliver a message.
    Send {
        /// Its topic.
        topic: String,
        /// Its ordering key.
        key: String,
        /// What it says.
        body: Body,
    },
}

/// When an entity wanted to be called.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wake {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// For logs: `open`, `close`, …
    pub reason: String,
}

/// Bytes that are JSON in practice: readable then, and kept in any case.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// As it is.
    Json(Box<RawValue>),
    /// What is no JSON on one line.
    Base64(String),
}

impl Commit {
    /// What a machine decided of a command; the error says what cannot stand in an archive.
    pub fn of(command: &kernel::Envelope<'_>, decision: &Decision) -> Result<Self, ArchiveError> {
        let events = decision.events.iter().map(|event| {
            let (prev, head) = (*event.prev.digest(), *event.head.digest());
            Event::new(event.seq, prev, head, &event.public, &event.fact)
        });
        Ok(Self {
            envelope: Envelope::of(command)?,
            events: events.collect::<Result<_, _>>()?,
            effects: decision.effects.iter().map(Effect::of).collect(),
            wake: decision.wake.as_ref().map(Wake::of),
        })
    }
}

impl Envelope {
    /// The error says what cannot stand in an archive.
    pub fn of(command: &kernel::Envelope<'_>) -> Result<Self, ArchiveError> {
        let seed = <[u8; Digest::LEN]>::try_from(command.seed);
        let seed = seed.map_err(|_| ArchiveError("a seed of another length".to_owned()))?;
        Ok(Self {
            command_id: command.command_id.to_owned(),
            principal: command.principal.map(str::to_owned),
            now: command.now.as_ms(),
            seed: Digest::from_bytes(seed),
            body: Body::of(command.body),
        })
    }
}

impl Event {
    /// The error says what cannot stand in an archive.
    pub fn new(
        seq: u64,
        prev: Digest,
        head: Digest,
        public: &[u8],
        fact: &[u8],
    ) -> Result<Self, ArchiveError> {
        let public = raw(public)
            .ok_or_else(|| ArchiveError(format!("seq {seq}: its public text is not JSON")))?;
        Ok(Self { seq, prev, head, public, fact: STANDARD.encode(fact) })
    }

    /// The bytes that enter the chain.
    pub fn public(&self) -> &[u8] {
        self.public.get().as_bytes()
    }

    /// The whole event, hidden values included.
    pub fn fact(&self) -> Result<Vec<u8>, ArchiveError> {
        let Self { seq, fact, .. } = self;
        decoded(fact).map_err(|error| ArchiveError(format!("seq {seq}: its fact is {error}")))
    }
}

impl Effect {
    /// As a machine says it.
    pub fn of(effect: &kernel::Effect) -> Self {
        let kernel::Effect::Send(kernel::Message { topic, key, body }) = effect;
        Self::Send { topic: (*topic).to_owned(), key: key.clone(), body: Body::of(body) }
    }
}

impl Wake {
    /// As a machine says it.
    pub fn of(wake: &kernel::Wake) -> Self {
        Self { at: wake.at.as_ms(), reason: wake.reason.to_owned() }
    }
}

impl Body {
    /// The bytes, readable if they can be.
    pub fn of(bytes: &[u8]) -> Self {
        raw(bytes).map_or_else(|| Self::Base64(STANDARD.encode(bytes)), Self::Json)
    }

    /// The bytes that were.
    pub fn bytes(&self) -> Result<Vec<u8>, ArchiveError> {
        match self {
            Self::Json(text) => Ok(text.get().into()),
            Self::Base64(text) => {
                decoded(text).map_err(|error| ArchiveError(format!("a body is {error}")))
            }
        }
    }
}

/// The bytes as they can stand in a line, if they can.
fn raw(bytes: &[u8]) -> Option<Box<RawValue>> {
    let text = core::str::from_utf8(bytes).ok()?;
    let raw = RawValue::from_string(text.to_owned()).ok()?;
    (raw.get() == text && !text.contains(['\n', '\r'])).then_some(raw)
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("not base64: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests {
    use super::*;

    /// A commit with the public text and the command.
    pub(crate) fn commit(public: &[u8], body: &[u8]) -> Result<Commit, ArchiveError> {
        let genesis = Digest::of(&[b"e_1"]);
        let head = Digest::of(&[genesis.as_bytes(), public]);
        Ok(Commit {
            envelope: Envelope {
                command_id: "c \"1\"".to_owned(),
                principal: Some("usr_1".to_owned()),
                now: 1_700_000_000_000,
                seed: Digest::from_bytes([7; 32]),
                body: Body::of(body),
            },
            events: vec![Event::new(1, genesis, head, public, &[1, 255])?],
            effects: vec![Effect::Send {
                topic: "t".to_owned(),
                key: "e_1".to_owned(),
                body: Body::of(b"{\"a\": 1}"),
            }],
            wake: Some(Wake { at: -5, reason: "close".to_owned() }),
        })
    }

    #[test]
    fn bytes_come_back_from_their_line_as_they_were() {
        let publics: [&[u8]; 3] = [b"{}", br#"{"b":"\u00e9\n", "a" :[1.50,  2]}"#, b"null"];
        let bodies: [&[u8]; 6] = [b"\"wake\"", b" {}", b"{\n}", b"", b"\xff\xfe", b"{\"x\":1e2}"];
        for (public, body) in publics.iter().flat_map(|one| bodies.map(|other| (*one, other))) {
            let line = serde_json::to_string(&commit(public, body).unwrap()).unwrap();
            assert!(!line.contains('\n'), "{line}");
            let read: Commit = serde_json::from_str(&line).unwrap();
            let [event] = read.events.as_slice() else { panic!("{line}") };
            assert_eq!((event.public(), event.fact().unwrap()), (public, vec![1, 255]), "{line}");
            assert_eq!(read.envelope.body.bytes().unwrap(), body, "{line}");
            assert_eq!(serde_json::to_string(&read).unwrap(), line);
        }
    }

    #[test]
    fn the_line_of_version_1_stands_as_it_is() {
        let line = serde_json::to_string(&commit(b"{}", b"\"wake\"").unwrap());
        let seed = "07".repeat(32);
        let expected = [
            r#"{"envelope":{"command_id":"c \"1\"","principal":"usr_1","now":1700000000000,"#,
            &format!(r#""seed":"{seed}","body":{{"json":"wake"}}}},"events":[{{"seq":1,"#),
            &format!(r#""prev":"{PREV}","head":"{HEAD}","public":{{}},"fact":"Af8="}}],"#),
            r#""effects":[{"send":{"topic":"t","key":"e_1","body":{"json":{"a": 1}}}}],"#,
            r#""wake":{"at":-5,"reason":"close"}}"#,
        ];
        assert_eq!(line.unwrap(), expected.concat());
    }

    #[test]
    fn a_public_text_that_is_no_json_is_refused() {
        let why = commit(b"{", b"{}").unwrap_err().to_string();
        assert_eq!(why, "seq 1: its public text is not JSON");
    }

    const PREV: &str = "6a07855f650ce9bb03a1b4348ced46bcdea1f77399fbc12a76c474eda263091a";
    const HEAD: &str = "bf98a8b43af6d634a69ba4c94989d0290fc5ddbf61f4ec1b7b6e85ed160ddc16";
}
