//! Pixels: made fewer by averaging areas, in whole numbers, and turned.

use super::Size;
use super::exif::Orientation;

/// Rows of pixels of 1 to 4 bytes: grey, grey and alpha, RGB, RGB and alpha.
pub(super) struct Pixels {
    size: Size,
    channels: usize,
    bytes: Vec<u8>,
}

impl Pixels {
    /// None when there are other bytes than those of the pixels.
    pub(super) fn new(size: Size, channels: usize, bytes: Vec<u8>) -> Option<Self> {
        let length = size.width.checked_mul(size.height)?.checked_mul(channels)?;
        let fits = (1..=4).contains(&channels) && length > 0 && bytes.len() == length;
        fits.then_some(Self { size, channels, bytes })
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn has_alpha(&self) -> bool {
        self.channels.is_multiple_of(2)
    }

    /// The same in RGB or RGB and alpha, so that its longest side is at most `side`.
    pub(super) fn shrunk(&self, side: usize) -> Self {
        let size = self.size.within(side);
        if self.has_alpha() { self.averaged::<4>(size) } else { self.averaged::<3>(size) }
    }

    /// Each new pixel is the mean of the area that it covers, weighted by how much of each old one
    /// lies in it. A side of `old` pixels counts `old * new` units: an old pixel spans `new` of
    /// them, a new one `old`.
    fn averaged<const OUT: usize>(&self, size: Size) -> Self {
        let mut bytes = Vec::with_capacity(size.width * size.height * OUT);
        let mut across = vec![[0_u64; OUT]; size.width];
        let mut down = vec![[0_u64; OUT]; size.width];
        let mut room = self.size.height;
        let area = self.size.width as u64 * self.size.height as u64;
        for row in self.bytes.chunks_exact(self.size.width * self.channels) {
            self.sum_row(row, &mut across);
            let mut left = size.height;
            while left > 0 {
                let part = left.min(room);
                for (sum, here) in down.iter_mut().zip(&across) {
                    add(sum, here, part as u64);
                }
                (left, room) = (left - part, room - part);
                if room == 0 {
                    down.iter_mut().for_each(|sum| mean(sum, area, &mut bytes));
                    room = self.size.height;
                }
            }
        }
        Self { size, channels: OUT, bytes }
    }

    fn sum_row<const OUT: usize>(&self, row: &[u8], sums: &mut [[u64; OUT]]) {
        let width = sums.len();
        sums.fill([0; OUT]);
        let mut sums = sums.iter_mut();
        let (mut sum, mut room) = (sums.next(), self.size.width);
        for pixel in row.chunks_exact(self.channels) {
            let here = weighted::<OUT>(pixel);
            let mut left = width;
            while left > 0 {
                let Some(slot) = sum.as_deref_mut() else { break };
                let part = left.min(room);
                add(slot, &here, part as u64);
                (left, room) = (left - part, room - part);
                if room == 0 {
                    (sum, room) = (sums.next(), self.size.width);
                }
            }
        }
    }

    /// The same upright.
    pub(super) fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::default() {
            return self;
        }
        let Size { width, height } = self.size;
        let is_sideways = !orientation.turns.is_multiple_of(2);
        let size = if is_sideways { Size { width: height, height: width } } else { self.size };
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for y in 0..size.height {
            for x in 0..size.width {
                // Where the pixel lay before the turns, and before the mirror.
                let (from_x, from_y) = match orientation.turns {
                    1 => (y, height - 1 - x),
                    2 => (width - 1 - x, height - 1 - y),
                    3 => (width - 1 - y, x),
                    _ => (x, y),
                };
                let from_x = if orientation.is_mirrored { width - 1 - from_x } else { from_x };
                let at = (from_y * width + from_x) * self.channels;
                bytes.extend_from_slice(self.bytes.get(at..at + self.channels).unwrap_or_default());
            }
        }
        Self { size, channels: self.channels, bytes }
    }
}

impl Size {
    /// The same proportions with no side longer than `side`; never more pixels.
    fn within(self, side: usize) -> Self {
        let longest = self.longest();
        if longest <= side {
            return self;
        }
        let fewer = |length: usize| ((length * side + longest / 2) / longest).max(1);
        Self { width: fewer(self.width), height: fewer(self.height) }
    }
}

fn add<const OUT: usize>(sum: &mut [u64; OUT], here: &[u64; OUT], times: u64) {
    sum.iter_mut().zip(here).for_each(|(sum, here)| *sum += here * times);
}

/// A pixel as what is summed: colours as much as they are seen, and last the alpha.
fn weighted<const OUT: usize>(pixel: &[u8]) -> [u64; OUT] {
    let mut here = [0; OUT];
    let (colours, alpha) = match *pixel {
        [grey] => ([grey; 3], 255),
        [grey, alpha] => ([grey; 3], alpha),
        [red, green, blue] => ([red, green, blue], 255),
        [red, green, blue, alpha] => ([red, green, blue], alpha),
        _ => ([0; 3], 0),
    };
    let alpha = u64::from(alpha);
    let weight = if OUT == 4 { alpha } else { 1 };
    let all = colours.into_iter().map(|colour| u64::from(colour) * weight).chain([alpha]);
    here.iter_mut().zip(all).for_each(|(slot, value)| *slot = value);
    here
}

/// The mean of a sum over an area; the sum is empty afterwards.
fn mean<const OUT: usize>(sum: &mut [u64; OUT], area: u64, bytes: &mut Vec<u8>) {
    let alpha = sum.get(3).copied();
    let divisor = alpha.unwrap_or(area).max(1);
    let rounded = |value: u64, by: u64| u8::try_from((value + by / 2) / by).unwrap_or(255);
    bytes.extend(sum.iter().take(3).map(|value| rounded(*value, divisor)));
    bytes.extend(alpha.map(|alpha| rounded(alpha, area)));
    *sum = [0; OUT];
}
