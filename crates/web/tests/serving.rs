//! A service of two routes, served without any capability.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::cell::Cell;

use kernel::Timestamp;
use ports::{Claims, Clock, Comparison, PasswordError, ProofSignature, Random, Vault, ready};
use serde_json::Value;
use web::{Auth, Exchange, Method, Problem, Request, Response, Route, serve};

#[derive(Debug, Clone, Copy)]
enum Operation {
    Show,
    Change,
    Preview,
    Post,
    Judge,
}

const ROUTES: &[Route<Operation>] = &[
    route(Method::Get, "/things/{id}/parts/{part}", Auth::Optional, 0, Operation::Show),
    route(Method::Patch, "/things/{id}/parts/{part}", Auth::Required, 10, Operation::Change),
    route(Method::Post, "/things/{id}/parts:preview", Auth::Ignored, 10, Operation::Preview),
    route(Method::Post, "/things", Auth::Active, 10, Operation::Post),
    route(Method::Delete, "/things/{id}", Auth::Admin, 0, Operation::Judge),
    route(Method::Get, "/things/newest", Auth::Ignored, 0, Operation::Preview),
];

const fn route(
    method: Method,
    path: &'static str,
    auth: Auth,
    body_max_bytes: usize,
    handler: Operation,
) -> Route<Operation> {
    Route { method, path, operation: "", auth, body_max_bytes, handler }
}

/// One token, and a count of how often it was verified.
#[derive(Default)]
struct Door {
    verified: Cell<u32>,
    now_ms: Cell<i64>,
}

impl Vault for Door {
    async fn sign_access_token(&self, _: &Claims) -> Result<String, String> {
        Err("not here".to_owned())
    }

    async fn verify_access_token(&self, token: &str) -> Option<Claims> {
        self.verified.set(self.verified.get() + 1);
        let subject = token.strip_prefix("good-")?.to_owned();
        let roles = match subject.split_once('-') {
            Some((_, role)) => vec![role.to_owned()],
            None => vec!["user".to_owned()],
        };
        Some(Claims { subject, name: String::new(), roles, expires_at: 600 })
    }

    async fn public_keys(&self) -> String {
        String::new()
    }

    async fn hash_password(&self, _: &str) -> Result<String, PasswordError> {
        Err(PasswordError::Busy)
    }

    async fn verify_password(&self, _: &str, _: Option<&str>) -> Result<Comparison, PasswordError> {
        Err(PasswordError::Busy)
    }

    async fn mac(&self, _: &str, _: &[u8]) -> [u8; 32] {
        [0; 32]
    }

    async fn sign_proof(&self, _: Timestamp, _: &[u8]) -> Result<ProofSignature, String> {
        Err("not here".to_owned())
    }

    async fn proof_keys(&self) -> String {
        String::new()
    }
}

impl Clock for Door {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms.get())
    }
}

impl Random for Door {
    fn id_bytes(&self) -> [u8; 10] {
        [9; 10]
    }

    fn secret_bytes(&self) -> [u8; 32] {
        [9; 32]
    }
}

fn ask(door: &Door, method: &str, target: &str, token: &str, body: &[u8]) -> Response {
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: web::Fields::default(),
        body: body.to_vec(),
    };
    if !token.is_empty() {
        request.headers.push("authorization", &format!("Bearer {token}"));
    }
    ready(serve(door, ROUTES, &request, async |exchange: &Exchange<'_>, operation| {
        let (id, part) = (exchange.parameter("id"), exchange.parameter("part"));
        let caller = exchange.caller.as_ref().map(|caller| caller.subject.clone());
        if id == "broken" {
            return Err(Problem::unavailable());
        }
        Response::json(200, &format!("{operation:?} {id} {part} {caller:?}"))
    }))
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

