//! What every route has in common, in the order in which a request meets it.

use std::borrow::Cow;
use std::rc::Rc;

use kernel::Timestamp;
use ports::{Claims, Clock, Random, Vault};

use crate::route::{Found, Parameters, find};
use crate::{Auth, Problem, Query, Request, Response, Route, auth, correlation};

/// An admitted request: its path fits a route, its caller is known, its body is within the limit.
#[derive(Debug)]
pub struct Exchange<'r> {
    /// The request.
    pub request: &'r Request,
    /// When the service saw it.
    pub now: Timestamp,
    /// Who calls; none where the route allows it and no token was sent.
    pub caller: Option<Rc<Claims>>,
    parameters: Parameters<'r>,
}

impl<'r> Exchange<'r> {
    /// A parameter of the route's path; empty when the template has no such name.
    pub fn parameter(&self, name: &str) -> &'r str {
        self.parameters.value(name).unwrap_or_default()
    }

    /// Who calls; 401 when nobody signed in.
    pub fn signed_in(&self) -> Result<&Claims, Problem> {
        self.caller.as_deref().ok_or_else(auth::unauthenticated)
    }

    /// 400 `unknown_field` when there is any query parameter: what is not known is not ignored.
    pub fn no_parameters(&self) -> Result<(), Problem> {
        Query::parse(self.request.query(), &[]).map(drop)
    }

    /// Lets shared caches keep an answer to an anonymous caller as long as they ask again each
    /// time; what a signed-in caller gets is not to be stored.
    pub fn revalidated(&self, response: Response) -> Response {
        let policy = if self.caller.is_none() { "no-cache" } else { NO_STORE };
        response.with("cache-control", policy).with("vary", "Authorization")
    }
}

const NO_STORE: &str = "no-store";

/// Answers a request from a table of routes. `handler` does what the found route means.
///
/// Every answer carries the request id and `nosniff`; one without a `cache-control` of its own is
/// not to be stored.
pub async fn serve<P, O, F>(
    ports: &P,
    routes: &[Route<O>],
    request: &Request,
    handler: F,
) -> Response
where
    P: Clock + Random + Vault,
    O: Copy,
    F: AsyncFnOnce(&Exchange<'_>, O) -> Result<Response, Problem>,
{
    answered(ports, routes, request, By::Token, handler).await
}

/// Answers a request of somebody who has signed in before it: on a socket.
pub async fn serve_caller<P, O, F>(
    ports: &P,
    routes: &[Route<O>],
    request: &Request,
    caller: Option<Rc<Claims>>,
    handler: F,
) -> Response
where
    P: Clock + Random + Vault,
    O: Copy,
    F: AsyncFnOnce(&Exchange<'_>, O) -> Result<Response, Problem>,
{
    answered(ports, routes, request, By::Socket(caller), handler).await
}

/// By what a caller is known.
enum By {
    /// The token of the request.
    Token,
    /// The socket.
    Socket(Option<Rc<Claims>>),
}

impl By {
    async fn caller(
        &self,
        vault: &impl Vault,
        request: &Request,
        now: Timestamp,
    ) -> Result<Option<Rc<Claims>>, Problem> {
        match self {
            Self::Token => auth::caller(vault, request, now).await,
            Self::Socket(None) => Ok(None),
            Self::Socket(Some(claims)) if auth::is_alive(claims, now) => Ok(Some(claims.clone())),
            Self::Socket(Some(_)) => Err(auth::unauthenticated()),
        }
    }
}

async fn answered<P, O, F>(
    ports: &P,
    routes: &[Route<O>],
    request: &Request,
    by: By,
    handler: F,
) -> Response
where
    P: Clock + Random + Vault,
    O: Copy,
    F: AsyncFnOnce(&Exchange<'_>, O) -> Result<Response, Problem>,
{
    let now = ports.now();
    let request_id = correlation::request_id(ports, now, request);
    let answer = match admit(ports, routes, request, by, now).await {
        Ok(Admitted::Run(exchange, operation)) => handler(&exchange, operation).await,
        Ok(Admitted::Done(response)) => Ok(response),
        Err(problem) => Err(problem),
    };
    finished(answer, request, request_id)
}

/// The answer to a request that no service saw, for the faces of platforms.
pub fn refuse(ports: &(impl Clock + Random), request: &Request, problem: Problem) -> Response {
    let request_id = correlation::request_id(ports, ports.now(), request);
    finished(Err(problem), request, request_id)
}

fn finished(answer: Result<Response, Problem>, request: &Request, request_id: String) -> Response {
    let mut response =
        answer.unwrap_or_else(|problem| problem.into_response(request.path(), &request_id));
    if response.header("cache-control").is_none() {
        response.headers.push(("cache-control", Cow::Borrowed(NO_STORE)));
    }
    response.with("x-content-type-options", "nosniff").with("x-request-id", request_id)
}

enum Admitted<'r, O> {
    Run(Exchange<'r>, O),
    Done(Response),
}

async fn admit<'r, P: Vault, O: Copy>(
    ports: &P,
    routes: &[Route<O>],
    request: &'r Request,
    by: By,
    now: Timestamp,
) -> Result<Admitted<'r, O>, Problem> {
    let (route, parameters) = match find(routes, &request.method, request.path())? {
        Found::Route(route, parameters) => (route, parameters),
        Found::Options(allow) => {
            return Ok(Admitted::Done(Response::empty(204).with("allow", allow)));
        }
    };
    let caller = match route.auth {
        Auth::Ignored => None,
        Auth::Optional => by.caller(ports, request, now).await?,
        Auth::Required | Auth::Active | Auth::Admin => {
            let caller = by.caller(ports, request, now).await?;
            let caller = caller.ok_or_else(auth::unauthenticated)?;
            auth::admit(&caller, route.auth)?;
            Some(caller)
        }
    };
    if request.body.len() > route.body_max_bytes {
        let detail = format!("The body may have at most {} bytes here.", route.body_max_bytes);
        return Err(Problem::new(413, "payload_too_large", detail));
    }
    Ok(Admitted::Run(Exchange { request, now, caller, parameters }, route.handler))
}
