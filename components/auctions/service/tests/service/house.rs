//! A house of auctions in memory: the real service, the real machine, a clock that tests move.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    unreachable_pub,
    reason = "test support, shared by several tests"
)]

use auction_machine::Auction;
use kernel::{Id, Timestamp, kind};
use ports::memory::Memory;
use ports::{Claims, Delivery, Message, Vault, ready};
use serde_json::{Value, json};
use web::Request;

pub struct House {
    pub memory: Memory,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// `(status, code)`, the part of a refusal that clients decide by.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }
}

pub fn start() -> Timestamp {
    "2026-11-24T12:00:00.000Z".parse().unwrap()
}

/// The id of a person of the tests.
pub fn user(name: &str) -> String {
    let bits = name.bytes().fold(7_u128, |bits, byte| (bits << 8) | u128::from(byte));
    Id::<kind::User>::from_u128(bits).to_string()
}

pub fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

impl House {
    pub fn open() -> Self {
        let memory = Memory::new("auctions", start()).with_machine::<Auction>("auction");
        ready(auctions_service::migrate(&memory)).unwrap();
        Self { memory }
    }

    pub fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.iter().copied().collect(),
            body: body.to_vec(),
        };
        let response = ready(auctions_service::handle(&self.memory, request));
        let headers = response.headers.iter();
        let headers = headers.map(|(name, value)| ((*name).to_owned(), value.to_string()));
        let text = String::from_utf8(response.body.clone()).unwrap();
        Answer { status: response.status, headers: headers.collect(), text }
    }

    pub fn bearer(&self, name: &str) -> String {
        let claims = Claims {
            subject: user(name),
            name: name.to_owned(),
            roles: vec!["user".to_owned()],
            expires_at: start().as_ms() / 1_000 + 90 * 24 * 3_600,
        };
        format!("Bearer {}", ready(self.memory.sign_access_token(&claims)).unwrap())
    }

    pub fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], b"")
    }

    pub fn get_as(&self, who: &str, target: &str) -> Answer {
        self.send("GET", target, &[("authorization", &self.bearer(who))], b"")
    }

    pub fn post_as(&self, who: &str, target: &str, key: &str, body: &str) -> Answer {
        let headers = [
            ("authorization", &*self.bearer(who)),
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.send("POST", target, &headers, body.as_bytes())
    }

    /// Lists a watch of `seller`: start 10.00, an hour, with changes to the usual body.
    pub fn create(&self, seller: &str, key: &str, changes: Value) -> Answer {
        self.post_as(seller, "/v1/auctions", key, &watch(changes).to_string())
    }

    pub fn created(&self, seller: &str, key: &str, changes: Value) -> String {
        let answer = self.create(seller, key, changes);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub fn bid(&self, who: &str, auction: &str, key: &str, amount: i64) -> Answer {
        let body = json!({"amount": usd(amount)}).to_string();
        self.post_as(who, &format!("/v1/auctions/{auction}/bids"), key, &body)
    }

    /// Ids of a list, in order.
    pub fn ids(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("/v1/auctions{query}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let items = answer.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Moves the clock and delivers what the machines sent.
    pub fn pass(&self, ms: i64) {
        self.memory.advance_to(ports::Clock::now(&self.memory).plus_ms(ms));
        self.deliver();
    }

    /// The messages of topics that the manifest binds to the service.
    pub fn messages(&self) -> Vec<Message> {
        let bound = ["auction.changed.v1", "auction.closed.v1"];
        let mut messages = self.memory.take_messages();
        messages.retain(|message| bound.contains(&message.topic.as_str()));
        messages
    }

    pub fn deliver(&self) {
        let deliveries = ready(auctions_service::consume(&self.memory, self.messages()));
        assert!(deliveries.iter().all(|delivery| *delivery == Delivery::Ack), "{deliveries:?}");
    }
}

/// The usual body with changes; a null removes nothing, it is sent.
pub fn watch(changes: Value) -> Value {
    let mut body = json!({
        "title": "A watch",
        "description": "Runs.",
        "category": "watches",
        "format": "english",
        "start_price": usd(1_000),
        "increments": "ebay_us",
        "duration_seconds": 3_600
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}
