//! Commands that mean something. A new variant of the contract's `Command` is one line in
//! [`COMMANDS`]; `tests/corpus.rs` holds the list against the contract.

use auction_machine::Auction;
use auction_machine::lot::{Bid, Lot, Phase};
use kernel::{Entity, Id, Minor, Timestamp, kind, limits};
use serde_json::{Value, json};

use super::draw::Draw;
use super::terms::terms;

/// What a command is made for.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The auction as it stands.
    pub auction: &'a Entity<Auction>,
    /// The instant of the command.
    pub now: Timestamp,
}

/// A command as its sender would send it.
#[derive(Debug)]
pub struct Made {
    /// Who would; the platform sends wakes.
    pub sender: Option<String>,
    /// What the variant carries; `null` for one without a body.
    pub content: Value,
}

/// Makes the body of a variant.
type Maker = fn(&mut Draw<'_>, &Scene<'_>) -> Made;

/// Every variant of `Command` and how its body is made.
pub const COMMANDS: &[(&str, Maker)] = &[
    ("wake", |_, _| Made { sender: None, content: Value::Null }),
    ("place_bid", |draw, scene| Made { sender: Some(bidder(draw)), content: bid(draw, scene) }),
    ("create", |draw, scene| sellers(terms(draw, scene))),
    ("buy_now", |draw, _| Made { sender: Some(bidder(draw)), content: Value::Null }),
    ("retract", retract),
    ("withdraw", |draw, scene| {
        let (bid_id, sender) = own_bid(draw, scene);
        Made { sender, content: json!({ "bid_id": bid_id }) }
    }),
    ("lower_reserve", |draw, scene| sellers(json!({ "amount": lower(draw, scene) }))),
    ("change", |draw, scene| sellers(change(draw, scene))),
    ("cancel", |draw, _| sellers(json!({ "reason": draw.pick(&TEXTS) }))),
    ("delete", |draw, scene| sellers(json!({ "head": head(draw, scene) }))),
    ("block", |draw, scene| {
        sellers(json!({ "bidder": alias(draw, scene), "blocked": draw.below(3) > 0 }))
    }),
    ("offer_second_chance", |draw, scene| {
        let days = *draw.pick(&[1, 3, 5, 7, 0]);
        sellers(json!({ "bidder": alias(draw, scene), "days": days }))
    }),
    ("answer_offer", answer),
    ("set_picture", |draw, scene| sellers(picture(draw, scene))),
    ("remove_picture", |draw, scene| {
        let n = 1 + draw.below(3);
        sellers(json!({ "n": n, "id": standing(scene, n).unwrap_or_else(|| picture_id(draw)) }))
    }),
    ("outage", |draw, scene| {
        let until = scene.now.plus_ms(-i64::from(draw.below(3)) * 1_000);
        let from = until.plus_ms(-i64::from(draw.below(4)) * 60_000);
        let grace_seconds = draw.below(3) * 60;
        let content = json!({ "from": from, "until": until, "grace_seconds": grace_seconds });
        Made { sender: None, content }
    }),
];

/// Sender and body of the next command.
pub fn command(draw: &mut Draw<'_>, scene: &Scene<'_>) -> (Option<String>, Vec<u8>) {
    let Some(lot) = scene.lot() else {
        let made = sellers(terms(draw, scene));
        return (made.sender, body_of("create", made.content));
    };
    let is_due = scene.auction.next_wake().is_some_and(|wake| scene.now >= wake.at);
    let name = match lot.phase {
        _ if is_due && draw.below(2) == 0 => "wake",
        Phase::Closed(_) => *draw.pick(&AFTERWARDS),
        Phase::Scheduled => *draw.pick(&BEFORE),
        // Terms change before the first bid, or not at all.
        Phase::Open if lot.bids.is_empty() && draw.below(2) == 0 => *draw.pick(&BEFORE),
        // Half of all commands are bids: without them the others have nothing to say.
        Phase::Open if draw.below(2) == 0 => "place_bid",
        Phase::Open => *draw.pick(&MEANWHILE),
    };
    let made = make(name, draw, scene);
    let sender = match draw.below(24) {
        0 => None,
        1 => Some("nobody".to_owned()),
        number @ 2..7 => Some(user(number - 2)),
        _ => made.sender,
    };
    (sender, body_of(name, made.content))
}

