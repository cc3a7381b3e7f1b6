//! The reference client against the platform, directly and with somebody in between who cuts,
//! repeats and swaps.

use std::sync::atomic::Ordering;
use std::time::Duration;

use conformance::meddler::{Meddler, Mischief};
use conformance::subscribers::Subscribers;
use conformance::{Setup, id_of};
use ecomauction_client::{Bid, Live, Parting, Settings, SignIn, Update};
use serde_json::json;

use super::{Scene, rising};

#[tokio::test]
async fn the_client_bids_hears_the_reply_and_knows_the_servers_clock() {
    let scene = Scene::set().await;
    let ben = scene.user("ben").await;
    let token = ben.client.token().unwrap().to_owned();
    let server = format!("ws://{}", scene.platform.client().address());
    let mut live = Live::open(Settings::signed_in(server, &scene.auction, move || {
        let token = token.clone();
        async move { SignIn::Token(token) }
    }));
    let id = live.bid(Bid::of(2_500, "USD"));
    let (mut event, mut reply) = (None, None);
    while event.is_none() || reply.is_none() || live.server_now_ms().is_none() {
        let next = tokio::time::timeout(PATIENCE, live.next()).await.expect("news");
        match next.expect("it goes on") {
            Update::Event(told) => event = Some(told),
            Update::Reply(told) => reply = Some(told),
            Update::Hello(_) => {}
            other => panic!("{other:?}"),
        }
        if event.is_some() && reply.is_some() {
            tokio::task::yield_now().await;
            break;
        }
    }
    let (event, reply) = (event.unwrap(), reply.unwrap());
    assert_eq!((reply.command_id, reply.status), (id, 201));
    assert_eq!(reply.body["seq"].as_u64(), Some(event.seq));
    conformance::eventually("a sample of the clock", async || live.server_now_ms()).await;
    // Both share a machine.
    let apart = live.server_now_ms().unwrap() - conformance::now_ms() as f64;
    assert!(apart.abs() < 1_000.0, "{apart} ms");
}

#[tokio::test]
async fn a_client_that_nobody_knows_is_told_why() {
    let scene = Scene::set().await;
    let server = format!("ws://{}", scene.platform.client().address());
    let token = || async { SignIn::Token("a.b.c".to_owned()) };
    let mut live = Live::open(Settings::signed_in(server, &scene.auction, token));
    let update = tokio::time::timeout(PATIENCE, live.next()).await.expect("an end");
    let Some(Update::Ended(Parting::Refused { status, .. })) = update else {
        panic!("{update:?}");
    };
    assert_eq!(status, 401);
    assert!(live.next().await.is_none());
}

#[tokio::test]
async fn bids_whose_replies_are_cut_off_act_once() {
    let platform = Setup::development().variable("socket_bids_per_10_seconds=1000").start().await;
    let ana = platform.user_by_token("ana").await;
    let auction = id_of(&ana.lists(json!({})).await);
    let ben = platform.user_by_token("ben").await;
    let seed = fastrand::u64(..u64::MAX / 2);
    println!("seed {seed}");
    let mischief = Mischief { cuts: 250, ..Mischief::default() };
    let meddler = Meddler::before(&platform.client(), mischief, seed).await;
    let token = ben.client.token().unwrap().to_owned();
    let server = format!("ws://{}", meddler.address);
    let mut live = Live::open(Settings::signed_in(server, &auction, move || {
        let token = token.clone();
        async move { SignIn::Token(token) }
    }));
    let mut answered = Vec::new();
    for amount in 1..=10 {
        let id = live.bid(Bid::of(2_000 + amount, "USD"));
        let reply = loop {
            let next = tokio::time::timeout(CATCHING_UP, live.next()).await.expect("news");
            match next.expect("it goes on") {
                Update::Reply(reply) => break reply,
                Update::Ended(why) => panic!("{why}"),
                _ => {}
            }
        };
        assert_eq!((&reply.command_id, reply.status), (&id, 201), "{}", reply.body);
        answered.push(reply.body["bid_id"].clone());
    }
    assert!(meddler.done.cuts.load(Ordering::Relaxed) > 0, "nothing was cut");
    let log = platform.client().log(&auction).await;
    let bids = log.iter().filter(|item| item["event"] == "bid_placed");
    let placed: Vec<_> = bids.map(|item| item["data"]["bid_id"].clone()).collect();
    assert_eq!(placed, answered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_repeats_and_swaps_change_no_clients_view() {
    let scene = Scene::set().await;
    let public = scene.platform.client();
    let seed = fastrand::u64(..u64::MAX / 2);
    println!("seed {seed}");
    let mischief = Mischief { cuts: 60, repeats: 100, swaps: 100 };
    let meddler = Meddler::before(&public, mischief, seed).await;
    let followers = Subscribers::follow(meddler.address, &scene.auction, 20);
    followers.greeted(PATIENCE).await.unwrap();
    let (ben, cas) = (scene.user("ben").await, scene.user("cas").await);
    for (at, amount) in rising(60).enumerate() {
        let who = if at % 2 == 0 { &ben } else { &cas };
        who.bids(&scene.auction, amount).await.expect(201);
    }
    let log = scene.log().await;
    followers.caught_up(log.len() as u64, CATCHING_UP).await.unwrap();
    assert_eq!(followers.against(&log), Vec::<String>::new());
    let done = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let done = [&meddler.done.cuts, &meddler.done.repeats, &meddler.done.swaps].map(done);
    assert!(done.iter().all(|count| *count > 0), "nothing was done: {done:?}");
    // A swap is a gap, and a gap is told.
    assert!(!followers.gaps().is_empty());
}

const PATIENCE: Duration = Duration::from_secs(30);
const CATCHING_UP: Duration = Duration::from_secs(90);
