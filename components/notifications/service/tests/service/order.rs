//! Facts that overtake each other, many ends at once, and what is old.

use crate::house::{AUCTION, House, address, auction, start, usd, user};
use kernel::Timestamp;
use ports::{Sql, Statement, ready};
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

fn after(minutes: i64) -> Timestamp {
    start().plus_ms(minutes * MINUTE_MS)
}

fn terms(seq: i64, title: &str, minutes: i64) -> Value {
    json!({
        "seq": seq, "title": title, "seller": user("sam"), "format": "english", "quantity": 1,
        "start_price": usd(1_000), "starts_at": start(), "ends_at": after(minutes)
    })
}

fn ended(seq: i64) -> Value {
    json!({
        "seq": seq, "title": "A watch", "format": "english", "seller": user("sam"),
        "outcome": "unsold", "reason": null, "note": null, "deleted": false, "winners": []
    })
}

/// Hears a fact, and nothing else meanwhile.
fn hear(house: &House, topic: &str, body: &Value) {
    house.hear(topic, &auction(AUCTION), body);
    house.deliver();
}

/// `title seller minutes-to-run end-in-minutes has_ended` of the auction's row.
fn row(house: &House) -> String {
    let sql = format!(
        "SELECT title || ' ' || (seller = '{}') || ' '
        || ((scheduled_end - starts_at) / {MINUTE_MS}) || ' '
        || ((ends_at - {}) / {MINUTE_MS}) || ' ' || has_ended FROM notifications_auctions",
        user("sam"),
        start().as_ms()
    );
    let rows = house.rows(&sql);
    assert_eq!(rows.len(), 1);
    rows[0][0].as_text().unwrap().to_owned()
}

#[test]
fn an_end_that_overtakes_the_opening_leaves_nothing_to_open() {
    let house = House::open();
    house.watch("wil", true);
    hear(&house, "auction.ended.v1", &ended(5));
    hear(&house, "auction.opened.v1", &terms(2, "A watch", 60));
    assert_eq!(house.subjects("wil"), [""; 0]);
    assert_eq!(house.subjects("sam"), ["Not sold"]);
    assert_eq!(house.statuses("wil"), ["opened suppressed 0"]);
    assert_eq!(row(&house), "A watch 1 60 0 1");
    house.at(50 * 60);
    house.tick();
    assert_eq!(house.subjects("wil"), [""; 0]);
}

#[test]
fn an_extension_that_overtakes_the_opening_counts() {
    let house = House::open();
    let extended = json!({"seq": 7, "title": "A watch", "price": usd(5_000),
        "old_end": after(60), "ends_at": after(62)});
    hear(&house, "auction.extended.v1", &extended);
    hear(&house, "auction.opened.v1", &terms(2, "A watch", 60));
    assert_eq!(row(&house), "A watch 1 60 62 0");
    let earlier = json!({"seq": 6, "title": "A watch", "price": usd(5_000),
        "old_end": after(59), "ends_at": after(60)});
    hear(&house, "auction.extended.v1", &earlier);
    assert_eq!(row(&house), "A watch 1 60 62 0");
}

#[test]
fn other_terms_that_overtake_the_opening_or_older_ones_count() {
    let house = House::open();
    hear(&house, "auction.amended.v1", &terms(4, "Three watches", 180));
    hear(&house, "auction.opened.v1", &terms(2, "A watch", 60));
    hear(&house, "auction.amended.v1", &terms(3, "Two watches", 120));
    assert_eq!(row(&house), "Three watches 1 180 180 0");
    assert_eq!(house.subjects("sam"), ["Your auction is open"]);
}

