//! Objects in the store, in pieces: a row of a database is no place for ten megabytes.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use ports::{Object, ObjectError, Objects, Value};

use crate::cells::Cells;
use crate::edge::Edge;
use crate::world::{Connection, StoreError, World};

/// An [`ObjectError`] that a transaction may end with.
struct Unkept(ObjectError);

impl From<StoreError> for Unkept {
    fn from(error: StoreError) -> Self {
        Self(ObjectError::Unavailable(error.to_string()))
    }
}

impl<W: World> Objects for Edge<W> {
    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        ObjectError::check(key, content_type, bytes.len())?;
        let name = self.object_name(key);
        let put = self.store.write(|connection| {
            remove(connection, &name)?;
            let sql = "insert into edge_objects (name, content_type, bytes) values (?1, ?2, ?3)";
            let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            let cells = [name.as_str().into(), content_type.into(), size.into()];
            connection.execute(sql, &cells)?;
            for (place, piece) in (0_i64..).zip(bytes.chunks(PIECE_BYTES)) {
                let sql = "insert into edge_pieces (name, place, bytes) values (?1, ?2, ?3)";
                let cells = [name.as_str().into(), place.into(), piece.to_vec().into()];
                connection.execute(sql, &cells)?;
            }
            Ok::<_, Unkept>(())
        });
        put.map_err(|Unkept(error)| error)
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        ObjectError::check_key(key)?;
        let name = self.object_name(key);
        let found = self.store.read(|connection| read(connection, &name));
        found.map_err(|Unkept(error)| error)
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        ObjectError::check_key(key)?;
        let name = self.object_name(key);
        let deleted = self.store.write(|connection| Ok(remove(connection, &name)?));
        deleted.map_err(|Unkept(error)| error)
    }
}

impl<W: World> Edge<W> {
    fn object_name(&self, key: &str) -> String {
        format!("{}/{key}", self.grants.component)
    }
}

fn read<C: Connection>(connection: &C, name: &str) -> Result<Option<Object>, Unkept> {
    let sql = "select content_type, bytes from edge_objects where name = ?1";
    let found = connection.execute(sql, &[name.into()])?;
    let Some(row) = found.rows.into_iter().next() else { return Ok(None) };
    let mut cells = Cells::of(row);
    let (content_type, size) = (cells.text()?, cells.integer()?);
    let size = usize::try_from(size).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size);
    let mut place = 0_i64;
    // One piece at a time: an answer of the store is held twice while it is handed over.
    while bytes.len() < size {
        let sql = "select bytes from edge_pieces where name = ?1 and place = ?2";
        let found = connection.execute(sql, &[name.into(), place.into()])?;
        let piece = found.rows.first().and_then(|row| row.first()).and_then(Value::as_blob);
        let piece = piece.filter(|piece| !piece.is_empty());
        let cut = || StoreError("an object has lost a piece".to_owned());
        bytes.extend_from_slice(piece.ok_or_else(cut)?);
        place += 1;
    }
    Ok(Some(Object { content_type, bytes }))
}

fn remove<C: Connection>(connection: &C, name: &str) -> Result<(), StoreError> {
    connection.execute("delete from edge_pieces where name = ?1", &[name.into()])?;
    connection.execute("delete from edge_objects where name = ?1", &[name.into()]).map(drop)
}

/// Far below what any store takes in a row.
const PIECE_BYTES: usize = 512 << 10;
