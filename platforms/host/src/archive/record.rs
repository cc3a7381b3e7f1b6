//! Records of the journal as commits of an archive, and back.

use ::archive::{ArchiveError, Body, Commit, Effect, Envelope, Event, Wake};
use journal::{EntityKey, Record};
use kernel::Digest;

/// The error says what cannot stand in an archive.
pub(super) fn commit(record: &Record) -> Result<Commit, ArchiveError> {
    let events = record.events.iter().map(|event| {
        let journal::Event { seq, prev, head, public, fact } = event;
        let (prev, head) = (Digest::from_bytes(*prev), Digest::from_bytes(*head));
        Event::new(*seq, prev, head, public, fact)
    });
    let effects = record.effects.iter().map(|effect| {
        let journal::Effect::Send { topic, key, body } = effect;
        Effect::Send { topic: topic.clone(), key: key.clone(), body: Body::of(body) }
    });
    let journal::Envelope { command_id, principal, now, seed, body } = &record.envelope;
    let wake = record.wake.as_ref();
    Ok(Commit {
        envelope: Envelope {
            command_id: command_id.clone(),
            principal: principal.clone(),
            now: *now,
            seed: Digest::from_bytes(*seed),
            body: Body::of(body),
        },
        events: events.collect::<Result<_, _>>()?,
        effects: effects.collect(),
        wake: wake.map(|wake| Wake { at: wake.at, reason: wake.reason.clone() }),
    })
}

/// The events of a commit.
pub(super) fn events(commit: &Commit) -> Result<Vec<journal::Event>, ArchiveError> {
    let events = commit.events.iter().map(|event| {
        let (prev, head) = (*event.prev.as_bytes(), *event.head.as_bytes());
        let (public, fact) = (event.public().to_vec(), event.fact()?);
        Ok(journal::Event { seq: event.seq, prev, head, public, fact })
    });
    events.collect()
}

/// The record that a commit was made of, but for its reply.
pub(super) fn record(commit: Commit, machine: &str, key: &str) -> Result<Record, ArchiveError> {
    let events = events(&commit)?;
    let Commit { envelope, effects, wake, .. } = commit;
    let effects = effects.into_iter().map(|Effect::Send { topic, key, body }| {
        Ok(journal::Effect::Send { topic, key, body: body.bytes()? })
    });
    let Envelope { command_id, principal, now, seed, body } = envelope;
    Ok(Record {
        entity: EntityKey { machine: machine.to_owned(), key: key.to_owned() },
        envelope: journal::Envelope {
            command_id,
            principal,
            now,
            seed: *seed.as_bytes(),
            body: body.bytes()?,
        },
        events,
        reply: None,
        effects: effects.collect::<Result<_, _>>()?,
        wake: wake.map(|wake| journal::Wake { at: wake.at, reason: wake.reason }),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;

    /// A record with the public text and the command.
    pub(in crate::archive) fn example(public: &[u8], body: &[u8]) -> Record {
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
        let bodies: [&[u8]; 3] = [b"\"wake\"", b"{\n}", b"\xff\xfe"];
        for (public, body) in publics.iter().flat_map(|one| bodies.map(|other| (*one, other))) {
            let example = example(public, body);
            let line = serde_json::to_string(&commit(&example).unwrap()).unwrap();
            let read: Commit = serde_json::from_str(&line).unwrap();
            assert_eq!(record(read, "m", "e_1").unwrap(), example, "{line}");
        }
    }
}
