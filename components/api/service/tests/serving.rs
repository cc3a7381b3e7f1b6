//! The document and its page over HTTP.
#![allow(clippy::unwrap_used, reason = "tests")]

use kernel::Timestamp;
use ports::memory::Memory;
use ports::ready;
use web::{Request, Response};

fn send(method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.iter().copied().collect(),
        body: Vec::new(),
    };
    ready(api_service::handle(&Memory::new("api", Timestamp::from_ms(0)), request))
}

#[test]
fn the_committed_files_are_served_as_they_are() {
    let json = include_bytes!("../../../../docs/openapi.json");
    let document = send("GET", "/openapi.json", &[]);
    assert_eq!((document.status, document.body.as_slice()), (200, json.as_slice()));
    assert_eq!(document.header("content-type"), Some("application/json"));
    let json = include_bytes!("../../../../docs/asyncapi.json");
    let live = send("GET", "/asyncapi.json", &[]);
    assert_eq!((live.status, live.body.as_slice()), (200, json.as_slice()));
    assert_eq!(live.header("content-type"), Some("application/json"));
    assert_ne!(live.header("etag"), document.header("etag"));
    let html = include_bytes!("../../../../docs/openapi.html");
    let page = send("GET", "/docs", &[]);
    assert_eq!((page.status, page.body.as_slice()), (200, html.as_slice()));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_ne!(page.header("etag"), document.header("etag"));
}

#[test]
fn what_the_caller_has_is_not_sent_again() {
    for target in ["/openapi.json", "/asyncapi.json", "/docs"] {
        let first = send("GET", target, &[]);
        let etag = first.header("etag").unwrap();
        assert_eq!(first.header("cache-control"), Some("no-cache"));
        let again = send("GET", target, &[("if-none-match", etag)]);
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), Some(etag));
        assert_eq!(send("GET", target, &[("if-none-match", "\"x\"")]).status, 200);
    }
}

#[test]
fn the_platform_tells_whether_it_is_up_and_ready() {
    let memory = Memory::new("api", Timestamp::from_ms(0));
    let ask = |target: &str| {
        let request =
            Request { method: "GET".to_owned(), target: target.to_owned(), ..Request::default() };
        let answer = ready(api_service::handle(&memory, request));
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    assert_eq!(ask("/healthz"), (200, r#"{"status":"up"}"#.to_owned()));
    assert_eq!(ask("/readyz"), (200, r#"{"status":"ready"}"#.to_owned()));
    memory.sql.break_query();
    assert_eq!(ask("/healthz"), (200, r#"{"status":"up"}"#.to_owned()));
    assert_eq!(ask("/readyz"), (503, r#"{"status":"not_ready"}"#.to_owned()));
}

#[test]
fn nothing_else_is_taken() {
    for target in ["/openapi.json", "/asyncapi.json", "/docs", "/healthz", "/readyz"] {
        assert_eq!(send("GET", &format!("{target}?x=1"), &[]).status, 400);
        let post = send("POST", target, &[]);
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
    assert_eq!(send("GET", "/docs/", &[]).status, 404);
}
