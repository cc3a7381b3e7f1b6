//! Requests to other servers.

use futures_util::future::{Either, select};
use ports::{HttpRequest, HttpResponse, OutboundError};
use worker::js_sys::Uint8Array;
use worker::{
    AbortController, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
};

/// Sends a request and waits for the whole response, for a bounded time.
pub(crate) async fn send(request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let sent = Box::pin(async {
        let mut response = Fetch::Request(made(request)?).send_with_signal(&signal).await?;
        let status = response.status_code();
        let headers = response.headers().entries().collect();
        let body = response.bytes().await?;
        Ok::<_, worker::Error>(HttpResponse { status, headers, body })
    });
    let time = Box::pin(Delay::from(core::time::Duration::from_millis(DEADLINE_MS)));
    let unavailable = |why: String| Err(OutboundError::Unavailable(why));
    match select(sent, time).await {
        Either::Left((Ok(response), _)) if response.body.len() > ANSWER_MAX_BYTES => {
            unavailable(format!("the answer is larger than {ANSWER_MAX_BYTES} bytes"))
        }
        Either::Left((sent, _)) => sent.or_else(|error| unavailable(error.to_string())),
        Either::Right(_) => {
            controller.abort();
            unavailable(format!("no answer within {DEADLINE_MS} ms"))
        }
    }
}

fn made(request: &HttpRequest) -> worker::Result<Request> {
    let headers = Headers::new();
    for (name, value) in &request.headers {
        headers.append(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::from(request.method.clone())).with_headers(headers);
    init.with_redirect(RequestRedirect::Manual);
    if !request.body.is_empty() {
        init.with_body(Some(Uint8Array::from(request.body.as_slice()).into()));
    }
    Request::new_with_init(&request.url, &init)
}

const DEADLINE_MS: u64 = 5_000;
/// Largest body of an answer, another component's too.
pub(crate) const ANSWER_MAX_BYTES: usize = 10 << 20;
