//! Who is who; today the development token.
//!
//! `POST /_dev/token {"user": "ana"}` answers with an access token, signed by the vault like any
//! other. The route exists only where the variable `development` is `true`.

#[cfg(feature = "document")]
mod document;

use kernel::{Id, kind};
use ports::{Claims, Delivery, Message, Ports, Sql, Statement, Value};
use serde::{Deserialize, Serialize};
use web::json::Object;
use web::{Auth, Exchange, Method, Problem, Request, Response, Route};

#[cfg(feature = "document")]
pub use document::document;

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// An access token for a name, in development only.
    DevelopmentToken,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    let routes = if is_development(ports) { ROUTES } else { &[] };
    web::serve(
        ports,
        routes,
        &request,
        async |exchange: &Exchange<'_>, operation| match operation {
            Operation::DevelopmentToken => development_token(ports, exchange).await,
        },
    )
    .await
}

/// Brings the tables up to date; called once before the first request of a deployment.
pub async fn migrate<P: Ports>(ports: &P) -> Result<(), String> {
    ports::migrate(ports, "identity", STEPS).await.map_err(|error| error.to_string())
}

/// No topic concerns this service: what comes by mistake is done with.
pub async fn consume<P: Ports>(_ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    batch.iter().map(|_| Delivery::Ack).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: String,
}

#[derive(Serialize)]
struct Token<'a> {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    user_id: &'a str,
}

async fn development_token<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let Object(Wanted { user }) = web::json::body(exchange.request)?;
    if !is_name(&user) {
        let detail = "A user is 1 to 64 characters of a-z, 0-9, _ and -.";
        return Err(Problem::field("invalid_request", "/user".to_owned(), detail));
    }
    let user_id = user_id(ports, &user).await?;
    let claims = Claims {
        subject: user_id.clone(),
        name: user,
        roles: vec!["user".to_owned()],
        expires_at: exchange.now.as_ms().div_euclid(1_000).saturating_add(TOKEN_SECONDS),
    };
    let signed = ports.sign_access_token(&claims).await;
    let access_token = signed.map_err(|_| Problem::unavailable())?;
    let token =
        Token { access_token, token_type: "Bearer", expires_in: TOKEN_SECONDS, user_id: &user_id };
    Response::json(200, &token)
}

/// The id of a name, made when it is new. Of two requests that meet, the slower one reads what the
/// faster one wrote.
async fn user_id<P: Ports>(ports: &P, name: &str) -> Result<String, Problem> {
    if let Some(id) = known_id(ports, name).await? {
        return Ok(id);
    }
    let now = ports.now();
    let id = Id::<kind::User>::new(now, ports.id_bytes()).to_string();
    let insert = "INSERT INTO identity_users (id, name, display_name, created_at)
        VALUES (?1, ?2, ?2, ?3) ON CONFLICT (name) DO NOTHING";
    let parameters = [id.into(), name.into(), now.as_ms().into()];
    Sql::batch(ports, vec![Statement::new(insert, parameters)]).await?;
    known_id(ports, name).await?.ok_or_else(Problem::internal)
}

async fn known_id<P: Ports>(ports: &P, name: &str) -> Result<Option<String>, Problem> {
    let select = "SELECT id FROM identity_users WHERE name = ?1";
    let rows = Sql::query(ports, Statement::new(select, [name.into()])).await?.rows;
    let id = rows.first().and_then(|row| row.first()).and_then(Value::as_text);
    Ok(id.map(str::to_owned))
}

fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || is_joint(byte);
    (1..=64).contains(&name.len()) && name.bytes().all(known)
}

fn is_joint(byte: u8) -> bool {
    matches!(byte, b'_' | b'-')
}

fn is_development<P: Ports>(ports: &P) -> bool {
    ports.variable("development").as_deref() == Some("true")
}

/// Access tokens live at most ten minutes (api.md §2).
const TOKEN_SECONDS: i64 = 600;

const ROUTES: &[Route<Operation>] = &[Route {
    method: Method::Post,
    path: "/_dev/token",
    operation: "developmentToken",
    auth: Auth::Ignored,
    body_max_bytes: 1_024,
    handler: Operation::DevelopmentToken,
}];

const STEPS: &[&[&str]] = &[&["CREATE TABLE IF NOT EXISTS identity_users (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        created_at INTEGER NOT NULL
    )"]];
