use std::sync::{Arc, Mutex};

use ports::{Statement, Value};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::*;

fn check(guard: &Guard, sql: &str, parameters: usize) -> Result<Kind, String> {
    guard.check(&Statement::new(sql, (0..parameters).map(|_| Value::Null)))
}

/// Of a component beside another one.
fn own() -> Guard {
    Guard::new(Some("own_"), ["own_", "other_"])
}

/// Everything that the services ran while their own tests ran: the number of parameters and the
/// text.
fn of_the_services() -> impl Iterator<Item = (usize, &'static str)> {
    let lines = include_str!("statements.txt").lines();
    lines.map(|line| line.split_once(' ').unwrap()).map(|(n, sql)| (n.parse().unwrap(), sql))
}

fn words(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(|symbol: char| !symbol.is_ascii_alphanumeric() && symbol != '_')
}

#[test]
fn every_statement_of_the_services_passes_for_its_service_alone() {
    let prefixes = ["auctions_", "identity_", "notifications_", "pictures_"];
    let guards = prefixes.map(|own| (own, Guard::new(Some(own), prefixes)));
    for (parameters, sql) in of_the_services() {
        let mut owners = 0;
        for (own, guard) in &guards {
            let verdict = check(guard, sql, parameters);
            let is_own = words(sql).any(|word| word.starts_with(own));
            assert_eq!(verdict.is_ok(), is_own, "{own}: {sql}: {verdict:?}");
            owners += usize::from(is_own);
        }
        assert_eq!(owners, 1, "{sql}");
    }
    assert!(of_the_services().count() > 150);
}

#[test]
fn kinds_are_told_apart() {
    let guard = own();
    for (sql, kind) in [
        ("SELECT 1", Kind::Read),
        ("VALUES (1)", Kind::Read),
        ("WITH t AS (SELECT 1 AS n) SELECT n FROM t", Kind::Read),
        ("SELECT value FROM json_each('[1]')", Kind::Read),
        ("SELECT * FROM \"OWN_t\" JOIN [Own_u] USING (id)", Kind::Read),
        ("INSERT INTO own_t VALUES (1) RETURNING n", Kind::Change),
        ("REPLACE INTO own_t VALUES (1)", Kind::Change),
        ("INSERT OR IGNORE INTO own_t SELECT 1", Kind::Change),
        ("WITH t AS (SELECT 1 AS n) INSERT INTO own_t SELECT n FROM t", Kind::Change),
        ("WITH t AS (SELECT 1 AS n) DELETE FROM own_t WHERE n IN (SELECT n FROM t)", Kind::Change),
        ("UPDATE own_t SET n = 1 RETURNING n", Kind::Change),
        ("DELETE FROM own_t", Kind::Change),
        ("CREATE TABLE own_t (n INTEGER REFERENCES own_u (n)) STRICT", Kind::Define),
        ("CREATE UNIQUE INDEX own_t_n ON own_t (n) WHERE n > 1", Kind::Define),
        ("ALTER TABLE own_t RENAME TO own_u", Kind::Define),
        ("ALTER TABLE own_t RENAME COLUMN a TO b", Kind::Define),
        ("ALTER TABLE own_t DROP COLUMN a", Kind::Define),
        ("DROP TABLE IF EXISTS own_t", Kind::Define),
        ("DROP INDEX own_t_n", Kind::Define),
    ] {
        assert_eq!(check(&guard, sql, 0), Ok(kind), "{sql}");
    }
}

