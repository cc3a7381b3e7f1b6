use ports::{Clock as _, Sql, SqlError, Statement, Value, contract, migrate, ready};

use crate::edge::Edge;
use crate::testing::{Death, Here, Site};

fn statement(sql: &str) -> Statement {
    Statement::new(sql, [])
}

#[test]
fn sql_keeps_the_contract() {
    let site = Site::new();
    ready(contract::sql(&site.edge(), "probe"));
}

#[test]
fn batches_and_projections_are_seen_by_every_instance() {
    let site = Site::new();
    let (left, right) = (site.edge(), site.edge());
    let create = statement("CREATE TABLE probe_t (id INTEGER PRIMARY KEY, n INTEGER)");
    ready(left.batch(vec![create, statement("INSERT INTO probe_t VALUES (1, 1)")])).unwrap();
    let read = |edge: &Edge<Here>| {
        ready(Sql::query(edge, statement("SELECT n FROM probe_t"))).unwrap().rows
    };
    assert_eq!((read(&left), read(&right)), (vec![vec![1.into()]], vec![vec![1.into()]]));
    let set = Statement::new("UPDATE probe_t SET n = ?1", [2.into()]);
    ready(right.project("1", set)).unwrap();
    assert_eq!((read(&left), read(&right)), (vec![vec![2.into()]], vec![vec![2.into()]]));
}

#[test]
fn tables_of_another_component_do_not_answer() {
    let site = Site::new();
    let create = statement("CREATE TABLE probe_t (id INTEGER PRIMARY KEY)");
    ready(site.edge().batch(vec![create])).unwrap();
    let other = site.edge_of("other");
    let read = ready(Sql::query(&other, statement("SELECT * FROM probe_t")));
    assert!(matches!(read, Err(SqlError::Invalid(_))), "{read:?}");
    let project = ready(other.project("k", statement("DELETE FROM probe_t")));
    assert!(matches!(project, Err(SqlError::Invalid(_))), "{project:?}");
}

#[test]
fn a_write_tells_how_many_rows_it_changed() {
    let site = Site::new();
    let outcomes = ready(site.edge().batch(vec![
        statement("CREATE TABLE probe_t (id INTEGER PRIMARY KEY)"),
        statement("INSERT INTO probe_t VALUES (1), (2), (3)"),
        statement("SELECT * FROM probe_t"),
        statement("CREATE INDEX probe_i ON probe_t (id)"),
        statement("DELETE FROM probe_t WHERE id > 1 RETURNING id"),
        statement("DELETE FROM probe_t WHERE id > 1"),
    ]));
    let changes: Vec<_> = outcomes.unwrap().iter().map(|outcome| outcome.changes).collect();
    assert_eq!(changes, [0, 3, 0, 0, 2, 0]);
}

#[test]
fn a_store_that_fails_is_unavailable_and_changes_nothing() {
    let site = Site::new();
    let edge = site.edge();
    ready(edge.batch(vec![statement("CREATE TABLE probe_t (n INTEGER)")])).unwrap();
    let insert = || vec![statement("INSERT INTO probe_t VALUES (1)"); 2];
    for after in 0..4 {
        edge.world.death.set(Some((after, Death::Failing)));
        let batch = ready(edge.batch(insert()));
        assert!(matches!(batch, Err(SqlError::Unavailable(_))), "after {after}: {batch:?}");
        let read = ready(Sql::query(&edge, statement("SELECT 1")));
        assert!(matches!(read, Err(SqlError::Unavailable(_))), "{read:?}");
        edge.world.death.set(None);
    }
    assert_eq!(site.number("select count(*) from probe_t"), 0);
    ready(edge.batch(insert())).unwrap();
    assert_eq!(site.number("select count(*) from probe_t"), 2, "and it goes on");
}

#[test]
fn too_many_rows_are_refused() {
    let edge = Site::new().edge();
    let series = |last: i64| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                   SELECT i FROM n";
        ready(Sql::query(&edge, Statement::new(sql, [Value::Integer(last)])))
    };
    assert_eq!(series(10_000).unwrap().rows.len(), 10_000);
    assert!(matches!(series(10_001), Err(SqlError::Invalid(_))));
}

#[test]
fn migrations_of_two_deployments_at_once_run_once() {
    const STEPS: &[&[&str]] =
        &[&["CREATE TABLE IF NOT EXISTS probe_t (n INTEGER)"], &["INSERT INTO probe_t VALUES (1)"]];
    let site = Site::new();
    site.edge();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let edge = site.edge();
                assert_eq!(edge.now().as_ms(), 1_000);
                ready(migrate(&edge, "probe", STEPS)).unwrap();
            });
        }
    });
    assert_eq!(site.number("select count(*) from probe_t"), 1);
}
