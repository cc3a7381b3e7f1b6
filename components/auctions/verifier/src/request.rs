//! What is to be checked: a public log, and what its reader has beside.

use std::collections::BTreeMap;

use kernel::{Digest, Money, Salt};
use proof::Flaw;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A saved public log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request<'a> {
    pub(crate) auction_id: String,
    /// Items as the platform shows them.
    #[serde(borrow)]
    pub(crate) events: Vec<&'a RawValue>,
    /// The answer of `GET …/proof`.
    #[serde(default)]
    pub(crate) proof: Option<Proof>,
    /// The answer of `GET /.well-known/proof-keys.json`.
    #[serde(default, borrow)]
    pub(crate) keys: Option<&'a RawValue>,
    /// Receipts of bids on it.
    #[serde(default)]
    pub(crate) receipts: Vec<Receipt>,
    /// What opens commitments in it.
    #[serde(default)]
    pub(crate) salts: Vec<Opened>,
}

/// Where the platform says that the log stands. Members may be added.
#[derive(Deserialize)]
pub(crate) struct Proof {
    pub(crate) auction_id: String,
    pub(crate) seq: u64,
    pub(crate) head: Digest,
    pub(crate) key_id: String,
    pub(crate) signature: String,
    pub(crate) closed: bool,
    pub(crate) merkle_root: Option<Digest>,
}

/// What a bidder was given.
#[derive(Deserialize)]
pub(crate) struct Receipt {
    pub(crate) seq: u64,
    pub(crate) prev: Digest,
    pub(crate) head: Digest,
    pub(crate) key_id: String,
    pub(crate) signature: String,
}

/// An amount behind a commitment, as `GET …/bidding` tells its owner.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opened {
    pub(crate) seq: u64,
    pub(crate) salt: Salt,
    pub(crate) amount: Money,
}

impl Request<'_> {
    /// What opens commitments, by the event that holds them.
    pub(crate) fn opened(&self) -> BTreeMap<u64, &Opened> {
        self.salts.iter().map(|opened| (opened.seq, opened)).collect()
    }
}

/// Reads a request. In a text that is broken the event is named at which it breaks.
pub(crate) fn read(json: &[u8]) -> Result<Request<'_>, Flaw> {
    serde_json::from_slice(json).map_err(|error| {
        let what = format!("this is no saved log: {error}");
        Flaw { seq: broken_event(json), what }
    })
}

/// Seq of the first event that is no JSON; none when the list of them is whole, or none at all.
fn broken_event(json: &[u8]) -> Option<u64> {
    let mut rest = after(json, b"\"events\"")?;
    rest = rest.trim_ascii_start().strip_prefix(b":")?;
    rest = rest.trim_ascii_start().strip_prefix(b"[")?;
    for seq in 1.. {
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        let Some(Ok(item)) = stream.next() else { return Some(seq) };
        if !item.get().starts_with('{') {
            return Some(seq);
        }
        rest = rest.get(stream.byte_offset()..)?.trim_ascii_start();
        match rest.split_first() {
            Some((b',', next)) => rest = next,
            Some((b']', _)) => return None,
            _ => return Some(seq),
        }
    }
    None
}

fn after<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(word.len()).position(|window| window == word)?;
    text.get(at + word.len()..)
}
