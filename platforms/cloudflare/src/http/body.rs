//! How much of a request is taken in.

use futures_util::StreamExt as _;
use web::Problem;
use worker::Request;

use crate::ports::WorkerPorts;
use crate::settings;

/// The largest body that a component takes.
pub(crate) fn body_max_bytes(component: &str) -> u64 {
    let set = settings::composition(|all| all.of(component).and_then(|tool| tool.body_max_bytes));
    set.map_or(BODY_MAX_BYTES, |bytes| bytes as u64)
}

pub(crate) fn too_large() -> Problem {
    Problem::new(413, "payload_too_large", "The request body is larger than this platform takes.")
}

/// The whole body. What is too large is not waited for; beyond what everyone may send it is taken
/// of who is signed in.
pub(super) async fn read(
    request: &mut Request,
    head: &web::Request,
    ports: &WorkerPorts<'_>,
) -> Result<Vec<u8>, Problem> {
    let declared = request.headers().get("content-length").ok().flatten();
    let declared: u64 = declared.and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut most = BODY_MAX_BYTES;
    if declared > most {
        most = most_for(head, ports).await?;
    }
    if declared > most {
        return Err(too_large());
    }
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let broken = |_| Problem::new(400, "invalid_request", "The request body broke off.");
    let mut chunks = request.stream().map_err(broken)?;
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        body.extend(chunk.map_err(broken)?);
        if body.len() as u64 > most && most == BODY_MAX_BYTES {
            most = most_for(head, ports).await?;
        }
        if body.len() as u64 > most {
            return Err(too_large());
        }
    }
    Ok(body)
}

/// What a caller may send who sends more than everyone may.
async fn most_for(head: &web::Request, ports: &WorkerPorts<'_>) -> Result<u64, Problem> {
    let most = body_max_bytes(ports.component);
    if head.is_read() || most == BODY_MAX_BYTES {
        return Err(too_large());
    }
    let token_cookie = settings::composition(|all| all.of(ports.component)?.token_cookie.clone());
    let is_known = web::auth::is_known(ports, head, token_cookie.as_deref()).await;
    if is_known { Ok(most) } else { Err(web::auth::unauthenticated()) }
}

/// As the project's own host.
const BODY_MAX_BYTES: u64 = 256 << 10;
