//! Where an operation is possible, and who may do it there.

use conformance::pictures::png;
use conformance::{User, id_of, usd};
use serde_json::{Value, json};

use crate::people;
use crate::scene::{Scene, fresh};

/// An auction in the right state, and what else stands in the path.
pub(crate) struct Stage {
    /// Who does it.
    pub(crate) who: User,
    /// What is sent where the document's example cannot know it.
    pub(crate) body: Option<Value>,
    /// A whole target where the template does not lead to one.
    pub(crate) target: Option<String>,
    /// A cookie that has to come along.
    pub(crate) cookie: Option<String>,
    pub(crate) auction: String,
    pub(crate) inner: String,
}

impl Stage {
    /// The stage of an operation; most have one of their own, because much can be done only once.
    pub(crate) async fn set(scene: &Scene, operation: &str) -> Self {
        if let Some(stage) = people::stage(scene, operation).await {
            return stage;
        }
        let Scene { ana, ben, .. } = scene;
        let (who, auction, inner) = match operation {
            "changeAuction" | "deleteAuction" | "cancelAuction" => {
                (ana, scene.lists(json!({})).await, String::new())
            }
            "lowerReserve" => {
                let terms = json!({"reserve_price": usd(9_000), "duration_seconds": 86_400});
                (ana, scene.lists(terms).await, String::new())
            }
            "blockBidder" | "unblockBidder" => {
                let auction = scene.lists(json!({})).await;
                ben.bids(&auction, 1_000).await.expect(201);
                (ana, auction, "bidder-1".to_owned())
            }
            "listBlockedBidders" => {
                let auction = scene.lists(json!({})).await;
                for bidder in [&ben.id, &scene.cy.id] {
                    let path = format!("/v1/auctions/{auction}/blocked-bidders/{bidder}");
                    ana.client.call("PUT", &path).send().await.unwrap().expect(204);
                }
                (ana, auction, String::new())
            }
            "readWatch" => {
                let path = format!("/v1/me/watches/{}", scene.auction);
                ben.client.call("PUT", &path).send().await.unwrap().expect(204);
                (ben, scene.auction.clone(), String::new())
            }
            "setPicture" => (ana, scene.lists(json!({})).await, String::new()),
            "removePicture" | "readPicture" | "readPictureInSize" => {
                let auction = scene.lists(json!({})).await;
                let sent = ana.sends_picture(&auction, 1, png(40, 30, 40, "")).await;
                let id = sent.expect(201).json()["id"].as_str().unwrap().to_owned();
                (ana, auction, id)
            }
            "placeBid" => (ben, scene.lists(json!({})).await, String::new()),
            "buyNow" => {
                (ben, scene.lists(json!({"buy_now_price": usd(5_000)})).await, String::new())
            }
            "retractBid" => Self::with_a_bid(scene, json!({})).await,
            "withdrawBid" => Self::with_a_bid(scene, json!({"format": "vickrey"})).await,
            "offerSecondChance" => (ana, bought(scene).await, String::new()),
            "acceptOffer" | "declineOffer" => {
                let auction = bought(scene).await;
                let path = format!("/v1/auctions/{auction}/second-chance-offers");
                let offer = json!({"bidder": "bidder-1", "days": 3});
                let made = ana.client.post(&path, &offer).key(&fresh()).send().await.unwrap();
                let offer = made.expect(201).json()["offer_id"].as_str().unwrap().to_owned();
                (ben, auction, offer)
            }
            _ => (ben, scene.auction.clone(), String::new()),
        };
        Self { auction, inner, ..Self::of(who) }
    }

    /// A stage on which somebody stands alone.
    pub(crate) fn of(who: &User) -> Self {
        let (auction, inner) = (String::new(), String::new());
        Self { who: who.clone(), body: None, target: None, cookie: None, auction, inner }
    }

    /// A template with what is there.
    pub(crate) fn path(&self, template: &str) -> String {
        let path = template.replace("{id}", &self.auction).replace("{auction_id}", &self.auction);
        let path = path.replace("{n}", "1").replace("{size}", "320");
        ["{bid_id}", "{offer_id}", "{bidder}", "{token}", "{picture_id}"]
            .iter()
            .fold(path, |path, name| path.replace(name, &self.inner))
    }

    async fn with_a_bid(scene: &Scene, terms: Value) -> (&User, String, String) {
        let auction = scene.lists(terms).await;
        let bid = scene.ben.bids(&auction, 1_000).await.expect(201).json();
        (&scene.ben, auction, bid["bid_id"].as_str().unwrap().to_owned())
    }
}

/// An auction that Cy has bought at once, in which Ben is the beaten `bidder-1`.
async fn bought(scene: &Scene) -> String {
    let terms = json!({"reserve_price": usd(9_000), "buy_now_price": usd(10_000)});
    let auction = scene.lists(terms).await;
    scene.ben.bids(&auction, 2_000).await.expect(201);
    scene.cy.bids(&auction, 3_000).await.expect(201);
    let path = format!("/v1/auctions/{auction}/buy-now");
    let bought = scene.cy.client.post(&path, &json!({})).key(&fresh()).send().await.unwrap();
    assert_eq!(bought.expect(201).json()["outcome"], "won");
    auction
}

impl Scene {
    /// The id of a new auction of Ana's.
    pub(crate) async fn lists(&self, changes: Value) -> String {
        id_of(&self.ana.lists(changes).await)
    }
}
