//! From bytes of anybody to pictures of our own: unpacked within bounds, turned upright, made
//! smaller, packed anew. Nothing of the bytes that came is in those that are kept.

mod exif;
mod pack;
mod pixels;
mod sniff;
mod unpack;

use kernel::limits::PICTURE_MAX_PIXELS;

pub(crate) use pack::Packed;
use pixels::Pixels;
use sniff::Kind;

/// A picture in all its sizes, the largest first.
pub(crate) struct Renditions(pub(crate) Vec<Rendition>);

/// A picture in one size.
pub(crate) struct Rendition {
    /// What it is asked for by.
    pub(crate) name: &'static str,
    /// Pixels.
    pub(crate) width: u16,
    /// Pixels.
    pub(crate) height: u16,
    /// Its bytes and what they are.
    pub(crate) packed: Packed,
}

/// Why bytes are no picture that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageError {
    /// Neither PNG, JPEG, WebP nor GIF, or one that moves.
    Kind,
    /// More pixels, or more memory for them, than there may be.
    TooLarge,
    /// Cut, damaged, or never a picture.
    Broken,
}

/// Width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    width: usize,
    height: usize,
}

/// Makes all sizes of a picture, in at most about `memory_max_bytes` beside its own.
pub(crate) fn prepare(bytes: &[u8], memory_max_bytes: usize) -> Result<Renditions, ImageError> {
    let kind = Kind::of(bytes).ok_or(ImageError::Kind)?;
    let unpacked = unpack::unpack(kind, bytes, memory_max_bytes)?;
    let largest = SIZES.first().map_or(0, |(_, side)| *side);
    let small = unpacked.pixels.shrunk(largest);
    let upright = small.turned(unpacked.orientation);
    let mut renditions = Vec::with_capacity(SIZES.len());
    for (name, side) in SIZES {
        let is_new = renditions.is_empty() || upright.size().longest() > *side;
        if is_new {
            renditions.push(rendition(name, &upright, *side, kind)?);
        }
    }
    Ok(Renditions(renditions))
}

fn rendition(
    name: &'static str,
    upright: &Pixels,
    side: usize,
    kind: Kind,
) -> Result<Rendition, ImageError> {
    let pixels = upright.shrunk(side);
    let size = pixels.size();
    let short = |side| u16::try_from(side).map_err(|_| ImageError::TooLarge);
    Ok(Rendition {
        name,
        width: short(size.width)?,
        height: short(size.height)?,
        packed: pack::pack(&pixels, kind.is_drawn()).ok_or(ImageError::Broken)?,
    })
}

impl Size {
    fn longest(self) -> usize {
        self.width.max(self.height)
    }

    /// The number of pixels, if there may be so many.
    fn pixels(self) -> Result<usize, ImageError> {
        if self.width == 0 || self.height == 0 {
            return Err(ImageError::Broken);
        }
        let pixels = self.width.checked_mul(self.height).ok_or(ImageError::TooLarge)?;
        if pixels as u64 > PICTURE_MAX_PIXELS { Err(ImageError::TooLarge) } else { Ok(pixels) }
    }
}

/// Names of sizes and their longest sides, the largest first. Nothing is made larger than it came.
pub(crate) const SIZES: &[(&str, usize)] = &[("1600", 1_600), ("800", 800), ("320", 320)];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
mod tests;
