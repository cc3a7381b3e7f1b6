//! Messages and jobs of the fixture.
//!
//! A POST of `[{"topic", "key", "body"}, …]` to `/faulty/send` writes a row for each and sends it,
//! in one batch; `/faulty/sent` shows the rows. The consumer writes down what it gets, which
//! `/faulty/got` shows, except that it refuses the key `poison`, hangs on `hang` and traps on
//! `trap`, until `/faulty/heal` was posted. The job `faulty.fail` fails; `/faulty/runs` shows all
//! runs.

use kernel::Timestamp;
use ports::{Delivery, Message, Outgoing, Ports, Sql, SqlError, Statement, Value};
use serde::Deserialize;
use serde_json::value::RawValue;
use web::Response;

/// What was received.
pub(crate) const GOT: &str = "SELECT json_object('id', id, 'source', source, 'topic', topic, \
    'key', key, 'time', time, 'body', json(body)), n FROM faulty_got";
/// What was sent.
pub(crate) const SENT: &str =
    "SELECT json_object('key', key, 'body', json(body)), n FROM faulty_sent";
/// What was run.
pub(crate) const RUNS: &str = "SELECT json_object('job', job, 'slot', slot), n FROM faulty_runs";

#[derive(Deserialize)]
struct Wish<'a> {
    topic: String,
    key: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

pub(crate) async fn migrate<P: Ports>(ports: &P) -> Result<(), String> {
    let tables = [
        "CREATE TABLE IF NOT EXISTS faulty_sent (n INTEGER PRIMARY KEY, key TEXT, body TEXT)",
        "CREATE TABLE IF NOT EXISTS faulty_got (n INTEGER PRIMARY KEY, id TEXT, source TEXT,
         topic TEXT, key TEXT, time INTEGER, body TEXT)",
        "CREATE TABLE IF NOT EXISTS faulty_runs (n INTEGER PRIMARY KEY, job TEXT, slot INTEGER)",
        "CREATE TABLE IF NOT EXISTS faulty_healed (n INTEGER PRIMARY KEY)",
    ];
    let made = ports.batch(tables.map(|sql| Statement::new(sql, [])).into()).await;
    made.map(|_| ()).map_err(|error| error.to_string())
}

pub(crate) async fn send<P: Ports>(ports: &P, body: &[u8]) -> Response {
    let Ok(wishes) = serde_json::from_slice::<Vec<Wish<'_>>>(body) else {
        return Response::empty(400);
    };
    let row = |wish: &Wish<'_>| {
        let values = [Value::Text(wish.key.clone()), Value::Text(wish.body.get().to_owned())];
        Statement::new("INSERT INTO faulty_sent (key, body) VALUES (?1, ?2)", values)
    };
    let rows = wishes.iter().map(row).collect();
    let mut messages = Vec::new();
    for Wish { topic, key, body } in wishes {
        let Some(topic) = TOPICS.iter().find(|known| **known == topic) else {
            return Response::empty(400);
        };
        messages.push(Outgoing { topic, key, body: body.get().into() });
    }
    said(ports.batch_and_send(rows, messages).await.map(|_| b"{}".to_vec()))
}

pub(crate) async fn heal<P: Ports>(ports: &P) -> Response {
    let heal = Statement::new("INSERT INTO faulty_healed DEFAULT VALUES", []);
    said(ports.batch(vec![heal]).await.map(|_| b"{}".to_vec()))
}

/// A JSON array of the first column, read in pages: there is a bound on a statement's time.
pub(crate) async fn shown<P: Ports>(ports: &P, sql: &str) -> Response {
    let sql = format!("{sql} WHERE n > ?1 ORDER BY n LIMIT 1000");
    let (mut items, mut last) = (Vec::new(), 0);
    loop {
        let found = Sql::query(ports, Statement::new(&sql, [Value::Integer(last)])).await;
        let Ok(found) = found else { return Response::empty(503) };
        let texts = found.rows.iter().filter_map(|row| row.first()?.as_text());
        items.extend(texts.map(str::to_owned));
        let newest = found.rows.last().and_then(|row| row.get(1)?.as_integer());
        let Some(newest) = newest else { break };
        last = newest;
    }
    Response::json_bytes(200, format!("[{}]", items.join(",")).into_bytes())
}

pub(crate) async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    let healed = Sql::query(ports, Statement::new("SELECT 1 FROM faulty_healed", [])).await;
    let is_healed = healed.is_ok_and(|healed| !healed.rows.is_empty());
    let mut outcomes = Vec::new();
    let mut rows = Vec::new();
    for message in batch {
        let refused = !is_healed && is_refused(&message.key);
        outcomes.push(if refused { retry("poison") } else { Delivery::Ack });
        if !refused {
            rows.push(got(message));
        }
    }
    match ports.batch(rows).await {
        Ok(_) => outcomes,
        Err(error) => outcomes.iter().map(|_| retry(&error.to_string())).collect(),
    }
}

pub(crate) async fn run<P: Ports>(ports: &P, job: &str, slot: Timestamp) -> Result<(), String> {
    let values = [Value::Text(job.to_owned()), Value::Integer(slot.as_ms())];
    let row = Statement::new("INSERT INTO faulty_runs (job, slot) VALUES (?1, ?2)", values);
    ports.batch(vec![row]).await.map_err(|error| error.to_string())?;
    if job == "faulty.fail" { Err("asked to fail".to_owned()) } else { Ok(()) }
}

fn is_refused(key: &str) -> bool {
    match key {
        "hang" => crate::spin(),
        "trap" => panic!("asked to trap"),
        key => key == "poison",
    }
}

fn got(message: Message) -> Statement {
    let Message { id, source, topic, key, time, body } = message;
    let body = String::from_utf8_lossy(&body).into_owned();
    let sql = "INSERT INTO faulty_got (id, source, topic, key, time, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let text = Value::Text;
    let values = [text(id), text(source), text(topic), text(key), Value::Integer(time), text(body)];
    Statement::new(sql, values)
}

fn retry(why: &str) -> Delivery {
    Delivery::Retry(why.to_owned())
}

fn said(done: Result<Vec<u8>, SqlError>) -> Response {
    match done {
        Ok(body) => Response::json_bytes(200, body),
        Err(_) => Response::empty(503),
    }
}

const TOPICS: [&str; 2] = ["faulty.sent.v1", "faulty.sorted.v1"];
