//! What the API document says of the routes: one arm for each operation, so that a route without
//! words does not compile. What follows from a route by itself is not repeated here
//! (`web::document`).

mod auctions;
mod beside;
mod bids;
mod bodies;
mod frames;
mod listing;
mod live;
mod logged;
mod me;
mod offers;
mod parameters;
mod proof;
mod seller;
mod views;

use web::document::{Description, Section};

use crate::Operation;

pub use frames::conversation;

/// The operations of the service.
pub fn document() -> Section {
    Section::new(TAGS, crate::routes(), |operation| Some(describe(operation)))
}

fn describe(operation: Operation) -> Description {
    match operation {
        Operation::CreateAuction => auctions::create(),
        Operation::ListAuctions => auctions::list(),
        Operation::ReadAuction => auctions::read(),
        Operation::ReadRules => auctions::rules(),
        Operation::ListEvents => auctions::events(),
        Operation::ChangeAuction => seller::change(),
        Operation::DeleteAuction => seller::delete(),
        Operation::CancelAuction => seller::cancel(),
        Operation::LowerReserve => seller::lower_reserve(),
        Operation::BlockBidder => seller::block(),
        Operation::UnblockBidder => seller::unblock(),
        Operation::ListBlockedBidders => seller::blocked(),
        Operation::PlaceBid => bids::place(),
        Operation::BuyNow => bids::buy_now(),
        Operation::PreviewBid => bids::preview(),
        Operation::ListBids => bids::list(),
        Operation::ReadBidding => bids::own(),
        Operation::RetractBid => bids::retract(),
        Operation::WithdrawBid => bids::withdraw(),
        Operation::OfferSecondChance => offers::make(),
        Operation::AcceptOffer => offers::accept(),
        Operation::DeclineOffer => offers::decline(),
        Operation::ListMyBids => me::bids(),
        Operation::ListMyAuctions => me::auctions(),
        Operation::ListMyWatches => me::watches(),
        Operation::ReadWatch => me::watched(),
        Operation::Watch => me::watch(),
        Operation::Unwatch => me::unwatch(),
        Operation::WatchLive => live::watch(),
        Operation::IssueTicket => live::ticket(),
        Operation::ReadProof => proof::read(),
    }
}

const TAGS: &[(&str, &str)] = &[
    (auctions::TAG, "What is on sale, until when, and everything that happened to it."),
    (seller::TAG, "What only the seller of an auction does."),
    (bids::TAG, "Bids in every format, and what became of them."),
    (offers::TAG, "A unit for a beaten bidder, after the end (B7)."),
    (me::TAG, "The caller's own lists."),
    (live::TAG, "Following an auction as it happens; /asyncapi.json has the frames."),
];
