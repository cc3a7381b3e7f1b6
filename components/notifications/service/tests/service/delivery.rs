//! What becomes of letters: mail that is away, preferences, accounts that go, messages that come
//! late.

use crate::house::{AUCTION, House, address, auction, message, start, usd, user};
use ports::{Clock as _, Delivery, MailError, ready};
use serde_json::{Value, json};

/// Ana leads, and then ben does.
fn outbid(house: &House) {
    house.list(&json!({}));
    house.bid("ana", 5_000);
    house.bid("ben", 6_000);
}

#[test]
fn mail_that_is_away_is_tried_again_and_each_letter_comes_once() {
    let house = House::open();
    house.memory.mail.break_with(Some(MailError::Unavailable("451 later".to_owned())));
    outbid(&house);
    assert_eq!(house.subjects("ana"), [""; 0]);
    let statuses = house.statuses("ana");
    let attempts: u32 = statuses[0].rsplit(' ').next().unwrap().parse().unwrap();
    assert!(statuses[0].starts_with("outbid queued ") && attempts > 1, "{statuses:?}");
    house.memory.mail.break_with(None);
    house.deliver();
    assert_eq!(house.subjects("ana"), ["You were outbid"]);
    assert_eq!(house.statuses("ana"), [format!("outbid sent {}", attempts + 1)]);
    let error = "SELECT last_error FROM notifications_letters WHERE last_error IS NOT NULL";
    assert!(house.rows(error).is_empty());
}

#[test]
fn a_letter_that_is_refused_for_good_is_not_tried_again() {
    let house = House::open();
    house.memory.mail.break_with(Some(MailError::Rejected("550 no such user".to_owned())));
    outbid(&house);
    assert!(house.waiting.borrow().is_empty());
    assert_eq!(house.statuses("ana"), ["outbid failed 1"]);
    house.memory.mail.break_with(None);
    let sql = "SELECT id FROM notifications_letters WHERE kind = 'outbid'";
    let id = house.rows(sql)[0][0].as_text().unwrap().to_owned();
    house.hear("notifications.letter-due.v1", &user("ana"), &json!({"letter_id": id}));
    house.deliver();
    assert_eq!(house.subjects("ana"), [""; 0]);
}

#[test]
fn an_address_that_comes_after_the_fact_still_gets_the_letter() {
    let house = House::empty();
    house.meet("sam");
    outbid(&house);
    assert_eq!(house.statuses("ana"), ["outbid queued 0"]);
    house.meet("ana");
    house.deliver();
    assert_eq!(house.subjects("ana"), ["You were outbid"]);
}

#[test]
fn what_was_sent_and_not_written_down_is_not_sent_again() {
    let house = House::open();
    house.list(&json!({}));
    house.bid("ana", 5_000);
    house.send("ben", &json!({"place_bid": {"amount": usd(6_000)}}));
    let facts = house.memory.take_messages();
    ready(notifications_service::consume(&house.memory, facts));
    let due = house.memory.take_messages();
    house.memory.sql.break_batch(0);
    let broken = ready(notifications_service::consume(&house.memory, due.clone()));
    assert!(broken.iter().all(|delivery| matches!(delivery, Delivery::Retry(_))), "{broken:?}");
    assert_eq!(house.subjects("ana"), ["You were outbid"]);
    assert_eq!(house.statuses("ana"), ["outbid queued 0"]);
    let again = ready(notifications_service::consume(&house.memory, due));
    assert_eq!(again, [Delivery::Ack]);
    assert_eq!(house.subjects("ana"), ["You were outbid"]);
    assert_eq!(house.statuses("ana"), ["outbid sent 1"]);
}

