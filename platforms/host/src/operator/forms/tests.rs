use std::sync::Arc;

use http::Request;
use http_body_util::BodyExt as _;

use super::*;
use crate::clock::System;
use crate::queues::{Event, Taking, Verdict};

const QUEUE: &str = "a/b";
const HERE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A queue with dead letters.
struct Bench {
    _folder: tempfile::TempDir,
    queues: Queues,
    guard: Guard,
}

impl Bench {
    async fn with(ids: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queues.db");
        let queues = Queues::open(&path, [QUEUE.to_owned()], Arc::new(System)).unwrap();
        let event = |id: &&str| Event {
            id: (*id).to_owned(),
            source: "/machines/m".to_owned(),
            topic: "b".to_owned(),
            key: (*id).to_owned(),
            time: 0,
            body: b"{}".to_vec(),
        };
        let batch = ids.iter().map(|id| (QUEUE.to_owned(), event(id))).collect();
        queues.push(batch, None).await.unwrap();
        let bench = Self { _folder: folder, queues, guard: Guard::new(&System).unwrap() };
        while bench.dead().await < ids.len() as u64 {
            bench.refuse().await;
        }
        bench
    }

    async fn refuse(&self) {
        let taking = Taking { limit: 10, visibility_ms: 60_000, max_receives: 1, suspects: true };
        let taken = self.queues.take(QUEUE, taking).await.unwrap();
        let refused = Verdict::Refused { why: "no".to_owned(), at: 0 };
        let verdicts = taken.messages.iter().map(|one| (one.seq, refused.clone())).collect();
        self.queues.settle(QUEUE, taken.lease, 1, verdicts).await.unwrap();
    }

    async fn dead(&self) -> u64 {
        self.queues.stats().await.unwrap()[0].dead
    }

    /// Messages in the queue, dead letters, purged ones.
    async fn state(&self) -> (u64, u64, u64) {
        let stats = self.queues.stats().await.unwrap().remove(0);
        (stats.depth, stats.dead, stats.purged)
    }

    /// Sends a form: the status, and where it leads.
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        form: &str,
    ) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", "ops:9090");
        if headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let response = answer(&self.queues, &self.guard, &parts, form.as_bytes()).await;
        let place = response.headers().get(header::LOCATION);
        let place = place.map(|place| place.to_str().unwrap().to_owned()).unwrap_or_default();
        (response.status().as_u16(), place)
    }

    async fn press(&self, action: &str, form: &str) -> (u16, String) {
        let form = format!("token={}{form}", self.guard.token());
        self.send("POST", &format!("/queues/{QUEUE}/{action}"), &[HERE], &form).await
    }
}

#[tokio::test]
async fn the_buttons_redrive_one_or_all() {
    let bench = Bench::with(&["7-0", "8/0 &=", "9-0"]).await;
    assert_eq!(bench.press("redrive", "&id=7-0").await, (303, "/?redriven=1".to_owned()));
    assert_eq!(bench.state().await, (1, 2, 0));
    let escaped = bench.press("redrive", "&id=8%2F0+%26%3D").await;
    assert_eq!(escaped, (303, "/?redriven=1".to_owned()));
    assert_eq!(bench.press("redrive", "").await, (303, "/?redriven=1".to_owned()));
    assert_eq!(bench.press("redrive", "").await, (303, "/?redriven=0".to_owned()));
    assert_eq!(bench.state().await, (3, 0, 0));
}

#[tokio::test]
async fn a_purge_wants_a_tick() {
    let bench = Bench::with(&["1", "2", "3"]).await;
    for unsure in ["", "&id=1", "&sure=no", "&sure="] {
        let (status, place) = bench.press("purge", unsure).await;
        assert!(matches!(status, 400 | 403) && place.is_empty(), "{unsure}: {status}");
    }
    assert_eq!(bench.state().await, (0, 3, 0));
    assert_eq!(bench.press("purge", "&id=2&sure=yes").await, (303, "/?purged=1".to_owned()));
    assert_eq!(bench.state().await, (0, 2, 1));
    assert_eq!(bench.press("purge", "&sure=yes").await, (303, "/?purged=2".to_owned()));
    assert_eq!(bench.state().await, (0, 0, 3));
}

