//! The reserve and a leading maximum are their owner's alone (rules.md B2.7, api.md §3): searched
//! by value in everything that anybody else is told, and in the platform's own log.

use conformance::{Reply, Setup, User, closed, id_of, usd};
use serde_json::json;

/// Amounts that cannot stand anywhere by chance, as digits and as words would show them.
const RESERVE: (i64, [&str; 2]) = (7_654_321, ["7654321", "76543.21"]);
const LEADING: (i64, [&str; 2]) = (6_543_217, ["6543217", "65432.17"]);
const LEADING_AT_THE_END: (i64, [&str; 2]) = (8_765_432, ["8765432", "87654.32"]);

fn shows(text: &str, (_, spellings): (i64, [&str; 2])) -> bool {
    spellings.iter().any(|spelling| text.contains(spelling))
}

/// Everything that somebody can read about an auction, and be told when it bids in vain.
async fn told_to(user: &User, auction: &str) -> Vec<Reply> {
    let mut told = Vec::new();
    for path in ["", "/bids", "/events", "/bidding"] {
        told.push(user.client.get(&format!("/v1/auctions/{auction}{path}")).await);
    }
    told.push(user.client.get("/v1/auctions?limit=100").await);
    told.push(user.bids(auction, 1).await);
    let euro = json!({"amount": {"amount": 1, "currency": "EUR"}});
    let path = format!("/v1/auctions/{auction}/bids");
    told.push(user.client.post(&path, &euro).key("euro").send().await.unwrap());
    told
}

#[tokio::test]
async fn hidden_amounts_reach_nobody_but_their_owner() {
    let platform = Setup::development().logging_as_in_production().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let (cat, eve) = (platform.user("cat").await, platform.user("eve").await);
    let terms = json!({"start_price": usd(10_000), "reserve_price": usd(RESERVE.0),
        "duration_seconds": 5});
    let listed = ana.list_call("hidden", &User::terms(terms)).send().await.unwrap().expect(201);
    let id = id_of(&listed.json());
    let mut others = vec![listed];

    ben.bids(&id, LEADING.0).await.expect(201);
    others.push(cat.bids(&id, 1_234_500).await.expect(201));
    for user in [&cat, &eve] {
        others.extend(told_to(user, &id).await);
    }
    let sellers = told_to(&ana, &id).await;
    assert!(sellers.iter().all(|reply| !shows(&reply.text(), LEADING)), "the seller, too");
    for reply in others.iter().chain(&told_to(&ben, &id).await) {
        assert!(!shows(&reply.text(), RESERVE), "the reserve: {}", reply.text());
    }
    for reply in &others {
        assert!(!shows(&reply.text(), LEADING), "the leading maximum: {}", reply.text());
    }
    // The owners do see them, so the search could have found them.
    assert!(shows(&ana.own(&id).await.expect(200).text(), RESERVE));
    assert!(shows(&ben.own(&id).await.expect(200).text(), LEADING));
    assert_eq!(eve.own(&id).await.status, 404);

    // A reserve that is met becomes the price (B3.2); the maximum above it stays hidden for good.
    let met = cat.bids(&id, LEADING_AT_THE_END.0).await.expect(201).json();
    assert_eq!((&met["price"], &met["reserve"]), (&usd(RESERVE.0), &json!("met")));
    let view = closed(&platform.client(), &id).await;
    assert_eq!(view["status"], "sold");
    for user in [&ana, &ben, &eve] {
        for reply in told_to(user, &id).await {
            assert!(!shows(&reply.text(), LEADING_AT_THE_END), "{}", reply.text());
        }
    }
    let told = platform.told_to_operators().await;
    for secret in [RESERVE, LEADING, LEADING_AT_THE_END] {
        assert!(!shows(&told, secret), "in the log or the metrics");
    }
    for user in [&ana, &ben] {
        let token = user.client.token().unwrap();
        assert!(!platform.log().contains(token), "a token is in the log");
    }
}

