//! The page of one auction for its seller.

use serde_json::{Value, json};

use crate::browser::{Browser, header, location, text};
use crate::stall::{ID, OTHER, bid, page, usd, with_watch};

const BID: &str = "bid_01jd6s6y8zfz2v5r3k8t9w0xyz";
const NEWER: &str = "bid_01jd6s6y8zfz2v5r3k8t9w0abc";

fn of(path: &str) -> String {
    format!("/v1/auctions/{ID}{path}")
}

fn home() -> String {
    format!("/sell/{ID}")
}

fn with_bids(more: Value) -> Browser {
    let mut all = json!({"bid_count": 3, "bidder_count": 2, "reserve": "not_met"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let browser = with_watch(all);
    let bids = [
        bid("bidder-3", 0, json!({"amount": null})),
        bid("bidder-1", 3_000, json!({"bid_id": NEWER})),
        bid("bidder-2", 2_000, json!({"retracted": true})),
        bid("bidder-1", 1_000, json!({})),
    ];
    browser.api(&format!("GET {}", of("/bids")), 200, &page(&bids));
    browser
}

#[test]
fn an_auction_is_managed_by_its_seller_alone() {
    assert_eq!(location(&Browser::new().get(&home())), format!("/sign-in?next=%2Fsell%2F{ID}"));
    let browser = with_watch(json!({"seller": {"id": OTHER, "display_name": "Bob"}}));
    let answer = browser.get(&home());
    assert_eq!(answer.status, 403);
    assert!(text(&answer).contains("Only who listed it manages it."));
    browser.refuses(&format!("POST {}", of("/cancellation")), 403, "forbidden");
    let answer = browser.post(&home(), &[("do", "cancel"), ("reason", "Mine now")]);
    assert_eq!(answer.status, 403);
    browser.refuses(&format!("GET {}", of("")), 404, "not_found");
    assert_eq!(browser.get(&home()).status, 404);
    assert_eq!(browser.get("/sell/auc_1").status, 404);
}

#[test]
fn before_the_first_bid_all_of_it_is_the_sellers() {
    let browser = with_watch(json!({}));
    let html = text(&browser.get(&format!("{}?done=listed", home())));
    assert!(html.contains("Your auction is listed."));
    for part in [
        "value=\"edit\"",
        "value=\"delete\"",
        "value=\"cancel\"",
        "value=\"add\"",
        "name=\"tag\" value=\"&#34;7-abc-s&#34;\"",
        "\nRuns.</textarea>",
        "enctype=\"multipart/form-data\"",
        &format!("data-drop data-action=\"/sell/{ID}/pictures\""),
        &format!("href=\"/auctions/{ID}\""),
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    for part in ["value=\"reserve\"", "value=\"block\"", "value=\"offer\"", "aria-invalid"] {
        assert!(!html.contains(part), "{part}");
    }
    for part in ["<input id=\"", "<select id=\"", "<textarea id=\""] {
        for id in html.split(part).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(html.contains(&format!(" for=\"{id}\"")), "{id}");
        }
    }
}

#[test]
fn after_a_bid_one_can_only_add() {
    let browser = with_bids(json!({}));
    let bidding = json!({"my_max": null, "reserve_price": usd(50_000)});
    browser.api(&format!("GET {}", of("/bidding")), 200, &bidding);
    let html = text(&browser.get(&home()));
    for part in ["value=\"add\"", "value=\"reserve\"", "500.00\u{a0}USD", "value=\"cancel_bids\""] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(html.contains("<td>bidder-1</td><td>2</td><td>30.00\u{a0}USD</td>"), "{html}");
    assert!(html.contains("<td>bidder-2</td><td>1, taken back</td><td>hidden</td>"), "{html}");
    assert_eq!(html.matches("value=\"cancel_bids\"").count(), 2, "of those whose bids stand");
    assert!(html.contains(&format!("name=\"bid\" value=\"{NEWER}\"")), "the newest of them");
    assert!(!html.contains("value=\"unblock\"") && !html.contains("not from all"), "{html}");
    assert!(!html.contains("value=\"edit\"") && !html.contains("value=\"delete\""));
    let asked = browser.heard();
    assert!(!asked.iter().any(|(what, _)| what.contains("/events")), "{asked:?}");
}

#[test]
fn who_is_blocked_can_be_let_in_again_and_nobody_else() {
    let browser = with_bids(json!({}));
    let blocked = json!({"items": [{"bidder": "bidder-3"}, {"bidder": OTHER}]});
    browser.api(&format!("GET {}", of("/blocked-bidders")), 200, &blocked);
    let html = text(&browser.get(&home()));
    let forms = |what: &str| -> Vec<String> {
        let forms = html.split("<form ").skip(1).map(|form| form.split("</form>").next().unwrap());
        let of_it = forms.filter(|form| form.contains(&format!("name=\"do\" value=\"{what}\"")));
        let name = "name=\"bidder\" value=\"";
        let names = of_it.map(|form| form.split_once(name).unwrap().1.split('"').next().unwrap());
        names.map(str::to_owned).collect()
    };
    assert_eq!(forms("unblock"), ["bidder-3", OTHER]);
    assert_eq!(forms("block"), ["bidder-1", "bidder-2"]);
    // One who never bid is shown although nobody did.
    let browser = with_watch(json!({}));
    browser.api(&format!("GET {}", of("/blocked-bidders")), 200, &blocked);
    assert!(text(&browser.get(&home())).contains(&format!("Let {OTHER} bid again")));
    browser.api(&format!("DELETE {}", of(&format!("/blocked-bidders/{OTHER}"))), 204, &Value::Null);
    let answer = browser.post(&home(), &[("do", "unblock"), ("bidder", OTHER)]);
    assert_eq!(location(&answer), format!("{}?done=unblocked", home()));
}

/// A page of a hundred bids by as many bidders, from `bidder-{first}` down.
fn hundred(first: u32, next: Option<&str>) -> Value {
    let bids: Vec<_> =
        (0..100).map(|n| bid(&format!("bidder-{}", first - n), 1_000, json!({}))).collect();
    json!({"items": bids, "next_cursor": next})
}

#[test]
fn of_very_many_bids_the_newest_are_shown_and_a_way_to_the_others() {
    let browser = with_watch(json!({"bid_count": 700, "bidder_count": 700}));
    let bids = |rest: &str| format!("GET {}", of(&format!("/bids?sort=newest&limit=100{rest}")));
    browser.api(&bids(""), 200, &hundred(700, Some("c1")));
    for (page, next) in
        (1..=6).zip([Some("c2"), Some("c3"), Some("c4"), Some("c5"), Some("c6"), None])
    {
        let answer = hundred(700 - page * 100, next);
        browser.api(&bids(&format!("&cursor=c{page}")), 200, &answer);
    }
    let html = text(&browser.get(&home()));
    let asked = browser.heard();
    assert_eq!(asked.iter().filter(|(what, _)| what.contains("/bids?")).count(), 5, "{asked:?}");
    assert!(html.contains("<td>bidder-700</td>") && html.contains("<td>bidder-201</td>"));
    assert!(!html.contains("<td>bidder-200</td>"));
    assert!(html.contains("Counted from the newest 500 bids, not from all."), "{html}");
    let older = format!("{}?cursor=c5#bidders", home());
    assert!(html.contains(&format!("<a href=\"{older}\">Older bids</a>")), "{html}");
    let html = text(&browser.get(&format!("{}?cursor=c5", home())));
    assert!(html.contains("<td>bidder-200</td>") && html.contains("<td>bidder-1</td>"));
    assert!(!html.contains("<td>bidder-201</td>") && !html.contains("Older bids</a>"));
    assert!(html.contains("Counted from 200 older bids"), "{html}");
    assert!(html.contains(&format!("<a href=\"{}#bidders\">The newest bids</a>", home())));
    browser.refuses(&bids("&cursor=x"), 400, "invalid_cursor");
    assert_eq!(browser.get(&format!("{}?cursor=x", home())).status, 400);
}

/// A form, what the API hears of it, and what follows.
type Case<'c> = (&'c [(&'c str, &'c str)], &'c str, Value, &'c str);

#[test]
fn every_form_asks_for_what_it_says() {
    let browser = with_bids(json!({}));
    let tag = ("tag", "\"7-abc-s\"");
    let cases: [Case<'_>; 9] = [
        (
            &[("do", "edit"), tag, ("title", "B"), ("description", "C\r\nD"), ("category", "")],
            "PATCH ",
            json!({"title": "B", "description": "C\nD", "category": ""}),
            "changed",
        ),
        (
            &[("do", "add"), ("addition", "A box.")],
            "PATCH ",
            json!({"description_addition": "A box."}),
            "added",
        ),
        (
            &[("do", "reserve"), ("reserve_price", "1,250.5")],
            "PATCH /reserve",
            json!({"amount": usd(125_050)}),
            "reserve",
        ),
        (
            &[("do", "cancel"), ("reason", "It broke.")],
            "POST /cancellation",
            json!({"reason": "It broke."}),
            "cancelled",
        ),
        (&[("do", "delete"), tag], "DELETE ", Value::Null, "deleted"),
        (
            &[("do", "block"), ("bidder", "bidder-1")],
            "PUT /blocked-bidders/bidder-1",
            Value::Null,
            "blocked",
        ),
        (
            &[("do", "unblock"), ("bidder", "bidder-1")],
            "DELETE /blocked-bidders/bidder-1",
            Value::Null,
            "unblocked",
        ),
        (
            &[("do", "cancel_bids"), ("bid", BID)],
            &format!("POST /bids/{BID}/retraction"),
            json!({"reason": "cancelled_by_seller"}),
            "bids-cancelled",
        ),
        (
            &[("do", "offer"), ("bidder", "bidder-1"), ("days", "3"), ("key", "k")],
            "POST /second-chance-offers",
            json!({"bidder": "bidder-1", "days": 3}),
            "offered",
        ),
    ];
    for (fields, what, body, done) in cases {
        let (method, path) = what.split_once(' ').unwrap();
        browser.api(&format!("{method} {}", of(path)), 200, &json!({}));
        let answer = browser.post(&home(), fields);
        let to = if done == "deleted" { "/my/auctions".to_owned() } else { home() };
        assert_eq!(location(&answer), format!("{to}?done={done}"));
        let asked = browser.asked().pop().unwrap();
        assert_eq!(asked.method, method);
        assert!(asked.url.ends_with(&of(path)), "{}", asked.url);
        assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap_or_default(), body);
        let tagged = matches!(done, "changed" | "added" | "deleted");
        assert_eq!(header(&asked, "if-match"), tagged.then_some("\"7-abc-s\""), "{done}");
        let keyed = (done == "offered").then_some("k");
        assert_eq!(header(&asked, "idempotency-key"), keyed, "{done}");
        let html = text(&browser.get(&format!("{}?done={done}", home())));
        assert!(html.contains("<p class=\"notice\" role=\"status\">"), "{done}");
    }
}

