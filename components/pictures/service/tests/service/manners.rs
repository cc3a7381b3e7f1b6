//! Who may, and what is no picture.

use kernel::limits::PICTURE_MAX_BYTES;
use serde_json::json;

use crate::gallery::{Gallery, code, png};

#[test]
fn only_the_seller_sends_and_removes() {
    let gallery = Gallery::open();
    assert_eq!(gallery.put("1", &png(1)).status, 201);
    for (who, status, word) in [("ben", 403, "forbidden"), ("", 401, "unauthenticated")] {
        for (method, body) in [("PUT", png(2)), ("DELETE", Vec::new())] {
            let answer = gallery.send(method, &gallery.place("1"), who, &body);
            assert_eq!(code(&answer), (status, word.to_owned()), "{method} {who}");
        }
    }
    assert_eq!(gallery.shown().as_array().unwrap().len(), 1);
}

#[test]
fn places_and_auctions_that_are_not_there_are_not_found() {
    let gallery = Gallery::open();
    for n in ["0", "13", "01", "+1", "x", "256", "-1"] {
        assert_eq!(gallery.put(n, &png(1)).status, 404, "{n}");
    }
    let nowhere = "/v1/auctions/auc_00000000000000000000000001/pictures/1";
    assert_eq!(gallery.send("PUT", nowhere, "sam", &png(1)).status, 404);
    assert_eq!(gallery.send("PUT", "/v1/auctions/x/pictures/1", "sam", &png(1)).status, 404);
    let odd = format!("{}?size=1", gallery.place("1"));
    assert_eq!(code(&gallery.send("PUT", &odd, "sam", &png(1))), (400, "unknown_field".to_owned()));
    for target in ["/pictures/x", "/pictures/pic_00000000000000000000000001", "/pictures/a/../b"] {
        assert_eq!(gallery.get(target).status, 404, "{target}");
    }
    assert_eq!(gallery.shown(), json!([]));
}

#[test]
fn what_is_no_picture_changes_nothing() {
    let gallery = Gallery::open();
    let whole = png(1);
    let mut large = whole.clone();
    large[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    for (body, status, word) in [
        (b"".to_vec(), 415, "unsupported_media_type"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), 415, "unsupported_media_type"),
        (whole[..whole.len() / 2].to_vec(), 422, "invalid_image"),
        (vec![0xff; PICTURE_MAX_BYTES + 1], 413, "payload_too_large"),
    ] {
        assert_eq!(code(&gallery.put("1", &body)), (status, word.to_owned()));
    }
    assert_eq!(gallery.shown(), json!([]));
    assert_eq!(gallery.memory.objects.names(), [""; 0]);
}

#[test]
fn one_seller_does_not_keep_the_machine_busy() {
    let gallery = Gallery::open();
    let answers = (0..61).map(|_| gallery.put("1", b"nothing").status);
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers.iter().filter(|status| **status == 415).count(), 60);
    assert_eq!(answers.last(), Some(&429));
}

#[test]
fn a_picture_that_is_known_is_not_sent_again() {
    let gallery = Gallery::open();
    gallery.put("1", &png(1));
    let url = format!("/pictures/{}", gallery.shown()[0]["id"].as_str().unwrap());
    let etag = gallery.get(&url).header("etag").unwrap().to_owned();
    let request = web::Request {
        method: "GET".to_owned(),
        target: url,
        headers: [("if-none-match", etag.as_str())].into_iter().collect(),
        body: Vec::new(),
    };
    let again = ports::ready(pictures_service::handle(&gallery.memory, request));
    assert_eq!((again.status, again.body.len()), (304, 0));
}