#[test]
fn what_belongs_to_others_is_refused_wherever_it_stands() {
    let guard = own();
    for sql in [
        "SELECT * FROM other_t",
        "SELECT * FROM \"other_t\"",
        "SELECT * FROM 'other_t'",
        "SELECT * FROM [other_t]",
        "SELECT * FROM `other_t`",
        "SELECT * FROM own_t, other_t",
        "SELECT * FROM own_t NATURAL LEFT JOIN other_t",
        "SELECT * FROM (own_t JOIN other_t)",
        "SELECT * FROM (SELECT * FROM other_t)",
        "SELECT (SELECT n FROM other_t)",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM other_t)",
        "SELECT 1 WHERE 1 IN other_t",
        "SELECT 1 IN \"other_t\"",
        "SELECT n FROM own_t ORDER BY (SELECT n FROM other_t)",
        "SELECT n FROM own_t LIMIT (SELECT n FROM other_t)",
        "SELECT n FROM own_t GROUP BY n HAVING n > (SELECT n FROM other_t)",
        "SELECT sum(n) OVER (ORDER BY (SELECT n FROM other_t)) FROM own_t",
        "SELECT sum(n) FILTER (WHERE n IN (SELECT n FROM other_t)) FROM own_t",
        "SELECT CASE WHEN 1 THEN (SELECT n FROM other_t) END",
        "SELECT n FROM own_t UNION SELECT n FROM other_t",
        "WITH t AS (SELECT * FROM other_t) SELECT * FROM t",
        "WITH other_t AS (SELECT 1) SELECT * FROM other_t",
        "WITH other_t AS (SELECT 1) DELETE FROM other_t",
        "WITH t AS (SELECT 1) DELETE FROM t",
        "WITH t AS (SELECT 1) UPDATE t SET n = 1",
        "WITH t AS (SELECT 1) INSERT INTO t VALUES (1)",
        "INSERT INTO own_t SELECT * FROM other_t",
        "INSERT INTO own_t VALUES (1) ON CONFLICT DO UPDATE SET n = (SELECT n FROM other_t)",
        "INSERT INTO own_t VALUES (1) RETURNING (SELECT n FROM other_t)",
        "INSERT INTO other_t VALUES (1)",
        "UPDATE own_t SET n = (SELECT n FROM other_t)",
        "UPDATE own_t SET n = o.n FROM other_t o",
        "UPDATE other_t SET n = 1",
        "DELETE FROM own_t WHERE n IN (SELECT n FROM other_t)",
        "DELETE FROM other_t",
        "CREATE TABLE other_t (n)",
        "CREATE TABLE own_t AS SELECT * FROM other_t",
        "CREATE TABLE own_t (n REFERENCES other_t (n))",
        "CREATE TABLE own_t (n, FOREIGN KEY (n) REFERENCES other_t (n))",
        "CREATE INDEX other_i ON own_t (n)",
        "CREATE INDEX own_i ON other_t (n)",
        "ALTER TABLE own_t RENAME TO other_t",
        "ALTER TABLE other_t RENAME TO own_t",
        "ALTER TABLE own_t ADD COLUMN n REFERENCES other_t (n)",
        "DROP TABLE other_t",
        "DROP TABLE own_t, other_t",
        "CREATE TABLE t (n)",
        "CREATE TABLE \"own_\"\"x\" (n)",
        "ALTER TABLE \"own_\"\"x\" RENAME TO json_each",
        "ALTER TABLE 'own_''x' RENAME TO t",
        "ALTER TABLE `own_``x` RENAME TO t",
        "CREATE TABLE IF NOT EXISTS t (n)",
        "CREATE INDEX i ON own_t (n)",
        "CREATE INDEX own_i ON t (n)",
        "ALTER TABLE own_t RENAME TO t",
        "DROP TABLE IF EXISTS t",
        "UPDATE OR IGNORE t SET n = 1",
        "UPDATE main.own_t SET n = 1",
        "DELETE FROM main.own_t",
        "SELECT \"OTHER_t\".n FROM own_t",
        "SELECT 1FROM other_t",
        "SELECT 'it''s' FROM other_t",
        "SELECT \"a\"\"b\" FROM other_t",
        "SELECT [a\"] FROM \"other_t\"",
        "SELECT x'00' FROM other_t",
        "DROP INDEX other_i",
        "INSERT INTO main.own_t VALUES (1)",
    ] {
        assert!(check(&guard, sql, 0).is_err(), "{sql}");
    }
}

