//! Where a route is possible, and who stands there.

use std::sync::atomic::{AtomicU32, Ordering};

use conformance::people::PASSWORD;
use conformance::pictures::png;
use conformance::provider::{Kind, Provider};
use conformance::{Platform, Setup, User, eventually, id_of, usd};
use serde_json::{Value, json};

use super::Who;

/// What has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing.
    Nowhere,
    /// An open auction of Ana's without bids; hers.
    Open,
    /// One with a reserve that can be lowered; hers.
    Reserve,
    /// One in which `bidder-1` can be kept out; hers.
    Blockable,
    /// One with a bid of Ben's; his.
    Bid,
    /// The same with sealed bids.
    Sealed,
    /// One that can be bought at once; Ben's to buy.
    BuyNow,
    /// A sold one whose beaten bidder can be offered a unit; Ana's.
    Bought,
    /// Such an offer to Ben; his.
    Offer,
    /// One with a picture; hers.
    Pictured,
    /// One whose QR code is made; hers.
    Coded,
    /// One that Ben watches; his.
    Watched,
    /// The actor's own account, which may be ruined.
    Account,
    /// Another session of Ben's; his.
    Session,
    /// An account that has nothing to do with the actor, and may be ruined.
    Guest,
}

/// People, and a platform for them.
pub(super) struct Scene {
    pub(super) platform: Platform,
    /// Sells.
    pub(super) ana: User,
    /// Bids.
    pub(super) ben: User,
    /// Has nothing to do with anything.
    pub(super) cy: User,
    /// Administers.
    pub(super) root: User,
    /// Signed in after being suspended.
    sue: User,
    _provider: Provider,
}

/// One cell's stage.
pub(super) struct Stage {
    /// Who acts; none without a token.
    pub(super) actor: Option<User>,
    /// What stands last in the path.
    pub(super) inner: String,
    auction: String,
    guest: Option<User>,
}

impl Scene {
    pub(super) async fn open() -> Self {
        let provider = Provider::open(Kind::Google).await;
        let admins = (0..ADMINS_MAX).map(|n| format!("admin-{n}@example.test"));
        let admins: Vec<_> = admins.chain(["root@example.test".to_owned()]).collect();
        let setup = Setup::development().variable(format!("admin_emails={}", admins.join(",")));
        let setup = setup.variable("public_base_url=http://ecomauction.test");
        let setup = provider.variables().into_iter().fold(setup, Setup::variable);
        let platform = setup.start().await;
        let [ana, ben, cy, root] = [
            platform.user("ana").await,
            platform.user("ben").await,
            platform.user("cy").await,
            platform.user("root").await,
        ];
        let sue = suspended(&platform, &root, "sue").await;
        Self { platform, ana, ben, cy, root, sue, _provider: provider }
    }

    /// The stage of a cell.
    pub(super) async fn set(&self, place: Place, who: Who) -> Stage {
        let guest = match place {
            Place::Guest => Some(self.platform.user(&fresh("guest")).await),
            _ => None,
        };
        let (auction, inner) = self.prepared(place).await;
        let actor = if place == Place::Account {
            self.another(who).await
        } else {
            let is_anas = matches!(
                place,
                Place::Open
                    | Place::Reserve
                    | Place::Blockable
                    | Place::Bought
                    | Place::Pictured
                    | Place::Coded
            );
            match who {
                Who::Owner if is_anas => Some(self.ana.clone()),
                Who::Owner => Some(self.ben.clone()),
                Who::Other => Some(self.cy.clone()),
                Who::Seller => Some(self.ana.clone()),
                Who::Admin => Some(self.root.clone()),
                Who::Anonymous => None,
                Who::Suspended => Some(self.sue.clone()),
            }
        };
        Stage { actor, inner, auction, guest }
    }

