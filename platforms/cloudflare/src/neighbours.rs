//! Requests of components to each other, `http://ID.spin.internal/…`: they are all linked into this
//! Worker, which answers by itself (docs/adr/0049).

use std::net::IpAddr;

use futures_util::future::LocalBoxFuture;
use ports::{HttpRequest, HttpResponse, OutboundError, neighbour};
use worker::Url;

use crate::outward::ANSWER_MAX_BYTES;
use crate::ports::WorkerPorts;
use crate::{http, settings};

/// The address of a request, where it is a component's.
pub(crate) fn address(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    component_of(&url).is_some().then_some(url)
}

/// The answer of a component to another one. Whom it told something hears of it as from who asked.
pub(crate) async fn ask(
    asking: &WorkerPorts<'_>,
    url: &Url,
    request: &HttpRequest,
) -> Result<HttpResponse, OutboundError> {
    let id = component_of(url).unwrap_or_default();
    if let Some(why) = objection(asking, url, id) {
        return Err(OutboundError::Forbidden(why));
    }
    let asked = WorkerPorts::asked(asking.env, id);
    // Boxed, because whoever answers could ask, as far as types know.
    let answer: LocalBoxFuture<'_, web::Response> = Box::pin(answer(&asked, inward(url, request)));
    let answer = answer.await;
    asked.take_told().iter().for_each(|component| asking.tell(component));
    outward(answer, request.method == "HEAD")
}

fn component_of(url: &Url) -> Option<&str> {
    url.host_str().and_then(neighbour)
}

/// Why a component is not asked. Whoever is asked asks nobody, so no circle begins.
fn objection(asking: &WorkerPorts<'_>, url: &Url, id: &str) -> Option<String> {
    let WorkerPorts { component, is_asked, .. } = asking;
    if *is_asked {
        return Some(format!("{component} is being asked and asks nobody"));
    }
    if *component == id {
        return Some(format!("{id} does not ask itself"));
    }
    let is_plain = url.scheme() == "http" && url.port().is_none() && url.username().is_empty();
    let is_granted = settings::composition(|composition| composition.may_ask(component, id));
    (!is_plain || !is_granted).then(|| url.to_string())
}

async fn answer(asked: &WorkerPorts<'_>, request: web::Request) -> web::Response {
    if request.body.len() as u64 > http::body_max_bytes(asked.component) {
        return web::refuse(asked, &request, http::too_large());
    }
    match http::migrated(asked, &request).await {
        Ok(()) => http::handled(asked, request).await,
        Err(response) => response,
    }
}

/// The request as a client's would be. For whom it is asked the component says itself: nothing from
/// outside gets here.
fn inward(url: &Url, request: &HttpRequest) -> web::Request {
    let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
    let fields: Vec<(String, String)> = request.headers.iter().map(lower).collect();
    let stated = fields.iter().find(|(name, _)| name == "x-client-address");
    let address = stated.filter(|(_, address)| address.parse::<IpAddr>().is_ok());
    let address = address.map(|(_, address)| address.clone());
    let fields = fields.into_iter().filter(|(name, _)| !is_framing(name));
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let headers = http::inward(fields, address);
    web::Request { method: request.method.clone(), target, headers, body: request.body.clone() }
}

/// The response as that of a server would be.
fn outward(response: web::Response, is_head: bool) -> Result<HttpResponse, OutboundError> {
    let web::Response { status, headers, body, live } = response;
    let unavailable = |why: String| Err(OutboundError::Unavailable(why));
    if live.is_some() {
        return unavailable("the answer is a stream".to_owned());
    }
    if body.len() > ANSWER_MAX_BYTES {
        return unavailable(format!("the answer is larger than {ANSWER_MAX_BYTES} bytes"));
    }
    let headers = headers.into_iter().filter(|(name, _)| !is_framing(name));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
    let body = if is_head { Vec::new() } else { body };
    Ok(HttpResponse { status, headers, body })
}

/// What is about a connection, of which there is none.
fn is_framing(name: &str) -> bool {
    matches!(name, "host" | "content-length" | "connection" | "upgrade")
}