#[test]
fn what_is_not_for_components_is_refused() {
    let guard = own();
    for sql in [
        "",
        ";",
        "SELECT 1; SELECT 2",
        "PRAGMA user_version",
        "PRAGMA user_version = 7",
        "SELECT * FROM pragma_table_info('own_t')",
        "ATTACH 'x' AS own_x",
        "DETACH own_x",
        "VACUUM",
        "ANALYZE",
        "REINDEX",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT own_s",
        "RELEASE own_s",
        "EXPLAIN SELECT 1",
        "EXPLAIN DELETE FROM own_t",
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM \"SQLITE_master\"",
        "SELECT * FROM dbstat",
        "SELECT fts3_tokenizer('simple')",
        "SELECT * FROM fts3tokenize('a')",
        "SELECT \"FTS3_tokenizer\"('simple')",
        "SELECT rtreecheck('main', 'own_t')",
        "SELECT id FROM vector_top_k('own_i', '[1]', 9)",
        "SELECT * FROM edge_keys",
        "WITH edge_keys AS (SELECT 1) SELECT * FROM edge_keys",
        "SELECT load_extension('x')",
        "SELECT \"load_extension\"('x')",
        "CREATE TEMP TABLE own_t (n)",
        "CREATE TEMPORARY TABLE own_t (n)",
        "CREATE VIEW own_v AS SELECT 1",
        "CREATE TRIGGER own_g AFTER INSERT ON own_t BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE own_f USING fts5(x)",
        "DROP VIEW own_v",
        "SELECT 1 -- more",
        "SELECT 1 /* more */",
        "SELECT 1 /*",
        "SELECT $$text$$",
        "SELECT E'text\\'' FROM own_t",
        "SELECT :name",
        "SELECT @name",
        "SELECT $name",
        "SELECT ?0",
        "SELECT ?101",
        "SELECT 'caf\u{e9}'",
        "SELECT\u{a0}1",
        "SELECT '\0'",
        "SELECT \0",
        "SELECT #1",
        "SELECT 1::TEXT",
        "SELECT {1}",
        "not SQL",
    ] {
        assert!(check(&guard, sql, 0).is_err(), "{sql}");
    }
}

#[test]
fn what_is_long_or_deep_is_refused_before_it_fills_the_stack() {
    let guard = own();
    let sum = |terms: usize| format!("SELECT {}", vec!["1"; terms].join(" + "));
    let all = |terms: usize| format!("SELECT {}", vec!["1"; terms].join(" AND "));
    let union = |terms: usize| vec!["SELECT 1"; terms].join(" UNION ");
    let nested = |levels: usize| format!("SELECT {}1{}", "(".repeat(levels), ")".repeat(levels));
    for (passes, fails, text) in [
        (100, 501, &sum as &dyn Fn(usize) -> String),
        (100, 501, &all),
        (33, 300, &union),
        (5, 400, &nested),
    ] {
        assert_eq!(check(&guard, &text(passes), 0), Ok(Kind::Read));
        assert!(check(&guard, &text(fails), 0).is_err());
        assert!(check(&guard, &text(100_000), 0).is_err());
    }
    assert!(check(&guard, &" ".repeat(SQL_MAX_BYTES + 1), 0).is_err());
}

#[test]
fn parameters_are_counted_as_sqlite_does() {
    let guard = own();
    let database = rusqlite::Connection::open_in_memory().unwrap();
    for sql in [
        "SELECT 1",
        "SELECT ?",
        "SELECT ?, ?",
        "SELECT ?1, ?1",
        "SELECT ?3",
        "SELECT ?2, ?",
        "SELECT ?, ?1, ?",
        "SELECT '?1', \"?2\", ?3 AS [?4]",
        "SELECT 1 LIMIT ?1 OFFSET ?2",
    ] {
        let parameters = database.prepare(sql).map(|prepared| prepared.parameter_count());
        for given in 0..5 {
            let passes = check(&guard, sql, given).is_ok();
            assert_eq!(passes, parameters == Ok(given), "{sql} with {given}: {parameters:?}");
        }
    }
}

#[test]
fn a_component_without_tables_has_no_sql() {
    for guard in [Guard::new(None, ["other_"]), Guard::new(Some(""), ["other_"])] {
        assert!(check(&guard, "SELECT 1", 0).is_err());
        assert!(check(&guard, "CREATE TABLE t (n)", 0).is_err());
    }
}

#[test]
fn the_platforms_tables_cannot_be_granted() {
    for (prefix, table) in
        [("edge_", "EDGE_keys"), ("e", "edge_keys"), ("sqlite_", "sqlite_schema")]
    {
        assert!(
            check(&Guard::new(Some(prefix), []), &format!("SELECT * FROM {table}"), 0).is_err()
        );
    }
}

