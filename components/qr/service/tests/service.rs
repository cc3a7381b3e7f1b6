//! Codes: their bytes, when they are made, and what happens when they cannot be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use kernel::{Id, Timestamp, kind};
use ports::memory::Memory;
use ports::{Delivery, Message, ready};
use web::{Request, Response};

const BASE: &str = "https://auctions.example";

fn memory(base: &str) -> Memory {
    let memory = Memory::new("qr", Timestamp::from_ms(1_800_000_000_000));
    memory.with_variable("public_base_url", base)
}

fn id(number: u128) -> String {
    Id::<kind::Auction>::from_u128(number).to_string()
}

fn message(topic: &str, key: &str, body: &str) -> Message {
    let [id, source] = ["1", "/machines/auction"].map(str::to_owned);
    let (topic, key) = (topic.to_owned(), key.to_owned());
    Message { id, source, topic, key, time: 0, body: body.as_bytes().to_vec() }
}

fn opened(key: &str) -> Message {
    message("auction.opened.v1", key, "{\"seq\":1}")
}

fn consumed(memory: &Memory, batch: Vec<Message>) -> Vec<Delivery> {
    ready(qr_service::consume(memory, batch))
}

fn get(memory: &Memory, target: &str, tag: Option<&str>) -> Response {
    let request = Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        headers: tag.into_iter().map(|tag| ("if-none-match", tag)).collect(),
        body: Vec::new(),
    };
    ready(qr_service::handle(memory, request))
}

/// What was made once is what is made for good, whatever machine makes it.
#[test]
fn the_bytes_of_a_code_are_as_ever() {
    let text = format!("{BASE}/auctions/{}", id(7));
    assert!(qr_service::png(&text).unwrap() == include_bytes!("golden/code.png"));
    assert!(qr_service::svg(&text).unwrap() == include_bytes!("golden/code.svg"));
    assert_eq!(qr_service::png(&"x".repeat(3_000)), None, "too long");
}

/// Writes the golden files of a new form.
#[test]
#[ignore = "writes files"]
fn write_golden() {
    let text = format!("{BASE}/auctions/{}", id(7));
    std::fs::write("tests/golden/code.png", qr_service::png(&text).unwrap()).unwrap();
    std::fs::write("tests/golden/code.svg", qr_service::svg(&text).unwrap()).unwrap();
}

#[test]
fn an_auction_that_opens_gets_its_code_and_others_hear_of_it() {
    let memory = memory(&format!("{BASE}/"));
    let path = format!("/v1/auctions/{}/qr", id(7));
    assert_eq!(get(&memory, &format!("{path}.png"), None).status, 404);
    assert_eq!(consumed(&memory, vec![opened(&id(7))]), [Delivery::Ack]);
    let told = memory.take_messages();
    assert_eq!((told[0].topic.as_str(), told[0].key.as_str()), ("qr.made.v1", id(7).as_str()));
    let png = get(&memory, &format!("{path}.png"), None);
    assert!(png.body == include_bytes!("golden/code.png"));
    assert_eq!(png.header("cache-control"), Some("public, max-age=3600"));
    let svg = get(&memory, &format!("{path}.svg"), None);
    assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
    let again = get(&memory, &format!("{path}.png"), png.header("etag"));
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(get(&memory, "/v1/auctions/x/qr.png", None).status, 404);
    // It comes again: the same bytes, and they are told of again.
    assert_eq!(consumed(&memory, vec![opened(&id(7))]), [Delivery::Ack]);
    assert!(get(&memory, &format!("{path}.png"), None).body == png.body);
    assert_eq!(memory.take_messages().len(), 1);
}

#[test]
fn one_that_fails_does_not_keep_the_others() {
    let memory = memory(BASE);
    let batch = vec![opened(&id(1)), opened("../identity/keys"), opened(&id(2))];
    let outcomes = consumed(&memory, batch);
    assert!(matches!(outcomes[1], Delivery::Retry(_)), "{outcomes:?}");
    assert_eq!((&outcomes[0], &outcomes[2]), (&Delivery::Ack, &Delivery::Ack));
    assert_eq!(memory.objects.names().len(), 4);
    memory.objects.fails.set(true);
    let outcomes = consumed(&memory, vec![opened(&id(3))]);
    assert!(matches!(&outcomes[..], [Delivery::Retry(_)]), "{outcomes:?}");
    assert_eq!(memory.take_messages().len(), 2, "nobody hears of what is not there");
}

#[test]
fn the_code_of_a_listing_that_was_taken_away_goes() {
    let memory = memory(BASE);
    consumed(&memory, vec![opened(&id(1)), opened(&id(2))]);
    let ended = |key: &str, deleted: bool| {
        message("auction.ended.v1", key, &format!("{{\"deleted\":{deleted}}}"))
    };
    let outcomes = consumed(&memory, vec![ended(&id(1), true), ended(&id(2), false)]);
    assert_eq!(outcomes, [Delivery::Ack, Delivery::Ack]);
    assert_eq!(memory.objects.names(), [format!("{}.png", id(2)), format!("{}.svg", id(2))]);
}

#[test]
fn without_an_address_there_is_no_start() {
    for base in ["", "auctions.example", "ftp://x"] {
        assert!(ready(qr_service::migrate(&memory(base))).is_err(), "{base:?}");
    }
    assert_eq!(ready(qr_service::migrate(&memory(BASE))), Ok(()));
}
