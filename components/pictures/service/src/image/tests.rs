//! Bytes of all sorts, from cameras and from enemies.

use super::*;

const MEMORY: usize = 160 << 20;
const CANARY: &[u8] = b"a secret of the camera";

/// A file of test pixels, encoded here.
fn png(width: usize, height: usize, channels: usize) -> Vec<u8> {
    let side = |side: usize| u32::try_from(side).unwrap();
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, side(width), side(height));
    encoder.set_color(match channels {
        1 => ::png::ColorType::Grayscale,
        2 => ::png::ColorType::GrayscaleAlpha,
        3 => ::png::ColorType::Rgb,
        _ => ::png::ColorType::Rgba,
    });
    encoder.set_compression(::png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pattern(width, height, channels)).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The left half is dark and the right one light; below the middle it is the same in other shades.
fn pattern(width: usize, height: usize, channels: usize) -> Vec<u8> {
    let shade = |x: usize, y: usize| match (x * 2 >= width, y * 2 >= height) {
        (false, false) => 20,
        (true, false) => 90,
        (false, true) => 160,
        (true, true) => 230,
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| shade(x, y)));
    pixels
        .flat_map(|shade| (0..channels).map(move |at| if at == 3 { 255 } else { shade }))
        .collect()
}

fn jpeg(width: usize, height: usize, is_progressive: bool, exif: Option<&[u8]>) -> Vec<u8> {
    let short = |side: usize| u16::try_from(side).unwrap();
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.set_progressive(is_progressive);
    if let Some(exif) = exif {
        encoder.add_app_segment(1, [b"Exif\0\0", exif].concat()).unwrap();
        encoder.add_app_segment(13, CANARY.to_vec()).unwrap();
    }
    let pixels = pattern(width, height, 3);
    encoder.encode(&pixels, short(width), short(height), jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

fn webp(width: usize, height: usize, has_alpha: bool) -> Vec<u8> {
    let channels = if has_alpha { 4 } else { 3 };
    let colour = if has_alpha { image_webp::ColorType::Rgba8 } else { image_webp::ColorType::Rgb8 };
    let side = |side: usize| u32::try_from(side).unwrap();
    let mut bytes = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    let pixels = pattern(width, height, channels);
    encoder.encode(&pixels, side(width), side(height), colour).unwrap();
    bytes
}

fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette = [20, 20, 20, 90, 90, 90, 160, 160, 160, 230, 230, 230];
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &palette).unwrap();
    let shades = pattern(width.into(), height.into(), 1);
    let indexes: Vec<u8> = shades.iter().map(|shade| (shade - 20) / 70).collect();
    for frame in 0..frames {
        let buffer = if frame == 0 { indexes.clone() } else { vec![0; indexes.len()] };
        let frame = gif::Frame { width, height, buffer: buffer.into(), ..gif::Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn prepared(bytes: &[u8]) -> Renditions {
    prepare(bytes, MEMORY).unwrap_or_else(|error| panic!("{error:?}"))
}

fn error(bytes: &[u8]) -> ImageError {
    prepare(bytes, MEMORY).err().unwrap()
}

fn sizes(renditions: &Renditions) -> Vec<(&str, u16, u16)> {
    renditions.0.iter().map(|one| (one.name, one.width, one.height)).collect()
}

/// The shades of the four corners of a rendition, clockwise from the upper left.
fn corners(rendition: &Rendition) -> [u8; 4] {
    let kind = Kind::of(&rendition.packed.bytes).unwrap();
    let unpacked = unpack::unpack(kind, &rendition.packed.bytes, MEMORY).unwrap();
    let pixels = unpacked.pixels.shrunk(usize::MAX);
    let Size { width, height } = pixels.size();
    let channels = if pixels.has_alpha() { 4 } else { 3 };
    let at = |x: usize, y: usize| pixels.bytes()[(y * width + x) * channels];
    [at(1, 1), at(width - 2, 1), at(width - 2, height - 2), at(1, height - 2)]
}

fn is_near(found: [u8; 4], wanted: [u8; 4]) -> bool {
    found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) < 12)
}

const UPRIGHT: [u8; 4] = [20, 90, 230, 160];

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn every_kind_is_taken_and_shows_what_it_showed() {
    let files = [
        ("grey png", png(40, 30, 1), "image/png"),
        ("grey and alpha", png(40, 30, 3), "image/png"),
        ("png", png(40, 30, 4), "image/png"),
        ("jpeg", jpeg(40, 30, false, None), "image/jpeg"),
        ("progressive jpeg", jpeg(40, 30, true, None), "image/jpeg"),
        ("webp", webp(40, 30, false), "image/jpeg"),
        ("webp with alpha", webp(40, 30, true), "image/png"),
        ("gif", gif(40, 30, 1), "image/png"),
        ("gif that moves", gif(40, 30, 50), "image/png"),
    ];
    for (what, bytes, content_type) in files {
        let renditions = prepared(&bytes);
        assert_eq!(sizes(&renditions), [("1600", 40, 30)], "{what}: never larger than it came");
        let only = &renditions.0[0];
        assert_eq!(only.packed.content_type, content_type, "{what}");
        assert!(is_near(corners(only), UPRIGHT), "{what}: {:?}", corners(only));
    }
}

#[test]
fn sizes_keep_proportions_and_shades() {
    let renditions = prepared(&jpeg(2_000, 1_000, false, None));
    assert_eq!(sizes(&renditions), [("1600", 1600, 800), ("800", 800, 400), ("320", 320, 160)]);
    assert!(renditions.0.iter().all(|one| is_near(corners(one), UPRIGHT)));
    let renditions = prepared(&png(300, 900, 3));
    assert_eq!(sizes(&renditions), [("1600", 300, 900), ("800", 267, 800), ("320", 107, 320)]);
    let line = prepared(&png(4_000, 1, 3));
    assert_eq!(sizes(&line), [("1600", 1600, 1), ("800", 800, 1), ("320", 320, 1)]);
}

#[test]
fn transparent_pixels_lend_no_colour() {
    let size = Size { width: 2, height: 1 };
    let pixels = Pixels::new(size, 4, vec![200, 10, 10, 255, 0, 255, 0, 0]).unwrap();
    let mixed = pixels.shrunk(1);
    assert_eq!(mixed.bytes(), [200, 10, 10, 128]);
}

#[test]
fn every_orientation_is_turned_upright() {
    // What a camera stores for an upright scene, by the number that it writes down: where the
    // corners of the scene lie in the file, clockwise from the upper left.
    let [a, b, c, d] = UPRIGHT;
    for (number, stored) in [
        (1, [a, b, c, d]),
        (2, [b, a, d, c]),
        (3, [c, d, a, b]),
        (4, [d, c, b, a]),
        (5, [a, d, c, b]),
        (6, [b, c, d, a]),
        (7, [c, b, a, d]),
        (8, [d, a, b, c]),
    ] {
        let is_sideways = number > 4;
        let bytes = jpeg(40, 24, false, Some(&exif::tests::block(number, CANARY)));
        let renditions = prepared(&bytes);
        let wanted = if is_sideways { (24, 40) } else { (40, 24) };
        assert_eq!((renditions.0[0].width, renditions.0[0].height), wanted, "{number}");
        // The file holds the test pattern; upright, its corners go where the scene's come from.
        let place = |corner: u8| stored.iter().position(|known| *known == corner).unwrap();
        let shown = UPRIGHT.map(|corner| UPRIGHT[place(corner)]);
        let found = corners(&renditions.0[0]);
        assert!(is_near(found, shown), "{number}: {found:?}, not {shown:?}");
    }
}

#[test]
fn nothing_of_the_metadata_and_nothing_behind_the_end_is_kept() {
    let tail = b"<script>alert('polyglot')</script>";
    let block = exif::tests::block(1, CANARY);
    let with_exif = jpeg(400, 300, false, Some(&block));
    assert!(contains(&with_exif, CANARY), "the test hides something");
    let text = {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, 400, 300);
        encoder.set_color(::png::ColorType::Rgb);
        let secret = String::from_utf8(CANARY.to_vec()).unwrap();
        encoder.add_text_chunk("Comment".to_owned(), secret).unwrap();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pattern(400, 300, 3)).unwrap();
        writer.finish().unwrap();
        bytes
    };
    assert!(contains(&text, CANARY));
    let files = [with_exif, text, gif(400, 300, 2), webp(400, 300, true)];
    for file in files {
        let polyglot = [file.as_slice(), tail].concat();
        for one in prepared(&polyglot).0 {
            assert!(!contains(&one.packed.bytes, CANARY), "{}", one.packed.content_type);
            assert!(!contains(&one.packed.bytes, b"polyglot"), "{}", one.packed.content_type);
        }
    }
}

