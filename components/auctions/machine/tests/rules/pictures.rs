//! Pictures: the seller's, part of the log, and frozen once somebody has bid on what they show.

use auction_machine::contract::{Command, Picture, PictureType, Reply, SetPicture, Terms};
use kernel::{Digest, Id, Timestamp, kind};
use serde_json::{Value, json};

use crate::bench::{Bench, START};

fn terms() -> Terms {
    let terms = json!({
        "title": "A watch", "format": "english", "increments": [{"from": 1, "step": 100}],
        "start_price": {"amount": 1000, "currency": "USD"}, "ends_at": START.plus_ms(60_000),
        "soft_close": {"mode": "off"}
    });
    serde_json::from_value(terms).unwrap()
}

fn id(number: u8) -> Id<kind::Picture> {
    Id::new(Timestamp::from_ms(1_800_000_000_000), [number; 10])
}

fn picture(n: u8, number: u8) -> Picture {
    let content_type = if number.is_multiple_of(2) { PictureType::Png } else { PictureType::Jpeg };
    let sha256 = Digest::of(&[&[number]]);
    Picture { n, id: id(number), sha256, content_type, width: 1_600, height: 900 }
}

fn set(n: u8, number: u8, replaces: Option<u8>) -> Command {
    let replaces = replaces.map(id);
    Command::SetPicture(SetPicture { replaces, picture: picture(n, number) })
}

fn remove(n: u8, number: u8) -> Command {
    Command::RemovePicture { n, id: id(number) }
}

fn bid() -> Command {
    serde_json::from_value(json!({"place_bid": {"amount": {"amount": 1000, "currency": "USD"}}}))
        .unwrap()
}

/// The places and pictures of the view after an accepted command, or the code of a refusal.
fn told(bench: &mut Bench, ms: i64, who: &str, command: &Command) -> Result<Vec<Picture>, String> {
    match bench.send(ms, Some(who), &format!("{ms}"), command) {
        Reply::Auction { view } => Ok(view.unwrap().fixed.pictures),
        Reply::Refused(refused) => Err(refused.code),
        other => panic!("{other:?}"),
    }
}

fn code<T>(code: &str) -> Result<T, String> {
    Err(code.to_owned())
}

/// An auction with every event that pictures lead to.
pub(crate) fn shown() -> Bench {
    let mut bench = Bench::listed(terms());
    for (ms, command) in [(1, set(2, 2, None)), (2, set(1, 1, None)), (3, remove(2, 2))] {
        told(&mut bench, ms, "sam", &command).unwrap();
    }
    bench
}

#[test]
fn pictures_stand_by_their_places_and_in_the_log() {
    let bench = shown();
    let bodies: Vec<Value> =
        bench.log.iter().map(|event| serde_json::from_slice(&event.public).unwrap()).collect();
    let names: Vec<_> = bodies.iter().map(|body| body["event"].as_str().unwrap()).collect();
    let changed = "pictures_changed";
    assert_eq!(names, ["auction_opened", changed, changed, changed]);
    let both = json!({"pictures": [
        {"n": 1, "id": id(1), "sha256": Digest::of(&[&[1]]), "content_type": "image/jpeg",
         "width": 1600, "height": 900},
        {"n": 2, "id": id(2), "sha256": Digest::of(&[&[2]]), "content_type": "image/png",
         "width": 1600, "height": 900},
    ]});
    assert_eq!(bodies[2]["data"], both);
    assert_eq!(bodies[3]["data"]["pictures"].as_array().unwrap().len(), 1);
    assert_eq!(bench.view().fixed.pictures, [picture(1, 1)]);
}

#[test]
fn a_picture_is_replaced_by_who_saw_it() {
    let mut bench = shown();
    let pictures = told(&mut bench, 10, "sam", &set(1, 3, Some(1))).unwrap();
    assert_eq!(pictures, [picture(1, 3)]);
    for stale in [set(1, 4, Some(1)), set(1, 4, None), set(2, 4, Some(2)), remove(1, 1)] {
        assert_eq!(told(&mut bench, 11, "sam", &stale), code("precondition_failed"), "{stale:?}");
    }
    let gone = told(&mut bench, 12, "sam", &remove(1, 3)).unwrap();
    assert_eq!(gone, []);
    let seq = bench.view().row.seq;
    assert_eq!(told(&mut bench, 13, "sam", &remove(1, 3)), Ok(vec![]), "gone is gone");
    assert_eq!(bench.view().row.seq, seq);
}

#[test]
fn pictures_are_the_sellers_and_have_twelve_places() {
    let mut bench = Bench::listed(terms());
    assert_eq!(told(&mut bench, 1, "ana", &set(1, 1, None)), code("forbidden"));
    for n in [0, 13, 255] {
        assert_eq!(told(&mut bench, 2, "sam", &set(n, 1, None)), code("validation_failed"));
    }
    for n in (1..=12).rev() {
        told(&mut bench, 3, "sam", &set(n, n, None)).unwrap();
    }
    let places: Vec<_> = bench.view().fixed.pictures.iter().map(|picture| picture.n).collect();
    assert_eq!(places, (1..=12).collect::<Vec<_>>());
    let mut empty = set(1, 20, Some(1));
    if let Command::SetPicture(asked) = &mut empty {
        asked.picture.width = 0;
    }
    assert_eq!(told(&mut bench, 4, "sam", &empty), code("validation_failed"));
    let twice = set(1, 2, Some(1));
    assert_eq!(told(&mut bench, 4, "sam", &twice), code("validation_failed"), "at two places");
    assert_eq!(told(&mut bench, 5, "ana", &remove(1, 1)), code("forbidden"));
}

#[test]
fn after_the_first_bid_pictures_come_and_none_goes() {
    let mut bench = shown();
    let Reply::Bid { .. } = bench.send(20, Some("ana"), "b", &bid()) else { panic!("no bid") };
    assert_eq!(told(&mut bench, 21, "sam", &set(1, 3, Some(1))), code("frozen_after_bid"));
    assert_eq!(told(&mut bench, 22, "sam", &remove(1, 1)), code("frozen_after_bid"));
    let pictures = told(&mut bench, 23, "sam", &set(2, 4, None)).unwrap();
    assert_eq!(pictures, [picture(1, 1), picture(2, 4)]);
    let closed = "auction_closed";
    assert_eq!(told(&mut bench, 60_000, "sam", &set(3, 5, None)), code(closed));
    assert_eq!(told(&mut bench, 60_001, "sam", &remove(2, 4)), code(closed));
    assert_eq!(bench.view().fixed.pictures.len(), 2);
}

#[test]
fn a_later_auction_has_pictures_before_it_starts() {
    let mut terms = terms();
    terms.starts_at = Some(START.plus_ms(10_000));
    let mut bench = Bench::listed(terms);
    assert_eq!(told(&mut bench, 1, "sam", &set(1, 1, None)).unwrap(), [picture(1, 1)]);
    bench.send(10_000, None, "w", &Command::Wake);
    assert_eq!(bench.view().fixed.pictures, [picture(1, 1)]);
}