#[test]
fn what_is_no_name_becomes_no_path() {
    let browser = with_bids(json!({}));
    browser.token();
    for fields in [
        [("do", "block"), ("bidder", "../../bids")],
        [("do", "block"), ("bidder", "")],
        [("do", "cancel_bids"), ("bid", "bid_1/../x")],
        [("do", "everything"), ("bidder", "bidder-1")],
    ] {
        browser.asked();
        assert_eq!(browser.post(&home(), &fields).status, 404, "{fields:?}");
        assert_eq!(browser.heard(), [], "{fields:?}");
    }
}

#[test]
fn refusals_stand_beside_what_was_typed() {
    let browser = with_watch(json!({"reserve": "not_met"}));
    let bidding = json!({"my_max": null, "reserve_price": usd(50_000)});
    browser.api(&format!("GET {}", of("/bidding")), 200, &bidding);
    let refused = |pointer: &str| {
        json!({"status": 422, "code": "validation_failed", "detail": "Wrong.", "errors":
            [{"pointer": pointer, "code": "x", "detail": "that is not possible"}]})
    };
    browser.api(&format!("PATCH {}", of("")), 422, &refused("/title"));
    let fields = [("do", "edit"), ("title", "\"T\""), ("description", "D"), ("category", "C")];
    let answer = browser.post(&home(), &fields);
    let html = text(&answer);
    assert_eq!(answer.status, 422);
    assert!(html.contains("<a href=\"#title\">Title</a>: That is not possible."), "{html}");
    assert!(html.contains("value=\"&#34;T&#34;\" aria-describedby=\"title-more\" aria-invalid"));
    assert!(html.contains("\nD</textarea>") && html.contains("value=\"C\""), "{html}");
    browser.api(&format!("PATCH {}", of("/reserve")), 422, &refused("/amount/amount"));
    let html = text(&browser.post(&home(), &[("do", "reserve"), ("reserve_price", "499")]));
    assert!(html.contains("<a href=\"#reserve_price\">Reserve</a>") && html.contains("=\"499\""));
    let answer = browser.post(&home(), &[("do", "reserve"), ("reserve_price", "x")]);
    assert_eq!(answer.status, 422);
    assert!(text(&answer).contains("no amount of USD"));
    browser.refuses(&format!("PATCH {}", of("")), 412, "precondition_failed");
    let answer = browser.post(&home(), &fields);
    assert_eq!(answer.status, 412);
    let html = text(&answer);
    assert!(html.contains("role=\"alert\"") && html.contains("It says precondition_failed."));
    browser.refuses(&format!("PATCH {}", of("")), 401, "unauthenticated");
    let html = text(&browser.post(&home(), &fields));
    assert!(html.contains("name=\"kept.title\" value=\"&#34;T&#34;\""), "{html}");
}

