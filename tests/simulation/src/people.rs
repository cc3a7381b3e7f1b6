//! Sellers and bidders: what they send, what they were answered, and what that must be like.

use std::collections::BTreeMap;

use kernel::{Digest, Id, Timestamp, kind};
use serde_json::{Value, json};

use crate::auction::minor;
use crate::chance::Chance;
use crate::invariant::{Invariant, Violation, holds};
use crate::ledger::Ledger;
use crate::model::{EXTENSION_MS, LADDER, WINDOW_MS};

/// A command or question on its way.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) key: String,
    pub(crate) user: String,
    /// Idempotency key; none for a question.
    pub(crate) id: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The newest seq of the auction that anybody had been told when this was sent.
    pub(crate) floor: u64,
    /// Had this very command been accepted when it was sent again?
    pub(crate) accepted: bool,
}

/// Everybody outside.
#[derive(Default)]
pub(crate) struct People {
    auctions: Vec<String>,
    users: Vec<String>,
    commands: u64,
    sent: Vec<Ask>,
    /// Newest told seq of each auction.
    told: BTreeMap<String, u64>,
    /// First acceptance of a command, without what may differ when it comes again.
    accepted: BTreeMap<(String, String, String), (Vec<u8>, Value)>,
    pub(crate) acknowledged: usize,
}

