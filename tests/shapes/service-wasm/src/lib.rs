//! shapes_service.wasm: one handler with two faces. `ecomauction:edge/http` is buffered and for our
//! host; `wasi:http/handler` is for every other host. The port functions are synchronous in WIT, so
//! the handler's future is ready at its first poll under both.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use shapes_counter::service::{self, Entities};

use ecomauction::edge::entities;
use exports::ecomauction::edge::http as buffered;
use exports::wasi::http::handler;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response};

wit_bindgen::generate!({
    path: [
        "../../../wit/deps/wasi-config",
        "../../../wit/deps/wasi-clocks",
        "../../../wit/deps/wasi-random",
        "../../../wit/deps/wasi-cli",
        "../../../wit/deps/wasi-http",
        "../../../wit/edge",
    ],
    inline: "
        package shapes:service;
        world service {
            import ecomauction:edge/entities@0.1.0;
            export ecomauction:edge/http@0.1.0;
            export wasi:http/handler@0.3.0;
        }
    ",
    world: "shapes:service/service",
    generate_all,
});

struct Component;

struct WitEntities;

impl Entities for WitEntities {
    async fn call(&self, key: &str, command_id: &str, body: Vec<u8>) -> Result<Vec<u8>, String> {
        entities::call(MACHINE, key, command_id, None, &body).map_err(|error| error.to_string())
    }

    async fn query(&self, key: &str) -> Result<Vec<u8>, String> {
        entities::query(MACHINE, key, None, b"{}").map_err(|error| error.to_string())
    }
}

impl buffered::Guest for Component {
    fn handle(request: buffered::Request) -> buffered::Response {
        let command_id = value_of(&request.headers, COMMAND_ID);
        let request = service::Request {
            method: request.method,
            target: request.target,
            command_id,
            body: request.body,
        };
        let future = pin!(service::handle(&WitEntities, request));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(service::Response { status, body }) => buffered::Response {
                status,
                headers: fields(&["content-type", JSON]),
                body,
                live: None,
            },
            Poll::Pending => buffered::Response {
                status: 500,
                headers: fields(&[]),
                body: Vec::new(),
                live: None,
            },
        }
    }
}

/// Names and values in one piece.
fn fields(parts: &[&str]) -> buffered::Fields {
    let ends = parts.iter().scan(0, |end, part| {
        *end += part.len() as u32;
        Some(*end)
    });
    buffered::Fields { text: parts.concat(), ends: ends.collect() }
}

fn value_of(fields: &buffered::Fields, wanted: &str) -> Option<String> {
    let mut start = 0;
    let mut parts = fields.ends.iter().map(|end| {
        let part = fields.text.get(start..*end as usize);
        start = *end as usize;
        part
    });
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        if name == Some(wanted) {
            return value.map(str::to_owned);
        }
    }
    None
}

impl handler::Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let request = read(request).await?;
        let service::Response { status, body } = service::handle(&WitEntities, request).await;
        let length = body.len().to_string().into_bytes();
        let headers = Fields::from_list(&[
            ("content-type".to_owned(), JSON.as_bytes().to_vec()),
            ("content-length".to_owned(), length),
        ])
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
        let (mut contents, contents_read) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(headers, Some(contents_read), trailers);
        response.set_status_code(status).map_err(|()| ErrorCode::InternalError(None))?;
        wit_bindgen::spawn_local(async move {
            // A client that went away leaves a rest, which nobody wants.
            contents.write_all(body).await;
        });
        Ok(response)
    }
}

async fn read(request: Request) -> Result<service::Request, ErrorCode> {
    let method = match request.get_method() {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        other => format!("{other:?}"),
    };
    let target = request.get_path_with_query().unwrap_or_default();
    let command_id = request.get_headers().get(COMMAND_ID).into_iter().next();
    let (_, handled) = wit_future::new(|| Ok(()));
    let (mut contents, _trailers) = Request::consume_body(request, handled);
    let mut body = Vec::new();
    loop {
        let (status, chunk) = contents.read(Vec::with_capacity(CHUNK_BYTES)).await;
        body.extend(chunk);
        if body.len() > BODY_BYTES_MAX {
            return Err(ErrorCode::HttpRequestBodySize(None));
        }
        if !matches!(status, wit_bindgen::StreamResult::Complete(_)) {
            break;
        }
    }
    let command_id = command_id.and_then(|value| String::from_utf8(value).ok());
    Ok(service::Request { method, target, command_id, body })
}

const MACHINE: &str = "counter";
const COMMAND_ID: &str = "idempotency-key";
const JSON: &str = "application/json";
const CHUNK_BYTES: usize = 4096;
const BODY_BYTES_MAX: usize = 64 * 1024;

export!(Component);