#[tokio::test]
async fn forged_forms_are_refused_and_change_nothing() {
    let bench = Bench::with(&["1"]).await;
    let path = format!("/queues/{QUEUE}/redrive");
    let token = format!("token={}", bench.guard.token());
    let strange = Guard::new(&System).unwrap().token;
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "")],
        &[HERE, ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://ops:9090")],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", "ops:9090")],
        &[("origin", "http://ops")],
        &[("origin", "http://ops:9091")],
        &[("origin", "http://ops:9090.evil.example")],
        &[("origin", "http://evil.example")],
        &[("origin", "http://ops:9090"), ("origin", "http://evil.example")],
        &[("referer", "http://ops:9090/")],
    ] {
        let refused = bench.send("POST", &path, headers, &token).await;
        assert_eq!(refused, (403, String::new()), "{headers:?}");
    }
    for form in [
        "",
        "token=",
        "token=x",
        &format!("token={strange}"),
        &format!("{token}x"),
        &format!("token=&{token}&{token}"),
        &format!("{token}&{token}"),
        &format!("{token}&more=1"),
        &token.to_uppercase(),
    ] {
        assert_eq!(bench.send("POST", &path, &[HERE], form).await.0, 403, "{form}");
    }
    for content_type in ["text/plain", "application/json", "multipart/form-data", ""] {
        let headers = [HERE, ("content-type", content_type)];
        assert_eq!(bench.send("POST", &path, &headers, &token).await.0, 415, "{content_type}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        assert_eq!(bench.send(method, &path, &[HERE], &token).await.0, 405, "{method}");
    }
    for path in ["/queues", "/queues/", "/queues/a/b", "/queues/a/b/peek", "/queues/a/b/redrive/"] {
        assert_eq!(bench.send("POST", path, &[HERE], &token).await.0, 404, "{path}");
    }
    let unknown = bench.send("POST", "/queues/a/c/redrive", &[HERE], &token).await;
    assert_eq!(unknown.0, 404);
    assert_eq!(bench.state().await, (0, 1, 0));
}

#[tokio::test]
async fn browsers_that_do_not_say_from_which_site_say_from_which_origin() {
    for origin in ["http://ops:9090", "https://ops:9090", "http://OPS:9090"] {
        let bench = Bench::with(&["1"]).await;
        let (path, form) = ("/queues/a/b/redrive", format!("token={}", bench.guard.token()));
        let sent = bench.send("POST", path, &[("origin", origin)], &form).await;
        assert_eq!((sent.0, bench.state().await), (303, (1, 0, 0)), "{origin}");
    }
    let called: Uri = "http://ops:9090/queues/a/b/redrive".parse().unwrap();
    let headers = HeaderMap::from_iter([(header::ORIGIN, "http://ops:9090".parse().unwrap())]);
    assert!(is_from_here(&called, &headers), "as HTTP/2 says it");
}

#[tokio::test]
async fn who_is_refused_is_told_why_and_finds_back() {
    let bench = Bench::with(&["1"]).await;
    let request = Request::builder().method("POST").uri("/queues/a/b/redrive");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let response = answer(&bench.queues, &bench.guard, &parts, b"token=%3Cscript%3E").await;
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).unwrap();
    assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let html = std::str::from_utf8(&body).unwrap();
    for word in ["forged_form", "nothing was changed", "href=\"/\"", "lang=\"en\""] {
        assert!(html.contains(word), "{word}: {html}");
    }
    assert!(!html.contains("script") && !html.contains(bench.guard.token()), "{html}");
}
