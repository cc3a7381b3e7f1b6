//! Receipts: a bidder can show later that the platform had put a bid in its place (api.md §5).

use std::cell::Cell;

use kernel::{Digest, Timestamp};
use ports::{Ports, ProofSignature};
use serde::Deserialize;
use serde_json::value::RawValue;
use web::Problem;

#[derive(Deserialize)]
struct Receipted<'a> {
    #[serde(borrow)]
    receipt: &'a RawValue,
}

/// Where the bid stands in the chain, as the machine says it.
#[derive(Deserialize)]
struct Place {
    seq: u64,
    head: Digest,
    server_time: Timestamp,
}

/// The machine's words about a bid, its receipt signed. The words stay as they are: two members are
/// put in. The signature follows from the place and its time, so that a bid that is asked for again
/// is told the same bytes, whatever key signs by then.
pub(crate) async fn signed<P: Ports>(ports: &P, id: &str, bid: &str) -> Result<Vec<u8>, Problem> {
    if !are_signed(ports) {
        return Ok(bid.as_bytes().to_vec());
    }
    let Receipted { receipt } = serde_json::from_str(bid).map_err(|_| Problem::internal())?;
    let receipt = receipt.get();
    let Place { seq, head, server_time } =
        serde_json::from_str(receipt).map_err(|_| Problem::internal())?;
    let message = proof::message(id, seq, &head);
    let signed = ports.sign_proof(server_time, message.as_bytes()).await;
    // The bid stands. Whoever asks again under the same key gets the receipt then.
    let signature = signed.map_err(|_| Problem::unavailable())?;
    spliced(bid, receipt, &signature).ok_or_else(Problem::internal)
}

/// Names and signatures are of letters, digits, `-` and `_`: nothing is to be escaped.
fn spliced(bid: &str, receipt: &str, signature: &ProofSignature) -> Option<Vec<u8>> {
    let ProofSignature { key_id, signature } = signature;
    // What a receipt says stands nowhere else: quotes inside of texts are escaped.
    let end = bid.find(receipt)? + receipt.len() - 1;
    let (before, after) = bid.split_at_checked(end)?;
    let text = format!("{before},\"key_id\":\"{key_id}\",\"signature\":\"{signature}\"{after}");
    Some(text.into_bytes())
}

/// Asked once in the life of an instance: a variable is a call to the platform, and this is the way
/// of every bid.
fn are_signed(ports: &impl Ports) -> bool {
    ARE_SIGNED.get().unwrap_or_else(|| {
        let are_signed = ports.variable("receipts").as_deref() != Some("false");
        ARE_SIGNED.set(Some(are_signed));
        are_signed
    })
}

thread_local! {
    static ARE_SIGNED: Cell<Option<bool>> = const { Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_members_are_put_into_the_receipt_and_nothing_else_changes() {
        let receipt = r#"{"seq":7,"head":"00"}"#;
        let bid = format!(r#"{{"text":"\"receipt\":{{}}","receipt":{receipt},"later":{{}}}}"#);
        let (key_id, signature) = ("k".to_owned(), "s".to_owned());
        let spliced = spliced(&bid, receipt, &ProofSignature { key_id, signature });
        let signed = r#"{"seq":7,"head":"00","key_id":"k","signature":"s"}"#;
        assert_eq!(spliced, Some(bid.replace(receipt, signed).into_bytes()));
    }
}
