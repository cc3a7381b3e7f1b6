//! Refresh tokens: spent once, and copies are found out.

use ports::ready;
use serde_json::json;

use crate::house::{House, json_of, pair, refused, request, said};
use crate::watched::Watched;

const ANA: &str = "ana@example.test";

#[test]
fn a_pair_leads_to_the_next_one() {
    let house = House::new();
    let first = house.resident(ANA);
    house.later(500_000);
    let response = house.refresh(&first.refresh);
    let second = pair(&response, 200);
    assert_eq!(json_of(&response)["expires_in"], 600);
    assert_ne!(first, second);
    assert_eq!(house.user_id(&second.access), house.user_id(&first.access));
    let third = pair(&house.refresh(&second.refresh), 200);
    assert_ne!(second.refresh, third.refresh);
}

#[test]
fn a_request_that_was_sent_twice_gets_the_same_pair_for_ten_seconds() {
    let house = House::new();
    let first = house.resident(ANA);
    house.later(300_500);
    let answer = house.refresh(&first.refresh);
    for ms in [0, 4_321, 5_679] {
        house.later(ms);
        let again = house.refresh(&first.refresh);
        assert_eq!((again.status, &again.body), (200, &answer.body), "{ms}");
    }
    let second = pair(&answer, 200);
    // The pair is good, although the old token was sent again.
    let third = pair(&house.refresh(&second.refresh), 200);
    assert_eq!(house.refresh(&first.refresh).body, answer.body, "still within ten seconds");
    assert_eq!(house.refresh(&third.refresh).status, 200);
}

#[test]
fn a_spent_token_that_comes_back_later_ends_its_session() {
    let house = House::new();
    let first = house.resident(ANA);
    let other = house.sign_in(ANA);
    let second = pair(&house.refresh(&first.refresh), 200);
    house.later(10_001);
    let reused = house.refresh(&first.refresh);
    assert_eq!(said(&reused), refused(401, "token_reused"));
    assert_eq!(reused.header("www-authenticate"), Some("Bearer"));
    assert_eq!(said(&house.refresh(&second.refresh)), refused(401, "invalid_token"));
    assert_eq!(said(&house.refresh(&first.refresh)), refused(401, "token_reused"), "for good");
    assert_eq!(house.refresh(&other.refresh).status, 200, "another sign-in is another family");
}

#[test]
fn a_session_lives_thirty_days_after_it_was_used() {
    let day = 24 * 60 * 60 * 1_000;
    let house = House::new();
    let mut tokens = house.resident(ANA);
    for _ in 0..3 {
        house.later(30 * day - 1);
        tokens = pair(&house.refresh(&tokens.refresh), 200);
    }
    house.later(30 * day);
    assert_eq!(said(&house.refresh(&tokens.refresh)), refused(401, "invalid_token"));
}

#[test]
fn words_that_are_no_tokens_are_refused() {
    let house = House::new();
    let tokens = house.resident(ANA);
    for word in ["", "rt_", &tokens.access, &tokens.refresh[1..], &format!("{}=", tokens.refresh)] {
        assert_eq!(said(&house.refresh(word)), refused(401, "invalid_token"), "{word}");
    }
    let wrong = house.post("/v1/sessions/refresh", &json!({"token": "x"}));
    assert_eq!(said(&wrong), refused(400, "unknown_field"));
}

#[test]
fn no_token_is_kept_in_the_clear() {
    let house = House::new();
    let tokens = house.resident(ANA);
    let spent = pair(&house.refresh(&tokens.refresh), 200);
    for word in [&tokens.refresh, &spent.refresh, &tokens.access] {
        let (start, length) = (&word[3..], word.len() - 3);
        let sql = format!(
            "SELECT count(*) FROM identity_tokens WHERE instr(CAST(hash AS TEXT), '{start}') > 0
             OR length(hash) = {length}"
        );
        assert_eq!(house.count(&sql), 0);
    }
}

/// Two requests with one token meet in the middle: both have read that it is unspent.
#[test]
fn of_two_requests_at_once_one_makes_the_successor_and_the_other_finds_it() {
    let house = House::new();
    let first = house.resident(ANA);
    let body = json!({"refresh_token": first.refresh});
    let wanted = move || request("POST", "/v1/sessions/refresh", None, Some(&body));
    let watched = Watched::over(&house.memory);
    let other = wanted();
    watched.before_first_sign(move |memory| {
        assert_eq!(ready(identity_service::handle(memory, other)).status, 200);
    });
    let slow = ready(identity_service::handle(&watched, wanted()));
    let fast = house.refresh(&first.refresh);
    assert_eq!((slow.status, &slow.body), (200, &fast.body));
    let unspent = "SELECT count(*) FROM identity_tokens WHERE spent_at IS NULL";
    assert_eq!(house.count(unspent), 1, "one successor");
    assert_eq!(house.count("SELECT count(*) FROM identity_tokens"), 2);
}
