//! Hidden amounts and salts: who may see them, and when (rules.md B2.7, B3, B8).
//!
//! Amounts below [`TELLING`] are left out: they equal seconds, counts and bands by chance. The
//! generators make larger ones that nothing else equals.

use std::collections::BTreeSet;

use auction_machine::Auction;
use auction_machine::lot::{Bid, Lot};
use kernel::{Entity, Envelope, Id, Timestamp, kind};
use serde_json::{Value, json};

use super::book::Book;
use super::make::user;

/// What the public log has told.
#[derive(Default)]
pub(super) struct Secrets {
    amounts: BTreeSet<i64>,
    salts: BTreeSet<String>,
}

/// Something hidden and whose it is.
struct Hidden {
    amount: i64,
    salt: Option<String>,
    owner: Id<kind::User>,
}

impl Secrets {
    /// Judges what an event tells; `after` is the state behind it.
    pub(super) fn publish(&mut self, mut event: Value, (after, book): (&Auction, &Book)) {
        let Some(lot) = after.lot() else { return };
        // B2.4 and B3.2 can put the price at a hidden amount: that is how it becomes known.
        let data = event["data"].as_object_mut().unwrap();
        for name in ["price", "next_minimum", "next_maximum", "start_price", "buy_now_price"] {
            if let Some(member) = data.remove(name) {
                self.amounts.extend(Told::of(member.to_string().as_bytes()).amounts);
            }
        }
        let result = data.get_mut("result").map(Value::take);
        let said = event.to_string();
        let told = Told::of(said.as_bytes());
        for hidden in hidden(lot, book) {
            hidden.is_kept(&told, &self.amounts, &self.salts, said.as_bytes());
        }
        for told in [told, Told::of(result.unwrap_or_default().to_string().as_bytes())] {
            self.amounts.extend(told.amounts);
            self.salts.extend(told.salts);
        }
    }

    /// Judges what somebody is told: nothing hidden of others, but for what it said itself.
    pub(super) fn hear(
        &self,
        (auction, book): (&Auction, &Book),
        (listener, asked): (Option<&str>, &[u8]),
        said: &[u8],
    ) {
        let Some(lot) = auction.lot() else { return };
        let told = Told::of(said);
        if told.amounts.is_empty() && told.salts.is_empty() {
            return;
        }
        let listener = listener.and_then(|listener| listener.parse().ok());
        let asked = Told::of(asked);
        let secrets = hidden(lot, book);
        let own = |amount: i64| {
            asked.amounts.contains(&amount)
                || secrets.iter().any(|own| own.amount == amount && Some(own.owner) == listener)
        };
        for hidden in secrets.iter().filter(|hidden| Some(hidden.owner) != listener) {
            if !own(hidden.amount) {
                hidden.is_kept(&told, &self.amounts, &self.salts, said);
            }
        }
    }

    /// Asks everything, as nobody and as everybody.
    pub(super) fn ask_around(&self, auction: &Entity<Auction>, book: &Book, now: Timestamp) {
        let asked = json!({ "amount": { "amount": 5, "currency": "USD" } });
        let questions = [
            json!("view"),
            json!({ "view_unless": { "head": "" } }),
            json!({ "history": { "after": 0, "limit": 100 } }),
            json!("own"),
            json!({ "preview": asked }),
            json!("rules"),
        ];
        for question in questions {
            let body = question.to_string();
            let viewers: &[Option<u8>] =
                if body == "\"own\"" { &[Some(0), Some(1), Some(2), Some(3)] } else { &[None] };
            for viewer in viewers {
                let viewer = viewer.map(user);
                let answer = auction.query(&Envelope {
                    command_id: "",
                    principal: viewer.as_deref(),
                    now,
                    seed: &[],
                    body: body.as_bytes(),
                });
                self.hear((auction.state(), book), (viewer.as_deref(), &[]), &answer);
            }
        }
    }
}

impl Hidden {
    fn is_kept(&self, told: &Told, amounts: &BTreeSet<i64>, salts: &BTreeSet<String>, said: &[u8]) {
        let says = || String::from_utf8_lossy(said);
        let tells = told.amounts.contains(&self.amount) && !amounts.contains(&self.amount);
        assert!(!tells, "{} is hidden, and told: {}", self.amount, says());
        if let Some(salt) = &self.salt {
            let tells = told.salts.contains(salt) && !salts.contains(salt);
            assert!(!tells, "the salt of {} is told: {}", self.amount, says());
        }
    }
}

/// What nobody but its owner may know in this state.
fn hidden(lot: &Lot, book: &Book) -> Vec<Hidden> {
    let seller = lot.listing.seller;
    let mut all = Vec::new();
    if let Some(reserve) = lot.listing.reserve {
        let salt = Some(reserve.salt.digest().to_hex());
        all.push(Hidden { amount: reserve.amount.get(), salt, owner: seller });
    }
    let mut shown = BTreeSet::new();
    for (index, bid) in lot.bids.iter().enumerate() {
        let Some(bidder) = lot.bidder(bid.bidder) else { continue };
        if is_hidden(book, index, bid) {
            let salt = bid.salt.map(|salt| salt.digest().to_hex());
            all.push(Hidden { amount: bid.amount.get(), salt, owner: bidder.user });
            if let Some(cut) = &bid.cut {
                let salt = Some(cut.to.salt.digest().to_hex());
                all.push(Hidden { amount: cut.to.amount.get(), salt, owner: bidder.user });
            }
        } else {
            shown.insert(bid.shown_amount().get());
        }
    }
    all.retain(|hidden| hidden.amount >= TELLING && !shown.contains(&hidden.amount));
    all
}

/// Is the amount its bidder's alone? By the book, not by what the machine notes to be shown.
fn is_hidden(book: &Book, index: usize, bid: &Bid) -> bool {
    let is_at_price = bid.price == Some(bid.amount) && bid.salt.is_none();
    !is_at_price && !book.is_known(index)
}

/// Large numbers and what may be a salt, wherever they stand in a document.
#[derive(Default)]
struct Told {
    amounts: Vec<i64>,
    salts: Vec<String>,
}

impl Told {
    /// Reads letters and digits alone, so that a number in a sentence counts as one in a member;
    /// the point of `200000.03 USD` is none.
    fn of(document: &[u8]) -> Self {
        let mut told = Self::default();
        for word in document.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'.') {
            if word.len() == 64 {
                told.salts.push(String::from_utf8_lossy(word).into_owned());
            } else if word.len() >= TELLING_DIGITS && word.len() < 20 {
                told.amounts.extend(amount(word).filter(|amount| *amount >= TELLING));
            }
        }
        told
    }
}

fn amount(word: &[u8]) -> Option<i64> {
    let digits = word.iter().filter(|byte| **byte != b'.');
    digits.copied().try_fold(0_i64, |amount, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        amount.checked_mul(10)?.checked_add(digit)
    })
}

/// From here on an amount is one that only its bidder can have meant.
const TELLING: i64 = 20_000_000;
const TELLING_DIGITS: usize = 8;
