//! What a file holds: what is durable, what is only written, and what a power cut leaves of that.

/// What is left of the writes that were pending when the power was cut. All choices follow from
/// the seed.
#[derive(Clone, Copy, Debug)]
pub enum Survival {
    /// Nothing: only what was synced.
    Synced,
    /// A random number of the first pending writes of each file; the next one is torn at a
    /// multiple of 512 bytes.
    Prefix {
        /// Seed of the choices.
        seed: u64,
    },
    /// Everything, and it stays pending: the process was killed, the system lives on.
    Killed,
    /// Each 512-byte sector of each pending write by the toss of a coin: writes are reordered.
    Sectors {
        /// Seed of the choices.
        seed: u64,
    },
}

#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) durable: Vec<u8>,
    pub(crate) current: Vec<u8>,
    pub(crate) pending: Vec<Change>,
    /// How many syncs have failed.
    pub(crate) failed_syncs: u64,
}

pub(crate) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize { bytes: usize },
}

impl Contents {
    pub(crate) fn settle(&mut self, survival: Survival) {
        let pending = std::mem::take(&mut self.pending);
        match survival {
            Survival::Killed => {
                self.pending = pending;
                return;
            }
            Survival::Synced => {}
            Survival::Prefix { seed } => {
                let mut dice = Dice(seed);
                let kept = dice.below(pending.len() + 1);
                for change in &pending[..kept] {
                    change.apply(&mut self.durable);
                }
                if let Some(Change::Write { offset, bytes }) = pending.get(kept) {
                    let sectors = dice.below(bytes.len().div_ceil(SECTOR) + 1);
                    let torn = bytes[..bytes.len().min(sectors * SECTOR)].to_vec();
                    Change::Write { offset: *offset, bytes: torn }.apply(&mut self.durable);
                }
            }
            Survival::Sectors { seed } => {
                let mut dice = Dice(seed);
                for change in &pending {
                    change.apply_by_coin(&mut dice, &mut self.durable);
                }
            }
        }
        self.current.clone_from(&self.durable);
    }

    /// After a sync nothing is pending. One that fails leaves none of it on the disk, or any
    /// sectors, and that is never made up for: reads see what was written all the same.
    pub(crate) fn sync(&mut self, failing: bool, seed: u64) {
        self.failed_syncs += u64::from(failing);
        let mut dice = Dice(seed);
        let lost = failing && dice.below(2) == 0;
        for change in std::mem::take(&mut self.pending) {
            match (failing, lost) {
                (false, _) => change.apply(&mut self.durable),
                (true, false) => change.apply_by_coin(&mut dice, &mut self.durable),
                (true, true) => {}
            }
        }
    }
}

impl Change {
    pub(crate) fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { bytes, .. } if bytes.is_empty() => {}
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[*offset..end].copy_from_slice(bytes);
            }
            Self::Resize { bytes } => file.resize(*bytes, 0),
        }
    }

    fn apply_by_coin(&self, dice: &mut Dice, file: &mut Vec<u8>) {
        let Self::Write { offset, bytes } = self else {
            if dice.below(2) == 0 {
                self.apply(file);
            }
            return;
        };
        let (mut start, end) = (*offset, offset + bytes.len());
        while start < end {
            let stop = end.min((start / SECTOR + 1) * SECTOR);
            if dice.below(2) == 0 {
                let sector = bytes[start - offset..stop - offset].to_vec();
                Self::Write { offset: start, bytes: sector }.apply(file);
            }
            start = stop;
        }
    }
}

/// SplitMix64: enough chance for a test, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// The unit that a disk writes whole.
const SECTOR: usize = 512;
