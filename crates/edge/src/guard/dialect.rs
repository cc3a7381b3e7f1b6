//! SQLite's dialect, with what the parser's own lacks.
#![allow(unreachable_pub, reason = "the macro makes a public type")]

use sqlparser::derive_dialect;
use sqlparser::dialect::SQLiteDialect;

derive_dialect!(Sqlite, SQLiteDialect, preserve_type_id = true, overrides = {
    // INSERT INTO t AS a
    supports_insert_table_alias = true,
});