#[test]
fn a_call_begins_no_letter_late_and_leaves_the_rest_for_another() {
    let house = House::open();
    for name in ["wil", "dan", "ana", "ben"] {
        house.watch(name, true);
    }
    house.deliver();
    house.send("sam", &json!({"create": crate::house::terms(&json!({}))}));
    ready(notifications_service::consume(&house.memory, house.memory.take_messages()));
    let due = house.memory.take_messages();
    assert_eq!(due.len(), 5);
    house.memory.mail.takes_ms(2_000);
    let began = house.memory.now();
    let done = ready(notifications_service::consume(&house.memory, due.clone()));
    assert_eq!(done[..2], [Delivery::Ack, Delivery::Ack]);
    assert!(done[2..].iter().all(|delivery| matches!(delivery, Delivery::Retry(_))), "{done:?}");
    assert_eq!(house.memory.now().ms_since(began), 4_000);
    let untried = "SELECT id FROM notifications_letters WHERE status = 'queued' AND attempts = 0";
    assert_eq!(house.rows(untried).len(), 3);
    for _ in 0..2 {
        ready(notifications_service::consume(&house.memory, due.clone()));
    }
    for name in ["sam", "wil", "dan", "ana", "ben"] {
        assert_eq!(house.subjects(name).len(), 1, "{name}");
    }
}

