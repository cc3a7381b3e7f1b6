//! The log in SQLite: opening, checking, one transaction per batch, checkpoints.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::JournalError;
use crate::files::renew;
use crate::options::Options;
use crate::position::Position;
use crate::row::{Frames, Header, Row};

/// Where the log is and how it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    dir: PathBuf,
    options: Options,
}

/// The connection that writes. After any error it must not be used again.
pub(crate) struct Store {
    connection: Connection,
    last: Position,
}

impl Place {
    pub(crate) fn new(dir: &Path, options: &Options) -> Self {
        Self { dir: dir.to_owned(), options: options.clone() }
    }

    /// A connection for reading or for checkpoints.
    pub(crate) fn connect(&self) -> Result<Connection, JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = self.dir.join(FILE);
        let connection = match self.options.vfs.as_deref() {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
            None => Connection::open_with_flags(path, flags)?,
        };
        // The last connection to go would otherwise move the write-ahead log and delete it, after
        // a failure too.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // The page size counts only while the file is new.
        connection.pragma_update(None, "page_size", self.options.page_bytes)?;
        set_journal_mode(&connection)?;
        let synchronous = if self.options.syncs() { "full" } else { "off" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        Ok(connection)
    }

    /// Opens the log for writing and makes durable what is in it. `known` is what earlier commits
    /// of this process made durable, if there were any: the log must hold exactly that.
    ///
    /// No other connection may be open: then SQLite takes nothing from its memory, and copies the
    /// whole write-ahead log into the database, also what an earlier checkpoint failed to sync.
    pub(crate) fn open(&self, known: Option<Position>) -> Result<Store, JournalError> {
        // A failed sync, of this process or of a killed one, leaves pages in the cache that the
        // disk does not have and no sync will write. Before anything of the write-ahead log goes
        // into the database, the disk must have all of it (docs/adr/0018).
        if let Some(mut log) = self.options.files.open(&self.dir.join(LOG_FILE))? {
            renew(&mut *log)?;
            self.sync_dir()?;
        }
        let connection = self.connect()?;
        // The next write-ahead log starts from nothing.
        checkpoint_all(&connection)?;
        prepare(&connection)?;
        if let Some(known) = known {
            connection
                .execute("DELETE FROM batches WHERE id > ?1", params![row_id(known.batch())])?;
        }
        // The write proves that there is space and that the disk takes it.
        connection.execute("UPDATE opened SET times = times + 1", [])?;
        self.sync_dir()?;
        let last = last_record(&connection)?;
        match known {
            Some(known) if known != last => Err(JournalError::damaged(
                known,
                format!("the log ends at {last} after it was durable until here"),
            )),
            _ => Ok(Store { connection, last }),
        }
    }

    fn sync_dir(&self) -> Result<(), JournalError> {
        Ok(std::fs::File::open(&self.dir)?.sync_all()?)
    }
}

impl Store {
    /// The last record of the log.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// Writes the rows in one transaction. When it returns, they are durable.
    pub(crate) fn commit(&mut self, rows: &mut [Row], last: Position) -> Result<(), JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO batches (id, body) VALUES (?1, ?2)")?;
            let mut previous = self.last.batch();
            for row in rows {
                row.finish(previous);
                insert.execute(params![row_id(row.id()), row.body()])?;
                previous = row.id();
            }
        }
        transaction.commit()?;
        self.last = last;
        Ok(())
    }

    /// Moves what is left in the write-ahead log into the database, without waiting for readers.
    pub(crate) fn checkpoint(&self) -> Result<(), JournalError> {
        checkpoint_some(&self.connection)
    }

    /// Ends the log tidily: nothing is left in the write-ahead log, and the file goes.
    pub(crate) fn close(self) -> Result<(), JournalError> {
        checkpoint_all(&self.connection)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

/// Moves as much of the write-ahead log into the database as nobody stands in the way of.
pub(crate) fn checkpoint_some(connection: &Connection) -> Result<(), JournalError> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}

/// Reads the answer to its end: the change of a new file is committed only there.
fn set_journal_mode(connection: &Connection) -> Result<(), JournalError> {
    let mut statement = connection.prepare("PRAGMA journal_mode = wal")?;
    let modes: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if modes != ["wal"] {
        return Err(JournalError::Io(format!("the journal mode is {modes:?}, not wal")));
    }
    Ok(())
}

/// Moves the whole write-ahead log into the database and empties it.
fn checkpoint_all(connection: &Connection) -> Result<(), JournalError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(JournalError::Io("a reader holds up the checkpoint".to_owned()));
    }
    Ok(())
}

/// The last record of the log, after its whole row was checked.
fn last_record(connection: &Connection) -> Result<Position, JournalError> {
    let row = connection
        .query_row("SELECT id, body FROM batches ORDER BY id DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    let Some((id, body)) = row else { return Ok(Position::START) };
    let id = batch_id(id)?;
    let header = Header::decode(id, &body)?;
    let mut last = Position::START;
    for frame in Frames::new(id, header, &body) {
        (last, _) = frame?;
    }
    Ok(last)
}

/// Makes the tables of a new log, and refuses a file that is something else.
fn prepare(connection: &Connection) -> Result<(), JournalError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION_ID, LAYOUT) => Ok(()),
        (0, 0) => {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE;
                 CREATE TABLE batches (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
                 CREATE TABLE opened (times INTEGER NOT NULL);
                 INSERT INTO opened VALUES (0);
                 PRAGMA application_id = {APPLICATION_ID};
                 PRAGMA user_version = {LAYOUT};
                 COMMIT;"
            ))?;
            Ok(())
        }
        (application, layout) => Err(JournalError::damaged(
            Position::START,
            format!("the file is no journal of layout {LAYOUT} (found {application}, {layout})"),
        )),
    }
}

/// Batch ids have 40 bits, so every one fits.
pub(crate) fn row_id(batch: u64) -> i64 {
    i64::try_from(batch).unwrap_or(i64::MAX)
}

pub(crate) fn batch_id(row: i64) -> Result<u64, JournalError> {
    u64::try_from(row)
        .map_err(|_| JournalError::damaged(Position::START, format!("a row has the id {row}")))
}

/// The database file within the journal's directory.
const FILE: &str = "journal.sqlite";

/// SQLite's write-ahead log beside it.
const LOG_FILE: &str = "journal.sqlite-wal";

/// Readers hold the log for one row at most.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// `EcAj` in the header of the SQLite file.
const APPLICATION_ID: i64 = 0x4563_416A;

/// Layout of the tables.
const LAYOUT: i64 = 1;
