//! What the API document says of the routes: one arm for each operation.

use web::document::{AuctionId, Description, Parameter, Section, schema};

use crate::Operation;

/// The operations of the service.
pub fn document() -> Section {
    Section::new(TAGS, crate::routes(), |operation| Some(describe(operation)))
}

fn describe(operation: Operation) -> Description {
    let (summary, media_type) = match operation {
        Operation::ReadPng => ("Read the auction's QR code as PNG", "image/png"),
        Operation::ReadSvg => ("Read the auction's QR code as SVG", "image/svg+xml"),
    };
    Description::new(TAG, summary)
        .notes("Of the address of the auction's page, level H. It is made when the auction opens.")
        .path(Parameter::new("id", "The auction.", schema::<AuctionId>()))
        .answers_text(200, "The code.", media_type)
        .tagged()
}

const TAG: &str = "QR codes";
const TAGS: &[(&str, &str)] = &[(TAG, "Codes that lead to the pages of auctions.")];
