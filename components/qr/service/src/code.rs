//! A code as bytes. They depend on the text alone.

use png::{BitDepth, ColorType, Compression, Encoder};
use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};

/// Dark and light, row by row, with the quiet zone around them.
struct Modules {
    side: usize,
    dark: Vec<bool>,
}

impl Modules {
    /// Level H: a third of it may be lost. None for a text that is too long.
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::H).ok()?;
        let (inner, side) = (code.width(), code.width() + 2 * QUIET_MODULES);
        let mut dark = vec![false; side * side];
        let rows = dark.chunks_exact_mut(side).skip(QUIET_MODULES);
        let colours = code.to_colors();
        for (row, colours) in rows.zip(colours.chunks_exact(inner)) {
            let places = row.iter_mut().skip(QUIET_MODULES);
            places.zip(colours).for_each(|(dark, colour)| *dark = *colour == Color::Dark);
        }
        Some(Self { side, dark })
    }

    fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.dark.chunks_exact(self.side)
    }
}

/// The code of a text as PNG, one bit a pixel. None for a text that is too long.
pub fn png(text: &str) -> Option<Vec<u8>> {
    let modules = Modules::of(text)?;
    let side = modules.side * MODULE_PIXELS;
    let mut pixels = Vec::new();
    for row in modules.rows() {
        // A module is as wide as a byte.
        let line: Vec<u8> = row.iter().map(|dark| if *dark { 0 } else { 0xff }).collect();
        (0..MODULE_PIXELS).for_each(|_| pixels.extend_from_slice(&line));
    }
    let side = u32::try_from(side).ok()?;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.set_compression(Compression::Balanced);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// The same as SVG: one path over a light ground.
pub fn svg(text: &str) -> Option<Vec<u8>> {
    let modules = Modules::of(text)?;
    let side = modules.side;
    let mut path = String::new();
    for (y, row) in modules.rows().enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run.first() == Some(&true) {
                path.push_str(&format!("M{x} {y}h{}v1h-{}z", run.len(), run.len()));
            }
            x += run.len();
        }
    }
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/>\
         <path d=\"{path}\"/></svg>\n"
    );
    Some(svg.into_bytes())
}

/// Light modules around the code, without which readers do not find it (ISO/IEC 18004).
const QUIET_MODULES: usize = 4;
/// Bits of a byte: rows of modules are rows of bytes.
const MODULE_PIXELS: usize = 8;
