//! Receipts, proofs and published keys (api.md §5), judged by `ecomauction verify` and, for what
//! that could have wrong as the platform has, by hand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conformance::{Client, Setup, closed, id_of, proofs, usd};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The key that a receipt or a proof names, out of the published ones.
async fn key(client: &Client, signed: &Value) -> VerifyingKey {
    let set = client.get("/.well-known/proof-keys.json").await.expect(200).json();
    let keys = set["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == signed["key_id"]).unwrap();
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    VerifyingKey::from_bytes(&x.try_into().unwrap()).unwrap()
}

async fn is_signed(client: &Client, auction: &str, signed: &Value) {
    let (seq, head) = (&signed["seq"], signed["head"].as_str().unwrap());
    let bytes = URL_SAFE_NO_PAD.decode(signed["signature"].as_str().unwrap()).unwrap();
    let signature = Signature::from_bytes(&bytes.try_into().unwrap());
    let text = format!("{auction}:{seq}:{head}");
    key(client, signed).await.verify_strict(text.as_bytes(), &signature).unwrap();
}

/// Why the verifier does not accept an auction, proof and signatures included. One that was taken
/// away has no proof.
pub(crate) async fn doubt(client: &Client, auction: &str) -> Option<String> {
    let proof = client.get(&format!("/v1/auctions/{auction}/proof")).await;
    if proof.status == 404 {
        return None;
    }
    let keys = client.get("/.well-known/proof-keys.json").await.expect(200).json();
    let log = client.log(auction).await;
    let saved = json!({"auction_id": auction, "events": log, "proof": proof.json(), "keys": keys});
    let report = auction_verifier::verify(saved.to_string().as_bytes());
    let report: Value = serde_json::from_slice(&report).unwrap();
    (report["ok"] != true).then(|| format!("{auction}: {}", report["first_bad"]))
}

/// RFC 6962, as it stands there.
fn merkle(leaves: &[Vec<u8>]) -> Vec<u8> {
    match leaves {
        [] => Sha256::digest(b"").to_vec(),
        [leaf] => Sha256::digest([&[0], leaf.as_slice()].concat()).to_vec(),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Sha256::digest([vec![1], merkle(left), merkle(right)].concat()).to_vec()
        }
    }
}

/// The canonical body of an event: its members are in order as they are shown.
fn body(event: &Value) -> Vec<u8> {
    let covered = json!({"data": event["data"], "event": event["event"], "seq": event["seq"],
        "time": event["time"]});
    kernel::canonical::canonicalize(covered.to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn an_auction_is_proven_while_it_runs_and_when_it_is_over() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let soft = json!({"mode": "reset", "window_seconds": 6, "extension_seconds": 3});
    let terms = json!({"duration_seconds": 6, "soft_close": soft, "reserve_price": usd(2_000)});
    let id = id_of(&ana.lists(terms).await);
    let first = ben.bid_call(&id, 5_000, "first").send().await.unwrap().expect(201);
    let beaten = cat.bids(&id, 3_200).await.expect(201).json();
    for reply in [&first.json(), &beaten] {
        assert_eq!(reply["receipt"]["seq"], reply["seq"]);
        is_signed(&public, &id, &reply["receipt"]).await;
    }
    let again = ben.bid_call(&id, 5_000, "first").send().await.unwrap().expect(201);
    assert!(again.is_replay() && again.text() == first.text(), "{}", again.text());

    let path = format!("/v1/auctions/{id}/proof");
    let open = public.get(&path).await.expect(200);
    is_signed(&public, &id, &open.json()).await;
    assert_eq!(
        (&open.json()["closed"], &open.json()["merkle_root"]),
        (&json!(false), &Value::Null)
    );
    let etag = open.header("etag").unwrap().to_owned();
    let own = ben.own(&id).await.expect(200).json();
    let receipt = first.json();
    let supplied = [("--receipt", &receipt), ("--salts", &own)];
    let report = proofs::verify(&public, &id, &supplied).await;
    assert_eq!((&report["ok"], &report["status"]), (&json!(true), &json!("open")), "{report}");

    closed(&public, &id).await;
    let over = public.call("GET", &path).header("if-none-match", &etag).send().await.unwrap();
    let proof = over.expect(200).json();
    is_signed(&public, &id, &proof).await;
    let log = public.log(&id).await;
    assert_eq!((&proof["closed"], &proof["seq"]), (&json!(true), &json!(log.len())));
    assert_eq!(proof["head"], log.last().unwrap()["hash"]);
    let root = merkle(&log.iter().map(body).collect::<Vec<_>>());
    let root: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(proof["merkle_root"], json!(root));
    assert_eq!(proof["engine"]["component_sha256"].as_str().unwrap().len(), 64, "{proof}");
    let seller = ana.own(&id).await.expect(200).json();
    let beside = [("--receipt", &beaten), ("--salts", &own), ("--salts", &seller)];
    let report = proofs::verify(&public, &id, &beside).await;
    assert_eq!((&report["ok"], &report["status"]), (&json!(true), &json!("closed")), "{report}");
    assert_eq!(report["undecided"], json!([]), "{report}");
}

#[tokio::test]
async fn what_was_changed_afterwards_is_named() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let id = id_of(&ana.lists(json!({})).await);
    let receipt = ben.bids(&id, 5_000).await.expect(201).json();
    cat.bids(&id, 3_200).await.expect(201);
    let proof = public.get(&format!("/v1/auctions/{id}/proof")).await.expect(200).json();
    let keys = public.get("/.well-known/proof-keys.json").await.expect(200).json();
    let log = public.log(&id).await;
    let saved = json!({"auction_id": id, "events": log, "proof": proof, "keys": keys});
    let report = proofs::verify_saved(&saved.to_string(), &[("--receipt", &receipt)]).await;
    assert_eq!(report["ok"], true, "{report}");

    let mut cheaper = saved.clone();
    cheaper["events"][2]["data"]["price"]["amount"] = json!(3_200);
    let mut forgotten = saved.clone();
    forgotten["events"].as_array_mut().unwrap().pop();
    let mut foreign = saved.clone();
    foreign["proof"]["signature"] = receipt["receipt"]["signature"].clone();
    for (changed, seq) in [(cheaper, json!(3)), (forgotten, Value::Null), (foreign, Value::Null)] {
        let report = proofs::verify_saved(&changed.to_string(), &[]).await;
        assert_eq!((&report["ok"], &report["first_bad"]["seq"]), (&json!(false), &seq), "{report}");
    }
    let mut other = receipt;
    other["receipt"]["seq"] = json!(3);
    let report = proofs::verify_saved(&saved.to_string(), &[("--receipt", &other)]).await;
    assert_eq!(report["first_bad"]["seq"], json!(3), "{report}");
}
