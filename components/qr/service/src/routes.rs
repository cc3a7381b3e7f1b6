//! The route table.

use web::{Auth, Method, Route};

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The code as pixels.
    ReadPng,
    /// The code as lines.
    ReadSvg,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

const ROUTES: &[Route<Operation>] = &[
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/qr.png",
        operation: "readQrPng",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadPng,
    },
    Route {
        method: Method::Get,
        path: "/v1/auctions/{id}/qr.svg",
        operation: "readQrSvg",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadSvg,
    },
];
