//! What people do on a market: list, bid, look.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Timestamp;
use serde_json::{Value, json};

use crate::{Call, Client, Reply};

/// Somebody with an access token.
#[derive(Clone)]
pub struct User {
    /// Name.
    pub name: String,
    /// `usr_…`.
    pub id: String,
    /// Speaks with the user's token.
    pub client: Client,
    /// `rt_…`; empty for who never signed in.
    pub refresh_token: String,
}

impl User {
    /// Lists an auction: [`Self::terms`] with some members changed; the view that was answered.
    pub async fn lists(&self, changes: Value) -> Value {
        let reply = self.list_call(&fresh_key("list"), &terms(changes)).send().await.unwrap();
        reply.expect(201).json()
    }

    /// A listing that is not sent yet.
    pub fn list_call(&self, key: &str, body: &Value) -> Call<'_> {
        self.client.post("/v1/auctions", body).key(key)
    }

    /// Bids that many minor units of USD.
    pub async fn bids(&self, auction: &str, amount: i64) -> Reply {
        self.bid_call(auction, amount, &fresh_key("bid")).send().await.unwrap()
    }

    /// A bid that is not sent yet.
    pub fn bid_call(&self, auction: &str, amount: i64, key: &str) -> Call<'_> {
        let path = format!("/v1/auctions/{auction}/bids");
        self.client.post(&path, &json!({"amount": usd(amount)})).key(key)
    }

    /// The user's own bidding.
    pub async fn own(&self, auction: &str) -> Reply {
        self.client.get(&format!("/v1/auctions/{auction}/bidding")).await
    }
}

impl Client {
    /// The public view of an auction.
    pub async fn view(&self, auction: &str) -> Value {
        self.get(&format!("/v1/auctions/{auction}")).await.expect(200).json()
    }

    /// The whole public log of an auction, page by page.
    pub async fn log(&self, auction: &str) -> Vec<Value> {
        self.all(&format!("/v1/auctions/{auction}/events?limit=100")).await
    }

    /// Every item of a list, following `next_cursor`.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut page = self.get(path).await.expect(200).json();
        loop {
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { return items };
            let joint = if path.contains('?') { '&' } else { '?' };
            page = self.get(&format!("{path}{joint}cursor={cursor}")).await.expect(200).json();
        }
    }
}

/// An hour of a plain watch from 10.00 USD, with members replaced, or removed by null.
pub(crate) fn terms(changes: Value) -> Value {
    let mut terms = json!({
        "title": "A watch", "category": "watches", "format": "english",
        "start_price": usd(1_000), "increments": "ebay_us", "duration_seconds": 3_600,
        "soft_close": {"mode": "off"},
    });
    let members = terms.as_object_mut().unwrap();
    for (name, value) in changes.as_object().expect("changes are an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    terms
}

impl User {
    /// The body of a listing: an hour of a plain watch from 10.00 USD, with members replaced, or
    /// removed by null.
    pub fn terms(changes: Value) -> Value {
        terms(changes)
    }
}

/// A key that nobody used before.
pub(crate) fn fresh_key(prefix: &str) -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    let process = std::process::id();
    format!("{prefix}-{process}-{}", USED.fetch_add(1, Ordering::Relaxed))
}

/// Money.
pub fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// The minor units of a money member; none for null.
pub fn amount_of(money: &Value) -> Option<i64> {
    money["amount"].as_i64()
}

/// The id in a view.
pub fn id_of(view: &Value) -> String {
    view["id"].as_str().expect("a view has an id").to_owned()
}

/// Milliseconds since 1970 of an instant on the wire; none for what is none.
pub fn ms_of(instant: &Value) -> Option<i64> {
    instant.as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_ms)
}

/// The clock, in milliseconds since 1970. Tests and platform share it.
#[allow(clippy::disallowed_methods, reason = "the one place where tests read the clock")]
pub fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// An instant as it goes over the wire.
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_ms(ms).to_string()
}
