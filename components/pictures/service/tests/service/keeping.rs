//! Objects come before the log, and none stays that nobody shows.

use kernel::Digest;
use ports::{Clock as _, Delivery};
use serde_json::json;

use crate::gallery::{Gallery, code, json_of, png};

#[test]
fn a_picture_is_sent_and_everyone_sees_it() {
    let gallery = Gallery::open();
    let answer = gallery.put("2", &png(9));
    assert_eq!(answer.status, 201, "{}", json_of(&answer));
    let told = json_of(&answer);
    let url = told["url"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(url));
    assert_eq!((&told["width"], &told["height"]), (&json!(500), &json!(20)));
    assert_eq!(told["n"], 2);
    let read = gallery.get(url);
    assert_eq!((read.status, read.header("content-type")), (200, Some("image/png")));
    assert_eq!(read.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(read.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(read.header("set-cookie"), None);
    let shown = &gallery.shown()[0];
    assert_eq!((&shown["n"], &shown["id"]), (&json!(2), &told["id"]));
    assert_eq!(shown["sha256"], json!(Digest::of(&[&read.body]).to_hex()), "it is in the log");
    let small = gallery.get(&format!("{url}/320"));
    assert!(small.status == 200 && small.body != read.body);
    let same = gallery.get(&format!("{url}/800"));
    assert!(same.body == read.body, "one that is smaller anyway is shown as it is");
    assert_eq!(gallery.get(&format!("{url}/64")).status, 404);
}

#[test]
fn a_replaced_picture_goes_and_a_removed_one_too() {
    let gallery = Gallery::open();
    let first = json_of(&gallery.put("1", &png(1)));
    let second = gallery.put("1", &png(2));
    assert_eq!(second.status, 200);
    assert_eq!(gallery.get(first["url"].as_str().unwrap()).status, 404);
    assert_eq!(gallery.memory.objects.names().len(), 2, "two sizes of one picture");
    assert_eq!(gallery.delete("1").status, 204);
    assert_eq!((gallery.shown(), gallery.memory.objects.names().len()), (json!([]), 0));
    assert_eq!(gallery.delete("1").status, 404);
}

#[test]
fn what_the_machine_refuses_leaves_nothing() {
    let gallery = Gallery::open();
    assert_eq!(gallery.put("1", &png(1)).status, 201);
    let before = gallery.memory.objects.names();
    gallery.bid();
    assert_eq!(code(&gallery.put("1", &png(2))), (409, "frozen_after_bid".to_owned()));
    assert_eq!(code(&gallery.delete("1")), (409, "frozen_after_bid".to_owned()));
    assert_eq!(gallery.memory.objects.names(), before);
    assert_eq!(gallery.put("3", &png(3)).status, 201, "one may be added");
    gallery.memory.advance_to(gallery.memory.now().plus_ms(3_600_000));
    let before = gallery.memory.objects.names();
    assert_eq!(code(&gallery.put("4", &png(4))), (409, "auction_closed".to_owned()));
    assert_eq!(gallery.memory.objects.names(), before);
    // Doubt about what stands is dispelled, and nothing is deleted.
    gallery.memory.advance_to(gallery.memory.now().plus_ms(3_600_000));
    gallery.sweep();
    assert_eq!(gallery.memory.objects.names(), before);
}

#[test]
fn what_a_crash_left_is_swept() {
    let gallery = Gallery::open();
    // The answer of the machine is lost: whether the picture stands is not known.
    gallery.memory.entities.break_next(ports::memory::Break::AfterDecision);
    assert_eq!(gallery.put("1", &png(1)).status, 503);
    gallery.memory.entities.break_next(ports::memory::Break::BeforeDecision);
    assert_eq!(gallery.put("2", &png(2)).status, 503);
    assert_eq!(gallery.memory.objects.names().len(), 4);
    gallery.sweep();
    assert_eq!(gallery.memory.objects.names().len(), 4, "it may be under way");
    gallery.memory.advance_to(gallery.memory.now().plus_ms(16 * 60 * 1_000));
    gallery.sweep();
    let kept = gallery.memory.objects.names();
    let id = gallery.shown()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(kept.len(), 2, "what stands is kept");
    assert!(kept.iter().all(|name| name.starts_with(&id)), "{kept:?}");
}

#[test]
fn without_a_store_nothing_changes() {
    let gallery = Gallery::open();
    gallery.memory.objects.fails.set(true);
    assert_eq!(code(&gallery.put("1", &png(1))), (503, "unavailable".to_owned()));
    assert_eq!(gallery.shown(), json!([]));
}

#[test]
fn pictures_of_a_listing_that_was_taken_away_go() {
    let gallery = Gallery::open();
    assert_eq!(gallery.put("1", &png(1)).status, 201);
    let head = {
        use ports::{Entities as _, ready};
        let asked = gallery.memory.query("auction", &gallery.auction, None, b"\"view\"".to_vec());
        let view: serde_json::Value = serde_json::from_slice(&ready(asked).unwrap()).unwrap();
        view["head"].as_str().unwrap().to_owned()
    };
    gallery.command("sam", &json!({"delete": {"head": head}}));
    assert_eq!(gallery.deliver(), [Delivery::Ack]);
    assert_eq!(gallery.memory.objects.names(), [""; 0]);
}