impl People {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let named = |n: u64| Id::<kind::Auction>::from_u128(u128::from(n) | 1 << 100).to_string();
        let user = |n: u64| Id::<kind::User>::from_u128(u128::from(n) | 1 << 100).to_string();
        Self {
            auctions: (0..2 + chance.below(3)).map(named).collect(),
            users: (0..3 + chance.below(3)).map(user).collect(),
            ..Self::default()
        }
    }

    /// The next command of somebody.
    pub(crate) fn command(&mut self, chance: &mut Chance, ledger: &Ledger, now: i64) -> Ask {
        if chance.one_in(5)
            && let Some(again) = chance.pick(&self.sent).cloned()
        {
            return self.again(again, chance);
        }
        let key = chance.pick(&self.auctions).cloned().unwrap_or_default();
        let is_listed = ledger.auction(&key).is_some();
        let body = if !is_listed && !chance.one_in(6) || chance.one_in(40) {
            listing(chance, now)
        } else {
            bid(chance, ledger, &key)
        };
        let seller = self.users.first().cloned().unwrap_or_default();
        let lists = body.get("create").is_some();
        let user = if lists && !chance.one_in(20) {
            seller
        } else {
            chance.pick(&self.users).cloned().unwrap_or_default()
        };
        self.commands += 1;
        let body = if chance.one_in(40) {
            b"{\"place_bid\":{}}".to_vec()
        } else {
            body.to_string().into_bytes()
        };
        let ask = Ask {
            floor: self.floor(&key),
            id: Some(format!("command-{}", self.commands)),
            accepted: false,
            key,
            user,
            body,
        };
        self.sent.push(ask.clone());
        ask
    }

    /// Lists one more auction, to see whether the platform works.
    pub(crate) fn trial(&mut self) -> Ask {
        let key = Id::<kind::Auction>::from_u128(1 << 90).to_string();
        let terms = json!({
            "title": "Trial", "format": "english", "duration_seconds": 10,
            "start_price": usd(100), "increments": [{"from": 1, "step": 10}],
            "soft_close": {"mode": "off"}
        });
        let body = json!({ "create": terms }).to_string().into_bytes();
        let user = self.users.first().cloned().unwrap_or_default();
        Ask { key, user, id: Some("trial".to_owned()), body, floor: 0, accepted: false }
    }

    /// A question of somebody.
    pub(crate) fn question(&mut self, chance: &mut Chance) -> Ask {
        let key = chance.pick(&self.auctions).cloned().unwrap_or_default();
        let user = chance.pick(&self.users).cloned().unwrap_or_default();
        let floor = self.floor(&key);
        Ask { key, user, id: None, body: b"\"view\"".to_vec(), floor, accepted: false }
    }

    /// An auction, listed or not.
    pub(crate) fn auction(&self, chance: &mut Chance) -> String {
        chance.pick(&self.auctions).cloned().unwrap_or_default()
    }

    /// An answer arrives; the ledger has all that is durable.
    pub(crate) fn answered(
        &mut self,
        ask: &Ask,
        reply: &[u8],
        ledger: &mut Ledger,
    ) -> Result<(), Violation> {
        let reply: Value = serde_json::from_slice(reply)
            .map_err(|error| Violation::new(Invariant::I10, error.to_string()))?;
        let Some(id) = &ask.id else { return self.view(ask, &reply, ledger) };
        if let Some(refused) = reply.get("refused") {
            return refusal(ask, id, refused, ledger);
        }
        let (place, row, same, replayed) = if let Some(bid) = reply.get("bid") {
            let receipt = bid.pointer("/bid/receipt").cloned().unwrap_or_default();
            let same = bid.get("bid").cloned().unwrap_or_default();
            (receipt, bid.get("row"), same, bid.get("replayed"))
        } else if let Some(created) = reply.get("created") {
            let view = created.get("view").cloned().unwrap_or_default();
            let place = json!({"seq": view.pointer("/row/seq"), "head": view.get("head")});
            let same = view.get("fixed").cloned().unwrap_or_default();
            (place, created.pointer("/view/row"), same, created.get("replayed"))
        } else {
            return Err(Violation::new(Invariant::I10, format!("no answer to {id}: {reply}")));
        };
        let (seq, head) = read_place(&place);
        let is_replayed = replayed.and_then(Value::as_bool).unwrap_or(false);
        ledger.spoken(&ask.key, seq, head, true)?;
        let shown = row.and_then(|row| row.get("seq")).and_then(Value::as_u64).unwrap_or(u64::MAX);
        let durable = ledger.seq(&ask.key);
        holds(Invariant::I15, shown <= durable, || {
            format!("{} seq {shown} is shown, durable is {durable}", ask.key)
        })?;
        holds(Invariant::I4, is_replayed || seq > ask.floor, || {
            format!("{} seq {seq} comes after {} was told", ask.key, ask.floor)
        })?;
        self.accept(ask, id, same, ledger)?;
        self.tell(&ask.key, shown.max(seq));
        self.acknowledged += 1;
        Ok(())
    }

    fn accept(
        &mut self,
        ask: &Ask,
        id: &str,
        same: Value,
        ledger: &Ledger,
    ) -> Result<(), Violation> {
        let recorded = ledger
            .auction(&ask.key)
            .and_then(|known| known.commands.get(&(ask.user.clone(), id.to_owned())));
        holds(Invariant::I10, recorded == Some(&ask.body), || {
            format!("{id} is accepted, but the log has it otherwise or not at all")
        })?;
        let name = (ask.key.clone(), ask.user.clone(), id.to_owned());
        let first = self.accepted.entry(name).or_insert_with(|| (ask.body.clone(), same.clone()));
        holds(Invariant::I10, *first == (ask.body.clone(), same), || {
            format!("{id} is answered otherwise than before")
        })
    }

    /// The same command once more, or another under its id.
    fn again(&mut self, mut ask: Ask, chance: &mut Chance) -> Ask {
        let id = ask.id.clone().unwrap_or_default();
        ask.floor = self.floor(&ask.key);
        let name = (ask.key.clone(), ask.user.clone(), id);
        ask.accepted = self.accepted.contains_key(&name);
        if chance.one_in(4) {
            let other = json!({"place_bid": {"amount": usd(chance.between(1_000, 90_000))}});
            ask.body = other.to_string().into_bytes();
        }
        ask
    }

    fn view(&mut self, ask: &Ask, view: &Value, ledger: &mut Ledger) -> Result<(), Violation> {
        let Some(row) = view.get("row") else {
            return holds(Invariant::I16, ask.floor == 0, || format!("{} is unknown", ask.key));
        };
        let place = json!({"seq": row.get("seq"), "head": view.get("head")});
        let (seq, head) = read_place(&place);
        holds(Invariant::I16, seq >= ask.floor, || {
            format!("{} seq {seq} is shown after {} was told", ask.key, ask.floor)
        })?;
        ledger.spoken(&ask.key, seq, head, false)?;
        let Some(known) = ledger.auction(&ask.key) else { return Ok(()) };
        let (price, there) = (minor(row, "price"), known.prices.get(&seq).copied());
        holds(Invariant::I3, there == Some(price), || {
            format!("{} shows {price:?} at seq {seq}, the log has {there:?}", ask.key)
        })?;
        let outcome = |result: &Value| result.get("outcome").cloned();
        let shown = row.get("result").filter(|result| !result.is_null());
        let same = shown.is_none_or(|shown| {
            known.result.as_ref().is_some_and(|result| {
                outcome(shown) == outcome(result)
                    && minor(shown, "hammer_price") == minor(result, "hammer_price")
            })
        });
        holds(Invariant::I5, same, || format!("{} shows {shown:?}", ask.key))?;
        self.tell(&ask.key, seq);
        Ok(())
    }

    fn floor(&self, key: &str) -> u64 {
        self.told.get(key).copied().unwrap_or(0)
    }

    fn tell(&mut self, key: &str, seq: u64) {
        let told = self.told.entry(key.to_owned()).or_default();
        *told = (*told).max(seq);
    }
}

