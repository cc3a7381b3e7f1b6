//! Letters in a list.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use kernel::Timestamp;

use crate::{Captured, Letter, MailError};

/// Letters that were sent here.
#[derive(Default)]
pub struct MemoryMail {
    letters: RefCell<Vec<Captured>>,
    keys: RefCell<BTreeSet<String>>,
    error: RefCell<Option<MailError>>,
    pub(super) takes_ms: Cell<i64>,
}

impl MemoryMail {
    /// Answers every letter from here on with this error, or takes letters again.
    pub fn break_with(&self, error: Option<MailError>) {
        *self.error.borrow_mut() = error;
    }

    /// From here on every letter moves the clock by so much.
    pub fn takes_ms(&self, ms: i64) {
        self.takes_ms.set(ms);
    }

    /// The letters to an address, oldest first.
    pub fn to(&self, address: &str) -> Vec<Letter> {
        let letters = self.letters.borrow();
        let mine = letters.iter().filter(|captured| captured.letter.to == address);
        mine.map(|captured| captured.letter.clone()).collect()
    }

    pub(super) fn send(&self, key: &str, letter: &Letter, now: Timestamp) -> Result<(), MailError> {
        if let Some(error) = self.error.borrow().clone() {
            return Err(error);
        }
        if self.keys.borrow_mut().insert(key.to_owned()) {
            let mut letters = self.letters.borrow_mut();
            let id = format!("letter-{}", letters.len());
            letters.push(Captured { id, letter: letter.clone(), sent_at: now.as_ms() });
        }
        Ok(())
    }

    pub(super) fn captured(&self, to: Option<&str>, limit: u32) -> Vec<Captured> {
        let letters = self.letters.borrow();
        let wanted = letters.iter().rev().filter(|one| to.is_none_or(|to| one.letter.to == to));
        wanted.take(limit as usize).cloned().collect()
    }
}
