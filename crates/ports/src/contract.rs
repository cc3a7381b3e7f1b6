//! What every implementation of a port must do, as code that any of them runs: the one in memory,
//! the host's, and those of other platforms.
//!
//! Each function panics with a sentence where the implementation breaks the contract.
#![allow(clippy::panic, reason = "this is test code that platforms link into their tests")]

use kernel::limits::{OBJECT_KEY_MAX_CHARS, OBJECT_MAX_BYTES, SQL_MAX_PARAMETERS};

use crate::{
    Claims, Clock, Entities, EntityError, Object, ObjectError, Objects, Random, Sql, SqlError,
    Statement, Value, Vault,
};

/// The SQL contract. `capability` must be the prefix that the implementation grants; the table
/// `<capability>_contract` must not exist yet and is dropped at the end.
pub async fn sql<S: Sql>(store: &S, capability: &str) {
    let table = format!("{capability}_contract");
    let create = format!("CREATE TABLE {table} (id TEXT PRIMARY KEY, n INTEGER NOT NULL)");
    done(store.batch(vec![Statement::new(create, [])]).await, "a table can be made");
    reads_what_was_written(store, &table).await;
    undoes_a_batch_with_an_error(store, &table).await;
    shows_projections(store, &table).await;
    refuses_what_is_not_allowed(store, &table).await;
    keeps_every_kind_of_value(store).await;
    let drop = Statement::new(format!("DROP TABLE {table}"), []);
    done(store.batch(vec![drop]).await, "a table can be dropped");
}