    /// An auction in the right state, and what else stands in the path.
    async fn prepared(&self, place: Place) -> (String, String) {
        let nothing = String::new;
        match place {
            Place::Nowhere | Place::Account | Place::Guest => (nothing(), nothing()),
            Place::Open => (self.lists(json!({})).await, nothing()),
            Place::Reserve => {
                let terms = json!({"reserve_price": usd(9_000), "duration_seconds": 86_400});
                (self.lists(terms).await, nothing())
            }
            Place::Blockable => {
                let auction = self.lists(json!({})).await;
                self.ben.bids(&auction, 1_000).await.expect(201);
                (auction, "bidder-1".to_owned())
            }
            Place::Bid => self.with_a_bid(json!({})).await,
            Place::Sealed => self.with_a_bid(json!({"format": "vickrey"})).await,
            Place::BuyNow => (self.lists(json!({"buy_now_price": usd(5_000)})).await, nothing()),
            Place::Bought => (self.bought().await, nothing()),
            Place::Pictured => {
                let auction = self.lists(json!({})).await;
                let file = png(40, 30, 40, "");
                let sent = self.ana.sends_picture(&auction, 1, file).await.expect(201).json();
                (auction, sent["id"].as_str().unwrap().to_owned())
            }
            Place::Coded => {
                let auction = self.lists(json!({})).await;
                eventually("its code is made", async || {
                    let view = self.platform.client().view(&auction).await;
                    view["qr"].is_object().then_some(())
                })
                .await;
                (auction, nothing())
            }
            Place::Session => {
                let phone = User::sign_in(&self.platform.client(), &self.ben.name).await;
                (phone.session().await, nothing())
            }
            Place::Watched => {
                let auction = self.lists(json!({})).await;
                let path = format!("/v1/me/watches/{auction}");
                self.ben.client.call("PUT", &path).send().await.unwrap().expect(204);
                (auction, nothing())
            }
            Place::Offer => {
                let auction = self.bought().await;
                let path = format!("/v1/auctions/{auction}/second-chance-offers");
                let offer = json!({"bidder": "bidder-1", "days": 3});
                let made = self.ana.client.post(&path, &offer).key(&fresh("offer")).send().await;
                let offer = made.unwrap().expect(201).json();
                (auction, offer["offer_id"].as_str().unwrap().to_owned())
            }
        }
    }

    async fn lists(&self, terms: Value) -> String {
        id_of(&self.ana.lists(terms).await)
    }

    async fn with_a_bid(&self, terms: Value) -> (String, String) {
        let auction = self.lists(terms).await;
        let bid = self.ben.bids(&auction, 1_000).await.expect(201).json();
        (auction, bid["bid_id"].as_str().unwrap().to_owned())
    }

    /// Somebody has bought it at once; Ben is the beaten `bidder-1`.
    async fn bought(&self) -> String {
        let terms = json!({"reserve_price": usd(9_000), "buy_now_price": usd(10_000)});
        let auction = self.lists(terms).await;
        self.ben.bids(&auction, 2_000).await.expect(201);
        self.cy.bids(&auction, 3_000).await.expect(201);
        let path = format!("/v1/auctions/{auction}/buy-now");
        let bought = self.cy.client.post(&path, &json!({})).key(&fresh("buy")).send().await;
        bought.unwrap().expect(201);
        auction
    }

    /// Somebody new of that kind.
    async fn another(&self, who: Who) -> Option<User> {
        static USED: AtomicU32 = AtomicU32::new(0);
        match who {
            Who::Anonymous => None,
            Who::Suspended => {
                Some(suspended(&self.platform, &self.root, &fresh("suspended")).await)
            }
            Who::Admin => {
                let n = USED.fetch_add(1, Ordering::Relaxed);
                assert!(n < ADMINS_MAX, "name more of them");
                Some(self.platform.user(&format!("admin-{n}")).await)
            }
            _ => Some(self.platform.user(&fresh("account")).await),
        }
    }
}

/// Somebody who signed in again after being suspended.
async fn suspended(platform: &Platform, root: &User, name: &str) -> User {
    let user = platform.user(name).await;
    let path = format!("/v1/admin/users/{}/suspension", user.id);
    root.client.call("PUT", &path).send().await.unwrap().expect(204);
    let user = platform.user(name).await;
    let me = user.client.get("/v1/me").await.expect(200).json();
    assert_eq!(me["roles"], json!(["suspended"]));
    user
}

impl Stage {
    /// A template with what is there.
    pub(super) fn path(&self, template: &str) -> String {
        let guest = self.guest.as_ref().map_or_else(String::new, |guest| guest.id.clone());
        let id = if self.auction.is_empty() { &guest } else { &self.auction };
        let path = template.replace("{id}", id).replace("{auction_id}", &self.auction);
        let path = path.replace("{provider}", "google").replace("{token}", "eA");
        let path = path.replace("{n}", "1").replace("{size}", "320");
        ["{bid_id}", "{offer_id}", "{bidder}", "{picture_id}"]
            .iter()
            .fold(path, |path, name| path.replace(name, &self.inner))
    }

    /// A row's body with what is there.
    pub(super) fn body(&self, template: &str) -> String {
        let body = template.replace("{fresh}", &fresh("new")).replace("{password}", PASSWORD);
        match &self.guest {
            Some(guest) => body
                .replace("{guest}", &guest.email())
                .replace("{refresh_token}", &guest.refresh_token),
            None => body,
        }
    }
}

/// A name or key that nobody used before.
pub(super) fn fresh(prefix: &str) -> String {
    static USED: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}-{}", USED.fetch_add(1, Ordering::Relaxed))
}

const ADMINS_MAX: u32 = 40;
