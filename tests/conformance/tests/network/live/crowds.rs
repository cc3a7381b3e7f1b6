//! A thousand on one auction: everybody hears everything, once and in order.

use std::time::Duration;

use conformance::socket::as_logged;
use crowd::{Crowd, Stalled};

use super::{Scene, rising};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sockets_hear_every_bid_though_one_never_reads() {
    crowd::raise_open_files().unwrap();
    let scene = Scene::set().await;
    let (public, ben, cas) =
        (scene.platform.client(), scene.user("ben").await, scene.user("cas").await);
    let from = public.view(&scene.auction).await["seq"].as_u64().unwrap();
    let crowd = Crowd::gather(public.address(), &scene.auction, SOCKETS).await.unwrap();
    let source = crowd::source(public.address(), SOCKETS);
    let _stalled = Stalled::open(public.address(), &scene.auction, source).await.unwrap();
    for (at, amount) in rising(20).enumerate() {
        let who = if at % 2 == 0 { &ben } else { &cas };
        let reply = who.bids(&scene.auction, amount).await.expect(201).json();
        crowd.all_heard(reply["seq"].as_u64().unwrap(), PATIENCE).await.unwrap();
    }
    assert_eq!(crowd.faults(), Vec::<String>::new());
    let log = scene.log().await;
    let expected = log.iter().filter(|item| item["seq"].as_u64() > Some(from)).map(as_logged);
    let heard: Vec<_> = crowd.log().into_values().collect();
    assert_eq!(heard, expected.collect::<Vec<_>>());
    crowd.disperse().await;
}

const SOCKETS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);
