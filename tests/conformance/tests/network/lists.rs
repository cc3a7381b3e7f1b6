//! `GET /v1/auctions`: filters, sorts, cursors.

use std::collections::BTreeSet;

use conformance::{Setup, amount_of, id_of, ms_of};
use serde_json::{Value, json};

fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(id_of).collect()
}

#[tokio::test]
async fn a_cursor_shows_everything_once_while_auctions_are_added() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let mut before = BTreeSet::new();
    for n in 0..25 {
        before.insert(id_of(&ana.lists(json!({"title": format!("Watch {n}")})).await));
    }
    for sort in ["newest", "ending", "price", "-price", "bids"] {
        let path = format!("/v1/auctions?limit=4&sort={sort}");
        let mut shown = Vec::new();
        let mut page = public.get(&path).await.expect(200).json();
        loop {
            shown.extend(ids(page["items"].as_array().unwrap()));
            let Some(cursor) = page["next_cursor"].as_str().map(str::to_owned) else { break };
            ana.lists(json!({"title": "In between"})).await;
            page = public.get(&format!("{path}&cursor={cursor}")).await.expect(200).json();
            assert!(shown.len() < 500, "the list has no end");
        }
        let once: BTreeSet<_> = shown.iter().cloned().collect();
        assert_eq!(once.len(), shown.len(), "{sort} shows something twice");
        assert!(before.is_subset(&once), "{sort} leaves something out");
    }
    let pages = public.get("/v1/auctions").await.expect(200).json();
    assert_eq!(pages["items"].as_array().unwrap().len(), 20, "twenty is the default");
}

#[tokio::test]
async fn a_cursor_belongs_to_its_filters() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    for _ in 0..3 {
        ana.lists(json!({})).await;
    }
    let page = public.get("/v1/auctions?limit=1&category=watches").await.expect(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for other in [
        format!("category=clocks&cursor={cursor}"),
        format!("cursor={cursor}"),
        "cursor=AAAA".to_owned(),
        "cursor=".to_owned(),
        "cursor=%00".to_owned(),
        format!("cursor={}", "A".repeat(4_000)),
    ] {
        let reply = public.get(&format!("/v1/auctions?{other}")).await;
        reply.refused(400, "invalid_cursor");
    }
    for limit in ["0", "101", "-1", "ten", "1.5", "", "+5"] {
        let reply = public.get(&format!("/v1/auctions?limit={limit}")).await;
        assert_eq!(reply.status, 400, "limit={limit}: {}", reply.text());
    }
    let reply = public.get("/v1/auctions?limit=5&limit=6").await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    public.get("/v1/auctions?catgory=watches").await.refused(400, "unknown_field");
}

#[tokio::test]
async fn filters_and_sorts_show_what_they_say() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let titles = ["Gold 100% watch", "Silver watch", "Wall clock"];
    let mut made = Vec::new();
    for (n, title) in (1..).zip(titles) {
        let category = if n < 3 { "watches" } else { "clocks" };
        let changes = json!({"title": title, "category": category,
            "start_price": conformance::usd(n * 1_000), "duration_seconds": 4_000 - n * 100});
        made.push(id_of(&ana.lists(changes).await));
    }
    ben.bids(&made[1], 9_000).await.expect(201);
    let list = async |query: &str| public.all(&format!("/v1/auctions?{query}")).await;
    let shown = async |query: &str| ids(&list(query).await);
    let [gold, silver, clock] = [made[0].as_str(), &made[1], &made[2]];
    assert_eq!(shown("category=clocks").await, [clock]);
    assert_eq!(shown("q=100%25").await, [gold], "% is a letter like any other");
    assert_eq!(shown("q=wATCH&sort=ending").await, [silver, gold]);
    assert_eq!(shown("min_price=2500").await, [clock]);
    assert_eq!(shown("max_price=1000").await, [gold]);
    assert_eq!(shown(&format!("seller={}", ana.id)).await.len(), 3);
    assert_eq!(shown(&format!("seller={}", ben.id)).await.len(), 0);
    assert_eq!(shown("status=sold").await.len(), 0);
    assert_eq!(shown("format=english&status=open").await.len(), 3);
    assert_eq!(shown("sort=newest").await, [clock, silver, gold]);
    assert_eq!(shown("sort=price").await, [gold, silver, clock]);
    assert_eq!(shown("sort=bids").await[0], silver);
    let soonest = list("sort=ending&limit=1").await;
    assert!(soonest.is_sorted_by_key(|item| ms_of(&item["ends_at"])));
    assert!(list("sort=price").await.is_sorted_by_key(|item| amount_of(&item["start_price"])));
    let end = soonest[1]["ends_at"].as_str().unwrap();
    assert_eq!(shown(&format!("ending_before={end}")).await, [clock]);
    for wrong in ["status=gone", "sort=size", "seller=ana", "min_price=1.5", "ending_before=soon"] {
        let reply = public.get(&format!("/v1/auctions?{wrong}")).await;
        reply.refused(400, "invalid_request");
    }
}
