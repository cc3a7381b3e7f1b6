//! Pictures, as the services and the machine speak of them.

use kernel::{Digest, Id, kind};
use serde::{Deserialize, Serialize};

/// Puts a picture at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPicture {
    /// The picture that the seller saw there; none where there was none.
    pub replaces: Option<Id<kind::Picture>>,
    /// What stands there from now on.
    pub picture: Picture,
}

/// A picture at its place. Members stand in byte order: they are part of public events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// What its bytes are.
    pub content_type: PictureType,
    /// Pixels.
    pub height: u16,
    /// The picture.
    pub id: Id<kind::Picture>,
    /// Its place, from 1.
    pub n: u8,
    /// SHA-256 of its bytes as they are shown.
    pub sha256: Digest,
    /// Pixels.
    pub width: u16,
}

/// Media types of pictures. New ones go to the end: the order is part of the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PictureType {
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
}
