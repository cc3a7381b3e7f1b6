//! shapes_relay.wasm: `/seen` tells with which headers it was asked, `/file` what is mounted,
//! `/ask?URL` and `/ask-blocking?URL` ask another server, over `wasi:http` 0.3 and 0.2, and
//! `/ask-late?URL,URL` one after the other in both ways.

use exports::wasi::http::handler;
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip2::http::outgoing_handler;
use wasip2::http::types as older;
use wasip2::io::streams::StreamError;

wit_bindgen::generate!({
    path: [
        "../../../wit/deps/wasi-clocks",
        "../../../wit/deps/wasi-random",
        "../../../wit/deps/wasi-cli",
        "../../../wit/deps/wasi-http",
    ],
    inline: "
        package shapes:relay;
        world relay {
            import wasi:http/client@0.3.0;
            export wasi:http/handler@0.3.0;
        }
    ",
    world: "shapes:relay/relay",
    generate_all,
});

struct Component;

type Answer = (u16, Vec<u8>);

impl handler::Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (status, body) = match path {
            "/seen" => (200, seen(&request)),
            "/file" => match std::fs::read(query) {
                Ok(content) => (200, content),
                Err(error) => (404, error.to_string().into_bytes()),
            },
            "/ask" => ask(query).await.unwrap_or_else(|error| told(&error)),
            "/ask-late" => ask_late(query).await.unwrap_or_else(|error| told(&error)),
            "/ask-blocking" => ask_blocking(query).unwrap_or_else(|error| told(&error)),
            _ => (404, Vec::new()),
        };
        println!("{path}: {status}");
        let length = body.len().to_string().into_bytes();
        let headers = Fields::from_list(&[("content-length".to_owned(), length)])
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

/// The authority and every header, one a line.
fn seen(request: &Request) -> Vec<u8> {
    let mut lines = request.get_authority().unwrap_or_default().into_bytes();
    lines.push(b'\n');
    for (name, value) in request.get_headers().copy_all() {
        lines.extend([name.as_bytes(), b": ", &value, b"\n"].concat());
    }
    lines
}

/// Authority and path of an `http` URL.
fn parts(url: &str) -> Option<(&str, String)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    Some((authority, format!("/{path}")))
}

async fn ask(url: &str) -> Result<Answer, ErrorCode> {
    let (authority, path) = parts(url).ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), None, trailers, None);
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&Scheme::Http)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(&path)).map_err(invalid)?;
    let response = client::send(request).await?;
    let status = response.get_status_code();
    let (_, handled) = wit_future::new(|| Ok(()));
    let (contents, _trailers) = Response::consume_body(response, handled);
    Ok((status, contents.collect().await))
}

async fn ask_late(urls: &str) -> Result<Answer, older::ErrorCode> {
    let (first, second) = urls.split_once(',').ok_or(older::ErrorCode::HttpRequestUriInvalid)?;
    let first = ask(first).await;
    first.map_err(|error| older::ErrorCode::InternalError(Some(error.to_string())))?;
    ask_blocking(second)
}

fn ask_blocking(url: &str) -> Result<Answer, older::ErrorCode> {
    let (authority, path) = parts(url).ok_or(older::ErrorCode::HttpRequestUriInvalid)?;
    let request = older::OutgoingRequest::new(older::Fields::new());
    let invalid = |()| older::ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&older::Scheme::Http)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(&path)).map_err(invalid)?;
    let pending = outgoing_handler::handle(request, None)?;
    pending.subscribe().block();
    let incomplete = |()| older::ErrorCode::HttpResponseIncomplete;
    let response = pending.get().ok_or(()).and_then(|got| got).map_err(incomplete)??;
    let status = response.status();
    let contents = response.consume().map_err(incomplete)?;
    let stream = contents.stream().map_err(incomplete)?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(CHUNK_BYTES) {
            Ok(chunk) => body.extend(chunk),
            Err(StreamError::Closed) => return Ok((status, body)),
            Err(StreamError::LastOperationFailed(_)) => return Err(incomplete(())),
        }
    }
}

fn told(error: &impl std::fmt::Debug) -> Answer {
    (502, format!("{error:?}").into_bytes())
}

const CHUNK_BYTES: u64 = 4096;

export!(Component);
