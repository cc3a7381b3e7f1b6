//! Notifications in memory: the real service, the real machine of auctions, a clock that tests
//! move, and a post that delivers every message twice, in any order that keeps that of its key.
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

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use auction_machine::Auction;
use kernel::{Id, Timestamp, kind};
use ports::memory::Memory;
use ports::{Claims, Clock, Delivery, Entities, Message, Sql, Statement, Vault, ready};
use serde_json::{Value, json};
use web::{Request, Response};

pub struct House {
    pub memory: Memory,
    commands: Cell<u64>,
    /// Not delivered yet.
    pub waiting: RefCell<Vec<Message>>,
    random: Cell<u64>,
}

pub const PEOPLE: [&str; 6] = ["sam", "ana", "ben", "cat", "dan", "wil"];
pub const AUCTION: u128 = 7;

pub fn start() -> Timestamp {
    "2026-11-24T12:00:00.000Z".parse().unwrap()
}

/// The id of a person of the tests.
pub fn user(name: &str) -> String {
    let bits = name.bytes().fold(7_u128, |bits, byte| (bits << 8) | u128::from(byte));
    Id::<kind::User>::from_u128(bits).to_string()
}

pub fn auction(bits: u128) -> String {
    Id::<kind::Auction>::from_u128(bits).to_string()
}

pub fn address(name: &str) -> String {
    format!("{name}@example.test")
}

pub fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

impl House {
    /// With everybody's address known.
    pub fn open() -> Self {
        let house = Self::empty();
        PEOPLE.iter().for_each(|name| house.meet(name));
        house.deliver();
        house
    }

    pub fn empty() -> Self {
        let memory = Memory::new("notifications", start())
            .with_machine::<Auction>("auction")
            .with_variable("public_base_url", "https://shop.example/")
            .with_variable("development", "true");
        ready(notifications_service::migrate(&memory)).unwrap();
        let (commands, waiting) = (Cell::new(0), RefCell::default());
        Self { memory, commands, waiting, random: Cell::new(1) }
    }

    /// Another order of deliveries.
    pub fn with_seed(self, seed: u64) -> Self {
        self.random.set(seed);
        self
    }

    pub fn meet(&self, name: &str) {
        let body = json!({"user_id": user(name), "email": address(name), "display_name": name});
        self.hear("identity.user-changed.v1", &user(name), &body);
    }

    pub fn watch(&self, name: &str, watching: bool) {
        let body = json!({
            "user_id": user(name), "auction_id": auction(AUCTION), "watching": watching
        });
        self.hear("auction.watched.v1", &user(name), &body);
    }

    /// A message from somewhere else.
    pub fn hear(&self, topic: &str, key: &str, body: &Value) {
        self.waiting.borrow_mut().push(message(topic, key, self.memory.now(), body));
    }

    /// A command that is accepted; the reply.
    pub fn send(&self, who: &str, command: &Value) -> Value {
        let id = self.commands.get() + 1;
        self.commands.set(id);
        let (key, body) = (auction(AUCTION), command.to_string().into_bytes());
        let reply = ready(Entities::call(
            &self.memory,
            "auction",
            &key,
            &id.to_string(),
            Some(&user(who)),
            body,
        ));
        let reply: Value = serde_json::from_slice(&reply.unwrap()).unwrap();
        assert!(reply["refused"].is_null(), "{reply}");
        reply
    }

    /// Lists what sam sells.
    pub fn list(&self, changes: &Value) {
        self.send("sam", &json!({"create": terms(changes)}));
        self.deliver();
    }

    pub fn bid(&self, who: &str, amount: i64) -> Value {
        let reply = self.send(who, &json!({"place_bid": {"amount": usd(amount), "confirm": true}}));
        self.deliver();
        reply
    }

    /// Moves the clock to so many seconds after the start, wakes who is due, delivers.
    pub fn at(&self, seconds: i64) {
        self.memory.advance_to(start().plus_ms(seconds * 1_000));
        self.deliver();
    }

    /// Runs the job.
    pub fn tick(&self) {
        let slot = self.memory.now();
        ready(notifications_service::run(&self.memory, "notifications.ending-soon", slot)).unwrap();
        self.deliver();
    }

