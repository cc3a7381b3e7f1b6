//! The bytes of records.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod sample;

use journal::{Effect, EntityKey, Envelope, Event, FormatError, Record, Wake};
use proptest::collection::vec;
use proptest::prelude::*;
use sample::record;

/// A record in which every field has a value of its own.
fn golden() -> Record {
    Record {
        entity: EntityKey { machine: "auction".into(), key: "auc_1".into() },
        envelope: Envelope {
            command_id: "cmd_1".into(),
            principal: Some("usr_1".into()),
            now: -2,
            seed: [0xA5; 32],
            body: b"{}".to_vec(),
        },
        events: vec![Event {
            seq: 300,
            prev: [1; 32],
            head: [2; 32],
            public: b"{\"seq\":300}".to_vec(),
            fact: vec![1, 0, 255],
        }],
        reply: Some(b"ok".to_vec()),
        effects: vec![Effect::Send {
            topic: "auction.closed".into(),
            key: "auc_1".into(),
            body: b"[]".to_vec(),
        }],
        wake: Some(Wake { at: 1_767_225_600_000, reason: "close".into() }),
    }
}

#[test]
fn version_1_decodes_forever() {
    let bytes: Vec<u8> = (0..VERSION_1.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&VERSION_1[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(Record::decode(&bytes), Ok(golden()));
}

#[test]
fn the_newest_version_is_version_1() {
    let hex: String = golden().encode().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, VERSION_1);
}

#[test]
fn every_truncation_is_refused() {
    let bytes = record(1, 1).encode().unwrap();
    for end in 0..bytes.len() {
        assert!(Record::decode(&bytes[..end]).is_err(), "{end} bytes");
    }
    assert_eq!(Record::decode(&[]), Err(FormatError::Empty));
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Record::decode(&longer), Err(FormatError::TrailingBytes(1)));
    let newer = [&[2], &bytes[1..]].concat();
    assert_eq!(Record::decode(&newer), Err(FormatError::UnknownVersion(2)));
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

prop_compose! {
    fn event()(
        seq in any::<u64>(), prev in any::<[u8; 32]>(), head in any::<[u8; 32]>(),
        public in bytes(), fact in bytes(),
    ) -> Event {
        Event { seq, prev, head, public, fact }
    }
}

prop_compose! {
    fn envelope()(
        command_id in ".{0,40}", principal in proptest::option::of(".{0,40}"),
        now in any::<i64>(), seed in any::<[u8; 32]>(), body in bytes(),
    ) -> Envelope {
        Envelope { command_id, principal, now, seed, body }
    }
}

prop_compose! {
    fn any_record()(
        machine in ".{0,20}", key in ".{0,40}", envelope in envelope(),
        events in vec(event(), 0..4), reply in proptest::option::of(bytes()),
        effects in vec((".{0,20}", ".{0,20}", bytes()), 0..3),
        wake in proptest::option::of((any::<i64>(), ".{0,20}")),
    ) -> Record {
        let send = |(topic, key, body)| Effect::Send { topic, key, body };
        Record {
            entity: EntityKey { machine, key },
            envelope,
            events,
            reply,
            effects: effects.into_iter().map(send).collect(),
            wake: wake.map(|(at, reason)| Wake { at, reason }),
        }
    }
}

proptest! {
    #[test]
    fn what_was_encoded_decodes_to_itself(record in any_record()) {
        prop_assert_eq!(Record::decode(&record.encode().unwrap()), Ok(record));
    }

    #[test]
    fn garbage_is_an_error_or_a_record_but_no_panic(mut garbage in vec(any::<u8>(), 0..400)) {
        let _ = Record::decode(&garbage);
        if let Some(version) = garbage.first_mut() {
            *version = 1;
        }
        let _ = Record::decode(&garbage);
    }

    #[test]
    fn a_flipped_bit_never_panics(record in any_record(), at in any::<u64>()) {
        let mut bytes = record.encode().unwrap();
        let bit = usize::try_from(at).unwrap() % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let _ = Record::decode(&bytes);
    }
}

const VERSION_1: &str = concat!(
    "010761756374696f6e056175635f3105636d645f3101057573725f310320a5a5a5a5a5a5a5a5a5a5",
    "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5027b7d01ac02200101010101010101010101",
    "01010101010101010101010101010101010101010120020202020202020202020202020202020202",
    "02020202020202020202020202020b7b22736571223a3330307d030100ff01026f6b01000e617563",
    "74696f6e2e636c6f736564056175635f31025b5d0180a0d5edee6605636c6f7365",
);
