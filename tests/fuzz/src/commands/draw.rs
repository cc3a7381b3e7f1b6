//! Choices out of the bytes of an input. An input that ends chooses zero for ever.

use arbitrary::Unstructured;

/// What is left of an input.
pub struct Draw<'a>(Unstructured<'a>);

impl<'a> Draw<'a> {
    /// Reads from the front.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// Is everything used up?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below `end`; one byte of the input.
    pub fn below(&mut self, end: u8) -> u8 {
        self.byte() % end.max(1)
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// Any number.
    pub fn number(&mut self) -> i64 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// One of a list that is not empty.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[usize::from(self.byte()) % list.len()]
    }

    /// Up to 255 raw bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        self.0.bytes(len).unwrap_or_default()
    }
}
