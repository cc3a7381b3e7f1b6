//! What an actor does, and its text form.

use crate::parse::minor;

/// What an actor does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Bids.
    Bid(Bid),
    /// Asks what a bid would lead to.
    Preview(Bid),
    /// Takes the Buy It Now price.
    BuyNow {
        /// Idempotency key; a fresh one when none.
        key: Option<String>,
    },
    /// Makes bids void.
    Retract {
        /// Whose bid.
        which: Nth,
        /// Why, as on the wire.
        reason: String,
    },
    /// Takes a sealed bid back.
    Withdraw {
        /// Whose bid.
        which: Nth,
    },
    /// Lowers the reserve.
    Lower {
        /// Minor units.
        amount: i64,
        /// Another currency than the auction's.
        currency: Option<String>,
    },
    /// Calls the auction off.
    Cancel {
        /// What bidders are told.
        reason: String,
    },
    /// Takes the listing away.
    Delete {
        /// Names a state that has passed.
        stale: bool,
    },
    /// Changes the terms.
    Change {
        /// Names a state that has passed.
        stale: bool,
        /// A merge patch.
        patch: String,
    },
    /// Keeps somebody from bidding, or no longer.
    Block {
        /// Who.
        name: String,
        /// False: may bid again.
        blocked: bool,
    },
    /// Offers a unit after the end.
    Offer {
        /// To whom.
        name: String,
        /// How long.
        days: u8,
        /// Idempotency key; a fresh one when none.
        key: Option<String>,
    },
    /// Answers an offer.
    Answer {
        /// Which offer, from 1; none: the newest.
        which: Option<usize>,
        /// False: decline.
        accept: bool,
    },
    /// The platform calls.
    Wake,
    /// Reads the public view.
    Look,
    /// Reads the actor's own bidding.
    Own,
}

/// A bid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bid {
    /// Minor units.
    pub amount: i64,
    /// Another currency than the auction's.
    pub currency: Option<String>,
    /// Units.
    pub quantity: Option<u32>,
    /// Fewest units.
    pub min_quantity: Option<u32>,
    /// Says that an unusual amount is meant.
    pub confirm: bool,
    /// Idempotency key; a fresh one when none.
    pub key: Option<String>,
}

/// Somebody's accepted bid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nth {
    /// Whose; none: the actor's.
    pub name: Option<String>,
    /// From 1.
    pub nth: usize,
}

/// The action of a command's words behind time and actor.
pub(crate) fn action(text: &str, currency: &str) -> Result<Action, String> {
    let mut words = text.split_whitespace();
    let word = words.next().unwrap_or_default();
    if word == "change" {
        let patch = text.trim_start().strip_prefix("change").unwrap_or_default().trim();
        let (stale, patch) = match patch.strip_prefix("stale ") {
            Some(patch) => (true, patch.trim()),
            None => (false, patch),
        };
        return Ok(Action::Change { stale, patch: patch.to_owned() });
    }
    let mut next = |what: &str| words.next().ok_or_else(|| format!("{word} needs {what}"));
    let action = match word {
        "bid" => return Ok(Action::Bid(bid(&mut words, currency)?)),
        "preview" => return Ok(Action::Preview(bid(&mut words, currency)?)),
        "buy_now" => Action::BuyNow { key: key(words.next())? },
        "retract" => {
            let which = nth(next("a bid")?, &mut next)?;
            Action::Retract { which, reason: next("a reason")?.to_owned() }
        }
        "withdraw" => Action::Withdraw { which: nth(next("a bid")?, &mut next)? },
        "lower" => {
            let amount = next("an amount")?;
            let other = words.next().map(|word| {
                word.strip_prefix("currency=").ok_or_else(|| format!("unknown word {word}"))
            });
            let other = other.transpose()?;
            let amount = minor(amount, other.unwrap_or(currency))?;
            Action::Lower { amount, currency: other.map(str::to_owned) }
        }
        "cancel" => Action::Cancel { reason: next("a reason")?.replace('_', " ") },
        "delete" => match words.next() {
            None => Action::Delete { stale: false },
            Some("stale") => Action::Delete { stale: true },
            Some(word) => return Err(format!("unknown word {word}")),
        },
        "block" => Action::Block { name: next("a name")?.to_owned(), blocked: true },
        "unblock" => Action::Block { name: next("a name")?.to_owned(), blocked: false },
        "offer" => {
            let name = next("a name")?.to_owned();
            let days = count(next("days")?)?;
            Action::Offer { name, days, key: key(words.next())? }
        }
        "accept" | "decline" => {
            let which = words.next().map(count).transpose()?;
            Action::Answer { which, accept: word == "accept" }
        }
        "wake" => Action::Wake,
        "look" => Action::Look,
        "own" => Action::Own,
        other => return Err(format!("unknown command {other}")),
    };
    match words.next() {
        Some(rest) => Err(format!("{rest} is too much")),
        None => Ok(action),
    }
}

/// `N`, or `NAME N`.
fn nth<'a>(
    first: &'a str,
    next: &mut impl FnMut(&str) -> Result<&'a str, String>,
) -> Result<Nth, String> {
    if let Ok(nth) = first.parse() {
        return Ok(Nth { name: None, nth });
    }
    Ok(Nth { name: Some(first.to_owned()), nth: count(next("a number")?)? })
}

fn key(word: Option<&str>) -> Result<Option<String>, String> {
    let Some(word) = word else { return Ok(None) };
    let key = word.strip_prefix("key=").ok_or_else(|| format!("unknown word {word}"))?;
    Ok(Some(key.to_owned()))
}

fn bid<'a>(words: &mut impl Iterator<Item = &'a str>, currency: &str) -> Result<Bid, String> {
    let amount = words.next().ok_or("a bid has an amount")?;
    let mut bid = Bid {
        amount: 0,
        currency: None,
        quantity: None,
        min_quantity: None,
        confirm: false,
        key: None,
    };
    for word in words {
        match word.split_once('=') {
            Some(("quantity", units)) => bid.quantity = Some(count(units)?),
            Some(("min", units)) => bid.min_quantity = Some(count(units)?),
            Some(("key", text)) => bid.key = Some(text.to_owned()),
            Some(("currency", code)) => bid.currency = Some(code.to_owned()),
            None if word == "confirm" => bid.confirm = true,
            _ => return Err(format!("unknown word {word} in a bid")),
        }
    }
    bid.amount = minor(amount, bid.currency.as_deref().unwrap_or(currency))?;
    Ok(bid)
}

fn count<T: core::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no count"))
}
