//! Pixels as bytes of a file that holds nothing else.

use jpeg_encoder::{ColorType as JpegColor, Encoder as JpegEncoder};
use png::{BitDepth, ColorType, Compression, Encoder};

use super::Size;
use super::pixels::Pixels;

/// A file.
pub(crate) struct Packed {
    /// Media type.
    pub(crate) content_type: &'static str,
    /// Bytes.
    pub(crate) bytes: Vec<u8>,
}

/// PNG for what is drawn or transparent, JPEG for the rest. None when an encoder refuses.
pub(super) fn pack(pixels: &Pixels, is_drawn: bool) -> Option<Packed> {
    if is_drawn || pixels.has_alpha() {
        let bytes = png(pixels)?;
        Some(Packed { content_type: "image/png", bytes })
    } else {
        let bytes = jpeg(pixels)?;
        Some(Packed { content_type: "image/jpeg", bytes })
    }
}

fn png(pixels: &Pixels) -> Option<Vec<u8>> {
    let Size { width, height } = pixels.size();
    let mut bytes = Vec::new();
    let mut encoder =
        Encoder::new(&mut bytes, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(if pixels.has_alpha() { ColorType::Rgba } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels.bytes()).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

fn jpeg(pixels: &Pixels) -> Option<Vec<u8>> {
    let Size { width, height } = pixels.size();
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new(&mut bytes, QUALITY);
    encoder.encode(pixels.bytes(), width, height, JpegColor::Rgb).ok()?;
    Some(bytes)
}

const QUALITY: u8 = 85;
