//! What keys of the platform signed: the proof, and receipts.

use kernel::Digest;
use proof::{Chain, Event, Flaw, KeySet, message};

use crate::book::{Book, Phase};
use crate::request::{Proof, Receipt, Request};

/// Where the log stood after each event.
#[derive(Default)]
pub(crate) struct Heads(Vec<Head>);

struct Head {
    prev: Digest,
    head: Digest,
    /// The Merkle root, once the auction is over.
    root: Option<Digest>,
}

/// What signatures tell.
pub(crate) struct Signed {
    pub(crate) checked: Vec<String>,
    /// What was not there to be checked.
    pub(crate) missing: Vec<String>,
}

impl Heads {
    pub(crate) fn push(&mut self, event: &Event, chain: &Chain, book: Option<&Book>) {
        let closed = book.is_some_and(|book| matches!(book.phase, Phase::Ended | Phase::Cancelled));
        let root = closed.then(|| chain.merkle_root());
        self.0.push(Head { prev: event.prev, head: event.hash, root });
    }

    fn at(&self, seq: u64) -> Option<&Head> {
        self.0.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }
}

/// Checks all signatures that are there.
pub(crate) fn check(request: &Request<'_>, heads: &Heads, _: &Book) -> Result<Signed, Flaw> {
    let keys = request.keys.map(|keys| KeySet::read(keys.get().as_bytes())).transpose();
    let keys = keys.map_err(|why| Flaw::beside(format!("the keys: {why}")))?;
    let mut signed = Signed { checked: Vec::new(), missing: Vec::new() };
    let id = &request.auction_id;
    match (&request.proof, &keys) {
        (None, _) => signed.missing.push("there is no proof: who vouches for the log?".to_owned()),
        (Some(proof), keys) => {
            stands(id, proof, heads, keys.as_ref())?;
            let what = format!("proof: the log stands at seq {}, as it says", proof.seq);
            signed.checked.push(what);
        }
    }
    for receipt in &request.receipts {
        received(id, receipt, heads, keys.as_ref())?;
    }
    let (proofs, receipts) = (usize::from(request.proof.is_some()), request.receipts.len());
    match keys {
        Some(_) if proofs + receipts > 0 => {
            signed.checked.push(format!("signatures: {proofs} of proofs, {receipts} of receipts"));
        }
        Some(_) => {}
        None => signed.missing.push("there are no keys: no signature was checked".to_owned()),
    }
    Ok(signed)
}

fn stands(id: &str, proof: &Proof, heads: &Heads, keys: Option<&KeySet>) -> Result<(), Flaw> {
    let wrong = |what: String| Err(Flaw::beside(format!("the proof {what}")));
    if proof.auction_id != id {
        return wrong(format!("is that of {}", proof.auction_id));
    }
    let Some(at) = heads.at(proof.seq) else {
        return wrong(format!("says seq {}, the log does not reach it", proof.seq));
    };
    if at.head != proof.head {
        return wrong(format!("says head {}, the log has {} there", proof.head, at.head));
    }
    if at.root.is_some() != proof.closed {
        return wrong(format!("says closed: {}, the log says otherwise", proof.closed));
    }
    if proof.merkle_root != at.root {
        return wrong("has another Merkle root than the log".to_owned());
    }
    let text = message(id, proof.seq, &proof.head);
    let verified = keys.map_or(Ok(()), |keys| keys.verify(&proof.key_id, &text, &proof.signature));
    verified.or_else(wrong)
}

fn received(id: &str, receipt: &Receipt, heads: &Heads, keys: Option<&KeySet>) -> Result<(), Flaw> {
    let Receipt { seq, prev, head, key_id, signature } = receipt;
    let wrong = |what: &str| Err(Flaw::at(*seq, format!("the receipt {what}")));
    let Some(at) = heads.at(*seq) else { return wrong("is for an event that the log lacks") };
    if (at.prev, at.head) != (*prev, *head) {
        return wrong("names other heads than the log has there");
    }
    let verified =
        keys.map_or(Ok(()), |keys| keys.verify(key_id, &message(id, *seq, head), signature));
    verified.or_else(|why| wrong(&why))
}
