//! Pictures to send, and what is read back.

use serde_json::Value;

use crate::{Call, Reply, User};

/// A picture of that size whose halves have two shades, with a comment that is nobody's business.
pub fn png(width: u32, height: u32, shade: u8, comment: &str) -> Vec<u8> {
    let row = (0..width).map(|x| if x * 2 < width { shade } else { 255 - shade });
    let row: Vec<u8> = row.collect();
    let pixels: Vec<u8> = (0..height).flat_map(|_| row.iter().copied()).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.add_text_chunk("Comment".to_owned(), comment.to_owned()).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A picture with more pixels than are taken, as its head says.
pub fn too_large() -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = png::Encoder::new(&mut bytes, 60_000, 60_000);
    drop(encoder.write_header().unwrap());
    bytes
}

/// Width, height and the shade of the first and the last pixel of a row in the middle.
pub fn seen(bytes: &[u8]) -> (u32, u32, [u8; 2]) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let channels = frame.color_type.samples();
    let line = frame.width as usize * channels;
    let start = frame.height as usize / 2 * line;
    let row = &pixels[start..start + line];
    (frame.width, frame.height, [row[0], row[line - channels]])
}

impl User {
    /// A picture that is not sent yet.
    pub fn picture_call(&self, auction: &str, n: u8, bytes: Vec<u8>) -> Call<'_> {
        let path = format!("/v1/auctions/{auction}/pictures/{n}");
        // What it is, is told by its bytes alone.
        self.client.call("PUT", &path).bytes("text/html", bytes)
    }

    /// Sends a picture.
    pub async fn sends_picture(&self, auction: &str, n: u8, bytes: Vec<u8>) -> Reply {
        self.picture_call(auction, n, bytes).send().await.unwrap()
    }
}

/// The text of a QR code, as somebody else's reader finds it.
pub fn read_code(bytes: &[u8]) -> String {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes));
    reader.set_transformations(png::Transformations::EXPAND);
    let mut reader = reader.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (frame.width as usize, frame.height as usize);
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    let (meta, text) = grids[0].decode().unwrap();
    // Formats of ISO/IEC 18004: 2 is level H.
    assert_eq!(meta.ecc_level, 2, "{meta:?}");
    text
}

/// The ids of the pictures in a view.
pub fn ids(view: &Value) -> Vec<String> {
    let pictures = view["pictures"].as_array().unwrap();
    pictures.iter().map(|picture| picture["id"].as_str().unwrap().to_owned()).collect()
}
