//! Letters set against what happened: each fact of a public log is told to whom it concerns, once
//! (reliability.md I17).
//!
//! A sender that dies between a letter and the note that it was sent has to send it again: under
//! the same `Message-ID`, by which mail programs show it once. So letters are counted by that, and
//! what came twice over the wire is counted apart.

pub mod scene;
pub mod siege;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::smtp::Letter;

/// Something that somebody has to be told; it may happen several times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// `auc_…`.
    pub auction: String,
    /// `outbid`, `won`, …
    pub kind: String,
    /// Mail address.
    pub to: String,
}

/// How often each fact happened.
pub type Facts = BTreeMap<Fact, usize>;

/// What the log of an auction says has to be told, of the kinds in [`KINDS`]. `people` are the mail
/// addresses behind the log's aliases. A lead that comes or goes by a retraction is told to nobody;
/// who loses it to the next bid is.
///
/// # Panics
/// When an alias is nobody's.
pub fn facts_of(
    auction: &str,
    items: &[Value],
    seller: &str,
    people: &BTreeMap<String, String>,
) -> Facts {
    let mut facts = Facts::new();
    let mut tell = |kind: &str, to: &str| {
        let (auction, kind, to) = (auction.to_owned(), kind.to_owned(), to.to_owned());
        *facts.entry(Fact { auction, kind, to }).or_default() += 1;
    };
    let address =
        |alias: &str| people.get(alias).unwrap_or_else(|| panic!("nobody is {alias} of {auction}"));
    let mut leader: Option<&str> = None;
    let mut bidders: BTreeSet<&str> = BTreeSet::new();
    for item in items {
        let data = &item["data"];
        match item["event"].as_str().unwrap_or_default() {
            "auction_opened" => tell("opened", seller),
            "bid_placed" => {
                bidders.extend(data["bidder"].as_str());
                let leads = data["leader"].as_str();
                if let Some(before) = leader.filter(|before| leads != Some(*before)) {
                    tell("outbid", address(before));
                }
                leader = leads;
            }
            "bid_retracted" => leader = data["leader"].as_str(),
            "auction_closed" => {
                let result = &data["result"];
                let winners = result["winners"].as_array().into_iter().flatten();
                let winners: BTreeSet<_> =
                    winners.filter_map(|winner| winner["bidder"].as_str()).collect();
                let is_sold = result["outcome"] == "sold";
                tell(if is_sold { "sold" } else { "unsold" }, seller);
                winners.iter().for_each(|alias| tell("won", address(alias)));
                bidders.difference(&winners).for_each(|alias| tell("lost", address(alias)));
            }
            _ => {}
        }
    }
    facts
}

/// The aliases of a log, by the bids that people were told of: bid id to mail address.
pub fn people_of(items: &[Value], bids: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let placed = items.iter().filter(|item| item["event"] == "bid_placed");
    let named = placed.filter_map(|item| {
        let address = bids.get(item["data"]["bid_id"].as_str()?)?;
        Some((item["data"]["bidder"].as_str()?.to_owned(), address.clone()))
    });
    named.collect()
}

/// The kind of a letter, by the link that stops more of them; none without a good one.
pub fn kind_of(letter: &Letter) -> Option<String> {
    let link = unsubscribe_link(letter)?;
    let token = URL_SAFE_NO_PAD.decode(link.rsplit('/').next()?).ok()?;
    let kind = token.split(|byte| *byte == b'|').nth(1)?;
    let is_name = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b'_';
    let kind: Vec<u8> = kind.iter().take_while(is_name).copied().collect();
    // What follows the kind is a mac, whose first bytes may look like a name.
    let kind = String::from_utf8(kind).ok()?;
    ALL_KINDS.iter().find(|known| kind.starts_with(*known)).map(|known| (*known).to_owned())
}

/// The address in `List-Unsubscribe`, if one click does it (RFC 8058).
pub fn unsubscribe_link(letter: &Letter) -> Option<&str> {
    let one_click = letter.header("list-unsubscribe-post") == Some("List-Unsubscribe=One-Click");
    let link = letter.header("list-unsubscribe")?;
    link.strip_prefix('<')?.strip_suffix('>').filter(|_| one_click)
}