/// Any body, of a command or of none.
pub fn body(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Vec<u8> {
    if draw.below(4) == 0 {
        return draw.bytes().to_vec();
    }
    let (name, make) = draw.pick(COMMANDS);
    body_of(name, make(draw, scene).content)
}

/// A body of a variant.
pub fn body_of(name: &str, content: Value) -> Vec<u8> {
    let body = if content.is_null() { json!(name) } else { json!({ name: content }) };
    body.to_string().into_bytes()
}

/// The next instant: now, a little later, around what is due and the edges before it, or earlier.
pub fn later(draw: &mut Draw<'_>, auction: &Entity<Auction>, now: Timestamp) -> Timestamp {
    let choice = draw.below(32);
    if choice < 14 {
        return now.plus_ms(i64::from(choice) * 7);
    }
    let count = i64::from(draw.byte());
    let due = auction.next_wake().map_or(now, |wake| wake.at);
    match choice {
        14..20 => now.plus_ms(count * 1_000),
        20..22 => now.plus_ms(count * 60_000),
        22 => now.plus_ms(count * 3_600_000),
        23 => now.max(due),
        24 => now.max(due.plus_ms(count)),
        25 | 26 => now.max(due.plus_ms(-1 - count / 16)),
        27 | 28 => now.max(due.plus_ms(-count * 1_000)),
        // Windows of soft closes, retractions and lowered reserves: at their edge, and around it.
        29 => now.max(due.plus_ms(-edge(draw, auction))),
        30 => now.max(due.plus_ms(count % 4 - 2 - edge(draw, auction))),
        _ => now.plus_ms(-count * 1_000),
    }
}

fn edge(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> i64 {
    let rule = auction.state().lot().and_then(|lot| lot.listing.soft_close);
    let window = rule.map_or(120, |rule| rule.window_seconds);
    match draw.below(4) {
        0 => 12 * 3_600_000,
        1 => 3_600_000,
        _ => i64::from(window) * 1_000,
    }
}

/// The id of user `number`; 0 sells.
pub fn user(number: u8) -> String {
    Id::<kind::User>::from_u128(u128::from(number) + 1).to_string()
}

impl Scene<'_> {
    fn lot(&self) -> Option<&Lot> {
        self.auction.state().lot()
    }

    fn bids(&self) -> &[Bid] {
        self.lot().map_or(&[], |lot| &lot.bids)
    }
}

fn make(name: &str, draw: &mut Draw<'_>, scene: &Scene<'_>) -> Made {
    let (_, make) = COMMANDS.iter().find(|(known, _)| *known == name).unwrap();
    make(draw, scene)
}

fn sellers(content: Value) -> Made {
    Made { sender: Some(user(0)), content }
}

fn picture(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Value {
    let n = draw.below(4);
    let side = u16::from(draw.byte()) * 8;
    let kind = draw.pick(&["image/png", "image/jpeg", "image/gif"]);
    let picture = json!({ "n": n, "id": picture_id(draw), "sha256": "ab".repeat(32),
        "content_type": kind, "width": side, "height": 900 });
    json!({ "replaces": standing(scene, n), "picture": picture })
}

/// The picture that stands at a place.
fn standing(scene: &Scene<'_>, n: u8) -> Option<String> {
    let mut pictures = scene.lot()?.pictures.iter();
    pictures.find(|picture| picture.n == n).map(|picture| picture.id.to_string())
}

fn picture_id(draw: &mut Draw<'_>) -> String {
    Id::<kind::Picture>::from_u128(draw.below(200).into()).to_string()
}

fn bidder(draw: &mut Draw<'_>) -> String {
    user(1 + draw.below(4))
}

fn bid(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Value {
    let mut bid = json!({ "amount": money(draw, scene), "confirm": true });
    let units = scene.lot().map_or(1, |lot| lot.listing.quantity);
    match draw.below(16) {
        0 => drop(bid.as_object_mut().unwrap().remove("confirm")),
        1 => bid["quantity"] = json!(draw.below(12)),
        2..8 if units > 1 => bid["quantity"] = json!(1 + draw.below(6)),
        8..12 if units > 1 => {
            let quantity = 1 + draw.below(6);
            bid["quantity"] = json!(quantity);
            bid["min_quantity"] = json!(1 + draw.below(quantity));
        }
        _ => {}
    }
    bid
}

/// An amount near what counts, or anywhere; always one that looks hidden when it is large.
fn money(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Value {
    let lot = scene.lot();
    let last = lot.and_then(|lot| lot.bids.last());
    let start = lot.map_or(0, |lot| lot.listing.start_price.get());
    let price = lot.and_then(|lot| lot.price).map_or(start, Minor::get);
    let next = last.and_then(|bid| bid.next).map_or(start, Minor::get);
    let falls = lot.is_some_and(|lot| lot.listing.format.name() == "reverse");
    let choice = draw.below(16);
    let near = |draw: &mut Draw<'_>| i64::from(draw.byte()) - 2;
    let amount = match choice {
        0..4 if falls => next,
        4..7 if falls => next.saturating_sub(near(draw) * (next / 600)),
        0 | 1 => next,
        2 | 3 => next.saturating_add(near(draw)),
        4 => price.saturating_sub(near(draw)),
        5 => last.map_or(start, |bid| bid.max().get()),
        6 => last.map_or(start, |bid| bid.max().get()).saturating_add(near(draw)),
        7..=11 => price.saturating_add(hidden(draw)),
        12 | 13 => {
            let reserve = lot.and_then(|lot| lot.listing.reserve_amount());
            reserve.map_or(price, Minor::get).saturating_add(near(draw))
        }
        14 => limits::AMOUNT_MAX_MINOR - i64::from(draw.byte()),
        _ => draw.number() & ((1 << 53) - 1),
    };
    let currency = if choice == 0 && draw.below(16) == 0 { "EUR" } else { CURRENCY };
    json!({ "amount": amount.clamp(0, limits::AMOUNT_MAX_MINOR), "currency": currency })
}

/// A reserve near the least that it may be, near the leader's maximum, or a little lower.
fn lower(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Value {
    let Some(lot) = scene.lot() else { return priced(0) };
    let reserve = lot.listing.reserve_amount().map_or(0, Minor::get);
    let near = i64::from(draw.byte()) - 4;
    let next = lot.bids.last().and_then(|bid| bid.next).unwrap_or(lot.listing.start_price).get();
    let top = lot.leading_bid().map_or(next, |bid| bid.max().get());
    priced(match draw.below(4) {
        0 => reserve.saturating_sub(near),
        1 => next.saturating_add(near),
        2 => top.saturating_add(near),
        _ => next / 2 + reserve / 2,
    })
}

/// A large amount that nothing else equals by chance.
pub(super) fn hidden(draw: &mut Draw<'_>) -> i64 {
    match draw.below(4) {
        0 => i64::from(draw.byte()),
        _ => 20_000_003 + i64::from(draw.byte()) * 1_000_033 + i64::from(draw.byte()) * 17,
    }
}

pub(super) fn priced(amount: i64) -> Value {
    json!({ "amount": amount.clamp(0, limits::AMOUNT_MAX_MINOR), "currency": CURRENCY })
}

fn retract(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Made {
    let (bid_id, bidder) = own_bid(draw, scene);
    let reason = *draw.pick(&REASONS);
    let sender = if reason == "cancelled_by_seller" { Some(user(0)) } else { bidder };
    Made { sender, content: json!({ "bid_id": bid_id, "reason": reason }) }
}

fn change(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Value {
    let mut change = json!({ "head": head(draw, scene) });
    let chosen = draw.below(8);
    if chosen > 3 {
        let amount = money(draw, scene);
        let reserve = if chosen > 4 { amount } else { Value::Null };
        change["terms"] = json!({ "reserve_price": reserve });
        return change;
    }
    if chosen != 1 {
        let mut patch = terms(draw, scene);
        let kept = draw.byte();
        let mut at = 0_u8;
        patch.as_object_mut().unwrap().retain(|_, _| {
            at = at.wrapping_add(1);
            kept.rotate_left(u32::from(at)) & 1 == 1
        });
        change["terms"] = patch;
    }
    if chosen == 1 || chosen == 3 {
        change["description_addition"] = json!(draw.pick(&TEXTS));
    }
    change
}

fn answer(draw: &mut Draw<'_>, scene: &Scene<'_>) -> Made {
    let accept = draw.below(2) == 0;
    let offers = scene.lot().map_or(&[][..], |lot| &lot.offers);
    if offers.is_empty() {
        let none = Id::<kind::Offer>::from_u128(1).to_string();
        return Made { sender: None, content: json!({ "offer_id": none, "accept": accept }) };
    }
    let made = draw.pick(offers).made;
    let bidder = scene.lot().and_then(|lot| lot.bidder(made.bidder));
    let content = json!({ "offer_id": made.id.to_string(), "accept": accept });
    Made { sender: bidder.map(|bidder| bidder.user.to_string()), content }
}

fn head(draw: &mut Draw<'_>, scene: &Scene<'_>) -> String {
    match draw.below(8) {
        0 => "0".repeat(64),
        _ => scene.auction.position().head.digest().to_hex(),
    }
}

/// A bid and whose it is.
fn own_bid(draw: &mut Draw<'_>, scene: &Scene<'_>) -> (String, Option<String>) {
    match scene.bids() {
        [] => (Id::<kind::Bid>::from_u128(1).to_string(), None),
        bids => {
            let bid = draw.pick(bids);
            let bidder = scene.lot().and_then(|lot| lot.bidder(bid.bidder));
            (bid.id.to_string(), bidder.map(|bidder| bidder.user.to_string()))
        }
    }
}

fn alias(draw: &mut Draw<'_>, scene: &Scene<'_>) -> String {
    let known = scene.lot().map_or(0, |lot| lot.bidders.len());
    match draw.below(12) {
        0 => format!("bidder-{}", known + 1),
        number @ 1..6 => user(number - 1),
        number => format!("bidder-{}", usize::from(number) % known.max(1) + 1),
    }
}

pub(super) const CURRENCY: &str = "USD";
pub(super) const TEXTS: [&str; 5] =
    ["A watch", "", "\"\\\u{1}\u{7f}\u{2028}", "Prix 12 €", "\u{1f600}"];
const REASONS: [&str; 4] =
    ["wrong_amount", "cancelled_by_seller", "seller_unreachable", "description_changed"];
/// What happens to an auction that has not started; the frequent more than once.
const BEFORE: [&str; 16] = [
    "change",
    "change",
    "change",
    "change",
    "change",
    "change",
    "lower_reserve",
    "lower_reserve",
    "lower_reserve",
    "lower_reserve",
    "place_bid",
    "place_bid",
    "wake",
    "block",
    "delete",
    "cancel",
];
/// What happens while it takes bids, beside them.
const MEANWHILE: [&str; 16] = [
    "retract",
    "retract",
    "retract",
    "retract",
    "withdraw",
    "withdraw",
    "withdraw",
    "lower_reserve",
    "lower_reserve",
    "lower_reserve",
    "block",
    "change",
    "buy_now",
    "outage",
    "cancel",
    "delete",
];
const AFTERWARDS: [&str; 8] = [
    "offer_second_chance",
    "answer_offer",
    "offer_second_chance",
    "answer_offer",
    "wake",
    "place_bid",
    "retract",
    "create",
];
