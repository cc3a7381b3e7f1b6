//! After the siege: is everything that was said true?

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Field, Lot, Plan, Report};
use crate::record::{Acknowledged, Seen, bids_against, views_against};
use crate::{Platform, User, chain, now_ms};

pub(super) async fn judge(
    plan: &Plan,
    platform: &mut Platform,
    field: &Field,
    report: &mut Report,
) {
    let acknowledged = std::mem::take(&mut *field.acknowledged.lock().unwrap());
    let seen = std::mem::take(&mut *field.seen.lock().unwrap());
    let lots = std::mem::take(&mut *field.lots.lock().unwrap());
    report.auctions = lots.len() as u64;
    report.views = seen.len() as u64;
    let mut bids_of: BTreeMap<String, Vec<Acknowledged>> = BTreeMap::new();
    for bid in acknowledged {
        bids_of.entry(bid.auction.clone()).or_default().push(bid);
    }
    let mut seen_of: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    for view in seen {
        seen_of.entry(view.auction.clone()).or_default().push(view);
    }
    let last_end_ms = lots.iter().map(|lot| lot.end_ms).max().unwrap_or(0);
    let wait_ms = u64::try_from(last_end_ms - now_ms()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    for lot in &lots {
        let wrong = lot_is_true(field, lot, &bids_of, &seen_of).await;
        report.violations.extend(wrong.into_iter().map(|what| format!("{}: {what}", lot.id)));
    }
    replay(field, &bids_of, report).await;
    every_listing_is_known(plan, field, &lots, report).await;
    report.violations.extend(platform.examined(report.auctions).await);
}

/// One auction: closed once, its chain whole, its bids those that were acknowledged.
async fn lot_is_true(
    field: &Field,
    lot: &Lot,
    bids_of: &BTreeMap<String, Vec<Acknowledged>>,
    seen_of: &BTreeMap<String, Vec<Seen>>,
) -> Vec<String> {
    let found = field.client.get(&format!("/v1/auctions/{}", lot.id)).await;
    if found.status != 200 {
        return vec![format!("was listed and is lost: {}", found.text())];
    }
    let view = closed_view(field, &lot.id).await;
    let log = chain::examine(&lot.id, &field.client.log(&lot.id).await);
    let mut wrong = log.violations.clone();
    let none = Vec::new();
    wrong.extend(bids_against(&log, bids_of.get(&lot.id).unwrap_or(&none), 0));
    wrong.extend(views_against(&log, seen_of.get(&lot.id).map_or(&[], Vec::as_slice)));
    let Some(closed) = &log.closed else {
        wrong.push(format!("not closed: {view}"));
        return wrong;
    };
    for name in ["outcome", "reason", "hammer_price", "quantity"] {
        if view["result"][name] != closed.result[name] {
            wrong.push(format!("the view's result differs: {}", view["result"]));
        }
    }
    let history = field.client.all(&format!("/v1/auctions/{}/bids?limit=100", lot.id)).await;
    let ids = |items: &[Value]| -> BTreeSet<String> {
        items.iter().filter_map(|bid| bid["bid_id"].as_str().map(str::to_owned)).collect()
    };
    if history.len() != log.bids.len() || !ids(&history).iter().eq(log.bids.keys()) {
        wrong.push("the history of bids is not that of the log".to_owned());
    }
    wrong
}

/// The view once it is closed, or after five seconds as it is then (I7).
async fn closed_view(field: &Field, id: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let view = field.client.view(id).await;
        if view["status"] != "open" || Instant::now() > deadline {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same key and body get the same bytes, whatever was killed in between (I10).
async fn replay(field: &Field, bids_of: &BTreeMap<String, Vec<Acknowledged>>, report: &mut Report) {
    let mut users: BTreeMap<String, User> = BTreeMap::new();
    for bid in bids_of.values().flat_map(|bids| bids.iter().rev().take(REPLAYS_PER_LOT)) {
        let writer = bid.key.split('-').nth(1).unwrap_or_default();
        let name = format!("writer-{writer}");
        if !users.contains_key(&name) {
            let user = User::try_by_development_token(&field.client, &name).await.unwrap();
            users.insert(name.clone(), user);
        }
        let call = users[&name].bid_call(&bid.auction, bid.amount, &bid.key);
        let reply = call.send().await.unwrap();
        if reply.status != 201 || !reply.is_replay() || reply.text() != bid.body {
            let text = format!(
                "replay of {}: {} {}, was {}",
                bid.key,
                reply.status,
                reply.text(),
                bid.body
            );
            report.violations.push(text);
        }
        report.replays += 1;
    }
}

/// No listing acted twice, none is lost, and lists agree with the auctions.
async fn every_listing_is_known(
    plan: &Plan,
    field: &Field,
    lots: &[std::sync::Arc<Lot>],
    report: &mut Report,
) {
    for seller in 0..plan.sellers as usize {
        let user = User::try_by_development_token(&field.client, &format!("seller-{seller}"))
            .await
            .unwrap();
        let path = format!("/v1/auctions?limit=100&seller={}", user.id);
        let deadline = Instant::now() + Duration::from_secs(5);
        let own = lots.iter().filter(|lot| lot.seller == seller);
        let own: BTreeSet<&str> = own.map(|lot| lot.id.as_str()).collect();
        loop {
            let items = field.client.all(&path).await;
            let listed: BTreeSet<_> = items.iter().filter_map(|item| item["id"].as_str()).collect();
            let open = items.iter().filter(|item| item["status"] == "open").count();
            if listed == own && items.len() == own.len() && open == 0 {
                break;
            }
            if Instant::now() > deadline {
                let (listed, own) = (items.len(), own.len());
                let text =
                    format!("seller {seller}: {listed} of {own} listed, {open} of them open");
                report.violations.push(text);
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

const REPLAYS_PER_LOT: usize = 40;
