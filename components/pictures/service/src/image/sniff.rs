//! What bytes are, told by their beginning: whatever a header says of them is the sender's claim.

/// A kind of picture that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Png,
    Jpeg,
    WebP,
    Gif,
}

impl Kind {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let is_webp = || {
            let riff = bytes.get(..4)? == b"RIFF";
            Some(riff && bytes.get(8..12)? == b"WEBP")
        };
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if is_webp() == Some(true) {
            Some(Self::WebP)
        } else {
            None
        }
    }

    /// Does it commonly hold drawings, whose edges a JPEG would blur?
    pub(super) fn is_drawn(self) -> bool {
        matches!(self, Self::Png | Self::Gif)
    }
}
