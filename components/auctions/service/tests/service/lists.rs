//! Lists: filters, sorts, pages that stay put.

use crate::house::{House, usd, user};
use serde_json::{Value, json};

#[test]
fn filters_choose_and_combine() {
    let house = House::open();
    let watch = house.created("ana", "1", json!({}));
    let radio = house.created(
        "ben",
        "2",
        json!({"title": "50%_radio\\", "category": "radios", "start_price": usd(9_000),
            "duration_seconds": 60}),
    );
    let later =
        house.created("ana", "3", json!({"title": "RÄDER", "starts_at": "2026-11-24T12:30:00Z"}));
    let only = |query: &str, expected: &[&String]| {
        let mut found = house.ids(query);
        found.sort();
        let mut expected: Vec<_> = expected.iter().map(|id| (*id).clone()).collect();
        expected.sort();
        assert_eq!(found, expected, "{query}");
    };
    only("", &[&watch, &radio, &later]);
    only("?status=open", &[&watch, &radio]);
    only("?status=scheduled", &[&later]);
    only("?status=sold", &[]);
    only("?category=radios", &[&radio]);
    only("?category=nothing", &[]);
    only(&format!("?seller={}", user("ana")), &[&watch, &later]);
    only("?format=english", &[&watch, &radio, &later]);
    only("?format=dutch", &[]);
    only("?q=watch", &[&watch]);
    only("?q=WATCH", &[&watch]);
    only("?q=runs", &[&watch, &radio, &later]);
    only("?q=%25_r", &[&radio]);
    only("?q=o\\", &[&radio]);
    only("?q=%25", &[&radio]);
    only("?ending_before=2026-11-24T12:30:00Z", &[&radio]);
    only("?min_price=1001", &[&radio]);
    only("?max_price=1000", &[&watch, &later]);
    only("?min_price=1000&max_price=9000&status=open&q=radio", &[&radio]);
    house.bid("cleo", &watch, "b", 20_000);
    house.bid("dora", &watch, "b", 15_000);
    only("?min_price=9001", &[&watch]);
}

#[test]
fn sorts_order_by_what_is_shown_now() {
    let house = House::open();
    let ids: Vec<_> = [(5_000, 300), (1_000, 900), (3_000, 600)]
        .iter()
        .enumerate()
        .map(|(n, (price, seconds))| {
            house.pass(1);
            let changes = json!({"start_price": usd(*price), "duration_seconds": seconds});
            house.created("ana", &n.to_string(), changes)
        })
        .collect();
    let order = |query: &str| -> Vec<usize> {
        let found = house.ids(query);
        found.iter().map(|id| ids.iter().position(|known| known == id).unwrap()).collect()
    };
    assert_eq!(order("?sort=ending"), [0, 2, 1]);
    assert_eq!(order("?sort=newest"), [2, 1, 0]);
    assert_eq!(order(""), [2, 1, 0]);
    assert_eq!(order("?sort=price"), [1, 2, 0]);
    assert_eq!(order("?sort=-price"), [0, 2, 1]);
    house.bid("ben", &ids[1], "1", 9_000);
    house.bid("cleo", &ids[1], "1", 8_000);
    house.bid("ben", &ids[2], "1", 4_000);
    assert_eq!(order("?sort=bids"), [1, 2, 0]);
    assert_eq!(order("?sort=price"), [2, 0, 1], "an accepted bid shows at once");
}

#[test]
fn pages_neither_repeat_nor_skip_while_auctions_are_added() {
    for sort in ["newest", "ending", "price", "-price", "bids"] {
        let house = House::open();
        let created: Vec<_> =
            (0..25).map(|n| house.created("ana", &n.to_string(), json!({}))).collect();
        let mut seen = Vec::new();
        let mut target = format!("/v1/auctions?limit=7&sort={sort}&q=a%20watch");
        for round in 0.. {
            assert!(round < 10, "{sort}: pages end");
            let answer = house.get(&target);
            let page = answer.json();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            // Something new at either end of every order.
            let price = if round % 2 == 0 { 1 } else { 90_000 };
            let changes =
                json!({"start_price": usd(price), "duration_seconds": 100 + 9_000 * (round % 2)});
            house.pass(1);
            house.created("ben", &format!("new{round}"), changes);
            let Some(next) = page["next_cursor"].as_str() else {
                assert_eq!(answer.header("link"), None);
                break;
            };
            let link = answer.header("link").unwrap();
            let (url, relation) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
            assert_eq!(relation, "; rel=\"next\"");
            assert!(url.ends_with(&format!("cursor={next}")), "{url}");
            target = url.to_owned();
        }
        let mut old: Vec<_> = seen.iter().filter(|id| created.contains(id)).cloned().collect();
        assert_eq!(old.len(), 25, "{sort}");
        old.sort();
        old.dedup();
        assert_eq!(old.len(), 25, "{sort}: none twice");
    }
}

