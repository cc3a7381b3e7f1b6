//! A view that was shown before is shown again only while it is still true, and only to those who
//! may see it.

use crate::house::{Answer, House, user};
use serde_json::{Value, json};

fn view(house: &House, id: &str) -> Answer {
    house.get(&format!("/v1/auctions/{id}"))
}

/// The list renders the same view from columns, without memory.
fn listed(house: &House) -> Value {
    house.get("/v1/auctions").json()["items"][0].clone()
}

#[test]
fn whoever_looked_before_a_view_shows_what_is_true_now() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let mut tags = Vec::new();
    for (key, step) in ["opened", "bid", "outbid", "raised", "closed"].into_iter().enumerate() {
        match step {
            "bid" => assert_eq!(house.bid("ben", &id, &format!("b{key}"), 3_000).status, 201),
            "outbid" => assert_eq!(house.bid("cleo", &id, &format!("b{key}"), 5_000).status, 201),
            "raised" => assert_eq!(house.bid("cleo", &id, &format!("b{key}"), 9_000).status, 201),
            "closed" => house.pass(3_600_000),
            _ => {}
        }
        for _ in 0..3 {
            house.pass(1_000);
            assert_eq!(view(&house, &id).json(), listed(&house), "{step}");
        }
        tags.push(view(&house, &id).header("etag").unwrap().to_owned());
    }
    tags.dedup();
    assert_eq!(tags.len(), 5, "every step has a tag of its own");
}

#[test]
fn seller_and_winner_see_more_though_the_public_looked_first() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    assert_eq!(house.bid("ben", &id, "b1", 3_000).status, 201);
    let target = format!("/v1/auctions/{id}");
    let letter = |answer: &Answer| answer.header("etag").unwrap().chars().rev().nth(1).unwrap();
    for _ in 0..2 {
        assert_eq!(letter(&view(&house, &id)), 'p');
        assert_eq!(letter(&house.get_as("cleo", &target)), 'p');
        assert_eq!(letter(&house.get_as("ana", &target)), 's');
    }
    house.pass(3_600_000);
    let winner = |answer: &Answer| answer.json()["result"]["winner"]["user_id"].clone();
    for _ in 0..2 {
        assert_eq!(winner(&view(&house, &id)), Value::Null);
        assert_eq!(winner(&house.get_as("cleo", &target)), Value::Null);
        assert_eq!(winner(&house.get_as("ana", &target)), json!(user("ben")));
        assert_eq!(winner(&house.get_as("ben", &target)), json!(user("ben")));
    }
}

#[test]
fn a_tag_answers_for_a_view_until_it_changes() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let target = format!("/v1/auctions/{id}");
    let tag = view(&house, &id).header("etag").unwrap().to_owned();
    for _ in 0..2 {
        let again = house.send("GET", &target, &[("if-none-match", &tag)], b"");
        assert_eq!((again.status, again.header("etag")), (304, Some(&*tag)));
    }
    assert_eq!(house.bid("ben", &id, "b1", 3_000).status, 201);
    assert_eq!(house.send("GET", &target, &[("if-none-match", &tag)], b"").status, 200);
}

/// A picture as the machine takes it.
fn picture(house: &House, id: &str, n: u8, number: u8) {
    use ports::{Entities, ready};
    let picture = kernel::Id::<kernel::kind::Picture>::from_u128(number.into());
    let body = json!({"set_picture": {"replaces": null, "picture": {
        "n": n, "id": picture, "sha256": "00".repeat(32), "content_type": "image/jpeg",
        "width": 1600, "height": 900}}});
    let (command_id, ana) = (format!("picture-{number}"), user("ana"));
    let body = body.to_string().into_bytes();
    let reply = ready(house.memory.call("auction", id, &command_id, Some(&ana), body)).unwrap();
    assert!(!String::from_utf8(reply).unwrap().contains("refused"));
}

#[test]
fn pictures_are_shown_in_the_order_of_their_places() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.deliver();
    picture(&house, &id, 2, 1);
    picture(&house, &id, 1, 2);
    // A bid writes its own columns alone, before the message of the pictures has come.
    assert_eq!(house.bid("ben", &id, "b1", 3_000).status, 201);
    house.deliver();
    let shown = view(&house, &id).json();
    let urls: Vec<_> =
        shown["pictures"].as_array().unwrap().iter().map(|one| &one["url"]).collect();
    let first = kernel::Id::<kernel::kind::Picture>::from_u128(2);
    assert_eq!((urls.len(), urls[0]), (2, &json!(format!("/pictures/{first}"))));
    let expected = json!({"n": 1, "id": first, "url": urls[0], "content_type": "image/jpeg",
        "width": 1600, "height": 900});
    assert_eq!(shown["pictures"][0], expected);
    assert_eq!(shown["pictures"][1]["n"], 2);
    assert_eq!(listed(&house)["pictures"], shown["pictures"]);
}

#[test]
fn a_code_is_linked_from_when_it_is_made() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.deliver();
    let before = view(&house, &id);
    assert_eq!((&before.json()["qr"], &listed(&house)["qr"]), (&Value::Null, &Value::Null));
    let made = |house: &House| {
        let [topic, key, source] = ["qr.made.v1", id.as_str(), "/components/qr"].map(str::to_owned);
        let (id, body) = ("m".to_owned(), b"{}".to_vec());
        let message = ports::Message { id, source, topic, key, time: 0, body };
        let batch = vec![message.clone(), message];
        let outcomes = ports::ready(auctions_service::consume(&house.memory, batch));
        assert_eq!(outcomes, [ports::Delivery::Ack, ports::Delivery::Ack]);
    };
    made(&house);
    house.pass(1_000);
    for _ in 0..2 {
        let after = view(&house, &id);
        let links = json!({"png": format!("/v1/auctions/{id}/qr.png"),
            "svg": format!("/v1/auctions/{id}/qr.svg")});
        assert_eq!((&after.json()["qr"], &after.json()["seq"]), (&links, &json!(1)));
        assert_eq!(listed(&house)["qr"], links);
        assert_ne!(after.header("etag"), before.header("etag"));
        house.pass(1_000);
    }
    // What the seller has read before is still the same auction.
    let tag = house.create("ana", "k1", json!({})).header("etag").unwrap().to_owned();
    let headers = [
        ("authorization", &*house.bearer("ana")),
        ("content-type", "application/json"),
        ("if-match", tag.as_str()),
    ];
    let body = br#"{"title": "Two watches"}"#;
    assert_eq!(house.send("PATCH", &format!("/v1/auctions/{id}"), &headers, body).status, 200);
}
