//! A browser in front of the storefront, and an API behind it that answers as it was told to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use kernel::Timestamp;
use ports::memory::Memory;
use ports::{Claims, Clock, HttpRequest, HttpResponse, OutboundError, Vault, ready};
use serde_json::{Value, json};
use web::{Request, Response};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const USER: &str = "usr_01jd6s6y8zfz2v5r3k8t9w0xyz";

/// Another session of ana's.
pub(crate) const PHONE: &str = "ses_01jd6s6y8zfz2v5r3k8t9w0abc";

/// What the API answers, by method and path, or by method and whole target.
type Table = Rc<RefCell<BTreeMap<String, Option<HttpResponse>>>>;

pub(crate) struct Browser {
    pub(crate) memory: Memory,
    answers: Table,
    asked: Rc<RefCell<Vec<HttpRequest>>>,
    jar: RefCell<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self::at("http://shop.test", |memory| memory)
    }

    /// A browser at a storefront with more variables.
    pub(crate) fn at(base_url: &str, set_up: impl FnOnce(Memory) -> Memory) -> Self {
        let memory = Memory::new("storefront", Timestamp::from_ms(1_800_000_000_000));
        let memory = set_up(memory.with_variable("public_base_url", base_url));
        let (answers, asked) = (Table::default(), Rc::<RefCell<Vec<_>>>::default());
        let (table, log) = (Rc::clone(&answers), Rc::clone(&asked));
        memory.outbound.serve(move |request| {
            log.borrow_mut().push(request.clone());
            let target = request.url.find("/v1/").map_or("", |at| &request.url[at..]);
            let path = target.split('?').next().unwrap_or_default();
            let of =
                |what: &str| table.borrow().get(&format!("{} {what}", request.method)).cloned();
            let known = of(target).or_else(|| of(path));
            let nobody = || Some(problem(404, "not_found", "Nothing is here."));
            let gone = || OutboundError::Unavailable("gone".to_owned());
            known.unwrap_or_else(nobody).ok_or_else(gone)
        });
        Self { memory, answers, asked, jar: RefCell::default() }
    }

    /// From here on the API answers so.
    pub(crate) fn api(&self, what: &str, status: u16, body: &Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let response = HttpResponse { status, headers: Vec::new(), body };
        self.answers.borrow_mut().insert(what.to_owned(), Some(response));
    }

    /// From here on the API refuses so.
    pub(crate) fn refuses(&self, what: &str, status: u16, code: &str) {
        let refusal = problem(status, code, &format!("It says {code}."));
        self.answers.borrow_mut().insert(what.to_owned(), Some(refusal));
    }

    /// From here on the API does not answer.
    pub(crate) fn breaks(&self, what: &str) {
        self.answers.borrow_mut().insert(what.to_owned(), None);
    }

    /// With one more header.
    pub(crate) fn says(&self, what: &str, name: &str, value: &str) {
        let mut answers = self.answers.borrow_mut();
        let response = answers.get_mut(what).unwrap().as_mut().unwrap();
        response.headers.push((name.to_owned(), value.to_owned()));
    }

    /// What the API was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<HttpRequest> {
        self.asked.take()
    }

    /// Method and path of each of them, and the body as JSON.
    pub(crate) fn heard(&self) -> Vec<(String, Value)> {
        let shown = |request: HttpRequest| {
            let path = request.url.split_once(".spin.internal").unwrap().1.to_owned();
            let body = serde_json::from_slice(&request.body).unwrap_or_default();
            (format!("{} {path}", request.method), body)
        };
        self.asked().into_iter().map(shown).collect()
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.send(self.request("GET", target, &[("sec-fetch-site", "same-origin")], &[]))
    }

    /// Sends a form with the token of the page that it stands on.
    pub(crate) fn post(&self, target: &str, fields: &[(&str, &str)]) -> Response {
        let token = self.token();
        let fields: Vec<_> =
            fields.iter().copied().chain([("form_token", token.as_str())]).collect();
        self.send(self.request("POST", target, &[("sec-fetch-site", "same-origin")], &fields))
    }

    /// The token that pages put into forms now.
    pub(crate) fn token(&self) -> String {
        token_in(&text(&self.get("/sign-up"))).to_owned()
    }

    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Request {
        let jar = self.jar.borrow();
        let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all = vec![("cookie", cookies.as_str()), ("x-client-address", "203.0.113.7")];
        all.extend(headers);
        let mut body = form_urlencoded::Serializer::new(String::new());
        if method == "POST" {
            all.push(("content-type", "application/x-www-form-urlencoded"));
            body.extend_pairs(fields);
        }
        let (method, target) = (method.to_owned(), target.to_owned());
        Request { method, target, headers: all.into_iter().collect(), body: body.finish().into() }
    }

    /// Sends a request and keeps the cookies of the answer.
    pub(crate) fn send(&self, request: Request) -> Response {
        let response = ready(storefront_service::handle(&self.memory, request));
        for cookie in cookies(&response) {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut jar = self.jar.borrow_mut();
            if rest.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.jar.borrow().get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.jar.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// A pair of tokens for ana, as the API answers one.
    pub(crate) fn pair(&self, refresh_token: &str) -> Value {
        json!({
            "access_token": self.access("Ana", 600), "token_type": "Bearer", "expires_in": 600,
            "refresh_token": refresh_token,
        })
    }

    /// An access token for so many seconds.
    pub(crate) fn access(&self, name: &str, seconds: i64) -> String {
        let claims = Claims {
            subject: USER.to_owned(),
            name: name.to_owned(),
            roles: vec!["user".to_owned()],
            expires_at: self.memory.now().as_ms() / 1_000 + seconds,
        };
        ready(self.memory.sign_access_token(&claims)).unwrap()
    }

    /// Signed in, and the API forgets that it was asked.
    pub(crate) fn sign_in(&self) {
        self.api("POST /v1/sessions", 201, &self.pair("rt_first"));
        let answer = self.post("/sign-in", &[("email", "ana@x.test"), ("password", PASSWORD)]);
        assert_eq!(answer.status, 303, "{}", text(&answer));
        self.asked();
    }

    /// With an account that the API shows.
    pub(crate) fn resident() -> Self {
        let browser = Self::new();
        browser.sign_in();
        let me = json!({
            "id": USER, "email": "ana@x.test", "display_name": "Ana", "roles": ["user"],
            "second_factor": false, "created_at": "2026-11-24T12:00:00.000Z",
        });
        browser.api("GET /v1/me", 200, &me);
        browser.says("GET /v1/me", "etag", "\"tag-1\"");
        let letters = json!({"outbid": true, "won": false});
        browser.api("GET /v1/me/notifications/preferences", 200, &letters);
        let device = |id: &str, device: Option<&str>, hour: u8, current: bool| {
            let at = format!("2026-11-24T{hour}:00:00.000Z");
            let used = format!("2026-11-24T{hour}:30:00.000Z");
            json!({"id": id, "device": device, "created_at": at, "last_used_at": used,
                "current": current})
        };
        let devices = json!({"items": [
            device(PHONE, Some("Safari on iPhone"), 14, false),
            device("ses_01jd6s6y8zfz2v5r3k8t9w0abd", Some("Firefox on Windows"), 13, true),
            device("ses_01jd6s6y8zfz2v5r3k8t9w0abe", None, 12, false),
        ]});
        browser.api("GET /v1/sessions", 200, &devices);
        browser
    }
}

fn problem(status: u16, code: &str, detail: &str) -> HttpResponse {
    let body = json!({"status": status, "code": code, "detail": detail, "title": code});
    HttpResponse { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

pub(crate) fn location(response: &Response) -> &str {
    assert_eq!(response.status, 303, "{}", text(response));
    response.header("location").unwrap()
}

/// Every `set-cookie` of an answer.
pub(crate) fn cookies(response: &Response) -> Vec<&str> {
    let named = response.headers.iter().filter(|(name, _)| *name == "set-cookie");
    named.map(|(_, value)| &**value).collect()
}

/// The token of the first form of a page that has one.
pub(crate) fn token_in(html: &str) -> &str {
    let start = "name=\"form_token\" value=\"";
    html.split_once(start).unwrap().1.split('"').next().unwrap()
}

/// A header of what the API was asked.
pub(crate) fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let mut named = request.headers.iter().filter(|(known, _)| known == name);
    named.next().map(|(_, value)| value.as_str())
}
