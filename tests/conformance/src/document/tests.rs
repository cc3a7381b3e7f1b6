use http::{HeaderMap, HeaderValue};

use super::*;

const ID: &str = "018f4d2e-7c1a-7def-8123-456789abcdef";

fn reply(status: u16, media_type: &'static str, body: &Value) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(media_type));
    headers.insert("x-request-id", HeaderValue::from_static(ID));
    Reply { status, headers, body: body.to_string().into() }
}

fn problem(status: u16, code: &str) -> Value {
    json!({"type": format!("https://ecomauction.dev/errors/{code}"), "title": "No",
        "status": status, "detail": "No.", "instance": "/v1/auctions", "code": code,
        "request_id": ID})
}

fn judge(method: &str, reply: &Reply) -> Vec<String> {
    Document::committed().judge(method, "/v1/auctions?limit=1", reply)
}

fn refused(status: u16, document: &Value) -> Vec<String> {
    judge("GET", &reply(status, "application/problem+json", document))
}

#[test]
fn what_is_documented_is_fine() {
    let page = json!({"items": [], "next_cursor": null});
    assert_eq!(judge("GET", &reply(200, "application/json", &page)), [""; 0]);
    assert_eq!(refused(400, &problem(400, "invalid_limit")), [""; 0]);
    let elsewhere = reply(418, "text/plain", &json!(1));
    let judged = Document::committed().judge("GET", "/elsewhere", &elsewhere);
    assert_eq!(judged, [""; 0], "nothing is said of other paths");
}

#[test]
fn an_undocumented_status_code_or_media_type_is_found() {
    assert_eq!(refused(418, &problem(418, "teapot")), ["listAuctions does not answer 418"]);
    assert_eq!(refused(400, &problem(400, "bid_too_low")).len(), 1);
    assert_eq!(refused(400, &problem(413, "invalid_limit")).len(), 1);
    let text = reply(400, "application/json", &problem(400, "invalid_limit"));
    assert!(judge("GET", &text)[0].contains("not documented"));
    let put = reply(200, "application/json", &json!({}));
    assert_eq!(judge("PUT", &put), ["200 for a method without operation"]);
}

#[test]
fn a_path_that_is_named_is_none_that_is_left_open() {
    let methods = |path: &str| -> Vec<&str> {
        Document::committed().at(path).iter().map(|it| it.method.as_str()).collect()
    };
    assert_eq!(methods("/v1/sessions/refresh"), ["POST"]);
    assert_eq!(methods("/v1/sessions/ses_01jd6s6y8zfz2v5r3k8t9w0abc"), ["DELETE"]);
    assert_eq!(methods("/v1/sessions/a/b"), [""; 0]);
}

#[test]
fn a_missing_header_is_found() {
    let refused = reply(401, "application/problem+json", &problem(401, "unauthenticated"));
    assert!(judge("GET", &refused)[0].ends_with("no WWW-Authenticate"));
    let mut nameless = reply(200, "application/json", &json!({"items": [], "next_cursor": null}));
    nameless.headers.remove("x-request-id");
    assert!(judge("GET", &nameless)[0].ends_with("no X-Request-Id"));
}

#[test]
fn a_member_too_few_or_too_many_is_found() {
    for page in [
        json!({"items": []}),
        json!({"items": [], "next_cursor": null, "total": 5}),
        json!({"items": [{"id": "auc_1"}], "next_cursor": null}),
    ] {
        assert_eq!(judge("GET", &reply(200, "application/json", &page)).len(), 1, "{page}");
    }
    let mut more = problem(400, "invalid_limit");
    more["stack"] = json!("at main.rs");
    assert_eq!(refused(400, &more).len(), 1);
}
