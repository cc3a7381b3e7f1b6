//! Bytes under names: what is too large for a table.

use kernel::limits::{OBJECT_KEY_MAX_CHARS, OBJECT_MAX_BYTES};

/// Objects of a capability; its names are its own.
pub trait Objects {
    /// Puts an object in place of whatever had that name; durable before it returns.
    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ObjectError>;

    /// The object of that name, whole; none when there is none.
    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError>;

    /// Deletes the object of that name, if there is one.
    async fn delete(&self, key: &str) -> Result<(), ObjectError>;
}

/// Bytes and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Media type, as it was put.
    pub content_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why an object was not put, read or deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// A name, a media type or a size that no platform takes. A developer must act.
    #[error("no object: {0}")]
    Invalid(String),
    /// The store is full or does not answer. Try again later.
    #[error("objects unavailable: {0}")]
    Unavailable(String),
}

impl ObjectError {
    /// Refuses what no platform takes: all of them ask this before they put.
    pub fn check(key: &str, content_type: &str, bytes: usize) -> Result<(), Self> {
        Self::check_key(key)?;
        let is_type = !content_type.is_empty()
            && content_type.len() <= TYPE_MAX_CHARS
            && content_type.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !is_type {
            return Err(Self::Invalid("a media type has 1 to 100 printable characters".to_owned()));
        }
        if bytes > OBJECT_MAX_BYTES {
            return Err(Self::Invalid(format!("an object has at most {OBJECT_MAX_BYTES} bytes")));
        }
        Ok(())
    }

    /// Refuses a name that no platform takes.
    pub fn check_key(key: &str) -> Result<(), Self> {
        let takes = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(&byte)
        };
        let is_name = (1..=OBJECT_KEY_MAX_CHARS).contains(&key.len())
            && key.bytes().all(takes)
            && key.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        if is_name {
            return Ok(());
        }
        let rule = "a name has 1 to 200 of a-z 0-9 _ - . / and no part that is empty or hidden";
        Err(Self::Invalid(rule.to_owned()))
    }
}

const TYPE_MAX_CHARS: usize = 100;