/// The auction that a letter links to.
pub fn auction_of(letter: &Letter) -> Option<String> {
    let (_, rest) = letter.text.split_once("/auctions/")?;
    let end = rest.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    let id = &rest[..end.unwrap_or(rest.len())];
    id.starts_with("auc_").then(|| id.to_owned())
}

/// What is told and what happened, compared: every sentence is a fact that was told too seldom or
/// too often. Letters about other auctions and of other kinds are nobody's concern here.
pub fn against(letters: &[Letter], facts: &Facts) -> Vec<String> {
    let auctions: BTreeSet<&str> = facts.keys().map(|fact| fact.auction.as_str()).collect();
    let mut told: BTreeMap<Fact, BTreeSet<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for letter in letters {
        let Some(auction) = auction_of(letter).filter(|id| auctions.contains(id.as_str())) else {
            continue;
        };
        let Some(kind) = kind_of(letter) else {
            wrong.push(format!("about {auction}, of no kind: {}", letter.summary()));
            continue;
        };
        if letter.to != [letter.header_to.as_str()] {
            wrong.push(format!("its To is {}: {}", letter.header_to, letter.summary()));
        }
        if KINDS.contains(&kind.as_str()) {
            let fact = Fact { auction, kind, to: letter.header_to.clone() };
            told.entry(fact).or_default().insert(&letter.message_id);
        }
    }
    let all: BTreeSet<&Fact> = facts.keys().chain(told.keys()).collect();
    for fact in all {
        let wanted = facts.get(fact).copied().unwrap_or_default();
        let came = told.get(fact).map_or(0, BTreeSet::len);
        if came != wanted {
            let Fact { auction, kind, to } = fact;
            wrong.push(format!("{kind} of {auction} to {to}: expected {wanted}, came {came}"));
        }
    }
    wrong
}

/// Did a letter tell it?
pub fn is_told(letters: &[Letter], fact: &Fact) -> bool {
    letters.iter().any(|letter| {
        letter.header_to == fact.to
            && kind_of(letter).as_deref() == Some(fact.kind.as_str())
            && auction_of(letter).as_deref() == Some(fact.auction.as_str())
    })
}

/// How many letters came again under a `Message-ID` that had come before.
pub fn repeated(letters: &[Letter]) -> usize {
    let ids: BTreeSet<_> = letters.iter().map(|letter| letter.message_id.as_str()).collect();
    letters.len() - ids.len()
}

/// How many letters may come again: one for each whose sender never read the 250, and after a kill
/// those that every way of the sender had with the server at that moment, one each. A sender that
/// remembers nothing exceeds it.
pub fn repeated_max(cut: usize, kills: u32) -> usize {
    cut + usize::try_from(kills).unwrap_or(usize::MAX) * WAYS
}

/// Letters that share a `Message-ID` and are not the same letter.
pub fn unequal_twins(letters: &[Letter]) -> Vec<String> {
    let mut first: BTreeMap<&str, &Letter> = BTreeMap::new();
    let mut wrong = Vec::new();
    for letter in letters {
        let twin = first.entry(&letter.message_id).or_insert(letter);
        if (&twin.to, &twin.subject, &twin.text) != (&letter.to, &letter.subject, &letter.text) {
            wrong.push(format!("{} and {}", twin.summary(), letter.summary()));
        }
    }
    wrong
}

/// Kinds that follow from a public log.
pub const KINDS: [&str; 6] = ["opened", "outbid", "won", "lost", "sold", "unsold"];
/// Ways of letters about auctions: `concurrency` of `notifications.letter-due.v1` in spin.toml. Two
/// calls for one delivery, at once, go through the same letters and share each.
const WAYS: usize = 8;
const ALL_KINDS: [&str; 9] =
    ["opened", "outbid", "ending_soon", "extended", "won", "lost", "sold", "unsold", "cancelled"];

#[cfg(test)]
mod tests;
