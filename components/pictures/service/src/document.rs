//! What the API document says of the routes: one arm for each operation.

use kernel::limits::PICTURES_MAX;
use serde_json::json;
use web::document::{AuctionId, Description, Parameter, Section, schema};

use crate::Operation;
use crate::upload::Shown;

/// The operations of the service.
pub fn document() -> Section {
    Section::new(TAGS, crate::routes(), |operation| Some(describe(operation)))
}

fn describe(operation: Operation) -> Description {
    match operation {
        Operation::SetPicture => Description::new(TAG, "Put a picture at a place")
            .notes(
                "The body is the picture itself: a PNG, JPEG, GIF (its first image) or a WebP that \
                 does not move, of at most 16 megapixels. What it is, is told by its bytes. It is \
                 turned upright, made anew in a few sizes, and nothing else of it is kept. After \
                 the first bid pictures are added and not replaced.",
            )
            .path(auction())
            .path(n())
            .takes_bytes("application/octet-stream")
            .answers::<Shown>(201, "It stands there.")
            .with_location()
            .answers::<Shown>(200, "It stands in place of another.")
            .with_location()
            .refuses(403, &["forbidden"])
            .refuses(409, &["auction_closed", "frozen_after_bid"])
            .refuses(412, &["precondition_failed"])
            .refuses(415, &["unsupported_media_type"])
            .refuses(422, &["image_too_large", "invalid_image"])
            .refuses(429, &["rate_limited"]),
        Operation::RemovePicture => Description::new(TAG, "Take a picture away")
            .notes("Only before the first bid.")
            .path(auction())
            .path(n())
            .answers_empty(204, "It is gone.")
            .refuses(403, &["forbidden"])
            .refuses(409, &["auction_closed", "frozen_after_bid"])
            .refuses(412, &["precondition_failed"]),
        Operation::ReadPicture => Description::new(TAG, "Read a picture as large as it is kept")
            .notes("The longest side has at most 1600 pixels. The bytes of an id never change.")
            .path(picture())
            .answers_text(200, "The picture.", "image/jpeg")
            .or_text("image/png")
            .tagged(),
        Operation::ReadPictureInSize => Description::new(TAG, "Read a picture in a smaller size")
            .notes("One that is smaller anyway is shown as it is.")
            .path(picture())
            .path(size())
            .answers_text(200, "The picture.", "image/jpeg")
            .or_text("image/png")
            .tagged(),
    }
}

fn auction() -> Parameter {
    Parameter::new("id", "The auction.", schema::<AuctionId>())
}

fn n() -> Parameter {
    let schema = json!({"type": "integer", "minimum": 1, "maximum": PICTURES_MAX});
    Parameter::new("n", "The place of the picture among the others.", schema)
}

fn picture() -> Parameter {
    let schema = json!({"type": "string", "pattern": "^pic_[0-7][0-9a-hjkmnp-tv-z]{25}$"});
    Parameter::new("picture_id", "The picture.", schema)
}

fn size() -> Parameter {
    let schema = json!({"type": "string", "enum": ["1600", "800", "320"]});
    Parameter::new("size", "Most pixels of its longest side.", schema)
}

const TAG: &str = "Pictures";
const TAGS: &[(&str, &str)] = &[(TAG, "Pictures of auctions: sent by sellers, seen by everyone.")];