async fn reads_what_was_written<S: Sql>(store: &S, table: &str) {
    let outcomes = store.batch(vec![insert(table, "a", 1), insert(table, "b", 2)]).await;
    let changes: Vec<_> =
        done(outcomes, "two rows can be written").iter().map(|outcome| outcome.changes).collect();
    assert_eq!(changes, [1, 1], "each write tells how many rows it changed");
    assert_eq!(rows(store, table).await, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let sql = format!("UPDATE {table} SET n = n + ?1 RETURNING n");
    let returned = done(store.batch(vec![Statement::new(sql, [10.into()])]).await, "RETURNING");
    let count = returned.first().map(|outcome| outcome.rows.len());
    assert_eq!(count, Some(2), "a write may return rows");
}

async fn undoes_a_batch_with_an_error<S: Sql>(store: &S, table: &str) {
    let before = rows(store, table).await;
    let constraint = store.batch(vec![insert(table, "c", 3), insert(table, "a", 4)]).await;
    assert!(
        matches!(constraint, Err(SqlError::Constraint(_))),
        "a repeated key is a constraint error, not {constraint:?}"
    );
    let wrong = Statement::new(format!("INSERT INTO {table} (nothing) VALUES (1)"), []);
    let invalid = store.batch(vec![insert(table, "d", 3), wrong]).await;
    assert!(matches!(invalid, Err(SqlError::Invalid(_))), "no such column: {invalid:?}");
    assert_eq!(rows(store, table).await, before, "one error undoes the whole batch");
}

async fn shows_projections<S: Sql>(store: &S, table: &str) {
    for n in [5, 6] {
        let sql = format!("UPDATE {table} SET n = ?2 WHERE id = ?1");
        let statement = Statement::new(sql, ["a".into(), n.into()]);
        done(store.project("a", statement).await, "a projection is taken");
    }
    let sql = format!("UPDATE {table} SET n = ?2 WHERE id = ?1");
    let other = Statement::new(sql, ["b".into(), 7.into()]);
    done(store.project("b", other).await, "a projection under another key is taken");
    assert_eq!(
        rows(store, table).await,
        [("a".to_owned(), 6), ("b".to_owned(), 7)],
        "the next query sees the last projection of each key"
    );
}

async fn refuses_what_is_not_allowed<S: Sql>(store: &S, table: &str) {
    let before = rows(store, table).await;
    let texts = [
        "PRAGMA journal_mode".to_owned(),
        "BEGIN".to_owned(),
        "COMMIT".to_owned(),
        "ROLLBACK".to_owned(),
        "SAVEPOINT s".to_owned(),
        "ATTACH ':memory:' AS other".to_owned(),
        "VACUUM".to_owned(),
        "SELECT name FROM sqlite_master".to_owned(),
        "CREATE TABLE foreign_contract (id TEXT)".to_owned(),
        "INSERT INTO foreign_contract VALUES (1)".to_owned(),
        "SELECT * FROM foreign_contract".to_owned(),
        format!("CREATE TEMP TABLE {table}_temp (id TEXT)"),
        format!("SELECT 1; DELETE FROM {table}"),
        "this is not SQL".to_owned(),
        String::new(),
    ];
    for text in texts {
        let statement = Statement::new(text.as_str(), []);
        let batch = store.batch(vec![statement.clone()]).await;
        assert!(matches!(batch, Err(SqlError::Invalid(_))), "batch of {text:?}: {batch:?}");
        let query = store.query(statement.clone()).await;
        assert!(matches!(query, Err(SqlError::Invalid(_))), "query {text:?}: {query:?}");
    }
    let write = store.query(Statement::new(format!("DELETE FROM {table}"), [])).await;
    assert!(matches!(write, Err(SqlError::Invalid(_))), "a query must not write: {write:?}");
    let few = store.query(Statement::new("SELECT ?1, ?2", [1.into()])).await;
    assert!(matches!(few, Err(SqlError::Invalid(_))), "a missing parameter: {few:?}");
    let most = done(store.query(parameters(SQL_MAX_PARAMETERS)).await, "100 parameters");
    assert_eq!(most.rows.first().map(Vec::len), Some(SQL_MAX_PARAMETERS));
    let many = store.query(parameters(SQL_MAX_PARAMETERS + 1)).await;
    assert!(matches!(many, Err(SqlError::Invalid(_))), "more than 100 parameters: {many:?}");
    assert_eq!(rows(store, table).await, before, "what is refused changes nothing");
}

async fn keeps_every_kind_of_value<S: Sql>(store: &S) {
    let values = [
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Integer(i64::MAX),
        Value::Text("ä\u{1f600}\0end".to_owned()),
        Value::Blob(vec![0, 255, 0]),
        Value::Real(-0.5),
    ];
    let statement = Statement::new("SELECT ?1, ?2, ?3, ?4, ?5, ?6 AS last", values.clone());
    let outcome = done(store.query(statement).await, "values can be read back");
    assert_eq!(outcome.rows, [values.to_vec()]);
    assert_eq!(outcome.columns.last().map(String::as_str), Some("last"));
}

/// The vault's contract: what it signed it knows until it expires, and nothing else.
pub async fn vault<P: Vault + Clock>(ports: &P) {
    let now = ports.now().as_ms().div_euclid(1_000);
    let claims = |expires_at| Claims {
        subject: "usr_01jd0000000000000000000000".to_owned(),
        name: "Ana Ärger".to_owned(),
        roles: vec!["user".to_owned(), "admin".to_owned()],
        expires_at,
    };
    let Ok(token) = ports.sign_access_token(&claims(now + 600)).await else {
        panic!("a token can be signed")
    };
    assert_eq!(ports.verify_access_token(&token).await, Some(claims(now + 600)));
    let again = ports.sign_access_token(&claims(now + 600)).await;
    assert_eq!(again.as_deref(), Ok(token.as_str()), "the same claims are the same token");
    let Ok(spent) = ports.sign_access_token(&claims(now - 1)).await else {
        panic!("a token can be signed whatever it says")
    };
    assert_eq!(ports.verify_access_token(&spent).await, None, "an expired token is refused");
    for foreign in ["", ".", "a.b.c", &format!("{token}x"), token.get(1..).unwrap_or_default()] {
        assert_eq!(ports.verify_access_token(foreign).await, None, "{foreign:?}");
    }
}

/// The contract of proofs: an instant and a message have one signature, whose key is published.
pub async fn proofs<P: Vault + Clock>(ports: &P) {
    let now = ports.now();
    let Ok(signed) = ports.sign_proof(now, b"auc_1:7:00").await else {
        panic!("a proof can be signed")
    };
    let again = ports.sign_proof(now, b"auc_1:7:00").await;
    assert_eq!(again.as_ref(), Ok(&signed), "the same proof has the same signature");
    let other = ports.sign_proof(now, b"auc_1:8:00").await;
    assert_ne!(other.as_ref(), Ok(&signed), "another proof has another one");
    let keys = ports.proof_keys().await;
    assert!(keys.contains(&format!("\"{}\"", signed.key_id)), "{keys} lacks {}", signed.key_id);
}

/// The contract of randomness: no id bytes twice.
pub fn random<R: Random>(random: &R) {
    let mut drawn: Vec<_> = (0..1_000).map(|_| random.id_bytes()).collect();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 1_000, "random bytes repeat");
}

