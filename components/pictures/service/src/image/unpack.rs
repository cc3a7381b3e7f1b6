//! Files of others as pixels. What a file claims is counted before anything is set aside for it.

use std::io::Cursor;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::exif::Orientation;
use super::pixels::Pixels;
use super::sniff::Kind;
use super::{ImageError, Size};

/// Pixels and which way up they are.
pub(super) struct Unpacked {
    pub(super) pixels: Pixels,
    pub(super) orientation: Orientation,
}

pub(super) fn unpack(kind: Kind, bytes: &[u8], most: usize) -> Result<Unpacked, ImageError> {
    match kind {
        Kind::Png => png(bytes, most),
        Kind::Jpeg => jpeg(bytes, most),
        Kind::WebP => webp(bytes, most),
        Kind::Gif => gif(bytes, most),
    }
}

/// Bytes for the pixels, if there may be so many.
fn room(size: Size, bytes_per_pixel: usize, most: usize) -> Result<(), ImageError> {
    let bytes = size.pixels()?.saturating_mul(bytes_per_pixel);
    if bytes > most { Err(ImageError::TooLarge) } else { Ok(()) }
}

/// The first image of an animated one; 16 bits become 8, palettes colours.
fn png(bytes: &[u8], most: usize) -> Result<Unpacked, ImageError> {
    let broken = |_| ImageError::Broken;
    let limits = png::Limits { bytes: CHUNKS_MAX_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(broken)?;
    let size = size_of(info.width, info.height)?;
    // Palettes and 16 bits are counted as what they may become.
    room(size, 4, most)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let length = reader.output_buffer_size().ok_or(ImageError::TooLarge)?;
    if length > most {
        return Err(ImageError::TooLarge);
    }
    let mut pixels = vec![0; length];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    // What is cut after the pixels is cut, too.
    reader.finish().map_err(broken)?;
    pixels.truncate(frame.buffer_size());
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.map(Orientation::read).unwrap_or_default();
    let size = size_of(frame.width, frame.height)?;
    let channels = frame.color_type.samples();
    let pixels = Pixels::new(size, channels, pixels).ok_or(ImageError::Broken)?;
    Ok(Unpacked { pixels, orientation })
}

fn jpeg(bytes: &[u8], most: usize) -> Result<Unpacked, ImageError> {
    let broken = |_| ImageError::Broken;
    let layout = JpegLayout::read(bytes).ok_or(ImageError::Broken)?;
    // Whoever sends it a pass at a time makes all coefficients wait for the last.
    let per_pixel = if layout.is_progressive { 3 + 2 * layout.components } else { 3 };
    room(layout.size, per_pixel, most)?;
    let options = DecoderOptions::default()
        .set_max_width(SIDE_MAX)
        .set_max_height(SIDE_MAX)
        .jpeg_set_max_scans(SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or(ImageError::Broken)?;
    let size = Size { width, height };
    room(size, 3, most)?;
    let orientation = decoder.exif().map(|exif| Orientation::read(exif)).unwrap_or_default();
    let length = decoder.output_buffer_size().ok_or(ImageError::Broken)?;
    if length > most {
        return Err(ImageError::TooLarge);
    }
    let mut pixels = vec![0; length];
    decoder.decode_into(&mut pixels).map_err(broken)?;
    let pixels = Pixels::new(size, 3, pixels).ok_or(ImageError::Broken)?;
    Ok(Unpacked { pixels, orientation })
}

fn webp(bytes: &[u8], most: usize) -> Result<Unpacked, ImageError> {
    let broken = |_| ImageError::Broken;
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    if decoder.is_animated() {
        return Err(ImageError::Kind);
    }
    decoder.set_memory_limit(CHUNKS_MAX_BYTES);
    let (width, height) = decoder.dimensions();
    let size = size_of(width, height)?;
    // The decoder works on planes or words of its own beside the pixels.
    room(size, 8, most.saturating_add(most / 2))?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = exif.map(|exif| Orientation::read(&exif)).unwrap_or_default();
    let length = decoder.output_buffer_size().ok_or(ImageError::TooLarge)?;
    let mut pixels = vec![0; length];
    decoder.read_image(&mut pixels).map_err(broken)?;
    let pixels = Pixels::new(size, channels, pixels).ok_or(ImageError::Broken)?;
    Ok(Unpacked { pixels, orientation })
}

/// The first image; how many follow is nobody's business.
fn gif(bytes: &[u8], most: usize) -> Result<Unpacked, ImageError> {
    let broken = |_| ImageError::Broken;
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    options.check_frame_consistency(true);
    let largest = u64::try_from(most).ok().and_then(core::num::NonZeroU64::new);
    options.set_memory_limit(gif::MemoryLimit::Bytes(largest.ok_or(ImageError::TooLarge)?));
    let mut decoder = options.read_info(bytes).map_err(broken)?;
    let size = size_of(decoder.width().into(), decoder.height().into())?;
    room(size, 5, most)?;
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let frame = decoder.read_next_frame().map_err(broken)?.ok_or(ImageError::Broken)?;
    let palette = frame.palette.as_deref().or(global.as_deref()).ok_or(ImageError::Broken)?;
    let colour = |index: u8| {
        let at = usize::from(index) * 3;
        let rgb = palette.get(at..at + 3).filter(|_| frame.transparent != Some(index));
        match rgb {
            Some(&[red, green, blue]) => [red, green, blue, 255],
            _ => [0; 4],
        }
    };
    let mut pixels = vec![0_u8; size.pixels()? * 4];
    let rows = pixels.chunks_exact_mut(size.width * 4).skip(frame.top.into());
    let lines = frame.buffer.chunks_exact(usize::from(frame.width).max(1));
    for (row, line) in rows.zip(lines) {
        let places = row.chunks_exact_mut(4).skip(frame.left.into());
        places.zip(line).for_each(|(place, index)| place.copy_from_slice(&colour(*index)));
    }
    let pixels = Pixels::new(size, 4, pixels).ok_or(ImageError::Broken)?;
    Ok(Unpacked { pixels, orientation: Orientation::default() })
}

/// What a JPEG says of itself before its pixels.
struct JpegLayout {
    size: Size,
    components: usize,
    is_progressive: bool,
}

impl JpegLayout {
    /// None when it is cut: an end must follow the pixels.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
        let mut layout = None;
        loop {
            let (&[mark, code], after) = rest.split_first_chunk::<2>()?;
            if mark != 0xff {
                return None;
            }
            if code == 0xff {
                // Fill bytes.
                rest = rest.get(1..)?;
                continue;
            }
            let (length, _) = after.split_first_chunk::<2>()?;
            let segment = after.get(..usize::from(u16::from_be_bytes(*length)))?;
            // Every start of a frame but tables and arithmetic coding, which share their codes.
            if matches!(code, 0xc0..=0xc3) {
                let &[_, _, _, a, b, c, d, components, ..] = segment else { return None };
                let height = u16::from_be_bytes([a, b]).into();
                let width = u16::from_be_bytes([c, d]).into();
                let (components, is_progressive) = (components.into(), code == 0xc2);
                layout = Some(Self { size: Size { width, height }, components, is_progressive });
            }
            rest = after.get(segment.len().max(2)..)?;
            if code == 0xda {
                let ends = rest.windows(2).any(|pair| pair == b"\xff\xd9");
                return layout.filter(|_| ends);
            }
        }
    }
}

fn size_of(width: u32, height: u32) -> Result<Size, ImageError> {
    let side = |side: u32| usize::try_from(side).map_err(|_| ImageError::TooLarge);
    let size = Size { width: side(width)?, height: side(height)? };
    size.pixels().map(|_| size)
}

/// What a decoder may set aside beside the pixels.
const CHUNKS_MAX_BYTES: usize = 8 << 20;
/// The longest side of a JPEG, by its form.
const SIDE_MAX: usize = 65_535;
/// Passes of a JPEG: programs make about ten, and each is as much work as all pixels.
const SCANS_MAX: usize = 24;
