//! Which way up a picture is, as cameras write it down (Exif, tag 0x0112). Nothing else of it is
//! read, and nothing is kept.

/// How the pixels lie: numbers of Exif, 1 upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orientation {
    /// Left and right are exchanged.
    pub(super) is_mirrored: bool,
    /// Quarter turns clockwise that make it upright, after that.
    pub(super) turns: u8,
}

impl Orientation {
    /// The orientation in a block of Exif; upright where it says nothing that can be read.
    pub(super) fn read(exif: &[u8]) -> Self {
        let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
        Self::of(value(tiff).unwrap_or(1))
    }

    pub(super) fn of(number: u16) -> Self {
        let (is_mirrored, turns) = match number {
            2 => (true, 0),
            3 => (false, 2),
            4 => (true, 2),
            5 => (true, 3),
            6 => (false, 1),
            7 => (true, 1),
            8 => (false, 3),
            _ => (false, 0),
        };
        Self { is_mirrored, turns }
    }
}

/// The value of the tag in the first directory.
fn value(tiff: &[u8]) -> Option<u16> {
    let is_little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let count = usize::from(short(directory)?);
    let entries = (0..count).map_while(|entry| directory.checked_add(2 + 12 * entry));
    let mut ours = entries.filter(|at| short(*at) == Some(ORIENTATION));
    short(ours.next()?.checked_add(8)?)
}

const ORIENTATION: u16 = 0x0112;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;

    /// A block of Exif with that orientation and a secret.
    pub(in super::super) fn block(number: u16, secret: &[u8]) -> Vec<u8> {
        let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
        tiff.extend_from_slice(b"\x01\x0f\0\x02\0\0\0\x01\0\0\0\0");
        tiff.extend_from_slice(b"\x01\x12\0\x03\0\0\0\x01");
        tiff.extend_from_slice(&number.to_be_bytes());
        tiff.extend_from_slice(b"\0\0\0\0\0\0");
        tiff.extend_from_slice(secret);
        tiff
    }

    #[test]
    fn the_orientation_is_found_and_nonsense_is_upright() {
        for number in 1..=8 {
            assert_eq!(Orientation::read(&block(number, b"")), Orientation::of(number));
        }
        let whole = block(6, b"");
        let with_header = [b"Exif\0\0", whole.as_slice()].concat();
        assert_eq!(Orientation::read(&with_header), Orientation::of(6));
        for length in 0..whole.len() - 8 {
            let cut = whole.get(..length).unwrap();
            assert_eq!(Orientation::read(cut), Orientation::default(), "{length}");
        }
        for nonsense in [&b"II\x2a\0\xff\xff\xff\xff"[..], b"MM\0\x2a\xff\xff\xff\xf7", b"XX"] {
            assert_eq!(Orientation::read(nonsense), Orientation::default());
        }
    }
}
