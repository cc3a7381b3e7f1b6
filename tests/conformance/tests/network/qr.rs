//! Every auction that opens gets a code that leads to its page.

use conformance::pictures::read_code;
use conformance::{Client, Setup, eventually, id_of, now_ms, rfc3339};
use serde_json::{Value, json};

/// The links of an auction's code, once it is made.
async fn linked(public: &Client, id: &str) -> Value {
    eventually("the code is made", async || {
        let view = public.view(id).await;
        view["qr"].is_object().then(|| view["qr"].clone())
    })
    .await
}

#[tokio::test]
async fn a_code_leads_to_the_page_of_its_auction() {
    let setup = Setup::development().variable("public_base_url=https://auctions.example");
    let platform = setup.start().await;
    let public = platform.client();
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    let links = linked(&public, &id).await;
    let path = format!("/v1/auctions/{id}");
    assert_eq!(links, json!({"png": format!("{path}/qr.png"), "svg": format!("{path}/qr.svg")}));
    let png = public.get(links["png"].as_str().unwrap()).await.expect(200);
    assert_eq!(png.header("content-type"), Some("image/png"));
    assert_eq!(read_code(&png.body), format!("https://auctions.example/auctions/{id}"));
    let svg = public.get(links["svg"].as_str().unwrap()).await.expect(200);
    assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
    assert!(svg.text().starts_with("<svg xmlns=") && svg.text().ends_with("</svg>\n"));
    let etag = png.header("etag").unwrap();
    let again = public.call("GET", links["png"].as_str().unwrap()).header("if-none-match", etag);
    again.send().await.unwrap().expect(304);
    // The log knows nothing of it, and the list does.
    let bid = ben.bids(&id, 1_000).await.expect(201).json();
    assert_eq!(bid["seq"], 2);
    eventually("the list shows it", async || {
        let items = public.get("/v1/auctions").await.expect(200).json();
        (items["items"][0]["qr"] == links).then_some(())
    })
    .await;
    // A tag that the seller read before is still good for a change.
    let tag = ana.client.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    let change = json!({"description_addition": "With its box."});
    let change = ana.client.call("PATCH", &path).json(&change).header("if-match", &tag);
    assert_eq!(change.send().await.unwrap().expect(200).json()["qr"], links);
}

#[tokio::test]
async fn a_later_auction_gets_its_code_when_it_opens() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let starts_at = rfc3339(now_ms() + 1_500);
    let id = id_of(&ana.lists(json!({"starts_at": starts_at, "duration_seconds": 60})).await);
    assert_eq!(public.view(&id).await["qr"], Value::Null);
    public.get(&format!("/v1/auctions/{id}/qr.png")).await.refused(404, "not_found");
    let links = linked(&public, &id).await;
    public.get(links["png"].as_str().unwrap()).await.expect(200);
    public.get("/v1/auctions/auc_x/qr.svg").await.refused(404, "not_found");
}