#[test]
fn many_ends_at_once_are_said_once_each() {
    let house = House::open();
    for bits in 100..350 {
        house.hear("auction.opened.v1", &auction(bits), &terms(2, "A watch", 60));
    }
    house.deliver();
    house.at(50 * 60);
    let run = || {
        let slot = after(50);
        ready(notifications_service::run(&house.memory, "notifications.ending-soon", slot))
            .unwrap();
        let said = house.memory.take_messages();
        assert!(said.iter().all(|message| message.topic == "notifications.ending-soon.v1"));
        said.into_iter().map(|message| message.key).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!((run(), run()), (250, 0));
}

#[test]
fn an_end_that_has_moved_away_is_told_when_it_comes() {
    let house = House::open();
    house.watch("wil", true);
    house.list(&json!({}));
    // As if the message of the move had not come.
    let early = format!("UPDATE notifications_auctions SET ends_at = {}", after(20).as_ms());
    ready(Sql::batch(&house.memory, vec![Statement::new(early, [])])).unwrap();
    house.at(10 * 60);
    house.tick();
    assert_eq!(house.subjects("wil"), ["Open now"]);
    house.at(46 * 60);
    house.tick();
    assert_eq!(house.subjects("wil"), ["Open now", "Ending soon"]);
}

#[test]
fn what_is_old_is_forgotten_and_what_still_runs_is_not() {
    let house = House::open();
    let other = auction(8);
    let watched = json!({"user_id": user("wil"), "auction_id": other, "watching": true});
    house.hear("auction.watched.v1", &user("wil"), &watched);
    house.watch("wil", true);
    house.deliver();
    hear(&house, "auction.opened.v1", &terms(2, "A watch", 60));
    house.hear("auction.opened.v1", &other, &terms(2, "A clock", 60 * 24 * 89));
    house.deliver();
    house.at(61 * 60);
    hear(&house, "auction.ended.v1", &ended(3));
    let count = |table: &str| {
        let rows = house.rows(&format!("SELECT count(*) FROM notifications_{table}"));
        rows[0][0].as_integer().unwrap()
    };
    let sweep = |ms: i64| {
        house.memory.advance_asleep(start().plus_ms(ms));
        let slot = start();
        ready(notifications_service::run(&house.memory, "notifications.sweep", slot)).unwrap();
        [count("letters"), count("auctions"), count("watchers")]
    };
    assert_eq!(sweep(89 * DAY_MS), [5, 2, 2]);
    assert_eq!(sweep(91 * DAY_MS), [0, 1, 1]);
    assert_eq!(sweep(300 * DAY_MS), [0, 1, 1], "nobody said that the other has ended");
    house.hear("auction.ended.v1", &other, &ended(3));
    house.deliver();
    assert_eq!(sweep(401 * DAY_MS), [0, 0, 0]);
    assert_eq!(count("contacts"), 6);
}

#[test]
fn a_watched_auction_of_which_nothing_is_known_is_forgotten_late() {
    let house = House::open();
    house.watch("wil", true);
    house.deliver();
    let sweep = |ms: i64| {
        house.memory.advance_asleep(start().plus_ms(ms));
        ready(notifications_service::run(&house.memory, "notifications.sweep", start())).unwrap();
        house.rows("SELECT user_id FROM notifications_watchers").len()
    };
    assert_eq!((sweep(399 * DAY_MS), sweep(400 * DAY_MS)), (1, 0));
}

#[test]
fn lines_of_a_seller_are_no_lines_of_a_letter() {
    const TITLE: &str = "A watch\n\nYou won. Pay here:\r\nhttp://evil.test\u{2028}at once";
    let house = House::open();
    hear(&house, "auction.opened.v1", &terms(2, TITLE, 60));
    let called_off = json!({
        "seq": 3, "title": TITLE, "format": "english", "seller": user("sam"),
        "outcome": "cancelled", "reason": "cancelled_by_operator", "deleted": false, "winners": [],
        "note": "Broken\n--\nSwitch them off:\nhttp://evil.test"
    });
    hear(&house, "auction.ended.v1", &called_off);
    let letters = house.memory.mail.to(&address("sam"));
    assert_eq!(letters.len(), 2);
    for letter in &letters {
        let titles: Vec<_> = letter.text.lines().filter(|line| line.contains("A watch")).collect();
        assert_eq!(titles.len(), 1, "{}", letter.text);
        assert!(titles[0].starts_with("    A watch ") && titles[0].ends_with(" at once"));
        assert!(!letter.text.contains(['\r', '\u{2028}']), "{:?}", letter.text);
        assert!(!letter.text.lines().any(|line| line.starts_with("http://evil")));
        assert_eq!(letter.text.lines().filter(|line| *line == "--").count(), 1, "{}", letter.text);
    }
    assert!(letters[1].text.contains("    Reason: Broken -- Switch them off: http://evil.test\n"));
}
