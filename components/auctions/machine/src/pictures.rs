//! Pictures of an auction: which stand at which place. Their bytes are elsewhere; their digests are
//! in the log, so that what a bidder saw can be proven.

use kernel::{Context, Digest, Id, kind, limits};
use serde::{Deserialize, Serialize};

use crate::contract::{self, PictureType};
use crate::event::Event;
use crate::lot::Lot;
use crate::refusal::{Code, Refusal};
use crate::seller;

/// A picture at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its place, from 1.
    pub n: u8,
    /// The picture.
    pub id: Id<kind::Picture>,
    /// SHA-256 of its bytes as they are shown.
    pub sha256: Digest,
    /// What the bytes are.
    pub content_type: PictureType,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
}

/// Puts a picture at a place. After the first bid none is replaced: bidders have seen it.
pub(crate) fn set(
    lot: &Lot,
    context: &Context<'_>,
    asked: &contract::SetPicture,
) -> Result<Vec<Event>, Refusal> {
    seller::running(lot, context)?;
    let contract::Picture { n, id, sha256, content_type, width, height } = asked.picture;
    if n == 0 || n > limits::PICTURES_MAX {
        let detail = format!("an auction has pictures 1 to {}", limits::PICTURES_MAX);
        return Err(Refusal::field("/picture/n", "out_of_range", detail));
    }
    if width == 0 || height == 0 {
        return Err(Refusal::field("/picture", "out_of_range", "a picture has pixels"));
    }
    let stands = standing(lot, n);
    if stands.is_some() {
        not_frozen(lot)?;
    }
    as_seen(stands, asked.replaces)?;
    if lot.pictures.iter().any(|known| known.id == id) {
        return Err(Refusal::field("/picture/id", "taken", "this picture stands here already"));
    }
    let others = lot.pictures.iter().filter(|known| known.n != n).copied();
    let picture = Picture { n, id, sha256, content_type, width, height };
    let mut pictures: Vec<_> = others.chain([picture]).collect();
    pictures.sort_unstable_by_key(|picture| picture.n);
    Ok(vec![Event::PicturesChanged(pictures)])
}

/// Takes a picture away, before the first bid.
pub(crate) fn remove(
    lot: &Lot,
    context: &Context<'_>,
    n: u8,
    id: Id<kind::Picture>,
) -> Result<Vec<Event>, Refusal> {
    seller::running(lot, context)?;
    let stands = standing(lot, n);
    if stands.is_none() {
        return Ok(Vec::new());
    }
    not_frozen(lot)?;
    as_seen(stands, Some(id))?;
    let others = lot.pictures.iter().filter(|known| known.n != n).copied();
    Ok(vec![Event::PicturesChanged(others.collect())])
}

fn standing(lot: &Lot, n: u8) -> Option<Id<kind::Picture>> {
    lot.pictures.iter().find(|picture| picture.n == n).map(|picture| picture.id)
}

fn not_frozen(lot: &Lot) -> Result<(), Refusal> {
    if lot.bids.is_empty() {
        return Ok(());
    }
    let detail = "after the first bid pictures are added, not replaced or taken away";
    Err(Refusal::new(Code::FrozenAfterBid, detail))
}

fn as_seen(
    stands: Option<Id<kind::Picture>>,
    seen: Option<Id<kind::Picture>>,
) -> Result<(), Refusal> {
    if stands == seen {
        return Ok(());
    }
    let detail = "another picture stands there than the one that you saw";
    Err(Refusal::new(Code::PreconditionFailed, detail))
}

impl From<&Picture> for contract::Picture {
    fn from(picture: &Picture) -> Self {
        let Picture { n, id, sha256, content_type, width, height } = *picture;
        Self { n, id, sha256, content_type, width, height }
    }
}
