//! Pictures of auctions: sent, made anew, shown, frozen after the first bid.

use conformance::pictures::{ids, png, seen, too_large};
use conformance::{Setup, chain, eventually, id_of};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const CANARY: &str = "where the seller lives";

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_picture_is_sent_and_seen_in_every_size() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let id = id_of(&ana.lists(json!({})).await);
    let mut file = png(2_000, 1_000, 40, CANARY);
    file.extend_from_slice(b"<script>polyglot</script>");
    let sent = ana.sends_picture(&id, 2, file).await.expect(201);
    let told = sent.json();
    let url = told["url"].as_str().unwrap().to_owned();
    assert_eq!(sent.header("location"), Some(url.as_str()));
    let ana_first = ana.sends_picture(&id, 1, png(64, 48, 200, CANARY)).await.expect(201).json();

    let view = public.view(&id).await;
    assert_eq!(view["pictures"], json!([ana_first, told]), "in the order of their places");
    assert_eq!((&told["width"], &told["height"]), (&json!(1_600), &json!(800)));
    assert_eq!(told["content_type"], "image/png");
    assert_eq!((&ana_first["n"], &told["n"]), (&json!(1), &json!(2)));
    assert_eq!((&ana_first["width"], &ana_first["height"]), (&json!(64), &json!(48)));
    let mut largest = Vec::new();
    for (size, width, height) in
        [("", 1_600, 800), ("/1600", 1_600, 800), ("/800", 800, 400), ("/320", 320, 160)]
    {
        let read = public.get(&format!("{url}{size}")).await.expect(200);
        assert_eq!(read.header("content-type"), Some("image/png"));
        assert_eq!(read.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(read.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(read.header("set-cookie"), None);
        assert_eq!(seen(&read.body), (width, height, [40, 215]), "{size}");
        assert!(!contains(&read.body, CANARY.as_bytes()) && !contains(&read.body, b"polyglot"));
        if size.is_empty() {
            largest = read.body.to_vec();
            let etag = read.header("etag").unwrap();
            let again = public.call("GET", &url).header("if-none-match", etag).send().await;
            again.unwrap().expect(304);
        }
    }
    let log = public.log(&id).await;
    assert_eq!(chain::examine(&id, &log).violations, Vec::<String>::new());
    let last = log.last().unwrap();
    assert_eq!(last["event"], "pictures_changed");
    let noted = &last["data"]["pictures"][1];
    assert_eq!((&noted["n"], &noted["id"]), (&json!(2), &told["id"]));
    assert_eq!(noted["sha256"], json!(hex(&largest)), "what bidders see is in the log");
    eventually("the list shows them", async || {
        let items = public.get("/v1/auctions").await.expect(200).json();
        (items["items"][0]["pictures"] == view["pictures"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn pictures_are_replaced_until_somebody_has_bid() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    let before = ana.sends_picture(&id, 1, png(40, 30, 10, "")).await.expect(201).json();
    let tag = public.get(&format!("/v1/auctions/{id}")).await.header("etag").unwrap().to_owned();
    let after = ana.sends_picture(&id, 1, png(40, 30, 90, "")).await.expect(200).json();
    assert_ne!(before["id"], after["id"]);
    let now = public.get(&format!("/v1/auctions/{id}")).await;
    assert_ne!(now.header("etag"), Some(tag.as_str()));
    public.get(before["url"].as_str().unwrap()).await.refused(404, "not_found");
    ana.sends_picture(&id, 2, png(40, 30, 50, "")).await.expect(201);
    let path = format!("/v1/auctions/{id}/pictures");
    let remove =
        async |n: u8| ana.client.call("DELETE", &format!("{path}/{n}")).send().await.unwrap();
    remove(2).await.expect(204);
    remove(2).await.refused(404, "not_found");
    ben.sends_picture(&id, 3, png(40, 30, 50, "")).await.refused(403, "forbidden");

    ben.bids(&id, 1_000).await.expect(201);
    ana.sends_picture(&id, 1, png(40, 30, 70, "")).await.refused(409, "frozen_after_bid");
    remove(1).await.refused(409, "frozen_after_bid");
    ana.sends_picture(&id, 2, png(40, 30, 70, "")).await.expect(201);
    let view = public.view(&id).await;
    assert_eq!(ids(&view)[0], after["id"].as_str().unwrap());
    assert_eq!(view["pictures"].as_array().unwrap().len(), 2);
    public.get(after["url"].as_str().unwrap()).await.expect(200);
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_changes_nothing() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let id = id_of(&ana.lists(json!({})).await);
    let whole = png(400, 300, 40, "");
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>".to_vec();
    for (bytes, status, code) in [
        (svg, 415, "unsupported_media_type"),
        (b"<!DOCTYPE html>".to_vec(), 415, "unsupported_media_type"),
        (Vec::new(), 415, "unsupported_media_type"),
        (whole[..whole.len() - 20].to_vec(), 422, "invalid_image"),
        (too_large(), 422, "image_too_large"),
        (vec![0xff; (10 << 20) + 1], 413, "payload_too_large"),
    ] {
        ana.sends_picture(&id, 1, bytes).await.refused(status, code);
    }
    for n in ["0", "13", "x"] {
        let call = ana.client.call("PUT", &format!("/v1/auctions/{id}/pictures/{n}"));
        call.bytes("image/png", whole.clone()).send().await.unwrap().refused(404, "not_found");
    }
    let anonymous = public.call("PUT", &format!("/v1/auctions/{id}/pictures/1"));
    let anonymous = anonymous.bytes("image/png", vec![0xff; 1 << 20]).send().await.unwrap();
    assert!(matches!(anonymous.status, 401 | 413), "{}", anonymous.text());
    let view = public.view(&id).await;
    assert_eq!((&view["pictures"], &view["seq"]), (&json!([]), &json!(1)));
}

/// Sixteen megapixels several times at once, beside everything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_pictures_are_taken_in_bounded_memory() {
    let platform = Setup::development().start().await;
    let ana = platform.user("ana").await;
    let id = id_of(&ana.lists(json!({})).await);
    let file = png(4_000, 4_000, 40, "");
    let before = platform.memory_kib("VmHWM");
    let mut uploads = tokio::task::JoinSet::new();
    for n in 1..=4 {
        let (ana, id, file) = (ana.clone(), id.clone(), file.clone());
        uploads.spawn(async move { ana.sends_picture(&id, n, file).await.status });
    }
    let mut statuses = uploads.join_all().await;
    statuses.sort_unstable();
    let grown = platform.memory_kib("VmHWM") - before;
    println!("{statuses:?}, {} MiB more", grown >> 10);
    assert!(statuses.iter().all(|status| matches!(status, 201 | 503)), "{statuses:?}");
    assert_eq!(statuses[0], 201, "{statuses:?}");
    assert!(grown < 768 << 10, "{grown} KiB");
    let view: Value = platform.client().view(&id).await;
    assert_eq!(view["pictures"][0]["width"], 1_600);
}
