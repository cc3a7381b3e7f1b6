//! The Merkle tree hash of RFC 6962, section 2.1, over the bodies of a log: who keeps the root can
//! be shown a single event of it later.

use kernel::Digest;

/// A tree that grows leaf by leaf and remembers no more than it needs.
#[derive(Debug, Clone, Default)]
pub struct MerkleTree {
    /// Whole subtrees from left to right, each larger than the one after it: leaves, and hash.
    subtrees: Vec<(u64, Digest)>,
}

impl MerkleTree {
    /// Adds a leaf on the right.
    pub fn push(&mut self, body: &[u8]) {
        let (mut size, mut hash) = (1, Digest::of(&[&[LEAF], body]));
        while let Some((_, left)) = self.subtrees.pop_if(|(left_size, _)| *left_size == size) {
            hash = node(&left, &hash);
            size *= 2;
        }
        self.subtrees.push((size, hash));
    }

    /// The root over all leaves: SHA-256 of nothing where there are none.
    pub fn root(&self) -> Digest {
        let mut right = None;
        for (_, left) in self.subtrees.iter().rev() {
            right = Some(match right {
                None => *left,
                Some(right) => node(left, &right),
            });
        }
        right.unwrap_or_else(|| Digest::of(&[]))
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[&[NODE], left.as_bytes(), right.as_bytes()])
}

/// What the hash of a leaf begins with.
const LEAF: u8 = 0;
/// What the hash of an inner node begins with, so that none can pass for a leaf.
const NODE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962 as it stands there.
    fn by_definition(leaves: &[Vec<u8>]) -> Digest {
        match leaves {
            [] => Digest::of(&[]),
            [leaf] => Digest::of(&[&[0], leaf]),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                let (left, right) = (by_definition(left), by_definition(right));
                Digest::of(&[&[1], left.as_bytes(), right.as_bytes()])
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition() {
        let mut tree = MerkleTree::default();
        let mut leaves = Vec::new();
        for n in 0..70_u8 {
            assert_eq!(tree.root(), by_definition(&leaves), "{n} leaves");
            leaves.push(vec![n; usize::from(n % 5)]);
            tree.push(&[n].repeat(usize::from(n % 5)));
        }
    }

    #[test]
    fn the_root_is_that_of_other_implementations() {
        // The test vectors of Certificate Transparency's reference implementation.
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut tree = MerkleTree::default();
        inputs.iter().for_each(|input| tree.push(input));
        let root = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";
        assert_eq!(tree.root().to_hex(), root);
    }
}
