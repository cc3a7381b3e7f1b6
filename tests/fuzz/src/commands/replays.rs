//! A command id that comes again (rules.md B11): with the same body the answer is the same, with
//! another one it is refused. What was accepted happens once.

use std::collections::BTreeMap;

use auction_machine::contract::{BidReply, Command, Reply};
use kernel::Decision;

use super::Sent;

/// Accepted commands whose ids are remembered, by sender, space and id.
#[derive(Default)]
pub(super) struct Replays(BTreeMap<(String, Space, String), (Command, Reply)>);

/// Ids of bids and of Buy It Now are one space, as one bidder counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Space {
    Listing,
    Bid,
    Offer,
}

impl Replays {
    /// Judges a decision, and remembers it when something happened.
    pub(super) fn judge(&mut self, sent: &Sent, decision: &Decision) {
        let Ok(command) = serde_json::from_slice::<Command>(&sent.body) else { return };
        let Some((sender, space)) = sent.principal.clone().zip(space(&command)) else { return };
        let key = (sender, space, sent.command_id.clone());
        let reply: Reply = serde_json::from_slice(&decision.reply).expect("a reply");
        let Some((first, said)) = self.0.get(&key) else {
            if !decision.events.is_empty() {
                self.0.insert(key, (command, reply));
            }
            return;
        };
        assert!(decision.events.is_empty(), "{key:?} happened twice");
        match &reply {
            Reply::Refused(refused) if *first != command => {
                assert_eq!(refused.code, "idempotency_key_reused", "{key:?}");
            }
            reply if *first == command => is_the_same(reply, said),
            reply => panic!("{key:?} came with another body, and the reply is {reply:?}"),
        }
    }
}

fn space(command: &Command) -> Option<Space> {
    match command {
        Command::Create(_) => Some(Space::Listing),
        Command::PlaceBid(_) | Command::BuyNow => Some(Space::Bid),
        Command::OfferSecondChance { .. } => Some(Space::Offer),
        _ => None,
    }
}

/// Says the second reply what the first one said, as far as it is not about the present?
fn is_the_same(reply: &Reply, first: &Reply) {
    match (reply, first) {
        (Reply::Created { replayed: true, .. }, Reply::Created { .. }) => {}
        (Reply::Bid { replayed: true, bid, .. }, Reply::Bid { bid: first, .. }) => {
            let timeless = |bid: &BidReply| BidReply { leading: false, ..bid.clone() };
            assert_eq!(timeless(bid), timeless(first), "a bid has another reply");
        }
        (Reply::Offer { replayed: true, offer, .. }, Reply::Offer { offer: first, .. }) => {
            assert_eq!(
                (offer.offer_id, &offer.bidder, offer.price, offer.expires_at),
                (first.offer_id, &first.bidder, first.price, first.expires_at)
            );
        }
        (reply, _) => panic!("a command came again, and the reply is {reply:?}"),
    }
}
