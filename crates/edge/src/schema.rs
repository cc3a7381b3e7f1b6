//! The edge's own tables. Capabilities' tables are named by them.

use ports::Value;

use crate::store::Store;
use crate::world::{Connection, StoreError};

/// Runs the steps that the database has not seen. A table counts them: not every server lets a
/// client set `user_version`.
pub(crate) fn bring_up_to_date<C: Connection>(store: &Store<C>) -> Result<(), StoreError> {
    if store.read(version)? >= STEPS.len() {
        return Ok(());
    }
    store.write(|connection| {
        // Another instance may have been faster.
        let seen = version(connection)?;
        for (version, statements) in (1_i64..).zip(STEPS).skip(seen) {
            for statement in *statements {
                connection.execute(statement, &[])?;
            }
            let sql = "insert into edge_schema (version) values (?1)";
            connection.execute(sql, &[version.into()])?;
        }
        Ok(())
    })
}

fn version(connection: &impl Connection) -> Result<usize, StoreError> {
    let number = |sql: &str| {
        let found = connection.execute(sql, &[])?;
        let number = found.rows.first().and_then(|row| row.first()).and_then(Value::as_integer);
        Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0))
    };
    if number("select count(*) from sqlite_schema where name = 'edge_schema'")? == 0 {
        return Ok(0);
    }
    number("select max(version) from edge_schema")
}

/// Append-only.
const STEPS: &[&[&str]] = &[
    &[
        "create table edge_schema (version integer primary key)",
        // One row per entity: where its log stands, and when it wants to be called.
        "create table edge_entities (machine text not null, key text not null, seq integer not \
         null, \
     head blob not null, snapshot_seq integer not null, wake_at integer, \
     primary key (machine, key)) without rowid",
        // Apart: the row above changes with every command, and SQLite writes rows whole.
        "create table edge_snapshots (machine text not null, key text not null, \
     snapshot blob not null, primary key (machine, key)) without rowid",
        "create index edge_entities_by_wake on edge_entities (wake_at) where wake_at is not null",
        "create table edge_events (machine text not null, key text not null, seq integer not null, \
     prev blob not null, head blob not null, public blob not null, fact blob not null, \
     primary key (machine, key, seq)) without rowid",
        // One row per message and consumer. Its place among the messages of its key is its id.
        // `head` is set on the oldest of each key: only those can be taken, so a message that waits
        // costs the others of its topic nothing. `place` is its place in the batch of its lease;
        // `suspect` is one whose consumer did not come back once.
        "create table edge_messages (id integer primary key autoincrement, consumer text not null, \
     topic text not null, key text not null, message_id text not null, source text not null, \
     time integer not null, body blob not null, due_at integer not null, \
     receives integer not null default 0, head integer not null, lease text, place integer, \
     suspect integer not null default 0)",
        "create index edge_messages_by_due on edge_messages (consumer, topic, due_at, id) \
     where head = 1",
        "create index edge_messages_by_key on edge_messages (consumer, topic, key, id)",
        "create index edge_messages_under_way on edge_messages (consumer, topic, due_at) \
     where lease is not null",
        "create index edge_messages_by_lease on edge_messages (lease) where lease is not null",
        // The topic whose messages a component took last.
        "create table edge_turns (consumer text primary key, topic text not null) without rowid",
        "create table edge_dead_letters (id integer primary key autoincrement, \
     consumer text not null, topic text not null, key text not null, message_id text not null, \
     source text not null, time integer not null, body blob not null, receives integer not null, \
     why text not null, died_at integer not null)",
        "create index edge_dead_letters_in_order on edge_dead_letters (consumer, topic, id)",
        // The newest slot of a job that was begun.
        "create table edge_slots (consumer text not null, job text not null, slot integer not \
         null, \
     lease text, leased_until integer, primary key (consumer, job)) without rowid",
        // Letters that were kept instead of sent, and the keys under which letters went through.
        "create table edge_letters (id integer primary key autoincrement, recipient text not null, \
     subject text not null, letter blob not null, sent_at integer not null)",
        "create index edge_letters_by_recipient on edge_letters (recipient, id)",
        "create table edge_buckets (name text primary key, full_at integer not null) without rowid",
        "create index edge_buckets_by_age on edge_buckets (full_at)",
        "create table edge_sent (key text primary key, sent_at integer not null) without rowid",
        "create index edge_sent_by_age on edge_sent (sent_at)",
        "create table edge_keys (name text primary key, bytes blob not null) without rowid",
    ],
    &[
        // How far a log of messages elsewhere was read.
        "create table edge_cursors (name text primary key, place integer not null) without rowid",
    ],
    &[
        // Commands as they came, each at the first of its events.
        "create table edge_commits (machine text not null, key text not null, \
     seq integer not null, events integer not null, command_id text not null, \
     principal text, now integer not null, \
     seed blob not null, body blob not null, effects text not null, wake_at integer, \
     wake_reason text, primary key (machine, key, seq)) without rowid",
    ],
    &[
        // Objects by the component and their name, and their bytes in pieces.
        "create table edge_objects (name text primary key, content_type text not null, \
     bytes integer not null) without rowid",
        "create table edge_pieces (name text not null, place integer not null, \
     bytes blob not null, primary key (name, place))",
    ],
];