/// A refusal must have its reason in the log.
fn refusal(ask: &Ask, id: &str, refused: &Value, ledger: &Ledger) -> Result<(), Violation> {
    let code = refused.get("code").and_then(Value::as_str).unwrap_or_default();
    let known = ledger.auction(&ask.key);
    let recorded = known.and_then(|known| known.commands.get(&(ask.user.clone(), id.to_owned())));
    let forgotten = ask.accepted && recorded == Some(&ask.body);
    holds(Invariant::I10, !forgotten, || format!("{id} was accepted, and now it is {code}"))?;
    let reused = recorded.is_some_and(|body| *body != ask.body);
    holds(Invariant::I10, (code == "idempotency_key_reused") <= reused, || {
        format!("{id} is refused as reused, and it is not")
    })?;
    let closed = known.is_some_and(|known| known.result.is_some());
    holds(Invariant::I6, code != "auction_closed" || closed, || {
        format!("{id} is refused as late, and the auction is not closed")
    })?;
    let standing = refused.pointer("/now/seq").and_then(Value::as_u64);
    let (Some(known), Some(seq)) = (known, standing) else { return Ok(()) };
    holds(Invariant::I15, seq <= known.seq, || {
        format!("{} seq {seq} is told, durable is {}", ask.key, known.seq)
    })?;
    let (Some(model), true) = (&known.model, seq == known.seq) else { return Ok(()) };
    let body: Value = serde_json::from_slice(&ask.body).unwrap_or_default();
    let amount = body.get("place_bid").and_then(|bid| minor(bid, "amount"));
    let (Some(amount), "bid_too_low" | "own_max_not_raised") = (amount, code) else {
        return Ok(());
    };
    let expected = model.refusal(&ask.user, amount, known.ends_at - 1);
    holds(Invariant::Model, expected == Some(code), || {
        format!("{id}: {amount} is refused as {code}, but the model says {expected:?}")
    })
}

fn read_place(place: &Value) -> (u64, [u8; 32]) {
    let seq = place.get("seq").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let head = place.get("head").cloned().unwrap_or_default();
    let head = serde_json::from_value::<Digest>(head).map_or([0; 32], |head| *head.as_bytes());
    (seq, head)
}

fn listing(chance: &mut Chance, now: i64) -> Value {
    let ladder: Vec<Value> =
        LADDER.iter().map(|(from, step)| json!({"from": from, "step": step})).collect();
    let (window, extension) = (WINDOW_MS / 1_000, EXTENSION_MS / 1_000);
    let soft_close = match chance.below(3) {
        0 => json!({"mode": "off"}),
        1 => json!({"mode": "add", "window_seconds": window, "extension_seconds": extension}),
        _ => json!({"mode": "reset", "window_seconds": window, "extension_seconds": extension}),
    };
    let mut terms = json!({
        "title": "Lot", "format": "english", "duration_seconds": chance.between(10, 90),
        "start_price": usd(1_000), "increments": ladder, "soft_close": soft_close
    });
    if let Some(terms) = terms.as_object_mut() {
        if chance.one_in(3) {
            terms.insert("reserve_price".to_owned(), usd(chance.between(1_000, 9_000)));
        }
        if chance.one_in(4) {
            let starts_at = Timestamp::from_ms(now + chance.between(60_000, 90_000));
            terms.insert("starts_at".to_owned(), json!(starts_at));
        }
    }
    json!({ "create": terms })
}

fn bid(chance: &mut Chance, ledger: &Ledger, key: &str) -> Value {
    let model = ledger.auction(key).and_then(|known| known.model.as_ref());
    let next = model.map_or(1_000, |model| model.stand().next);
    let amount = match chance.below(8) {
        0 => next - 1,
        1 => chance.between(1, next),
        2 | 3 => next,
        4 => chance.between(next, next * 3),
        5 => next + 1,
        _ => chance.between(next, next + 2_000),
    };
    let currency = if chance.one_in(30) { "EUR" } else { "USD" };
    json!({"place_bid": {"amount": {"amount": amount, "currency": currency}}})
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}
