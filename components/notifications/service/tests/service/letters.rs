//! Who gets which letter, for every kind, with the real machine.

use crate::house::{AUCTION, House, PEOPLE, address, auction, usd, user};
use serde_json::json;

/// An auction with everything that bidding leads to; subjects of all letters by person.
fn story(seed: u64) -> Vec<(String, Vec<String>)> {
    let house = House::open().with_seed(seed);
    house.watch("wil", true);
    house.watch("dan", true);
    house.watch("dan", false);
    house.deliver();
    house.list(&json!({}));
    house.at(60);
    house.bid("ana", 5_000);
    house.bid("ana", 5_500);
    house.bid("ben", 2_000);
    house.bid("ben", 6_000);
    house.bid("ana", 7_000);
    house.bid("ben", 8_000);
    house.at(44 * 60);
    house.tick();
    house.at(45 * 60);
    house.tick();
    house.at(46 * 60);
    house.tick();
    house.at(59 * 60);
    house.bid("cat", 9_000);
    house.at(60 * 60 + 30);
    house.bid("ben", 9_500);
    house.tick();
    house.at(61 * 60 + 40);
    house.bid("cat", 10_500);
    house.at(70 * 60);
    let all = PEOPLE.iter().map(|name| ((*name).to_owned(), house.subjects(name)));
    all.collect()
}

#[test]
fn everybody_hears_once_of_what_concerns_them_in_any_order_of_messages() {
    let expected = [
        ("sam", vec!["Your auction is open", "Sold"]),
        (
            "ana",
            vec![
                "You were outbid",
                "You were outbid",
                "Ending soon",
                "More time",
                "Somebody else won",
            ],
        ),
        (
            "ben",
            vec![
                "You were outbid",
                "Ending soon",
                "You were outbid",
                "More time",
                "You were outbid",
                "Somebody else won",
            ],
        ),
        ("cat", vec!["More time", "You were outbid", "You won"]),
        ("dan", vec![]),
        ("wil", vec!["Open now", "Ending soon", "More time"]),
    ];
    for seed in 0..20 {
        for ((name, mut told), (expected_name, mut expected)) in
            story(seed).into_iter().zip(expected.clone())
        {
            assert_eq!(name, expected_name);
            // Letters of one instant may be posted in any order.
            told.sort();
            expected.sort_unstable();
            assert_eq!(told, expected, "{name}, seed {seed}");
        }
    }
}

#[test]
fn an_outbid_letter_says_what_it_takes_to_lead_again() {
    let house = House::open();
    house.list(&json!({}));
    house.bid("ana", 5_000);
    house.bid("ben", 6_000);
    let letters = house.memory.mail.to(&address("ana"));
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    let link = format!("https://shop.example/auctions/{}", auction(AUCTION));
    for said in ["Hello ana,", "A watch", "51.00 USD", "52.00 USD", &link] {
        assert!(letter.text.contains(said), "{said} in {}", letter.text);
        assert!(letter.html.as_ref().unwrap().contains(said), "{said}");
    }
    assert!(letter.text.contains("Ends: 24 November 2026, 13:00 UTC"), "{}", letter.text);
    // Nothing hidden, nothing that tracks, nothing from elsewhere.
    let html = letter.html.as_ref().unwrap();
    for absent in ["60.00", "50.00", "<img", "<script", "src=", "@import", "url("] {
        assert!(!html.contains(absent) && !letter.text.contains(absent), "{absent}");
    }
    let names: Vec<_> = letter.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted"]);
    assert_eq!(letter.headers[1].1, "List-Unsubscribe=One-Click");
}

