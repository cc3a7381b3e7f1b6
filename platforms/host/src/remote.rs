//! `ecomauction queues` and `outage`: ask a running platform at its operator address.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::cli::{Queues, QueuesTask};
use crate::outage::{Declared, Outage};

/// Does what was asked for and prints what came of it.
pub(crate) fn run(options: &Queues) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let platform = Platform::at(&options.operator)?;
    let answer = runtime.block_on(async {
        let asking = platform.ask(options.task.as_ref().unwrap_or(&QueuesTask::List));
        tokio::time::timeout(PATIENCE, asking).await.context("no answer in time")?
    })?;
    if options.json {
        println!("{answer}");
        return Ok(());
    }
    print!("{}", told(options.task.as_ref().unwrap_or(&QueuesTask::List), &answer));
    Ok(())
}

/// Declares an outage.
pub(crate) fn declare(operator: &str, outage: Outage) -> anyhow::Result<Declared> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let platform = Platform::at(operator)?;
    let answer = runtime.block_on(async {
        let body = Some(serde_json::to_value(outage)?);
        platform.exchange(Method::POST, crate::operator::OUTAGES, body).await
    })?;
    Ok(serde_json::from_value(answer)?)
}

/// A platform's operator address.
struct Platform {
    authority: String,
}

impl Platform {
    fn at(url: &str) -> anyhow::Result<Self> {
        let uri: http::Uri = url.parse().with_context(|| format!("--operator {url}"))?;
        let authority = match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority)) => authority,
            _ => bail!("--operator takes http://HOST:PORT, not {url}"),
        };
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self { authority: format!("{}:{port}", authority.host()) })
    }

    async fn ask(&self, task: &QueuesTask) -> anyhow::Result<Value> {
        let (method, path, body) = match task {
            QueuesTask::List => (Method::GET, String::new(), None),
            QueuesTask::DeadLetters { queue, limit, cursor } => {
                let cursor = cursor.as_ref().map(|cursor| format!("&cursor={cursor}"));
                let query = format!("limit={limit}{}", cursor.unwrap_or_default());
                (Method::GET, format!("/{queue}/dead-letters?{query}"), None)
            }
            QueuesTask::Redrive { queue, ids } => {
                let chosen = if ids.is_empty() { json!({}) } else { json!({"ids": ids}) };
                (Method::POST, format!("/{queue}/redrive"), Some(chosen))
            }
            QueuesTask::Purge { queue, ids, all } => {
                if ids.is_empty() && !all {
                    bail!("purge deletes for good: name the ids, or say --all");
                }
                let ids: Vec<String> = ids.iter().map(|id| format!("id={id}")).collect();
                (Method::DELETE, format!("/{queue}/dead-letters?{}", ids.join("&")), None)
            }
        };
        self.exchange(method, &format!("/v1/admin/queues{path}"), body).await
    }

    async fn exchange(
        &self,
        method: Method,
        target: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let authority = &self.authority;
        let stream = TcpStream::connect(authority)
            .await
            .with_context(|| format!("no platform listens at {authority}; --operator names it"))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target);
        request = request.header(header::HOST, authority);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let response = sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        let answer: Value = serde_json::from_slice(&body)
            .with_context(|| format!("{authority} is no platform's operator address ({status})"))?;
        if !status.is_success() {
            let detail = answer.get("detail").and_then(Value::as_str).unwrap_or_default();
            bail!("{status}: {detail}");
        }
        Ok(answer)
    }
}

/// An answer for people.
fn told(task: &QueuesTask, answer: &Value) -> String {
    let items = answer.get("items").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    match task {
        QueuesTask::List => {
            let names = ["queue", "messages", "in_flight", "dead_letters", "oldest_at"];
            let heads = ["QUEUE", "MESSAGES", "UNDER WAY", "DEAD LETTERS", "OLDEST"];
            let rows = items.iter().map(|item| names.map(|name| text(item.get(name))));
            table(std::iter::once(heads.map(str::to_owned)).chain(rows).collect())
        }
        QueuesTask::DeadLetters { .. } => {
            let heads = ["ID", "KEY", "RECEIVES", "DEAD SINCE", "LAST ERROR"];
            let rows = items.iter().map(|item| {
                let event = item.get("event");
                [
                    text(event.and_then(|event| event.get("id"))),
                    text(event.and_then(|event| event.get("subject"))),
                    text(item.get("receives")),
                    text(item.get("dead_at")),
                    text(item.get("last_error")).replace('\n', " "),
                ]
            });
            let told = table(std::iter::once(heads.map(str::to_owned)).chain(rows).collect());
            match answer.get("next_cursor").and_then(Value::as_str) {
                Some(cursor) => format!("{told}More: --cursor {cursor}\n"),
                None => told,
            }
        }
        QueuesTask::Redrive { .. } => format!("{} redriven\n", text(answer.get("redriven"))),
        QueuesTask::Purge { .. } => format!("{} purged\n", text(answer.get("purged"))),
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        // What was sent by somebody must not steer the terminal.
        Some(Value::String(text)) => {
            text.chars().map(|symbol| if symbol.is_control() { ' ' } else { symbol }).collect()
        }
        Some(value) => value.to_string(),
    }
}

/// Columns as wide as their widest cell.
fn table<const N: usize>(rows: Vec<[String; N]>) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut table = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        table.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        table.push('\n');
    }
    table
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
/// A hundred dead letters of the largest kind.
const ANSWER_MAX_BYTES: usize = 64 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_plain_http_url() {
        assert_eq!(Platform::at("http://localhost:9090").unwrap().authority, "localhost:9090");
        assert_eq!(Platform::at("http://[::1]:9090/").unwrap().authority, "[::1]:9090");
        for url in ["https://localhost:9090", "localhost:9090", "", "/v1"] {
            assert!(Platform::at(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_others_sent_does_not_steer_the_terminal() {
        let letter = json!({
            "event": {"id": "7-0", "subject": "k\u{1b}[2J"}, "receives": 8,
            "dead_at": "2026-11-26T05:00:00.000Z", "last_error": "line\nline",
        });
        let task = QueuesTask::DeadLetters { queue: "a/b".to_owned(), limit: 1, cursor: None };
        let told = told(&task, &json!({"items": [letter], "next_cursor": "9"}));
        assert_eq!(
            told,
            "ID   KEY    RECEIVES  DEAD SINCE                LAST ERROR\n\
             7-0  k [2J  8         2026-11-26T05:00:00.000Z  line line\n\
             More: --cursor 9\n"
        );
    }
}