    /// Delivers everything, twice, until nothing waits or `ROUNDS` have passed.
    pub fn deliver(&self) {
        for _ in 0..ROUNDS {
            let mut messages = self.waiting.take();
            messages.extend(self.memory.take_messages());
            if messages.is_empty() {
                return;
            }
            let messages = self.shuffled(messages);
            for batch in messages.chunks(4) {
                let deliveries =
                    ready(notifications_service::consume(&self.memory, batch.to_vec()));
                assert_eq!(deliveries.len(), batch.len());
                let again = batch.iter().zip(&deliveries);
                let again = again.filter(|(_, delivery)| **delivery != Delivery::Ack);
                self.waiting.borrow_mut().extend(again.map(|(message, _)| message.clone()));
            }
            // What waits was doubled; once is enough for the next round.
            let mut waiting = self.waiting.borrow_mut();
            let mut seen = std::collections::BTreeSet::new();
            waiting.retain(|message| seen.insert((message.source.clone(), message.id.clone())));
        }
    }

    /// Each message twice: at once, or after all others of its key.
    fn shuffled(&self, messages: Vec<Message>) -> Vec<Message> {
        let mut by_key: BTreeMap<String, Vec<Message>> = BTreeMap::new();
        for message in messages {
            by_key.entry(message.key.clone()).or_default().push(message);
        }
        let mut queues: Vec<std::collections::VecDeque<Message>> = Vec::new();
        for all in by_key.into_values() {
            let doubled: Vec<Message> = if self.draw(2) == 0 {
                all.iter().flat_map(|message| [message.clone(), message.clone()]).collect()
            } else {
                all.iter().chain(&all).cloned().collect()
            };
            queues.push(doubled.into());
        }
        let mut order = Vec::new();
        while !queues.is_empty() {
            let at = self.draw(queues.len());
            order.extend(queues[at].pop_front());
            queues.retain(|queue| !queue.is_empty());
        }
        order
    }

    fn draw(&self, below: usize) -> usize {
        let state = self.random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random.set(state);
        usize::try_from(state >> 33).unwrap() % below
    }

    /// Subjects of the letters that somebody got, oldest first.
    pub fn subjects(&self, name: &str) -> Vec<String> {
        let letters = self.memory.mail.to(&address(name)).into_iter();
        letters.map(|letter| letter.subject.replace(": A watch", "")).collect()
    }

    pub fn rows(&self, sql: &str) -> Vec<Vec<ports::Value>> {
        ready(Sql::query(&self.memory, Statement::new(sql, []))).unwrap().rows
    }

    /// `kind status attempts` of all letters of somebody.
    pub fn statuses(&self, name: &str) -> Vec<String> {
        let sql = format!(
            "SELECT kind || ' ' || status || ' ' || attempts FROM notifications_letters
             WHERE user_id = '{}' ORDER BY created_at, kind",
            user(name)
        );
        let rows = self.rows(&sql);
        rows.iter().map(|row| row[0].as_text().unwrap().to_owned()).collect()
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

    pub fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.iter().copied().collect(),
            body: body.as_bytes().to_vec(),
        };
        ready(notifications_service::handle(&self.memory, request))
    }

    pub fn ask_as(&self, who: &str, method: &str, target: &str, body: &str) -> (u16, Value) {
        let headers = [("authorization", &*self.bearer(who)), ("content-type", "application/json")];
        let response = self.ask(method, target, &headers, body);
        (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null))
    }
}

pub fn message(topic: &str, key: &str, at: Timestamp, body: &Value) -> Message {
    let id = format!("{topic} {key} {} {body}", at.as_ms());
    let (source, topic, key) = ("/tests".to_owned(), topic.to_owned(), key.to_owned());
    Message { id, source, topic, key, time: at.as_ms(), body: body.to_string().into_bytes() }
}

/// A watch for an hour from 10.00 with changes to the usual terms.
pub fn terms(changes: &Value) -> Value {
    let mut terms = json!({
        "title": "A watch", "format": "english", "start_price": usd(1_000),
        "increments": [{"from": 1, "step": 100}], "duration_seconds": 3_600
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(terms.as_object_mut().unwrap().remove(name)),
            value => terms[name] = value.clone(),
        }
    }
    terms
}

const ROUNDS: usize = 6;