const SEALED: (i64, [&str; 2]) = (6_323_217, ["6323217", "63232.17"]);
const WITHDRAWN: (i64, [&str; 2]) = (7_191_919, ["7191919", "71919.19"]);
const LAPSED: (i64, [&str; 2]) = (5_353_531, ["5353531", "53535.31"]);

#[tokio::test]
async fn sealed_bids_are_opened_at_the_close_and_withdrawn_ones_never() {
    for format in ["sealed_first_price", "vickrey", "uniform_price"] {
        // A platform for each: the sold auction of another format shows the same amounts.
        let platform = Setup::development().logging_as_in_production().start().await;
        let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
        let (cat, eve) = (platform.user("cat").await, platform.user("eve").await);
        let mut terms = json!({"format": format, "start_price": usd(10_000),
            "reserve_price": usd(RESERVE.0 / 2), "duration_seconds": 5});
        if format == "uniform_price" {
            terms["quantity"] = json!(3);
            terms["uniform_price"] = json!({"pricing": "lowest_accepted"});
        }
        let id = id_of(&ana.lists(terms).await);
        ben.bids(&id, SEALED.0).await.expect(201);
        let withdrawn = cat.bids(&id, WITHDRAWN.0).await.expect(201).json();
        let bid = withdrawn["bid_id"].as_str().unwrap();
        let path = format!("/v1/auctions/{id}/bids/{bid}");
        cat.client.call("DELETE", &path).send().await.unwrap().expect(204);
        for user in [&ana, &cat, &eve] {
            for reply in told_to(user, &id).await {
                assert!(!shows(&reply.text(), SEALED), "{format}: {}", reply.text());
            }
        }
        for user in [&ana, &ben, &eve] {
            for reply in told_to(user, &id).await {
                assert!(!shows(&reply.text(), WITHDRAWN), "{format}: {}", reply.text());
            }
        }
        assert!(shows(&ben.own(&id).await.expect(200).text(), SEALED));
        let view = closed(&platform.client(), &id).await;
        assert_eq!(view["status"], "sold", "{view}");
        let events = eve.client.get(&format!("/v1/auctions/{id}/events")).await.text();
        assert!(shows(&events, SEALED) && !shows(&events, WITHDRAWN), "{format}: {events}");
        let told = platform.told_to_operators().await;
        for secret in [SEALED, WITHDRAWN] {
            assert!(!shows(&told, secret), "{format}: in the log or the metrics");
        }
    }
}

#[tokio::test]
async fn a_maximum_that_lapses_stays_hidden() {
    let platform = Setup::development().logging_as_in_production().start().await;
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let (cat, eve) = (platform.user("cat").await, platform.user("eve").await);
    let reserved = json!({"start_price": usd(10_000), "reserve_price": usd(RESERVE.0),
        "buy_now_price": usd(RESERVE.0 + 1), "duration_seconds": 600});
    let bought = id_of(&ana.lists(reserved).await);
    ben.bids(&bought, LAPSED.0).await.expect(201);
    let path = format!("/v1/auctions/{bought}/buy-now");
    let won = cat.client.post(&path, &json!({})).key("buy").send().await.unwrap().expect(201);
    assert_eq!(won.json()["outcome"], "won");
    let plain = json!({"start_price": usd(10_000), "duration_seconds": 600});
    let cancelled = id_of(&ana.lists(plain).await);
    ben.bids(&cancelled, LAPSED.0).await.expect(201);
    let path = format!("/v1/auctions/{cancelled}/cancellation");
    ana.client.post(&path, &json!({"reason": "It broke."})).send().await.unwrap().expect(200);
    for id in [&bought, &cancelled] {
        for user in [&ana, &cat, &eve] {
            for reply in told_to(user, id).await {
                assert!(!shows(&reply.text(), LAPSED), "{}", reply.text());
            }
        }
    }
    assert!(!shows(&platform.log(), LAPSED));
}
