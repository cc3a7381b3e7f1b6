//! What stands in the lines of an archive.
//!
//! Version 1. A reader refuses versions and members that it does not know, so whatever is added is
//! a new version; lines of old versions are read forever.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use journal::{EntityKey, Record};
use kernel::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Name of the format, in the first line.
pub(super) const FORMAT: &str = "ecomauction-archive";
/// Version of the format, in the first line.
pub(super) const VERSION: u32 = 1;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first one.
    Header(Header),
    /// One commit of the entity.
    Commit(Commit),
    /// The last one.
    End(End),
}

/// What the file is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// [`FORMAT`].
    pub(super) format: String,
    /// [`VERSION`].
    pub(super) version: u32,
    /// Name of the entity's machine.
    pub(super) machine: String,
    /// Key of the entity.
    pub(super) key: String,
    /// The machine when the archive was written.
    pub(super) component: Component,
    /// When that was.
    pub(super) written: Timestamp,
    /// How many commits follow.
    pub(super) commits: u64,
    /// How many events are in them.
    pub(super) events: u64,
    /// Chain head after the last event.
    pub(super) head: Digest,
}

/// A machine's component. It need not be the one that decided: rules may have changed since.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component {
    /// SHA-256 of the file.
    pub(super) sha256: Digest,
    /// The interface that it exports, with its version.
    pub(super) contract: String,
    /// Name of the composition that it belongs to.
    pub(super) application: String,
    /// Version of that composition, if it has one.
    pub(super) version: Option<String>,
}

/// One command, what it led to and what followed from it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Commit {
    envelope: Envelope,
    events: Vec<Event>,
    effects: Vec<Effect>,
    wake: Option<Wake>,
}

/// How the file ends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// As in the header.
    pub(super) commits: u64,
    /// As in the header.
    pub(super) events: u64,
    /// As in the header.
    pub(super) head: Digest,
    /// SHA-256 of all bytes before this line.
    pub(super) sha256: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    command_id: String,
    principal: Option<String>,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    now: i64,
    seed: Digest,
    body: Body,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    seq: u64,
    prev: Digest,
    head: Digest,
    /// The bytes that enter the chain, as they are.
    public: Box<RawValue>,
    /// Base64.
    fact: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Effect {
    Send { topic: String, key: String, body: Body },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wake {
    at: i64,
    reason: String,
}

/// Bytes that are JSON in practice: readable then, and kept in any case.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Json(Box<RawValue>),
    Base64(String),
}

impl Commit {
    /// The line of a record; the error says what cannot stand in one.
    pub(super) fn of(record: &Record) -> Result<Self, String> {
        let events = record.events.iter().map(|event| {
            let public = raw(&event.public)
                .ok_or_else(|| format!("seq {}: its public text is not JSON", event.seq))?;
            Ok(Event {
                seq: event.seq,
                prev: Digest::from_bytes(event.prev),
                head: Digest::from_bytes(event.head),
                public,
                fact: STANDARD.encode(&event.fact),
            })
        });
        let effects = record.effects.iter().map(|effect| {
            let journal::Effect::Send { topic, key, body } = effect;
            Effect::Send { topic: topic.clone(), key: key.clone(), body: Body::of(body) }
        });
        let journal::Envelope { command_id, principal, now, seed, body } = &record.envelope;
        Ok(Self {
            envelope: Envelope {
                command_id: command_id.clone(),
                principal: principal.clone(),
                now: *now,
                seed: Digest::from_bytes(*seed),
                body: Body::of(body),
            },
            events: events.collect::<Result<_, String>>()?,
            effects: effects.collect(),
            wake: record
                .wake
                .as_ref()
                .map(|wake| Wake { at: wake.at, reason: wake.reason.clone() }),
        })
    }