#[test]
fn the_seller_sees_who_won_and_whom_to_offer_it() {
    let winner = json!({"bidder": "bidder-3", "user_id": OTHER, "quantity": 1,
        "unit_price": usd(3_050)});
    let result = json!({"outcome": "sold", "reason": null, "winner": winner, "winners": [winner],
        "hammer_price": usd(3_050), "quantity": 1});
    let browser = with_bids(json!({"status": "sold", "result": result, "reserve": "met"}));
    let html = text(&browser.get(&home()));
    assert!(html.contains("Sold for 30.50\u{a0}USD") && html.contains(OTHER), "{html}");
    assert!(html.contains("<option value=\"bidder-1\">bidder-1, 30.00\u{a0}USD</option>"));
    assert!(!html.contains("<option value=\"bidder-2\"") && !html.contains("=\"bidder-3\""));
    for part in ["value=\"cancel\"", "value=\"add\"", "type=\"file\"", "value=\"block\""] {
        assert!(!html.contains(part), "{part}");
    }
    let offer = json!({"offer_id": "off_1", "bidder": "bidder-1", "price": usd(3_000),
        "expires_at": "2026-12-05T12:00:00.000Z", "status": "open"});
    browser.api(&format!("GET {}", of("/bidding")), 200, &json!({"offers": [offer]}));
    let html = text(&browser.get(&home()));
    assert!(html.contains("waits</td>") && !html.contains("value=\"offer\""), "{html}");
}