#[test]
fn verdicts_are_remembered_and_bounded() {
    let guard = own();
    for n in 0..VERDICTS_MAX * 2 {
        assert_eq!(check(&guard, &format!("SELECT {n}"), 0), Ok(Kind::Read));
        assert!(check(&guard, &format!("SELECT {n} FROM other_t"), 0).is_err());
    }
    assert!(guard.verdicts.borrow().len() <= VERDICTS_MAX);
}

#[test]
fn the_longer_prefix_says_whose_a_table_is() {
    let (short, long) = (Guard::new(Some("a_"), ["a_b_"]), Guard::new(Some("a_b_"), ["a_"]));
    for (guard, own, others) in [(short, "a_t", "a_b_t"), (long, "a_b_t", "a_t")] {
        assert_eq!(check(&guard, &format!("DELETE FROM {own}"), 0), Ok(Kind::Change));
        assert!(check(&guard, &format!("SELECT * FROM {others}"), 0).is_err());
    }
}

/// Which of these statements' tables SQLite asked for.
fn spied(database: &mut rusqlite::Connection) -> Arc<Mutex<Vec<String>>> {
    let touched = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&touched);
    let spy = move |context: AuthContext<'_>| {
        if let AuthAction::Read { table_name, .. }
        | AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
        | AuthAction::DropTable { table_name } = context.action
        {
            seen.lock().unwrap().push(table_name.to_owned());
        }
        Authorization::Allow
    };
    database.authorizer(Some(spy)).unwrap();
    touched
}

#[test]
fn what_passes_touches_nothing_of_others() {
    let mut database = rusqlite::Connection::open_in_memory().unwrap();
    let tables = "create table own_t (n); create table other_t (n); create table edge_t (n)";
    database.execute_batch(tables).unwrap();
    let touched = spied(&mut database);
    let guard = own();
    let mut prepared = 0;
    let pieces = (prop::sample::select(PIECES), prop::sample::select(&["", " "][..]));
    let texts = prop::collection::vec(pieces, 0..7);
    let begins = prop::sample::select(BEGINS);
    let run = |(begin, texts): (&str, Vec<(&str, &str)>)| {
        let texts: String = texts.iter().flat_map(|(piece, gap)| [*piece, *gap]).collect();
        let sql = format!("{begin} {texts}");
        let Ok(kind) = check(&guard, &sql, 0) else { return Ok(()) };
        touched.lock().unwrap().clear();
        let Ok(statement) = database.prepare(&sql) else { return Ok(()) };
        prepared += 1;
        let touched = touched.lock().unwrap();
        let mut foreign = touched.iter().filter(|table| !table.starts_with("own_"));
        let is_known = foreign.all(|table| table == "sqlite_master" && kind == Kind::Define);
        prop_assert!(is_known, "{} touches {:?}", sql, touched);
        prop_assert!(kind != Kind::Read || statement.readonly(), "{} writes", sql);
        Ok(())
    };
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let run = std::cell::RefCell::new(run);
    runner.run(&(begins, texts), |given| (run.borrow_mut())(given)).unwrap();
    assert!(prepared > 500, "only {prepared} were statements");
}

const BEGINS: &[&str] = &[
    "SELECT",
    "SELECT * FROM",
    "SELECT 1 FROM own_t",
    "WITH t AS (SELECT 1)",
    "DELETE FROM",
    "INSERT INTO own_t SELECT",
    "UPDATE own_t SET n =",
    "DROP TABLE",
    "CREATE TABLE own_u AS SELECT",
    "ALTER TABLE own_t",
];
const PIECES: &[&str] = &[
    "SELECT",
    "n",
    "*",
    "FROM",
    "own_t",
    "other_t",
    "edge_t",
    "\"other_t\"",
    "'other_t'",
    "[other_t]",
    "`edge_t`",
    ",",
    "(",
    ")",
    "JOIN",
    "WHERE",
    "IN",
    "1",
    "'a'",
    "''",
    "'",
    "\"",
    "[",
    "]",
    "`",
    ".",
    "main",
    "UNION",
    "WITH",
    "t",
    "AS",
    "DELETE",
    "INSERT",
    "INTO",
    "VALUES",
    "UPDATE",
    "SET",
    "=",
    "REPLACE",
    "-",
    "--",
    "/*",
    "*/",
    "\n",
    ";",
    "x",
    "0x",
    "1.5",
    "e",
    "$",
    "?",
    "n_",
];