/// The contract of entities that needs no machine: what is not granted does not answer.
pub async fn entities<E: Entities>(entities: &E) {
    let name = "no-such-machine";
    let call = entities.call(name, "k", "c", None, b"\"wake\"".to_vec()).await;
    assert_eq!(call, Err(EntityError::NotGranted));
    let query = entities.query(name, "k", None, b"\"view\"".to_vec()).await;
    assert_eq!(query, Err(EntityError::NotGranted));
    assert_eq!(entities.events(name, "k", 0, 1).await, Err(EntityError::NotGranted));
    assert_eq!(entities.engine(name).await, Err(EntityError::NotGranted));
}

/// The contract of objects: what was put is read whole until it is put again or deleted. The names
/// `contract/…` must be free, and are in the end.
pub async fn objects<O: Objects>(objects: &O) {
    let (one, other) = ("contract/one.png", "contract/other");
    assert_eq!(objects.get(one).await, Ok(None), "nothing was put");
    // Every byte, and more than a piece of any store.
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 7) as u8).collect();
    for (key, kind, bytes) in [
        (one, "image/png", bytes.clone()),
        (other, "text/plain; charset=utf-8", b"other".to_vec()),
        // What is put again is shorter, and empty, and as large as can be.
        (one, "image/svg+xml", b"<svg/>".to_vec()),
        (one, "application/octet-stream", Vec::new()),
        (one, "image/png", vec![7; OBJECT_MAX_BYTES]),
    ] {
        assert_eq!(objects.put(key, kind, bytes.clone()).await, Ok(()), "{key} {kind}");
        let expected = Object { content_type: kind.to_owned(), bytes };
        assert!(objects.get(key).await == Ok(Some(expected)), "{key} {kind} is read as it was put");
    }
    refuses_what_is_no_object(objects).await;
    assert_eq!(objects.delete(one).await, Ok(()));
    assert_eq!(objects.get(one).await, Ok(None), "it was deleted");
    assert_eq!(objects.delete(one).await, Ok(()), "nothing is left to delete");
    let kept = objects.get(other).await.map(|kept| kept.map(|kept| kept.bytes));
    assert_eq!(kept, Ok(Some(b"other".to_vec())), "others stay");
    assert_eq!(objects.delete(other).await, Ok(()));
}

async fn refuses_what_is_no_object<O: Objects>(objects: &O) {
    let long = "k".repeat(OBJECT_KEY_MAX_CHARS + 1);
    for key in ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "A", "a b", "a\0b", "ä", &long] {
        let put = objects.put(key, "text/plain", b"x".to_vec()).await;
        assert!(matches!(put, Err(ObjectError::Invalid(_))), "put {key:?}: {put:?}");
        let get = objects.get(key).await;
        assert!(matches!(get, Err(ObjectError::Invalid(_))), "get {key:?}: {get:?}");
        let delete = objects.delete(key).await;
        assert!(matches!(delete, Err(ObjectError::Invalid(_))), "delete {key:?}: {delete:?}");
    }
    for kind in ["", "text/plain\r\nx: y", "tëxt"] {
        let put = objects.put("contract/one.png", kind, b"x".to_vec()).await;
        assert!(matches!(put, Err(ObjectError::Invalid(_))), "{kind:?}: {put:?}");
    }
    let large = objects.put("contract/large", "text/plain", vec![0; OBJECT_MAX_BYTES + 1]).await;
    assert!(matches!(large, Err(ObjectError::Invalid(_))), "too large: {large:?}");
}

fn insert(table: &str, id: &str, n: i64) -> Statement {
    let sql = format!("INSERT INTO {table} (id, n) VALUES (?1, ?2)");
    Statement::new(sql, [id.into(), n.into()])
}

fn parameters(count: usize) -> Statement {
    let marks: Vec<_> = (1..=count).map(|n| format!("?{n}")).collect();
    let values = (0..count).map(|_| Value::Integer(1));
    Statement::new(format!("SELECT {}", marks.join(", ")), values)
}

async fn rows<S: Sql>(store: &S, table: &str) -> Vec<(String, i64)> {
    let statement = Statement::new(format!("SELECT id, n FROM {table} ORDER BY id"), []);
    let outcome = done(store.query(statement).await, "rows can be read");
    let cell = |row: &Vec<Value>| match row.as_slice() {
        [Value::Text(id), Value::Integer(n)] => (id.clone(), *n),
        other => panic!("a text and an integer, not {other:?}"),
    };
    outcome.rows.iter().map(cell).collect()
}

fn done<T>(result: Result<T, SqlError>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}