#[test]
fn a_cursor_is_bound_to_its_filter() {
    let house = House::open();
    for n in 0..3 {
        house.created("ana", &n.to_string(), json!({}));
    }
    let page = house.get("/v1/auctions?limit=1&status=open").json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let answer = |query: String| house.get(&format!("/v1/auctions?{query}"));
    assert_eq!(answer(format!("limit=2&status=open&cursor={cursor}")).status, 200);
    for query in [
        format!("status=sold&cursor={cursor}"),
        format!("status=open&sort=price&cursor={cursor}"),
        format!("cursor={cursor}"),
        "cursor=".to_owned(),
        "cursor=AAAA".to_owned(),
        "cursor=!!".to_owned(),
        format!("status=open&cursor={}", "A".repeat(5_000)),
        format!("status=open&cursor={}", &cursor[..12]),
    ] {
        assert_eq!(answer(query.clone()).refusal(), (400, "invalid_cursor".to_owned()), "{query}");
    }
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    let house = House::open();
    let refused = |query: &str, code: &str, pointer: &str| {
        let answer = house.get(&format!("/v1/auctions?{query}"));
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{query}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{query}");
    };
    for limit in ["0", "101", "-1", "+5", "1.5", "", "many", "99999999999999999999"] {
        refused(&format!("limit={limit}"), "invalid_limit", "?limit");
    }
    refused("status=closed", "invalid_request", "?status");
    refused("format=raffle", "invalid_request", "?format");
    refused("seller=ana", "invalid_request", "?seller");
    refused("sort=random", "invalid_request", "?sort");
    refused("ending_before=tomorrow", "invalid_request", "?ending_before");
    refused("min_price=1.5", "invalid_request", "?min_price");
    refused("max_price=-1", "invalid_request", "?max_price");
    refused("category=a&category=b", "invalid_request", "?category");
    refused("statos=open", "unknown_field", "?statos");
    assert_eq!(house.get("/v1/auctions?limit=100").status, 200);
    assert_eq!(house.get("/v1/auctions").json(), json!({"items": [], "next_cursor": null}));
}

#[test]
fn an_overdue_auction_is_not_shown_as_open() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    house.memory.advance_asleep(crate::house::start().plus_ms(3_600_000));
    assert_eq!(house.ids("?status=open"), [""; 0]);
    assert_eq!(house.ids(""), [""; 0], "nobody knows its result yet");
    house.pass(1);
    assert_eq!(house.ids("?status=unsold"), [id]);
}

/// The `n`th bid, which takes the lead.
fn raise(house: &House, id: &str, n: i64) {
    let who = if n % 2 == 0 { "ben" } else { "cleo" };
    let answer = house.bid(who, id, &n.to_string(), n * 2_000);
    assert_eq!(answer.status, 201, "{}", answer.text);
}

/// Every page of a history; between two pages, more bids.
fn history(house: &House, id: &str, query: &str, bids: &mut dyn Iterator<Item = i64>) -> Vec<u64> {
    let mut target = format!("/v1/auctions/{id}/bids?{query}");
    let mut seqs = Vec::new();
    for round in 0.. {
        assert!(round < 50, "{query}: pages end");
        let answer = house.get(&target);
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let page = answer.json();
        let items = page["items"].as_array().unwrap().iter();
        seqs.extend(items.map(|bid| bid["seq"].as_u64().unwrap()));
        let Some(link) = answer.header("link") else {
            assert_eq!(page["next_cursor"], Value::Null);
            break;
        };
        target = link[1..].split_once('>').unwrap().0.to_owned();
        for n in bids.take(2) {
            raise(house, id, n);
        }
    }
    seqs
}