    /// The record that the line was made of.
    pub(super) fn into_record(self, machine: &str, key: &str) -> Result<Record, String> {
        let Self { envelope, events, effects, wake } = self;
        let events = events.into_iter().map(|event| {
            let Event { seq, prev, head, public, fact } = event;
            let fact = decoded(&fact).map_err(|error| format!("seq {seq}: its fact is {error}"))?;
            let (prev, head) = (*prev.as_bytes(), *head.as_bytes());
            Ok(journal::Event { seq, prev, head, public: public.get().into(), fact })
        });
        let effects = effects.into_iter().map(|Effect::Send { topic, key, body }| {
            Ok(journal::Effect::Send { topic, key, body: body.into_bytes()? })
        });
        Ok(Record {
            entity: EntityKey { machine: machine.to_owned(), key: key.to_owned() },
            envelope: journal::Envelope {
                command_id: envelope.command_id,
                principal: envelope.principal,
                now: envelope.now,
                seed: *envelope.seed.as_bytes(),
                body: envelope.body.into_bytes()?,
            },
            events: events.collect::<Result<_, String>>()?,
            reply: None,
            effects: effects.collect::<Result<_, String>>()?,
            wake: wake.map(|wake| journal::Wake { at: wake.at, reason: wake.reason }),
        })
    }
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        raw(bytes).map_or_else(|| Self::Base64(STANDARD.encode(bytes)), Self::Json)
    }

    fn into_bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Json(text) => Ok(text.get().into()),
            Self::Base64(text) => decoded(&text).map_err(|error| format!("a body is {error}")),
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
pub(super) mod tests {
    use super::*;

    /// A record with the public text and the command.
    pub(in crate::archive) fn record(public: &[u8], body: &[u8]) -> Record {
        let genesis = *Digest::of(&[b"e_1"]).as_bytes();
        let head = *Digest::of(&[&genesis, public]).as_bytes();
        let public = public.to_vec();
        Record {
            entity: EntityKey { machine: "m".to_owned(), key: "e_1".to_owned() },
            envelope: journal::Envelope {
                command_id: "c \"1\"".to_owned(),
                principal: Some("usr_1".to_owned()),
                now: 1_700_000_000_000,
                seed: [7; 32],
                body: body.to_vec(),
            },
            events: vec![journal::Event {
                seq: 1,
                prev: genesis,
                head,
                public,
                fact: vec![1, 255],
            }],
            reply: None,
            effects: vec![journal::Effect::Send {
                topic: "t".to_owned(),
                key: "e_1".to_owned(),
                body: b"{\"a\": 1}".to_vec(),
            }],
            wake: Some(journal::Wake { at: -5, reason: "close".to_owned() }),
        }
    }

    #[test]
    fn a_record_comes_back_from_its_line_byte_for_byte() {
        let publics: [&[u8]; 3] = [b"{}", br#"{"b":"\u00e9\n", "a" :[1.50,  2]}"#, b"null"];
        let bodies: [&[u8]; 6] = [b"\"wake\"", b" {}", b"{\n}", b"", b"\xff\xfe", b"{\"x\":1e2}"];
        for (public, body) in publics.iter().flat_map(|one| bodies.map(|other| (*one, other))) {
            let record = record(public, body);
            let line = serde_json::to_string(&Commit::of(&record).unwrap()).unwrap();
            assert!(!line.contains('\n'), "{line}");
            let read: Commit = serde_json::from_str(&line).unwrap();
            assert_eq!(read.into_record("m", "e_1").unwrap(), record, "{line}");
        }
    }

    #[test]
    fn the_line_of_version_1_stands_as_it_is() {
        let line = serde_json::to_string(&Commit::of(&record(b"{}", b"\"wake\"")).unwrap());
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
        let why = Commit::of(&record(b"{", b"{}")).err().unwrap();
        assert_eq!(why, "seq 1: its public text is not JSON");
    }

    const PREV: &str = "6a07855f650ce9bb03a1b4348ced46bcdea1f77399fbc12a76c474eda263091a";
    const HEAD: &str = "bf98a8b43af6d634a69ba4c94989d0290fc5ddbf61f4ec1b7b6e85ed160ddc16";
}
