//! An auction with pictures in memory.

use auction_machine::Auction;
use kernel::{Id, Timestamp, kind};
use ports::memory::Memory;
use ports::{Claims, Clock as _, Delivery, Entities, Message, Vault as _, ready};
use serde_json::{Value, json};
use web::{Request, Response};

pub(crate) struct Gallery {
    pub(crate) memory: Memory,
    pub(crate) auction: String,
}

pub(crate) fn start() -> Timestamp {
    "2026-11-24T12:00:00.000Z".parse().unwrap()
}

fn user(name: &str) -> String {
    let bits = name.bytes().fold(7_u128, |bits, byte| (bits << 8) | u128::from(byte));
    Id::<kind::User>::from_u128(bits).to_string()
}

/// A small PNG; each shade is another picture.
pub(crate) fn png(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 500, 20);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[shade; 500 * 20]).unwrap();
    writer.finish().unwrap();
    bytes
}

impl Gallery {
    /// Sam sells a watch for an hour.
    pub(crate) fn open() -> Self {
        let memory = Memory::new("pictures", start()).with_machine::<Auction>("auction");
        ready(pictures_service::migrate(&memory)).unwrap();
        let auction = Id::<kind::Auction>::from_u128(7).to_string();
        let gallery = Self { memory, auction };
        let create = json!({"create": {
            "title": "A watch", "format": "english", "increments": "ebay_us",
            "start_price": {"amount": 1000, "currency": "USD"}, "duration_seconds": 3600
        }});
        gallery.command("sam", &create);
        gallery
    }

    pub(crate) fn command(&self, who: &str, command: &Value) {
        let body = command.to_string().into_bytes();
        let (id, user) = (self.auction.as_str(), user(who));
        let command_id = format!("{who} {command}");
        let called = self.memory.call("auction", id, &command_id, Some(&user), body);
        let reply = String::from_utf8(ready(called).unwrap()).unwrap();
        assert!(!reply.contains("refused"), "{reply}");
    }

    pub(crate) fn bid(&self) {
        let amount = json!({"amount": 1000, "currency": "USD"});
        self.command("ben", &json!({"place_bid": {"amount": amount}}));
    }

    pub(crate) fn send(&self, method: &str, target: &str, who: &str, body: &[u8]) -> Response {
        let claims = Claims {
            subject: user(who),
            name: who.to_owned(),
            roles: vec!["user".to_owned()],
            expires_at: start().as_ms() / 1_000 + 90 * 24 * 3_600,
        };
        let token = ready(self.memory.sign_access_token(&claims)).unwrap();
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.iter().filter(|_| !who.is_empty()).copied().collect(),
            body: body.to_vec(),
        };
        ready(pictures_service::handle(&self.memory, request))
    }

    pub(crate) fn place(&self, n: &str) -> String {
        format!("/v1/auctions/{}/pictures/{n}", self.auction)
    }

    pub(crate) fn put(&self, n: &str, body: &[u8]) -> Response {
        self.send("PUT", &self.place(n), "sam", body)
    }

    pub(crate) fn delete(&self, n: &str) -> Response {
        self.send("DELETE", &self.place(n), "sam", b"")
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.send("GET", target, "", b"")
    }

    /// The view's pictures.
    pub(crate) fn shown(&self) -> Value {
        let asked = self.memory.query("auction", &self.auction, None, b"\"view\"".to_vec());
        let view: Value = serde_json::from_slice(&ready(asked).unwrap()).unwrap();
        view["fixed"]["pictures"].clone()
    }

    pub(crate) fn sweep(&self) {
        let now = self.memory.now();
        ready(pictures_service::run(&self.memory, "pictures.sweep", now)).unwrap();
    }

    /// Hands over what the machine told.
    pub(crate) fn deliver(&self) -> Vec<Delivery> {
        let mut messages: Vec<Message> = self.memory.take_messages();
        messages.retain(|message| message.topic == "auction.ended.v1");
        ready(pictures_service::consume(&self.memory, messages))
    }
}

pub(crate) fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or(Value::Null)
}

pub(crate) fn code(response: &Response) -> (u16, String) {
    (response.status, json_of(response)["code"].as_str().unwrap_or_default().to_owned())
}