#[test]
fn the_newest_bids_first_are_the_history_backwards_on_pages_of_any_size() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"increments": [{"from": 1, "step": 1}]}));
    let none = &mut std::iter::empty();
    assert_eq!(history(&house, &id, "sort=newest", none), [0; 0]);
    let mut bids = 1_i64..;
    for n in bids.by_ref().take(13) {
        raise(&house, &id, n);
    }
    for limit in 1..=15 {
        let mut expected = history(&house, &id, "limit=100", none);
        assert_eq!(history(&house, &id, &format!("sort=oldest&limit={limit}"), none), expected);
        expected.reverse();
        assert_eq!(history(&house, &id, &format!("sort=newest&limit={limit}"), none), expected);
    }
    // What comes meanwhile is newer than all pages: nothing is twice, nothing is left out.
    for limit in [1, 2, 5, 7, 20, 100] {
        let mut expected = history(&house, &id, "limit=100", none);
        expected.reverse();
        let query = format!("sort=newest&limit={limit}");
        assert_eq!(history(&house, &id, &query, &mut bids), expected, "{query}");
    }
}

#[test]
fn an_order_of_bids_is_a_known_one_and_cursors_are_bound_to_it() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    house.bid("ben", &id, "1", 2_000);
    house.bid("cleo", &id, "2", 4_000);
    let target = format!("/v1/auctions/{id}/bids");
    for wrong in ["sort=sideways", "sort=", "sort=NEWEST", "sort=-seq", "sort=newest&sort=oldest"] {
        let answer = house.get(&format!("{target}?{wrong}"));
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{wrong}");
        assert_eq!(answer.json()["errors"][0]["pointer"], "?sort", "{wrong}");
    }
    let answer = house.get(&format!("{target}?order=newest"));
    assert_eq!(answer.refusal(), (400, "unknown_field".to_owned()));
    for (one, other) in
        [("&sort=newest", ""), ("", "&sort=newest"), ("&sort=oldest", "&sort=newest")]
    {
        let page = house.get(&format!("{target}?limit=1{one}")).json();
        let cursor = page["next_cursor"].as_str().unwrap();
        assert_eq!(house.get(&format!("{target}?cursor={cursor}{one}")).status, 200);
        let answer = house.get(&format!("{target}?cursor={cursor}{other}"));
        assert_eq!(answer.refusal(), (400, "invalid_cursor".to_owned()), "{one} {other}");
    }
    let newest = house.get(&format!("{target}?sort=newest&limit=1")).json();
    assert_eq!(newest["items"][0]["amount"], Value::Null, "the leading maximum is hidden");
    let unknown = "/v1/auctions/auc_01jd0000000000000000000000/bids?sort=newest";
    assert_eq!(house.get(unknown).refusal(), (404, "not_found".to_owned()));
}

#[test]
fn the_history_pages_and_hides_the_leading_maximum() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    for n in 1..=5 {
        let who = if n % 2 == 0 { "ben" } else { "cleo" };
        assert_eq!(house.bid(who, &id, &n.to_string(), n * 2_000).status, 201);
    }
    let target = format!("/v1/auctions/{id}/bids");
    let first = house.get(&format!("{target}?limit=3"));
    assert_eq!(first.json()["items"].as_array().unwrap().len(), 3);
    assert_eq!(first.json()["items"][0]["amount"], usd(2_000));
    let next = first.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(first.header("link").unwrap().contains("limit=3&cursor="));
    let last = house.get(&format!("{target}?limit=3&cursor={next}")).json();
    assert_eq!(last["items"].as_array().unwrap().len(), 2);
    assert_eq!(last["items"][1]["amount"], Value::Null);
    assert_eq!(last["next_cursor"], Value::Null);
    let unknown = "/v1/auctions/auc_01jd0000000000000000000000/bids";
    assert_eq!(house.get(unknown).refusal(), (404, "not_found".to_owned()));
}