#[test]
fn paths_lead_to_handlers_with_their_parameters() {
    let door = Door::default();
    let shown = ask(&door, "GET", "/things/7/parts/wheel?x=1", "", b"");
    assert_eq!(text(&shown), r#""Show 7 wheel None""#);
    let changed = ask(&door, "PATCH", "/things/7/parts/wheel", "good-ana", b"{}");
    assert_eq!(text(&changed), r#""Change 7 wheel Some(\"ana\")""#);
    let preview = ask(&door, "POST", "/things/7/parts:preview", "bad", b"");
    assert_eq!(text(&preview), r#""Preview 7  None""#, "a token is not looked at here");
    for target in ["/things//parts/wheel", "/things/7/parts", "/things/7/parts/wheel/", "*"] {
        assert_eq!(ask(&door, "GET", target, "", b"").status, 404, "{target}");
    }
    let wrong = ask(&door, "DELETE", "/things/7/parts/wheel", "", b"");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, PATCH, OPTIONS")));
}

#[test]
fn a_token_is_verified_once_until_it_expires() {
    let door = Door::default();
    for _ in 0..5 {
        assert_eq!(ask(&door, "GET", "/things/7/parts/a", "good-ben", b"").status, 200);
    }
    assert_eq!(door.verified.get(), 1);
    door.now_ms.set(600_000);
    assert_eq!(ask(&door, "GET", "/things/7/parts/a", "good-ben", b"").status, 401);
    assert_eq!(ask(&door, "GET", "/things/7/parts/a", "bad", b"").status, 401);
}

#[test]
fn a_token_with_the_end_of_a_known_one_is_not_taken_for_it() {
    let door = Door::default();
    let target = "/things/7/parts/a";
    assert_eq!(ask(&door, "GET", target, "good-ana.0123456789abcdef", b"").status, 200);
    for forged in ["bad!-ana.0123456789abcdef", "bad-anna.0123456789abcdef", "0123456789abcdef"] {
        assert_eq!(ask(&door, "GET", target, forged, b"").status, 401, "{forged}");
    }
    assert_eq!(door.verified.get(), 4);
}

#[test]
fn many_tokens_do_not_grow_an_instance() {
    let door = Door::default();
    for n in 0..3_000 {
        ask(&door, "GET", "/things/7/parts/a", &format!("good-{n}"), b"");
    }
    ask(&door, "GET", "/things/7/parts/a", "good-0", b"");
    assert_eq!(door.verified.get(), 3_001, "the first was forgotten in between");
}

#[test]
fn strangers_are_told_before_their_body_is_judged() {
    let door = Door::default();
    let target = "/things/7/parts/a";
    assert_eq!(ask(&door, "PATCH", target, "", b"far too long a body").status, 401);
    assert_eq!(ask(&door, "PATCH", target, "good-ana", b"far too long a body").status, 413);
    assert_eq!(ask(&door, "PATCH", target, "good-ana", b"ten bytes!").status, 200);
}

#[test]
fn a_name_comes_before_what_is_left_open() {
    let door = Door::default();
    assert_eq!(ask(&door, "GET", "/things/newest", "", b"").status, 200);
    let refused = ask(&door, "DELETE", "/things/newest", "good-ana-admin", b"");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(ask(&door, "DELETE", "/things/old", "good-ana-admin", b"").status, 200);
}

#[test]
fn a_platform_knows_callers_by_token_or_cookie() {
    let door = Door::default();
    let is_known = |name: &str, value: &str, token_cookie| {
        let mut request = Request::default();
        request.headers.push(name, value);
        ready(web::auth::is_known(&door, &request, token_cookie))
    };
    assert!(is_known("authorization", "Bearer good-ana", None));
    assert!(!is_known("authorization", "Bearer bad", None));
    for value in ["token=good-ana", "a=1; __Host-token=good-ana; b=2"] {
        assert!(is_known("cookie", value, Some("token")), "{value}");
        assert!(!is_known("cookie", value, None), "{value}: the component has no such cookie");
    }
    for value in ["token=bad", "oken=good-ana", "token", "__Host-token=bad; token=good-ana"] {
        assert!(!is_known("cookie", value, Some("token")), "{value}");
    }
    door.now_ms.set(600_000);
    assert!(!is_known("cookie", "token=good-ana", Some("token")), "it is over");
}

#[test]
fn every_answer_carries_the_manners() {
    let door = Door::default();
    for target in ["/things/7/parts/a", "/things/broken/parts/a", "/nowhere"] {
        let response = ask(&door, "GET", target, "", b"");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("x-request-id").map(str::len), Some(36));
    }
    let problem = ask(&door, "GET", "/things/broken/parts/a?q", "", b"");
    assert_eq!((problem.status, problem.header("retry-after")), (503, Some("1")));
    let document: Value = serde_json::from_slice(&problem.body).unwrap();
    assert_eq!(document["instance"], "/things/broken/parts/a");
    assert_eq!(document["type"], "https://ecomauction.dev/errors/unavailable");
    assert_eq!(document["request_id"].as_str(), problem.header("x-request-id"));
}

#[test]
fn a_used_up_rate_says_when_and_how_much() {
    let policy = ports::Policy { capacity: 30, refill_ms: 2_000 };
    let problem = Problem::rate_limited("sign-in", policy, 1_001).into_response("/", "r");
    assert_eq!(problem.status, 429);
    assert_eq!(problem.header("retry-after"), Some("2"));
    assert_eq!(problem.header("ratelimit"), Some("\"sign-in\";r=0;t=2"));
    assert_eq!(problem.header("ratelimit-policy"), Some("\"sign-in\";q=30;w=60"));
    let busy = Problem::from(PasswordError::Busy).into_response("/", "r");
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
}

#[test]
fn who_is_suspended_changes_nothing_and_who_is_no_admin_judges_nothing() {
    let door = Door::default();
    let tried = |method, target, token| {
        let response = ask(&door, method, target, token, b"");
        let problem: Value = serde_json::from_slice(&response.body).unwrap();
        (response.status, problem["code"].as_str().unwrap_or_default().to_owned())
    };
    let said = |status, code: &str| (status, code.to_owned());
    assert_eq!(tried("POST", "/things", "good-ana"), said(200, ""));
    assert_eq!(tried("POST", "/things", "good-ana-suspended"), said(403, "account_suspended"));
    assert_eq!(tried("POST", "/things", ""), said(401, "unauthenticated"));
    assert_eq!(tried("PATCH", "/things/7/parts/w", "good-ana-suspended"), said(200, ""));
    assert_eq!(tried("DELETE", "/things/7", "good-ana"), said(403, "forbidden"));
    assert_eq!(tried("DELETE", "/things/7", "good-ana-admin"), said(200, ""));
    assert_eq!(tried("DELETE", "/things/7", "good-ana-suspended"), said(403, "account_suspended"));
}
