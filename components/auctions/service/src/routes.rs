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
        auth: Auth::Required,
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
        auth: Auth::Required,
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
];
