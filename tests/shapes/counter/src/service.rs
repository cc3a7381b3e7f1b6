//! `POST /count/{key}` adds, `GET /count/{key}` asks. One handler, whatever carries it.

/// A whole request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method, upper case.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// `idempotency-key`, when the client sent one.
    pub command_id: Option<String>,
    /// Body bytes.
    pub body: Vec<u8>,
}

/// A whole response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// JSON body.
    pub body: Vec<u8>,
}

/// The port that the handler needs. Its functions may wait; they need not be `Send`.
#[allow(async_fn_in_trait, reason = "ports are used by generic code on one thread")]
pub trait Entities {
    /// Sends a command; the reply comes when what it decided is durable.
    async fn call(&self, key: &str, command_id: &str, body: Vec<u8>) -> Result<Vec<u8>, String>;

    /// Asks a question.
    async fn query(&self, key: &str) -> Result<Vec<u8>, String>;
}

/// Answers one request.
pub async fn handle(entities: &impl Entities, request: Request) -> Response {
    let path = request.target.split('?').next().unwrap_or_default();
    let key = match path.strip_prefix("/count/") {
        Some(key) if !key.is_empty() && !key.contains('/') => key,
        _ => return response(404, "no such resource"),
    };
    let answer = match (request.method.as_str(), &request.command_id) {
        ("GET", _) => entities.query(key).await,
        ("POST", Some(command_id)) => entities.call(key, command_id, request.body).await,
        ("POST", None) => return response(400, "idempotency-key is missing"),
        _ => return response(405, "GET or POST"),
    };
    match answer {
        Ok(body) if body.starts_with(br#"{"refusal""#) => Response { status: 422, body },
        Ok(body) => Response { status: 200, body },
        Err(fault) => response(503, &fault),
    }
}

fn response(status: u16, detail: &str) -> Response {
    Response { status, body: serde_json::json!({ "detail": detail }).to_string().into_bytes() }
}