#[test]
fn what_is_switched_off_is_kept_and_not_sent() {
    let house = House::open();
    let target = "/v1/me/notifications/preferences";
    let (status, all) = house.ask_as("ana", "GET", target, "");
    assert_eq!((status, all.as_object().unwrap().len()), (200, 9));
    assert!(all.as_object().unwrap().values().all(|is_on| *is_on == json!(true)));
    let (status, all) = house.ask_as("ana", "PATCH", target, r#"{"outbid": false, "won": true}"#);
    assert_eq!((status, &all["outbid"], &all["won"]), (200, &json!(false), &json!(true)));
    for (body, code) in [
        (r#"{"outbids": false}"#, "unknown_field"),
        (r#"{"outbid": 1}"#, "invalid_request"),
        (r#"{"outbid": null}"#, "invalid_request"),
        ("[]", "invalid_request"),
    ] {
        let (status, problem) = house.ask_as("ana", "PATCH", target, body);
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{body}");
    }
    outbid(&house);
    assert_eq!(house.subjects("ana"), [""; 0]);
    assert_eq!(house.statuses("ana"), ["outbid suppressed 0"]);
    house.bid("ana", 7_000);
    assert_eq!(house.subjects("ben"), ["You were outbid"]);
}

#[test]
fn a_letter_about_an_end_that_has_come_is_not_sent() {
    let house = House::open();
    house.watch("wil", true);
    house.list(&json!({}));
    house.memory.mail.break_with(Some(MailError::Unavailable("away".to_owned())));
    house.at(50 * 60);
    house.tick();
    house.memory.mail.break_with(None);
    house.at(61 * 60);
    assert_eq!(house.subjects("wil"), ["Open now"]);
}

#[test]
fn an_erased_account_leaves_nothing_and_gets_nothing() {
    let house = House::open();
    house.watch("ana", true);
    outbid(&house);
    house.ask_as("ana", "PATCH", "/v1/me/notifications/preferences", r#"{"won": false}"#);
    house.memory.advance_asleep(start().plus_ms(1_000));
    house.hear("identity.user-erased.v1", &user("ana"), &json!({"user_id": user("ana")}));
    house.deliver();
    // Late copies of what was said before.
    let at = start();
    let changed = json!({"user_id": user("ana"), "email": "old@example.test", "display_name": ""});
    let watched = json!({"user_id": user("ana"), "auction_id": auction(AUCTION), "watching": true});
    for (topic, body) in [("identity.user-changed.v1", changed), ("auction.watched.v1", watched)] {
        house.waiting.borrow_mut().push(message(topic, &user("ana"), at, &body));
    }
    house.bid("ben", 7_000);
    house.at(3_600);
    // What came before.
    assert_eq!(house.subjects("ana"), ["Open now", "You were outbid"]);
    assert!(house.waiting.borrow().is_empty());
    for table in ["letters", "watchers", "preferences"] {
        let sql =
            format!("SELECT count(*) FROM notifications_{table} WHERE user_id = '{}'", user("ana"));
        assert_eq!(house.rows(&sql)[0][0], ports::Value::Integer(0), "{table}");
    }
    let sql = "SELECT count(*) FROM notifications_contacts WHERE email LIKE 'ana@%'
        OR email LIKE 'old@%' OR display_name = 'ana'";
    assert_eq!(house.rows(sql)[0][0], ports::Value::Integer(0));
}

#[test]
fn what_is_older_than_what_is_known_changes_nothing() {
    let house = House::open();
    house.memory.advance_asleep(start().plus_ms(5_000));
    let body = |email: &str| json!({"user_id": user("ana"), "email": email, "display_name": "A"});
    house.hear("identity.user-changed.v1", &user("ana"), &body("new@example.test"));
    house.watch("ana", false);
    house.deliver();
    house.memory.advance_asleep(start().plus_ms(4_000));
    house.hear("identity.user-changed.v1", &user("ana"), &body("old@example.test"));
    house.watch("ana", true);
    house.deliver();
    house.list(&json!({}));
    house.bid("ana", 5_000);
    house.bid("ben", 6_000);
    let new: Vec<_> = house.memory.mail.to("new@example.test");
    assert_eq!(new.len(), 1, "outbid, and not that it has opened");
    assert!(house.memory.mail.to("old@example.test").is_empty());
    assert!(house.memory.mail.to(&address("ana")).is_empty());
}

#[test]
fn letters_are_listed_newest_first_with_what_became_of_them() {
    let house = House::open();
    outbid(&house);
    house.at(60);
    house.bid("ana", 7_000);
    house.at(120);
    house.memory.mail.break_with(Some(MailError::Unavailable("away".to_owned())));
    house.bid("ben", 8_000);
    let (status, page) = house.ask_as("ana", "GET", "/v1/me/notifications?limit=1", "");
    assert_eq!(status, 200);
    let item = &page["items"][0];
    let facts = [&item["kind"], &item["status"], &item["title"], &item["sent_at"]];
    assert_eq!(facts, [&json!("outbid"), &json!("queued"), &json!("A watch"), &Value::Null]);
    assert!(item["id"].as_str().unwrap().starts_with("msg_"));
    let cursor = page["next_cursor"].as_str().unwrap();
    let target = format!("/v1/me/notifications?limit=1&cursor={cursor}");
    let (_, rest) = house.ask_as("ana", "GET", &target, "");
    assert_eq!((&rest["items"][0]["status"], &rest["next_cursor"]), (&json!("sent"), &Value::Null));
    assert_eq!(rest["items"][0]["sent_at"], json!("2026-11-24T12:00:00.000Z"));
    let (_, others) = house.ask_as("cat", "GET", "/v1/me/notifications", "");
    assert_eq!(others["items"], json!([]));
    assert_eq!(house.ask("GET", "/v1/me/notifications", &[], "").status, 401);
}

#[test]
fn what_cannot_be_read_is_left_for_somebody_to_look_at() {
    let house = House::open();
    let at = start();
    let batch = ["auction.outbid.v1", "identity.user-changed.v1", "auction.changed.v1", "x"]
        .map(|topic| message(topic, "k", at, &json!({"seq": 1})));
    let done = ready(notifications_service::consume(&house.memory, batch.to_vec()));
    assert!(matches!(done[0], Delivery::Retry(_)) && matches!(done[1], Delivery::Retry(_)));
    assert_eq!(done[2..], [Delivery::Ack, Delivery::Ack]);
}

#[test]
fn without_an_address_for_links_there_is_no_start() {
    let memory = ports::memory::Memory::new("notifications", start());
    let why = ready(notifications_service::migrate(&memory)).unwrap_err();
    assert!(why.contains("public_base_url"), "{why}");
}

#[test]
fn many_bidders_are_told_in_parts() {
    let house = House::open();
    house.list(&json!({}));
    let names: Vec<String> = (0..250).map(|number| format!("p{number}")).collect();
    for name in &names {
        house.meet(name);
    }
    house.deliver();
    for (amount, name) in (1_000..).step_by(200).zip(&names) {
        house.send(name, &json!({"place_bid": {"amount": usd(amount)}}));
    }
    house.memory.advance_asleep(start().plus_ms(1));
    house.at(3_600);
    let lost = names.iter().filter(|name| {
        house.subjects(name).iter().filter(|subject| *subject == "Somebody else won").count() == 1
    });
    assert_eq!(lost.count(), 249);
}
