//! What a guest's tables promise.

use super::*;

struct Scratch {
    store: Arc<SqlStore>,
    folder: std::path::PathBuf,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn scratch(name: &str) -> Scratch {
    let folder = std::env::temp_dir().join(format!("tables-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let store = SqlStore::open(&folder.join("things.db"), "things_", Turn::First).unwrap();
    Scratch { store, folder }
}

fn statement(sql: &str, parameters: Vec<Value>) -> Statement {
    Statement { sql: sql.to_owned(), parameters }
}

async fn with_table(name: &str) -> Scratch {
    let scratch = scratch(name);
    let create = "CREATE TABLE things_kept (id TEXT PRIMARY KEY, n INTEGER NOT NULL)";
    scratch.store.batch(vec![statement(create, vec![])], vec![]).await.unwrap();
    scratch
}

fn insert(id: &str, n: i64) -> Statement {
    let values = vec![Value::Text(id.to_owned()), Value::Integer(n)];
    statement("INSERT INTO things_kept (id, n) VALUES (?1, ?2)", values)
}

async fn rows(store: &Arc<SqlStore>) -> Vec<Vec<Value>> {
    let all = statement("SELECT id, n FROM things_kept ORDER BY id", vec![]);
    store.query(all).await.unwrap().rows
}

#[tokio::test]
async fn one_error_undoes_the_whole_batch_and_no_other() {
    let scratch = with_table("undo").await;
    let store = &scratch.store;
    let (good, bad) = tokio::join!(
        store.batch(vec![insert("a", 1)], vec![]),
        store.batch(vec![insert("b", 2), insert("b", 3)], vec![]),
    );
    assert!(good.is_ok());
    assert!(matches!(bad, Err(SqlError::Constraint(_))), "{bad:?}");
    assert_eq!(rows(store).await, [vec![Value::Text("a".to_owned()), Value::Integer(1)]]);
}

#[tokio::test]
async fn a_projection_is_seen_by_the_next_query_and_the_newest_of_a_key_wins() {
    let scratch = with_table("project").await;
    let store = &scratch.store;
    store.batch(vec![insert("a", 1)], vec![]).await.unwrap();
    for n in 2..=50 {
        let update = "UPDATE things_kept SET n = ?2 WHERE id = ?1";
        let values = vec![Value::Text("a".to_owned()), Value::Integer(n)];
        store.project("a".to_owned(), statement(update, values), n as u64).unwrap();
        if n % 7 == 0 {
            let seen = rows(store).await;
            assert_eq!(seen, [vec![Value::Text("a".to_owned()), Value::Integer(n)]]);
        }
    }
    assert_eq!(rows(store).await, [vec![Value::Text("a".to_owned()), Value::Integer(50)]]);
}

#[tokio::test]
async fn of_two_projections_of_a_key_the_later_one_stays_whichever_came_first() {
    let scratch = with_table("order").await;
    let store = &scratch.store;
    store.batch(vec![insert("a", 0)], vec![]).await.unwrap();
    for position in [7, 9, 8] {
        let update = "UPDATE things_kept SET n = ?2 WHERE id = ?1";
        let values = vec![Value::Text("a".to_owned()), Value::Integer(position)];
        store.project("a".to_owned(), statement(update, values), position as u64).unwrap();
    }
    assert_eq!(rows(store).await, [vec![Value::Text("a".to_owned()), Value::Integer(9)]]);
}

#[tokio::test]
async fn transactions_pragmas_foreign_tables_and_double_statements_are_refused() {
    let scratch = with_table("refuse").await;
    let store = &scratch.store;
    for sql in [
        "BEGIN",
        "COMMIT",
        "SAVEPOINT x",
        "PRAGMA journal_mode = delete",
        "ATTACH 'other.db' AS other",
        "CREATE TABLE others_kept (id TEXT)",
        "DELETE FROM others_kept",
        "SELECT load_extension('x')",
        "SELECT 1; DELETE FROM things_kept",
        "VACUUM",
        "nonsense",
    ] {
        let refused = store.batch(vec![statement(sql, vec![])], vec![]).await;
        assert!(matches!(refused, Err(SqlError::Invalid(_))), "{sql}: {refused:?}");
    }
    let writing = store.query(insert("a", 1)).await;
    assert!(matches!(writing, Err(SqlError::Invalid(_))), "{writing:?}");
    let missing = store.query(statement("SELECT ?1", vec![])).await;
    assert!(matches!(missing, Err(SqlError::Invalid(_))), "{missing:?}");
    let many = vec![Value::Null; 101];
    let crowded = store.query(statement("SELECT 1", many)).await;
    assert!(matches!(crowded, Err(SqlError::Invalid(_))), "{crowded:?}");
    assert_eq!(rows(store).await, Vec::<Vec<Value>>::new());
}

#[tokio::test]
async fn an_endless_statement_is_interrupted() {
    let scratch = with_table("endless").await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                   SELECT max(i) FROM n";
    let cut = scratch.store.query(statement(endless, vec![])).await;
    assert!(matches!(cut, Err(SqlError::Unavailable(_))), "{cut:?}");
}

/// Longer together than one may run, and without a pause between them.
#[tokio::test]
async fn many_statements_in_a_row_are_not_one_endless_one() {
    let scratch = with_table("row").await;
    let count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000)
                 SELECT max(i) FROM n";
    let began = std::time::Instant::now();
    while began.elapsed() < std::time::Duration::from_secs(3) {
        let counted = scratch.store.query(statement(count, vec![])).await;
        assert!(counted.is_ok(), "{counted:?}");
    }
}

fn outgoing(key: &str, body: &str) -> Outgoing {
    Outgoing { topic: "t".to_owned(), key: key.to_owned(), body: body.into() }
}

#[tokio::test]
async fn messages_are_sent_with_their_batch_or_never() {
    let scratch = with_table("messages").await;
    let store = &scratch.store;
    let (good, bad) = tokio::join!(
        store.batch(vec![insert("a", 1)], vec![outgoing("k", "1"), outgoing("k", "2")]),
        store.batch(vec![insert("b", 2), insert("b", 3)], vec![outgoing("lost", "3")]),
    );
    assert!(good.is_ok() && bad.is_err(), "{good:?} {bad:?}");
    store.sent().await;
    let unsent = store.unsent(10).await.unwrap();
    let bodies: Vec<&[u8]> = unsent.iter().map(|one| one.message.body.as_slice()).collect();
    assert_eq!(bodies, [b"1", b"2"]);
    assert_ne!(unsent[0].id, unsent[1].id);
    store.forget_sent(unsent[0].seq).await.unwrap();
    let left = store.unsent(10).await.unwrap();
    assert_eq!(left.iter().map(|one| &one.id).collect::<Vec<_>>(), [&unsent[1].id]);
}

#[tokio::test]
async fn a_message_that_no_consumer_could_read_is_refused_with_its_batch() {
    let scratch = with_table("unreadable").await;
    let store = &scratch.store;
    let long = format!("\"{}\"", "x".repeat(256 << 10));
    for body in ["", "nonsense", &long] {
        let refused = store.batch(vec![insert("a", 1)], vec![outgoing("k", body)]).await;
        assert!(matches!(refused, Err(SqlError::Invalid(_))), "{refused:?}");
    }
    assert_eq!(rows(store).await, Vec::<Vec<Value>>::new());
}

/// Whatever prefix the manifest gives to the tables.
#[tokio::test]
async fn a_guest_cannot_touch_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open(&folder.path().join("e.db"), "e", Turn::First).unwrap();
    store.batch(vec![], vec![outgoing("k", "1")]).await.unwrap();
    for sql in [
        "DELETE FROM ecomauction_outbox",
        "UPDATE Ecomauction_Outbox SET topic = 'x'",
        "INSERT INTO ecomauction_outbox (id, topic, key, time, body) VALUES ('', '', '', 0, x'')",
        "DROP TABLE ecomauction_outbox",
        "ALTER TABLE ecomauction_outbox RENAME TO e_mine",
        "CREATE TRIGGER e_t AFTER DELETE ON ecomauction_outbox BEGIN SELECT 1; END",
        "CREATE INDEX e_i ON ecomauction_outbox (topic)",
    ] {
        let refused = store.batch(vec![statement(sql, vec![])], vec![]).await;
        assert!(matches!(refused, Err(SqlError::Invalid(_))), "{sql}: {refused:?}");
    }
    let view = "CREATE VIEW e_view AS SELECT * FROM ecomauction_outbox";
    let _ = store.batch(vec![statement(view, vec![])], vec![]).await;
    for sql in ["SELECT * FROM ecomauction_outbox", "SELECT * FROM e_view"] {
        let refused = store.query(statement(sql, vec![])).await;
        assert!(matches!(refused, Err(SqlError::Invalid(_))), "{sql}: {refused:?}");
    }
    assert_eq!(store.unsent(10).await.unwrap().len(), 1);
}
