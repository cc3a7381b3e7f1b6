//! Letters: each once, none that is too late.

use ports::{Delivery, MailError, Message, ready};
use serde_json::json;

use crate::house::{House, PASSWORD};

const ANA: &str = "ana@example.test";

fn consume(house: &House, messages: &[Message]) -> Vec<Delivery> {
    ready(identity_service::consume(&house.memory, messages.to_vec()))
}

fn due(house: &House) -> Vec<Message> {
    house.sign_up(ANA, PASSWORD);
    house.memory.take_messages()
}

#[test]
fn a_message_that_comes_twice_sends_one_letter() {
    let house = House::new();
    let due = due(&house);
    assert_eq!((due.len(), due[0].topic.as_str()), (1, "identity.letter-due.v1"));
    let twice = [due[0].clone(), due[0].clone()];
    assert_eq!(consume(&house, &twice), [Delivery::Ack, Delivery::Ack]);
    assert_eq!(house.memory.mail.to(ANA).len(), 1);
}

#[test]
fn a_message_tells_no_code() {
    let house = House::new();
    let due = due(&house);
    consume(&house, &due);
    let code = crate::house::code_in(&house.memory.mail.to(ANA)[0].text).unwrap();
    let body = String::from_utf8(due[0].body.clone()).unwrap();
    assert!(!body.contains(&code) && !body.contains("ana"), "{body}");
}

#[test]
fn while_mail_is_away_the_letter_waits_and_is_the_same() {
    let house = House::new();
    let due = due(&house);
    house.memory.mail.break_with(Some(MailError::Unavailable("421".to_owned())));
    assert_eq!(consume(&house, &due), [Delivery::Retry("421".to_owned())]);
    house.memory.mail.break_with(None);
    assert_eq!(consume(&house, &due), [Delivery::Ack]);
    let body = json!({"email": ANA, "code": house.code(ANA)});
    assert_eq!(house.post("/v1/accounts/confirm", &body).status, 204);
}

#[test]
fn a_call_begins_no_letter_late_and_leaves_the_rest_for_another() {
    let house = House::new();
    let addresses = ["a@example.test", "b@example.test", "c@example.test"];
    for address in addresses {
        house.sign_up(address, PASSWORD);
    }
    let due = house.memory.take_messages();
    house.memory.mail.takes_ms(2_000);
    let done = consume(&house, &due);
    assert_eq!(done[..2], [Delivery::Ack, Delivery::Ack]);
    assert!(matches!(done[2], Delivery::Retry(_)), "{done:?}");
    assert_eq!(consume(&house, &due[2..]), [Delivery::Ack]);
    assert!(addresses.iter().all(|address| house.memory.mail.to(address).len() == 1));
}

#[test]
fn an_address_that_is_refused_is_done_with() {
    let house = House::new();
    let due = due(&house);
    house.memory.mail.break_with(Some(MailError::Rejected("550".to_owned())));
    assert_eq!(consume(&house, &due), [Delivery::Ack]);
}

#[test]
fn what_came_too_late_is_not_sent() {
    let house = House::new();
    let old = due(&house);
    let newer = due(&house);
    assert_eq!(consume(&house, &old), [Delivery::Ack], "a newer code took its place");
    assert!(house.memory.mail.to(ANA).is_empty());
    house.later(600_000);
    assert_eq!(consume(&house, &newer), [Delivery::Ack], "its code has expired");
    assert!(house.memory.mail.to(ANA).is_empty());
}

#[test]
fn messages_that_come_by_mistake_are_done_with() {
    let house = House::new();
    let mut strange = due(&house);
    strange[0].body = b"{}".to_vec();
    let mut foreign = strange[0].clone();
    foreign.topic = "auction.closed".to_owned();
    strange.push(foreign);
    assert_eq!(consume(&house, &strange), [Delivery::Ack, Delivery::Ack]);
}

#[test]
fn letters_have_one_code_and_plain_words() {
    let house = House::new();
    house.settle(ANA);
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    house.deliver();
    let letters = house.memory.mail.to(ANA);
    assert_eq!(letters[0].subject, "Your code for EcomAuction");
    assert!(letters[0].text.contains("It is for the sign-up of 2027-01-15, 08:00 UTC."));
    assert_eq!(letters[1].subject, "A new password for EcomAuction");
    for letter in letters {
        assert_eq!(letter.text.matches("Your code is ").count(), 1, "{}", letter.text);
        assert!(crate::house::code_in(&letter.text).is_some(), "{}", letter.text);
        assert_eq!((letter.html, letter.headers.len()), (None, 0));
    }
}
