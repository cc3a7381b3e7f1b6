//! Frames of the server. An event is encoded once, for everyone who follows its log.

use kernel::Timestamp;
use ports::PublicEvent;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use web::live::{Sent, Telling, Told, Whisper};

use crate::read;

/// What is read of a public event.
#[derive(Deserialize)]
struct Seen<'a> {
    event: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// What is read of an event that sets or moves the end.
#[derive(Deserialize)]
struct End {
    #[serde(alias = "new_end")]
    ends_at: Timestamp,
}

/// What is read of `auction.outbid.v1`.
#[derive(Deserialize)]
struct Outbid<'a> {
    user_id: &'a str,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    next_minimum: &'a RawValue,
    #[serde(borrow, default)]
    next_maximum: Option<&'a RawValue>,
    #[serde(borrow)]
    ends_at: &'a RawValue,
    seq: u64,
}

#[derive(Serialize)]
struct OutbidFrame<'a> {
    r#type: &'static str,
    auction_id: &'a str,
    price: &'a RawValue,
    next_minimum: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_maximum: Option<&'a RawValue>,
    ends_at: &'a RawValue,
    seq: u64,
}

/// What is read of `auction.ended.v1`.
#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    deleted: bool,
}

#[derive(Serialize)]
struct TimeFrame {
    r#type: &'static str,
    t1: i64,
    t2: i64,
}

/// Encodes what one decision led to. What cannot be read is left out: the log is the machine's, and
/// whoever misses a number asks for it.
pub fn tell(key: &str, events: &[PublicEvent], sent: &[Sent]) -> Told {
    let mut told = Told::default();
    for event in events {
        let Ok(public) = std::str::from_utf8(&event.public) else { continue };
        let Ok(seen) = serde_json::from_str::<Seen<'_>>(public) else { continue };
        if matches!(seen.event, "auction_opened" | "auction_changed" | "auction_extended") {
            let end = serde_json::from_str::<End>(seen.data.get());
            told.ends_at = end.ok().map(|end| end.ends_at.as_ms());
        }
        told.events.extend(telling(event, public, seen.event));
    }
    for Sent { topic, body } in sent {
        match topic.as_str() {
            "auction.outbid.v1" => told.whispers.extend(outbid(key, body)),
            "auction.ended.v1" => {
                let ended = serde_json::from_slice::<Ended>(body);
                told.is_gone |= ended.is_ok_and(|ended| ended.deleted);
            }
            _ => {}
        }
    }
    told
}

/// The frame that tells the time.
pub fn time(now: Timestamp) -> Option<String> {
    let frame = TimeFrame { r#type: "time", t1: now.as_ms(), t2: now.as_ms() };
    serde_json::to_string(&frame).ok()
}

fn telling(event: &PublicEvent, public: &str, name: &str) -> Option<Telling> {
    let members = public.strip_prefix('{')?;
    let item = String::from_utf8(read::with_place(event).ok()?).ok()?;
    Some(Telling {
        seq: event.seq,
        frame: format!("{{\"type\":\"event\",{members}"),
        piece: format!("id: {}\nevent: {name}\ndata: {item}\n\n", event.seq),
    })
}

fn outbid(key: &str, body: &[u8]) -> Option<Whisper> {
    let outbid: Outbid<'_> = serde_json::from_slice(body).ok()?;
    let frame = OutbidFrame {
        r#type: "outbid",
        auction_id: key,
        price: outbid.price,
        next_minimum: outbid.next_minimum,
        next_maximum: outbid.next_maximum.filter(|next| next.get() != "null"),
        ends_at: outbid.ends_at,
        seq: outbid.seq,
    };
    let frame = serde_json::to_string(&frame).ok()?;
    Some(Whisper { principal: outbid.user_id.to_owned(), frame })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(seq: u64, name: &str, data: &Value) -> PublicEvent {
        let public = json!({"data": data, "event": name, "seq": seq, "time": "t"});
        let public = public.to_string().into_bytes();
        PublicEvent { seq, prev: vec![0xab; 32], head: vec![1; 32], public }
    }

    #[test]
    fn an_event_is_one_frame_and_one_piece() {
        let told = tell("auc_1", &[event(8, "bid_placed", &json!({"bidder": "bidder-2"}))], &[]);
        let Telling { seq, frame, piece } = &told.events[0];
        assert_eq!(*seq, 8);
        let frame: Value = serde_json::from_str(frame).unwrap();
        let wanted = json!({"type": "event", "seq": 8, "event": "bid_placed", "time": "t",
            "data": {"bidder": "bidder-2"}});
        assert_eq!(frame, wanted);
        let data = piece.strip_prefix("id: 8\nevent: bid_placed\ndata: ").unwrap();
        let item: Value = serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap();
        assert_eq!((item["seq"].as_u64(), item["prev"].as_str().unwrap().len()), (Some(8), 64));
        assert_eq!((told.ends_at, told.is_gone), (None, false));
    }

    #[test]
    fn the_end_follows_the_events_that_move_it() {
        let end = "2026-11-24T12:00:00.000Z";
        let opened = event(1, "auction_opened", &json!({"ends_at": end}));
        let extended = event(3, "auction_extended", &json!({"old_end": "x", "new_end": end}));
        let wanted = end.parse::<Timestamp>().unwrap().as_ms();
        for event in [opened, extended] {
            assert_eq!(tell("auc_1", &[event], &[]).ends_at, Some(wanted));
        }
    }

    #[test]
    fn whoever_lost_the_lead_alone_is_told_so() {
        let body = json!({"user_id": "usr_1", "price": {"amount": 1}, "next_minimum": {"amount": 2},
            "next_maximum": null, "ends_at": "t", "seq": 8, "title": "A watch"});
        let sent = |topic: &str, body: &Value| Sent {
            topic: topic.to_owned(),
            body: body.to_string().into_bytes(),
        };
        let told = tell("auc_1", &[], &[sent("auction.outbid.v1", &body)]);
        let Whisper { principal, frame } = &told.whispers[0];
        assert_eq!(principal, "usr_1");
        let frame: Value = serde_json::from_str(frame).unwrap();
        let wanted = json!({"type": "outbid", "auction_id": "auc_1", "price": {"amount": 1},
            "next_minimum": {"amount": 2}, "ends_at": "t", "seq": 8});
        assert_eq!(frame, wanted);
        let gone = tell("auc_1", &[], &[sent("auction.ended.v1", &json!({"deleted": true}))]);
        assert!(gone.is_gone && gone.whispers.is_empty());
        let over = tell("auc_1", &[], &[sent("auction.ended.v1", &json!({"seq": 3}))]);
        assert!(!over.is_gone);
    }
}
