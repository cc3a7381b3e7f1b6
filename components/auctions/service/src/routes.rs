//! The route table of api.md §3, as far as it is served.

use web::{Auth, Method, Route};

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// List an auction.
    CreateAuction,
    /// Page through auctions.
    ListAuctions,
    /// Show one auction.
    ReadAuction,
    /// Bid.
    PlaceBid,
    /// Page through the anonymised bids.
    ListBids,
    /// Show the caller's own bidding.
    ReadBidding,
    /// Page through the public log.
    ListEvents,
    /// Take the Buy It Now price.
    BuyNow,
    /// Say what a bid would lead to.
    PreviewBid,
    /// Show the rules in plain words.
    ReadRules,
    /// Change the terms or add to the description.
    ChangeAuction,
    /// Take an auction without bids away.
    DeleteAuction,
    /// Call an auction off.
    CancelAuction,
    /// Lower the reserve.
    LowerReserve,
    /// Keep a bidder from bidding.
    BlockBidder,
    /// Let a bidder bid again.
    UnblockBidder,
    /// Show who is kept from bidding.
    ListBlockedBidders,
    /// Make bids void.
    RetractBid,
    /// Take a sealed bid back.
    WithdrawBid,
    /// Offer a unit to a beaten bidder.
    OfferSecondChance,
    /// Accept an offer.
    AcceptOffer,
    /// Decline an offer.
    DeclineOffer,
    /// Page through the auctions that the caller bids in.
    ListMyBids,
    /// Page through the auctions that the caller sells.
    ListMyAuctions,
    /// Page through the auctions that the caller watches.
    ListMyWatches,
    /// Say whether the caller watches an auction.
    ReadWatch,
    /// Watch an auction.
    Watch,
    /// Stop watching an auction.
    Unwatch,
    /// Follow an auction on a socket.
    WatchLive,
    /// Give a ticket for a socket.
    IssueTicket,
    /// Show where the public log stands, signed.
    ReadProof,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

/// A description of 20 000 characters may take six bytes each when it is escaped.
const CREATE_MAX_BYTES: usize = 256 * 1_024;
const BID_MAX_BYTES: usize = 4 * 1_024;

const ROUTES: &[Route<Operation>] = &[
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/bids",
        operation: "placeBid",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::PlaceBid,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}",
        operation: "readAuction",
        auth: Auth::Optional,
        body_max_bytes: 0,
        handler: Operation::ReadAuction,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions",
        operation: "listAuctions",
        auth: Auth::Optional,
        body_max_bytes: 0,
        handler: Operation::ListAuctions,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions",
        operation: "createAuction",
        auth: Auth::Active,
        body_max_bytes: CREATE_MAX_BYTES,
        handler: Operation::CreateAuction,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/bids",
        operation: "listBids",
        auth: Auth::Optional,
        body_max_bytes: 0,
        handler: Operation::ListBids,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/bidding",
        operation: "readBidding",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ReadBidding,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/events",
        operation: "listEvents",
        auth: Auth::Optional,
        body_max_bytes: 0,
        handler: Operation::ListEvents,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/buy-now",
        operation: "buyNow",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::BuyNow,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/bids:preview",
        operation: "previewBid",
        auth: Auth::Optional,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::PreviewBid,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/rules",
        operation: "readRules",
        auth: Auth::Optional,
        body_max_bytes: 0,
        handler: Operation::ReadRules,
    },
    Route {
        method: Method::Patch,
        path: "/v1/auctions/{id}",
        operation: "changeAuction",
        auth: Auth::Active,
        body_max_bytes: CREATE_MAX_BYTES,
        handler: Operation::ChangeAuction,
    },
    Route {
        method: Method::Delete,
        path: "/v1/auctions/{id}",
        operation: "deleteAuction",
        auth: Auth::Active,
        body_max_bytes: 0,
        handler: Operation::DeleteAuction,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/cancellation",
        operation: "cancelAuction",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::CancelAuction,
    },
    Route {
        method: Method::Patch,
        path: "/v1/auctions/{id}/reserve",
        operation: "lowerReserve",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::LowerReserve,
    },
    Route {
        method: Method::Put,
        path: "/v1/auctions/{id}/blocked-bidders/{bidder}",
        operation: "blockBidder",
        auth: Auth::Active,
        body_max_bytes: 0,
        handler: Operation::BlockBidder,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/blocked-bidders",
        operation: "listBlockedBidders",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ListBlockedBidders,
    },
    Route {
        method: Method::Delete,
        path: "/v1/auctions/{id}/blocked-bidders/{bidder}",
        operation: "unblockBidder",
        auth: Auth::Active,
        body_max_bytes: 0,
        handler: Operation::UnblockBidder,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/bids/{bid_id}/retraction",
        operation: "retractBid",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::RetractBid,
    },
    Route {
        method: Method::Delete,
        path: "/v1/auctions/{id}/bids/{bid_id}",
        operation: "withdrawBid",
        auth: Auth::Active,
        body_max_bytes: 0,
        handler: Operation::WithdrawBid,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/second-chance-offers",
        operation: "offerSecondChance",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::OfferSecondChance,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/second-chance-offers/{offer_id}/acceptance",
        operation: "acceptOffer",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::AcceptOffer,
    },
    Route {
        method: Method::Post,
        path: "/v1/auctions/{id}/second-chance-offers/{offer_id}/decline",
        operation: "declineOffer",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::DeclineOffer,
    },
    Route {
        method: Method::Get,
        path: "/v1/me/bids",
        operation: "listMyBids",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ListMyBids,
    },
    Route {
        method: Method::Get,
        path: "/v1/me/auctions",
        operation: "listMyAuctions",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ListMyAuctions,
    },
    Route {
        method: Method::Get,
        path: "/v1/me/watches",
        operation: "listMyWatches",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ListMyWatches,
    },
    Route {
        method: Method::Get,
        path: "/v1/me/watches/{auction_id}",
        operation: "readWatch",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ReadWatch,
    },
    Route {
        method: Method::Put,
        path: "/v1/me/watches/{auction_id}",
        operation: "watchAuction",
        auth: Auth::Active,
        body_max_bytes: 0,
        handler: Operation::Watch,
    },
    Route {
        method: Method::Delete,
        path: "/v1/me/watches/{auction_id}",
        operation: "unwatchAuction",
        auth: Auth::Active,
        body_max_bytes: 0,
        handler: Operation::Unwatch,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/live",
        operation: "watchLive",
        auth: Auth::Optional,
        body_max_bytes: 0,
        handler: Operation::WatchLive,
    },
    Route {
        method: Method::Post,
        path: "/v1/live-tickets",
        operation: "issueLiveTicket",
        auth: Auth::Active,
        body_max_bytes: BID_MAX_BYTES,
        handler: Operation::IssueTicket,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/proof",
        operation: "readProof",
        auth: Auth::Optional,
        body_max_bytes: 0,
        handler: Operation::ReadProof,
    },
];