#[test]
fn what_is_no_picture_is_told_by_its_bytes() {
    for bytes in [
        &b""[..],
        b"GIF88a",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>",
        b"<!DOCTYPE html><html></html>",
        b"%PDF-1.7",
        b"BM\x36\x00",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x20ftypavif",
    ] {
        assert_eq!(error(bytes), ImageError::Kind, "{bytes:?}");
    }
}

#[test]
fn a_webp_that_moves_is_not_taken() {
    let mut bytes = b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x07\0\0\x07\0\0".to_vec();
    bytes.extend_from_slice(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
    bytes.extend_from_slice(b"ANMF\x10\0\0\0\0\0\0\0\0\0\x07\0\0\x07\0\0\x01\0\0\0");
    assert!(matches!(error(&bytes), ImageError::Kind | ImageError::Broken));
    assert_ne!(error(&bytes), ImageError::TooLarge);
}

#[test]
fn a_cut_picture_is_not_taken_wherever_it_is_cut() {
    let files =
        [png(60, 40, 3), jpeg(60, 40, false, None), jpeg(60, 40, true, None), webp(60, 40, true)];
    for whole in files {
        for length in (12..whole.len() - 1).step_by(7) {
            let cut = prepare(&whole[..length], MEMORY);
            assert!(cut.is_err(), "{length} of {} bytes", whole.len());
        }
    }
    let whole = gif(60, 40, 1);
    for length in (13..whole.len() / 2).step_by(5) {
        assert!(prepare(&whole[..length], MEMORY).is_err(), "{length} of a gif");
    }
}

#[test]
fn damaged_bytes_are_refused_or_shown_and_never_panic() {
    let mut state = 7_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap()
    };
    let block = exif::tests::block(6, CANARY);
    let files = [
        png(60, 40, 4),
        jpeg(60, 40, true, Some(&block)),
        jpeg(60, 40, false, Some(&block)),
        webp(60, 40, true),
        gif(60, 40, 3),
    ];
    for whole in files {
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..=next() % 4 {
                let at = next() % bytes.len();
                bytes[at] = u8::try_from(next() % 256).unwrap();
            }
            let _ = prepare(&bytes, 4 << 20);
        }
    }
}

