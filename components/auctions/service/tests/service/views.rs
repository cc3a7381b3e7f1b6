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
