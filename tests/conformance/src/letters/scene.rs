//! An auction of which letters tell, where they are kept or leave by a mail server.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::smtp::Sink;
use crate::{Client, Host, Platform, Setup, User, id_of};

/// Ana sells, Ben and Cat bid.
pub struct Scene<P> {
    /// Where they do.
    pub platform: P,
    /// Sells.
    pub ana: User,
    /// Bids first.
    pub ben: User,
    /// Bids more.
    pub cat: User,
    /// Mail addresses by the ids of bids.
    pub bids: Mutex<BTreeMap<String, String>>,
}

/// With a mail server that keeps every letter.
pub async fn by_mail() -> (Scene<Host>, Sink) {
    let sink = Sink::open().await;
    let setup = Setup::development()
        .variable(format!("smtp_url={}", sink.url_with_password()))
        .variable("mail_from=EcomAuction <auctions@example.test>")
        .variable(format!("public_base_url={BASE_URL}"));
    let platform = setup.on_host().start().await;
    let [ana, ben, cat] = [
        platform.user_by_mail(&sink, "ana").await,
        platform.user_by_mail(&sink, "ben").await,
        platform.user_by_mail(&sink, "cat").await,
    ];
    (Scene { platform, ana, ben, cat, bids: Mutex::default() }, sink)
}

/// With mail kept by the platform.
pub async fn by_capture() -> Scene<Platform> {
    let setup = Setup::development().variable(format!("public_base_url={BASE_URL}"));
    let platform = setup.start().await;
    let [ana, ben, cat] =
        [platform.user("ana").await, platform.user("ben").await, platform.user("cat").await];
    Scene { platform, ana, ben, cat, bids: Mutex::default() }
}

impl<P> Scene<P> {
    /// An auction in which Cat takes the lead from Ben and keeps it, if it ends.
    pub async fn contested(&self, seconds: u32) -> String {
        let auction = id_of(&self.ana.lists(json!({"duration_seconds": seconds})).await);
        for (bidder, amount) in [(&self.ben, 5_000), (&self.cat, 9_000)] {
            let told = bidder.bids(&auction, amount).await.expect(201).json();
            assert_eq!(told["outcome"], "leading");
            let bid = told["bid_id"].as_str().expect("a bid has an id").to_owned();
            self.bids.lock().unwrap().insert(bid, bidder.email());
        }
        auction
    }
}

/// Repeats a question until its answer is wanted: letters pass two queues and a mail server.
pub async fn before_long<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + LETTERS_MAX;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(now) => {
                assert!(
                    Instant::now() < deadline,
                    "{LETTERS_MAX:?} later still not: {what}: {now}"
                );
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The caller's letters about an auction as the platform tells: kind and status, sorted.
async fn statuses(user: &User, auction: &str) -> Vec<(String, String)> {
    let items = user.client.all("/v1/me/notifications?limit=100").await;
    let own = items.iter().filter(|item| item["auction_id"] == auction);
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let mut own: Vec<_> = own.map(|item| (text(item, "kind"), text(item, "status"))).collect();
    own.sort_unstable();
    own
}

/// Waits until these are the caller's letters about an auction.
pub async fn has_been_told(user: &User, auction: &str, wanted: &[(&str, &str)]) {
    let what = format!("{} is told {wanted:?}", user.name);
    before_long(&what, async || {
        let told = statuses(user, auction).await;
        let is_so = told
            .iter()
            .map(|(kind, status)| (kind.as_str(), status.as_str()))
            .eq(wanted.iter().copied());
        if is_so { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
}

/// As [`has_been_told`] of an opening and of one more fact. An opening that waited behind a kill
/// until the end was known is told to nobody; whether it was told.
pub async fn has_been_told_of_an_opening(user: &User, auction: &str, also: (&str, &str)) -> bool {
    let what = format!("{} is told of an opening and {also:?}", user.name);
    before_long(&what, async || {
        let told = statuses(user, auction).await;
        let told: Vec<_> = told.iter().map(|(kind, word)| (kind.as_str(), word.as_str())).collect();
        match told.as_slice() {
            [("opened", "sent"), other] if *other == also => Ok(true),
            [("opened", "suppressed"), other] if *other == also => Ok(false),
            _ => Err(format!("{told:?}")),
        }
    })
    .await
}

/// What the caller wants to hear of.
pub async fn preferences(client: &Client) -> Value {
    client.get("/v1/me/notifications/preferences").await.expect(200).json()
}

/// Changes that.
pub async fn prefers(user: &User, change: Value) -> Value {
    let call = user.client.call("PATCH", "/v1/me/notifications/preferences").json(&change);
    call.send().await.unwrap().expect(200).json()
}

/// Where letters say that the platform is.
pub const BASE_URL: &str = "http://ecomauction.test";
/// Longer than a few waits between tries.
pub const LETTERS_MAX: Duration = Duration::from_secs(60);