/// A PNG whose head claims what its body does not have.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(::png::ColorType::Rgb);
    drop(encoder.write_header().unwrap());
    bytes
}

#[test]
fn too_many_pixels_are_refused_before_anything_is_set_aside() {
    for (width, height) in [(60_000, 60_000), (4_001, 4_000), (16_000_001, 1), (1, 2_000_000_000)] {
        assert_eq!(error(&claiming(width, height)), ImageError::TooLarge, "{width} × {height}");
    }
    // The largest that is taken may be claimed; it is cut, and that is all.
    assert_eq!(error(&claiming(4_000, 4_000)), ImageError::Broken);
    let mut large = jpeg(40, 30, false, None);
    let frame = large.windows(2).position(|pair| pair == b"\xff\xc0").unwrap();
    large[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(error(&large), ImageError::TooLarge);
    let mut large = gif(40, 30, 1);
    large[6..10].copy_from_slice(&[0xff; 4]);
    assert_eq!(error(&large), ImageError::TooLarge);
}

#[test]
fn what_does_not_fit_into_the_memory_is_refused() {
    let bytes = jpeg(1_000, 1_000, true, None);
    assert_eq!(prepare(&bytes, 8 << 20).err(), Some(ImageError::TooLarge), "a pass at a time");
    assert!(prepare(&jpeg(1_000, 1_000, false, None), 8 << 20).is_ok());
    assert_eq!(prepare(&png(1_000, 1_000, 4), 3 << 20).err(), Some(ImageError::TooLarge));
}

#[test]
fn sixteen_megapixels_are_taken() {
    let renditions = prepared(&png(4_000, 4_000, 1));
    assert_eq!(sizes(&renditions)[0], ("1600", 1600, 1600));
    assert!(is_near(corners(&renditions.0[2]), UPRIGHT));
}

/// A megabyte of zeros is a kilobyte: pixels that never end are not unpacked.
#[test]
fn pixels_beyond_the_picture_are_not_unpacked() {
    let mut bytes = png(16, 16, 1);
    // The same compressed bytes, said to be of a picture of one pixel.
    bytes[16..24].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
    let crc = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    if let Ok(renditions) = prepare(&bytes, MEMORY) {
        assert_eq!(sizes(&renditions), [("1600", 1, 1)]);
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}
