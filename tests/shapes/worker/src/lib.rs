//! The counter and its service in one Worker: the handler runs in the stateless part, each counter
//! is a Durable Object whose SQLite storage holds its log.

use std::cell::RefCell;

use shapes_counter::machine::Counter;
use shapes_counter::service::{self, Entities};
use worker::{
    Context, DurableObject, Env, Headers, Method, Request, RequestInit, Response, Result, State,
    durable_object, event,
};

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, _context: Context) -> Result<Response> {
    let url = request.url()?;
    let request = service::Request {
        method: request.method().to_string(),
        target: url.path().to_owned(),
        command_id: request.headers().get(COMMAND_ID)?,
        body: request.bytes().await?,
    };
    let answer = service::handle(&Objects(env), request).await;
    let response = Response::from_bytes(answer.body)?.with_status(answer.status);
    response.headers().set("content-type", "application/json")?;
    Ok(response)
}

/// The port: a counter is the object of its key.
struct Objects(Env);

impl Entities for Objects {
    async fn call(
        &self,
        key: &str,
        command_id: &str,
        body: Vec<u8>,
    ) -> std::result::Result<Vec<u8>, String> {
        let headers = Headers::new();
        headers.set(COMMAND_ID, command_id).map_err(|error| error.to_string())?;
        let mut command = RequestInit::new();
        command.with_method(Method::Post).with_headers(headers);
        command.with_body(Some(worker::js_sys::Uint8Array::from(body.as_slice()).into()));
        self.send(key, &command).await.map_err(|error| error.to_string())
    }

    async fn query(&self, key: &str) -> std::result::Result<Vec<u8>, String> {
        self.send(key, &RequestInit::new()).await.map_err(|error| error.to_string())
    }
}

impl Objects {
    async fn send(&self, key: &str, init: &RequestInit) -> Result<Vec<u8>> {
        let stub = self.0.durable_object("COUNTERS")?.get_by_name(key)?;
        let url = format!("https://counter/{key}");
        let mut response = stub.fetch_with_request(Request::new_with_init(&url, init)?).await?;
        match response.status_code() {
            200 => response.bytes().await,
            status => Err(format!("the object answered {status}").into()),
        }
    }
}

/// One counter. The platform delivers its events one at a time between awaits, and holds replies
/// back until what was written is durable.
#[durable_object]
pub struct CounterObject {
    state: State,
    counter: RefCell<Option<Counter>>,
}

impl DurableObject for CounterObject {
    fn new(state: State, _env: Env) -> Self {
        Self { state, counter: RefCell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let key = request.path().trim_start_matches('/').to_owned();
        let command_id = request.headers().get(COMMAND_ID)?;
        let body = request.bytes().await?;
        // Nothing below waits: between loading and writing no other event comes in.
        let mut counter = match self.counter.take() {
            Some(counter) => counter,
            None => self.load(&key)?,
        };
        let reply = match command_id {
            None => counter.query(),
            Some(command_id) => {
                let decision = counter.handle(&command_id, &body);
                if let Some(event) = decision.event {
                    let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
                    let insert = "insert into events (seq, fact) values (?1, ?2)";
                    let parameters = vec![seq.into(), event.fact.into()];
                    self.state.storage().sql().exec(insert, parameters)?;
                }
                decision.reply
            }
        };
        self.counter.replace(Some(counter));
        Response::from_bytes(reply)
    }
}

impl CounterObject {
    fn load(&self, key: &str) -> Result<Counter> {
        let sql = self.state.storage().sql();
        sql.exec("create table if not exists events (seq integer primary key, fact blob)", None)?;
        let mut counter = Counter::new(key);
        for row in sql.exec("select fact from events order by seq", None)?.raw() {
            for value in row? {
                if let worker::SqlStorageValue::Blob(fact) = value {
                    counter.apply(&fact).map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(counter)
    }
}

const COMMAND_ID: &str = "idempotency-key";