#[test]
fn several_winners_hear_what_each_of_them_pays() {
    let house = House::open();
    house.list(&json!({
        "format": "dutch", "increments": null, "duration_seconds": null, "quantity": 10,
        "start_price": usd(50_000), "dutch": {"floor_price": usd(20_000), "decrement": usd(1_500),
            "tick_seconds": 10, "dwell_seconds": 60}
    }));
    let take = |who: &str, quantity: u32| {
        let bid = json!({"amount": usd(50_000), "quantity": quantity});
        house.send(who, &json!({"place_bid": bid}));
        house.deliver();
    };
    house.at(10);
    take("ana", 3);
    take("ben", 1);
    house.at(20);
    take("ana", 6);
    assert_eq!(house.subjects("ana"), ["You won"]);
    let text = &house.memory.mail.to(&address("ana"))[0].text;
    for line in ["Price: 3 × 485.00 USD", "Price: 6 × 470.00 USD", "Together: 4275.00 USD"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let text = &house.memory.mail.to(&address("ben"))[0].text;
    assert!(text.contains("Price: 485.00 USD") && !text.contains("Together"), "{text}");
    let sold = &house.memory.mail.to(&address("sam"))[1].text;
    assert!(sold.contains("Price: 4 × 485.00 USD"), "{sold}");
    assert!(sold.contains("Together: 4760.00 USD"), "{sold}");
}

#[test]
fn what_stays_unsold_is_told_to_the_seller_and_to_those_who_bid() {
    let house = House::open();
    house.list(&json!({"reserve_price": usd(9_000)}));
    house.bid("ana", 5_000);
    house.at(3_600);
    assert_eq!(house.subjects("ana"), ["Not sold"]);
    assert_eq!(house.subjects("sam"), ["Your auction is open", "Not sold"]);
    assert!(house.memory.mail.to(&address("sam"))[1].text.contains("no bid met the reserve"));
    let alone = House::open();
    alone.list(&json!({}));
    alone.at(3_600);
    assert!(alone.memory.mail.to(&address("sam"))[1].text.contains("nobody has bid"));
}

#[test]
fn a_sale_at_once_is_told_as_such() {
    let house = House::open();
    house.list(&json!({"buy_now_price": usd(20_000), "reserve_price": usd(9_000)}));
    house.bid("ana", 5_000);
    house.send("ben", &json!("buy_now"));
    house.deliver();
    assert_eq!(house.subjects("ana"), ["Somebody else bought it"]);
    assert_eq!(house.subjects("ben"), ["You won"]);
    assert_eq!(house.subjects("sam"), ["Your auction is open", "Sold"]);
}

#[test]
fn in_reverse_the_words_fit() {
    let house = House::open();
    house.list(&json!({
        "format": "reverse", "increments": null, "reverse": {"decrement": usd(500)},
        "start_price": usd(10_000)
    }));
    house.bid("ana", 9_000);
    house.bid("ben", 8_000);
    let outbid = &house.memory.mail.to(&address("ana"))[0].text;
    assert!(outbid.contains("asks for less") && outbid.contains("At most: 75.00 USD"), "{outbid}");
    house.at(3_600);
    assert_eq!(house.subjects("sam"), ["Your auction is open", "You have a winner"]);
}

#[test]
fn who_called_it_off_gets_no_letter_about_it() {
    let house = House::open();
    house.watch("wil", true);
    house.watch("sam", true);
    house.list(&json!({}));
    house.bid("ana", 5_000);
    house.send("sam", &json!({"cancel": {"reason": "It broke, sorry."}}));
    house.deliver();
    assert_eq!(house.subjects("ana"), ["Called off"]);
    assert_eq!(house.subjects("wil"), ["Open now", "Called off"]);
    assert_eq!(house.subjects("sam"), ["Your auction is open"]);
    assert!(house.memory.mail.to(&address("ana"))[0].text.contains("Reason: It broke, sorry."));
    // By an operator, say.
    let ended = json!({
        "seq": 9, "title": "A watch", "format": "english", "seller": user("sam"),
        "outcome": "cancelled", "reason": "cancelled_by_operator", "note": null, "deleted": false,
        "winners": []
    });
    house.hear("auction.ended.v1", &auction(AUCTION), &ended);
    house.deliver();
    assert_eq!(house.subjects("sam"), ["Your auction is open", "Called off"]);
}

#[test]
fn a_listing_that_is_gone_is_not_linked() {
    let house = House::open();
    house.watch("wil", true);
    house.list(&json!({"starts_at": "2026-11-24T13:00:00.000Z"}));
    assert_eq!(house.subjects("sam"), [""; 0]);
    let view: serde_json::Value = {
        let key = auction(AUCTION);
        let question = b"\"view\"".to_vec();
        let asked = ports::Entities::query(&house.memory, "auction", &key, None, question);
        serde_json::from_slice(&ports::ready(asked).unwrap()).unwrap()
    };
    house.send("sam", &json!({"delete": {"head": view["head"]}}));
    house.deliver();
    assert_eq!(house.subjects("wil"), ["Called off"]);
    assert!(!house.memory.mail.to(&address("wil"))[0].text.contains("/auctions/"));
}

#[test]
fn short_auctions_do_not_end_soon_and_other_terms_count() {
    let house = House::open();
    house.watch("wil", true);
    house.list(&json!({"duration_seconds": 29 * 60}));
    house.at(20 * 60);
    house.tick();
    assert_eq!(house.subjects("wil"), ["Open now"]);
    let amended = House::open();
    amended.watch("wil", true);
    amended.list(&json!({"duration_seconds": 29 * 60}));
    let head = ports::ready(ports::Entities::query(
        &amended.memory,
        "auction",
        &auction(AUCTION),
        None,
        b"\"view\"".to_vec(),
    ));
    let view: serde_json::Value = serde_json::from_slice(&head.unwrap()).unwrap();
    let terms = json!({"title": "Two watches", "duration_seconds": null,
        "ends_at": "2026-11-24T14:00:00.000Z"});
    amended.send("sam", &json!({"change": {"head": view["head"], "terms": terms}}));
    amended.at(20 * 60);
    amended.tick();
    assert_eq!(amended.subjects("wil"), ["Open now"]);
    amended.at(106 * 60);
    amended.tick();
    assert_eq!(amended.subjects("wil"), ["Open now", "Ending soon: Two watches"]);
}

#[test]
fn sealed_winners_pay_what_the_format_says() {
    let house = House::open();
    house.list(&json!({"format": "vickrey", "increments": null}));
    house.bid("ana", 5_000);
    house.bid("ben", 4_000);
    assert_eq!((house.subjects("ana"), house.subjects("ben")), (vec![], vec![]));
    house.at(3_600);
    assert_eq!(house.subjects("ben"), ["Somebody else won"]);
    assert!(house.memory.mail.to(&address("ana"))[0].text.contains("Price: 40.00 USD"));
}
