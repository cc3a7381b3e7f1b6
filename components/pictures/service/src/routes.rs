//! The route table.

use kernel::limits::PICTURE_MAX_BYTES;
use web::{Auth, Method, Route};

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Put a picture at a place.
    SetPicture,
    /// Take a picture away.
    RemovePicture,
    /// A picture as large as it is kept.
    ReadPicture,
    /// A picture in a smaller size.
    ReadPictureInSize,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

const ROUTES: &[Route<Operation>] = &[
    Route {
        method: Method::Put,
        path: "/v1/auctions/{id}/pictures/{n}",
        operation: "setPicture",
        auth: Auth::Active,
        body_max_bytes: PICTURE_MAX_BYTES,
        handler: Operation::SetPicture,
    },
    Route {
        method: Method::Delete,
        path: "/v1/auctions/{id}/pictures/{n}",
        operation: "removePicture",
        auth: Auth::Active,
        body_max_bytes: 0,
        handler: Operation::RemovePicture,
    },
    Route {
        method: Method::Get,
        path: "/pictures/{picture_id}",
        operation: "readPicture",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadPicture,
    },
    Route {
        method: Method::Get,
        path: "/pictures/{picture_id}/{size}",
        operation: "readPictureInSize",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadPictureInSize,
    },
];
