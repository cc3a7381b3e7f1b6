//! The values of a row, in the order of its columns.

use kernel::Digest;
use ports::Value;

use crate::world::StoreError;

/// What is left of a row.
pub(crate) struct Cells(std::vec::IntoIter<Value>);

impl Cells {
    /// All of it.
    pub(crate) fn of(row: Vec<Value>) -> Self {
        Self(row.into_iter())
    }

    /// The next value, a text.
    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(text),
            other => Err(unexpected("a text", other.as_ref())),
        }
    }

    /// The next value, a text, if there is one.
    pub(crate) fn text_or_null(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            other => Err(unexpected("a text or null", other.as_ref())),
        }
    }

    /// The next value, an integer, if there is one.
    pub(crate) fn integer_or_null(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(integer)) => Ok(Some(integer)),
            other => Err(unexpected("an integer or null", other.as_ref())),
        }
    }

    /// The next value, a digest.
    pub(crate) fn digest(&mut self) -> Result<Digest, StoreError> {
        let bytes = self.bytes()?;
        let digest = <[u8; Digest::LEN]>::try_from(bytes.as_slice());
        digest.map(Digest::from_bytes).map_err(|_| StoreError("a digest is cut".to_owned()))
    }

    /// The next value, an integer.
    pub(crate) fn integer(&mut self) -> Result<i64, StoreError> {
        let next = self.0.next();
        next.as_ref()
            .and_then(Value::as_integer)
            .ok_or_else(|| unexpected("an integer", next.as_ref()))
    }

    /// The next value, a truth that SQLite keeps as a number.
    pub(crate) fn truth(&mut self) -> Result<bool, StoreError> {
        Ok(self.integer()? != 0)
    }

    /// The next value, bytes.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        match self.0.next() {
            Some(Value::Blob(bytes)) => Ok(bytes),
            other => Err(unexpected("bytes", other.as_ref())),
        }
    }
}

fn unexpected(wanted: &str, found: Option<&Value>) -> StoreError {
    StoreError(format!("a column of the edge's own tables has no {wanted}, but {found:?}"))
}
