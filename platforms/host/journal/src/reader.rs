//! Reading the log: single records, and all of it in order.

use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use rusqlite::blob::Blob;
use rusqlite::{Connection, ErrorCode, MAIN_DB, params};

use crate::error::JournalError;
use crate::position::Position;
use crate::record::Record;
use crate::row::{
    FRAME_BYTES, Frames, HEADER_BYTES, Header, RECORD_BYTES_MAX, check_frame, decode, payload_bytes,
};
use crate::store::{Place, batch_id, checkpoint_some, row_id};

/// Connections for reading. They see only what is durable because callers stop there.
pub(crate) struct Readers {
    place: Place,
    /// None when the journal is closed.
    idle: Mutex<Option<Vec<Connection>>>,
    /// Shared by the connections in use.
    in_use: RwLock<()>,
}

impl Readers {
    pub(crate) fn new(place: Place) -> Self {
        Self { place, idle: Mutex::new(Some(Vec::new())), in_use: RwLock::new(()) }
    }

    /// The record at the position, without reading the rest of its row.
    pub(crate) fn read(&self, at: Position) -> Result<Record, JournalError> {
        self.with_connection(|connection| {
            let blob = match connection.blob_open(
                MAIN_DB,
                c"batches",
                c"body",
                row_id(at.batch()),
                true,
            ) {
                Ok(blob) => blob,
                Err(error) if is_missing(&error) => return Err(JournalError::Missing(at)),
                Err(error) => return Err(located(error, at)),
            };
            read_frame(&blob, at)
        })
    }

    /// Hands every record after the position and up to `upto` to `visit`, in order.
    pub(crate) fn scan<E: From<JournalError>>(
        &self,
        after: Position,
        upto: Position,
        mut visit: impl FnMut(Position, Record) -> Result<(), E>,
    ) -> Result<(), E> {
        if after > upto {
            return Ok(());
        }
        let mut previous = None;
        let mut next = after.batch();
        while next <= upto.batch() {
            // A transaction of its own for every few rows: a long one would keep the write-ahead
            // log from starting over.
            let rows = self.with_connection(|connection| load(connection, next, upto.batch()))?;
            if rows.is_empty() {
                break;
            }
            for (id, body) in rows {
                let header = Header::decode(id, &body)?;
                check_link(after, previous, id, header)?;
                for frame in Frames::new(id, header, &body) {
                    let (at, payload) = frame?;
                    if at > after && at <= upto {
                        visit(at, decode(at, payload)?)?;
                    }
                }
                previous = Some(id);
                next = id + 1;
            }
        }
        let last = previous.unwrap_or_default();
        if last < upto.batch() {
            let lost = JournalError::damaged(upto, format!("the log ends after batch {last}"));
            return Err(lost.into());
        }
        Ok(())
    }

    /// Refuses reads from now on; those under way end by themselves.
    pub(crate) fn close(&self) {
        *self.idle.lock() = None;
    }

    /// Copies the write-ahead log into the database as far as nobody stands in the way.
    pub(crate) fn checkpoint(&self) -> Result<(), JournalError> {
        self.with_connection(checkpoint_some)
    }

    /// Closes every connection, and lets nobody open one while the guard lives. What a connection
    /// does takes a few rows' time.
    pub(crate) fn exclude(&self) -> RwLockWriteGuard<'_, ()> {
        let alone = self.in_use.write();
        if let Some(idle) = self.idle.lock().as_mut() {
            idle.clear();
        }
        alone
    }

    fn with_connection<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let _in_use = self.in_use.read();
        let idle = self.idle.lock().as_mut().ok_or(JournalError::Closed)?.pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.place.connect()?,
        };
        let outcome = work(&connection);
        // A connection that met an error may hold a stale view of a failing file.
        if outcome.is_ok() {
            let mut idle = self.idle.lock();
            if let Some(idle) = idle.as_mut()
                && idle.len() < IDLE_CONNECTIONS
            {
                idle.push(connection);
            }
        }
        outcome
    }
}

fn read_frame(blob: &Blob<'_>, at: Position) -> Result<Record, JournalError> {
    let (offset, size) = (at.offset(), blob.len());
    if offset < HEADER_BYTES || offset + FRAME_BYTES > size {
        return Err(JournalError::Missing(at));
    }
    let mut head = [0; FRAME_BYTES];
    blob.read_at_exact(&mut head, offset).map_err(|error| located(error, at))?;
    let bytes = payload_bytes(&head);
    if bytes > RECORD_BYTES_MAX || offset + FRAME_BYTES + bytes > size {
        return Err(JournalError::damaged(at, "the record ends after its row"));
    }
    let mut payload = vec![0; bytes];
    blob.read_at_exact(&mut payload, offset + FRAME_BYTES).map_err(|error| located(error, at))?;
    check_frame(at, &head, &payload)?;
    decode(at, &payload)
}

/// The next rows in order, at least one if there is any.
fn load(
    connection: &Connection,
    from: u64,
    upto: u64,
) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
    let at = Position::new(from, 0);
    let mut select = connection.prepare_cached(
        "SELECT id, body FROM batches WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = select
        .query(params![row_id(from), row_id(upto), SCAN_ROWS])
        .map_err(|error| located(error, at))?;
    let mut loaded = Vec::new();
    let mut bytes = 0;
    while bytes < SCAN_BYTES
        && let Some(row) = rows.next().map_err(|error| located(error, at))?
    {
        let body: Vec<u8> = row.get(1).map_err(|error| located(error, at))?;
        bytes += body.len();
        loaded.push((batch_id(row.get(0)?)?, body));
    }
    Ok(loaded)
}

/// A row must follow the one before; the first row of a whole scan follows nothing.
fn check_link(
    after: Position,
    previous: Option<u64>,
    id: u64,
    header: Header,
) -> Result<(), JournalError> {
    let expected = match previous {
        Some(previous) => previous,
        None if after == Position::START => 0,
        None if id == after.batch() => return Ok(()),
        None => return Err(JournalError::Missing(after)),
    };
    if header.previous == expected {
        return Ok(());
    }
    let what = format!("the batch follows {}, but {expected} comes before", header.previous);
    Err(JournalError::damaged(Position::new(id, 0), what))
}

/// Damage that SQLite itself found, with the place where it was met.
fn located(error: rusqlite::Error, at: Position) -> JournalError {
    match error {
        rusqlite::Error::BlobSizeError => JournalError::damaged(at, "the row is shorter"),
        error => match JournalError::from(error) {
            JournalError::Damaged { what, .. } => JournalError::damaged(at, what),
            other => other,
        },
    }
}

/// A blob handle to a row that is not there fails with the plain error code.
fn is_missing(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|code| {
        code.code == ErrorCode::Unknown && error.to_string().contains("no such rowid")
    })
}

const IDLE_CONNECTIONS: usize = 4;

/// Rows and bytes that a scan holds at once.
const SCAN_ROWS: u32 = 256;
const SCAN_BYTES: usize = 1024 * 1024;
