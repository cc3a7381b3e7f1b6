//! What happens by chance, out of a seed.

use core::ops::RangeInclusive;

use kernel::Digest;

/// A source of chance: the same seed, the same chances.
pub(crate) struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    pub(crate) const fn of(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// 32 bytes.
    pub(crate) fn bytes(&mut self) -> Digest {
        self.drawn += 1;
        Digest::of(&[b"sandbox", &self.seed.to_be_bytes(), &self.drawn.to_be_bytes()])
    }

    /// A number in the range.
    pub(crate) fn within(&mut self, range: RangeInclusive<i64>) -> i64 {
        let (from, to) = range.into_inner();
        let wide = u64::try_from(to.saturating_sub(from)).unwrap_or(0).saturating_add(1);
        let drawn = self.bytes().as_bytes().first_chunk().copied().map_or(0, u64::from_be_bytes);
        from.saturating_add(i64::try_from(drawn % wide).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_tells_everything_and_ranges_are_kept() {
        let drawn = |seed| {
            let mut chance = Chance::of(seed);
            (0..100).map(|_| chance.within(3..=7)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert!(drawn(1).iter().all(|number| (3..=7).contains(number)));
        assert!((3..=7).all(|number| drawn(1).contains(&number)));
        assert_eq!(Chance::of(1).within(5..=5), 5);
    }
}
