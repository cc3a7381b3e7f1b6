//! Commands that mean something. A new variant of the contract's `Command` is one line in
//! [`COMMANDS`]; `tests/corpus.rs` holds the list against the contract.

use auction_machine::Auction;
use auction_machine::lot::Lot;
use kernel::{Entity, Id, Minor, Timestamp, kind, limits};
use serde_json::{Value, json};

use super::draw::Draw;

/// What a variant carries; `null` for one without a body.
type Maker = fn(&mut Draw<'_>, &Entity<Auction>) -> Value;

/// Every variant of `Command` and how its body is made.
pub const COMMANDS: &[(&str, Maker)] = &[
    ("wake", |_, _| Value::Null),
    ("place_bid", bid),
    ("create", |draw, auction| terms(draw, auction)),
    ("buy_now", |_, _| Value::Null),
    (
        "retract",
        |draw, auction| json!({ "bid_id": bid_id(draw, auction), "reason": draw.pick(&REASONS) }),
    ),
    ("withdraw", |draw, auction| json!({ "bid_id": bid_id(draw, auction) })),
    ("lower_reserve", |draw, auction| json!({ "amount": money(draw, auction) })),
    ("change", change),
    ("cancel", |draw, _| json!({ "reason": draw.pick(&TEXTS) })),
    ("delete", |draw, auction| json!({ "head": head(draw, auction) })),
    ("block", |draw, _| json!({ "bidder": alias(draw), "blocked": draw.below(3) > 0 })),
    (
        "offer_second_chance",
        |draw, _| json!({ "bidder": alias(draw), "days": draw.pick(&[1, 3, 5, 7, 0]) }),
    ),
    ("answer_offer", |draw, auction| {
        let accept = draw.below(2) == 0;
        json!({ "offer_id": offer_id(draw, auction), "accept": accept })
    }),
];

/// Sender and body of a command; the first one lists the auction, as a rule.
pub fn command(
    draw: &mut Draw<'_>,
    auction: &Entity<Auction>,
    is_first: bool,
) -> (Option<String>, Vec<u8>) {
    if is_first && draw.below(32) > 0 {
        let body = json!({ "create": terms(draw, auction) });
        return (Some(user(0)), body.to_string().into_bytes());
    }
    // Half of all commands are bids: without them the others have nothing to say.
    if draw.below(2) == 0 {
        let body = json!({ "place_bid": bid(draw, auction) });
        return (Some(user(1 + draw.below(4))), body.to_string().into_bytes());
    }
    let principal = match draw.below(16) {
        0 => None,
        1 => Some("nobody".to_owned()),
        number => Some(user(number % 5)),
    };
    (principal, body(draw, auction))
}

/// Any body, of a command or of none.
pub fn body(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> Vec<u8> {
    if draw.below(24) == 0 {
        return draw.bytes().to_vec();
    }
    let (name, make) = draw.pick(COMMANDS);
    body_of(name, make(draw, auction))
}

/// A body of a variant.
pub fn body_of(name: &str, content: Value) -> Vec<u8> {
    let body = if content.is_null() { json!(name) } else { json!({ name: content }) };
    body.to_string().into_bytes()
}

/// The next instant: now, a little later, far later, just when something is due, or before.
pub fn later(draw: &mut Draw<'_>, auction: &Entity<Auction>, now: Timestamp) -> Timestamp {
    let count = i64::from(draw.byte());
    let due = auction.next_wake().map_or(now, |wake| wake.at);
    match draw.below(12) {
        0..4 => now.plus_ms(count),
        4 | 5 => now.plus_ms(count * 1_000),
        6 => now.plus_ms(count * 60_000),
        7 => now.plus_ms(count * 3_600_000),
        8 => now.max(due),
        9 => now.max(due.plus_ms(-1)),
        10 => now.max(due.plus_ms(-count * 1_000)),
        _ => now.plus_ms(-count * 1_000),
    }
}

/// The id of user `number`; 0 sells.
pub fn user(number: u8) -> String {
    Id::<kind::User>::from_u128(u128::from(number) + 1).to_string()
}

fn terms(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> Value {
    let start = [1, 100, 1_000, 12_345_678_900, 0];
    let start = start[usize::from(draw.below(16)).min(19) % 5];
    let mut terms = json!({
        "title": draw.pick(&TEXTS),
        "format": draw.pick(&FORMATS),
        "start_price": { "amount": start, "currency": CURRENCY },
        "increments": "ebay_us",
        "duration_seconds": draw.pick(&[60, 5, 7_200, 259_200, 7_776_000, 4]),
        "retraction": draw.pick(&["ebay", "none", "until(1)", "until(0)"]),
    });
    match terms["format"].as_str() {
        Some("dutch") => {
            terms["dutch"] = json!({
                "floor_price": priced(i64::from(draw.byte())),
                "decrement": priced(i64::from(draw.byte()) + 1),
                "tick_seconds": u32::from(draw.byte()) + 1,
                "dwell_seconds": draw.byte(),
            });
            terms
                .as_object_mut()
                .unwrap()
                .retain(|name, _| name != "duration_seconds" && name != "increments");
            terms["quantity"] = json!(1 + draw.below(9));
        }
        Some("reverse") => {
            terms["reverse"] = match draw.below(2) {
                0 => json!({ "decrement": priced(i64::from(draw.byte())) }),
                _ => json!({ "decrement_bps": u32::from(draw.byte()) * 40 }),
            };
        }
        Some("uniform_price") => {
            terms["uniform_price"] =
                json!({ "pricing": draw.pick(&["lowest_accepted", "highest_rejected"]) });
            terms["quantity"] = json!(2 + draw.below(9));
        }
        _ => {}
    }
    if !matches!(terms["format"].as_str(), Some("english" | "open_outcry")) {
        terms.as_object_mut().unwrap().remove("increments");
    }
    extras(draw, auction, &mut terms, start);
    terms
}

/// Members that most auctions do without.
fn extras(draw: &mut Draw<'_>, auction: &Entity<Auction>, terms: &mut Value, start: i64) {
    let more = |draw: &mut Draw<'_>| start.saturating_add(hidden(draw));
    let chosen = draw.byte();
    let has = |bit: u8| chosen & (1 << bit) != 0;
    if has(0) {
        terms["reserve_price"] = priced(more(draw));
    }
    if has(1) {
        terms["buy_now_price"] = priced(more(draw).saturating_mul(2));
    }
    if has(2) {
        let seconds = [1, 60, 3_600, 86_400];
        terms["soft_close"] = json!({
            "mode": draw.pick(&["add", "reset", "off"]),
            "window_seconds": draw.pick(&seconds),
            "extension_seconds": draw.pick(&seconds),
        });
    }
    if has(3) {
        let step = i64::from(draw.byte());
        terms["increments"] =
            json!([{ "from": 0, "step": step }, { "from": 1_000, "step": step * 3 }]);
    }
    if has(4) {
        let now = auction.position().time.unwrap_or_default();
        terms["starts_at"] = json!(now.plus_ms(i64::from(draw.byte()) * 1_000).max(STARTS_AT));
    }
    if has(5) {
        terms["description"] = json!(draw.pick(&TEXTS));
        terms["category"] = json!(draw.pick(&TEXTS));
    }
    if has(6) {
        let name = draw.pick(&["quantity", "starts_at", "retraction", "oddity"]);
        terms[name] = draw.pick(&[json!(3), json!(null), json!([]), json!("x")]).clone();
    }
}

fn bid(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> Value {
    let mut bid = json!({ "amount": money(draw, auction), "confirm": true });
    match draw.below(8) {
        0 => bid["quantity"] = json!(draw.below(12)),
        1 => {
            bid["quantity"] = json!(1 + draw.below(9));
            bid["min_quantity"] = json!(draw.below(9));
        }
        2 => {
            bid.as_object_mut().unwrap().remove("confirm");
        }
        _ => {}
    }
    bid
}

/// An amount near what counts, or anywhere; always one that looks hidden when it is large.
fn money(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> Value {
    let lot = auction.state().lot();
    let last = lot.and_then(|lot| lot.bids.last());
    let start = lot.map_or(0, |lot| lot.listing.start_price.get());
    let price = lot.and_then(|lot| lot.price).map_or(start, Minor::get);
    let next = last.and_then(|bid| bid.next).map_or(start, Minor::get);
    let near = i64::from(draw.byte()) - 2;
    let amount = match draw.below(10) {
        0 | 1 => next,
        2 => next.saturating_add(near),
        3 => price.saturating_sub(near),
        4 => last.map_or(start, |bid| bid.amount.get()),
        5 => last.map_or(start, |bid| bid.amount.get()).saturating_add(near),
        6 | 7 => price.saturating_add(hidden(draw)),
        8 => reserve(lot).saturating_add(near),
        _ => draw.number() & ((1 << 53) - 1),
    };
    let currency = if draw.below(64) == 0 { "EUR" } else { CURRENCY };
    json!({ "amount": amount.clamp(0, limits::AMOUNT_MAX_MINOR), "currency": currency })
}

fn reserve(lot: Option<&Lot>) -> i64 {
    lot.and_then(|lot| lot.listing.reserve_amount()).map_or(0, Minor::get)
}

/// A large amount that nothing else equals by chance.
fn hidden(draw: &mut Draw<'_>) -> i64 {
    match draw.below(4) {
        0 => i64::from(draw.byte()),
        _ => 20_000_003 + i64::from(draw.byte()) * 1_000_033 + i64::from(draw.byte()) * 17,
    }
}

fn priced(amount: i64) -> Value {
    json!({ "amount": amount.clamp(0, limits::AMOUNT_MAX_MINOR), "currency": CURRENCY })
}

fn change(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> Value {
    let mut change = json!({ "head": head(draw, auction) });
    let chosen = draw.below(4);
    if chosen != 1 {
        let mut patch = terms(draw, auction);
        let kept = draw.byte();
        let mut at = 0_u8;
        patch.as_object_mut().unwrap().retain(|_, _| {
            at = at.wrapping_add(1);
            kept.rotate_left(u32::from(at)) & 1 == 1
        });
        change["terms"] = patch;
    }
    if chosen != 0 {
        change["description_addition"] = json!(draw.pick(&TEXTS));
    }
    change
}

fn head(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> String {
    match draw.below(8) {
        0 => "0".repeat(64),
        _ => auction.position().head.digest().to_hex(),
    }
}

fn bid_id(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> String {
    let bids = auction.state().lot().map_or(&[][..], |lot| &lot.bids);
    match bids {
        [] => Id::<kind::Bid>::from_u128(1).to_string(),
        bids => draw.pick(bids).id.to_string(),
    }
}

fn offer_id(draw: &mut Draw<'_>, auction: &Entity<Auction>) -> String {
    let offers = auction.state().lot().map_or(&[][..], |lot| &lot.offers);
    match offers {
        [] => Id::<kind::Offer>::from_u128(1).to_string(),
        offers => draw.pick(offers).made.id.to_string(),
    }
}

fn alias(draw: &mut Draw<'_>) -> String {
    match draw.below(8) {
        number @ 0..6 => format!("bidder-{}", number + 1),
        number => user(number - 4),
    }
}

const CURRENCY: &str = "USD";
const FORMATS: [&str; 9] = [
    "english",
    "open_outcry",
    "dutch",
    "sealed_first_price",
    "vickrey",
    "reverse",
    "uniform_price",
    "english",
    "penny",
];
const REASONS: [&str; 4] =
    ["wrong_amount", "cancelled_by_seller", "seller_unreachable", "description_changed"];
const TEXTS: [&str; 5] = ["A watch", "", "\"\\\u{1}\u{7f}\u{2028}", "Prix 12 €", "\u{1f600}"];
const STARTS_AT: Timestamp = Timestamp::from_ms(1_800_000_060_000);
