//! `GET /v1/auctions/{id}/proof`: where the public log stands, signed (api.md §5).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use auction_machine::contract::{Query, Status};
use kernel::{Digest, Timestamp};
use ports::{Engine, Ports, ProofSignature};
use proof::MerkleTree;
use serde::{Deserialize, Serialize};
use web::{Exchange, Problem, Response, not_modified};

use crate::{MACHINE, read};

#[derive(Serialize)]
struct Proof<'a> {
    auction_id: &'a str,
    seq: u64,
    head: Digest,
    key_id: String,
    signature: String,
    closed: bool,
    events_url: String,
    merkle_root: Option<Digest>,
    engine: EnginePart,
}

#[derive(Serialize)]
struct EnginePart {
    component_sha256: Option<Digest>,
    version: String,
}

/// What of the machine's view says where the log stands.
#[derive(Deserialize)]
struct Stand {
    head: Digest,
    row: StandRow,
}

#[derive(Deserialize)]
struct StandRow {
    status: Status,
    seq: u64,
}

/// What of an event says when it was.
#[derive(Deserialize)]
struct Dated {
    time: Timestamp,
}

/// A proof that was made, by the head of its log.
struct Known {
    head: Digest,
    body: Vec<u8>,
}

/// Proofs follow from the log alone. What this instance has made is told again as long as the
/// auction says that its log still stands there.
pub(crate) async fn proof<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let known = KNOWN.with_borrow(|all| all.get(id).map(Rc::clone));
    let question = match &known {
        Some(known) => Query::ViewUnless { head: known.head.to_hex() },
        None => Query::View,
    };
    let answer = read::ask(ports, id, None, &question).await?.ok_or_else(Problem::not_found)?;
    let known = match known.filter(|_| answer == read::SAME) {
        Some(known) => known,
        None => {
            let stand = serde_json::from_slice(&answer).map_err(|_| Problem::internal())?;
            remembered(id, made(ports, id, &stand).await?)
        }
    };
    let etag = format!("\"{}\"", known.head);
    if let Some(response) = not_modified(exchange, &etag) {
        return Ok(response);
    }
    let response = Response::json_bytes(200, known.body.clone()).with("etag", etag);
    Ok(exchange.revalidated(response))
}

async fn made<P: Ports>(ports: &P, id: &str, stand: &Stand) -> Result<Known, Problem> {
    let Stand { head, row: StandRow { status, seq } } = *stand;
    let message = proof::message(id, seq, &head);
    let at = time_of(ports, id, seq).await?;
    let signed = ports.sign_proof(at, message.as_bytes()).await;
    let ProofSignature { key_id, signature } = signed.map_err(|_| Problem::unavailable())?;
    let closed = !matches!(status, Status::Scheduled | Status::Open);
    let merkle_root = if closed { Some(root(ports, id, seq).await?) } else { None };
    let Engine { component_sha256, version } = ports.engine(MACHINE).await?;
    let proof = Proof {
        auction_id: id,
        seq,
        head,
        key_id,
        signature,
        closed,
        // A reference to beside this address: whatever name the platform was reached by.
        events_url: format!("/v1/auctions/{id}/events"),
        merkle_root,
        engine: EnginePart { component_sha256, version },
    };
    let body = serde_json::to_vec(&proof).map_err(|_| Problem::internal())?;
    Ok(Known { head, body })
}

/// When the event was decided: that says which key signs.
async fn time_of<P: Ports>(ports: &P, id: &str, seq: u64) -> Result<Timestamp, Problem> {
    let events = ports.events(MACHINE, id, seq.saturating_sub(1), 1).await?;
    let event = events.first().filter(|event| event.seq == seq).ok_or_else(Problem::unavailable)?;
    let Dated { time } = serde_json::from_slice(&event.public).map_err(|_| Problem::internal())?;
    Ok(time)
}

/// The Merkle root over the bodies of all events up to `seq`.
async fn root<P: Ports>(ports: &P, id: &str, seq: u64) -> Result<Digest, Problem> {
    let (mut tree, mut after) = (MerkleTree::default(), 0);
    while after < seq {
        let events = ports.events(MACHINE, id, after, EVENTS_AT_ONCE).await?;
        let follow = (after + 1..).zip(&events).all(|(next, event)| event.seq == next);
        if events.is_empty() || !follow {
            return Err(Problem::unavailable());
        }
        for event in events.iter().filter(|event| event.seq <= seq) {
            tree.push(&event.public);
        }
        after += events.len() as u64;
    }
    Ok(tree.root())
}

fn remembered(id: &str, known: Known) -> Rc<Known> {
    let known = Rc::new(known);
    KNOWN.with_borrow_mut(|all| {
        if all.len() >= KNOWN_MAX {
            all.clear();
        }
        all.insert(id.into(), Rc::clone(&known));
    });
    known
}

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, Rc<Known>>> = RefCell::default();
}

const EVENTS_AT_ONCE: u32 = 500;
/// Most proofs that an instance remembers, of about 700 bytes each.
const KNOWN_MAX: usize = 512;
