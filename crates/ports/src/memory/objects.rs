//! Objects in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::{Object, ObjectError};

/// Objects by name, and a store that tests can take away.
#[derive(Default)]
pub struct MemoryObjects {
    all: RefCell<BTreeMap<String, Object>>,
    /// While true nothing is put, read or deleted.
    pub fails: Cell<bool>,
}

impl MemoryObjects {
    /// The names of all objects.
    pub fn names(&self) -> Vec<String> {
        self.all.borrow().keys().cloned().collect()
    }

    pub(super) fn put(&self, key: &str, kind: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        ObjectError::check(key, kind, bytes.len())?;
        self.answers()?;
        let object = Object { content_type: kind.to_owned(), bytes };
        self.all.borrow_mut().insert(key.to_owned(), object);
        Ok(())
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        ObjectError::check_key(key)?;
        self.answers()?;
        Ok(self.all.borrow().get(key).cloned())
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), ObjectError> {
        ObjectError::check_key(key)?;
        self.answers()?;
        self.all.borrow_mut().remove(key);
        Ok(())
    }

    fn answers(&self) -> Result<(), ObjectError> {
        if self.fails.get() {
            Err(ObjectError::Unavailable("taken away".to_owned()))
        } else {
            Ok(())
        }
    }
}
