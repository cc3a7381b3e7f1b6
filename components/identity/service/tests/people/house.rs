//! A house with the service in it, and people who use it.

use kernel::Timestamp;
use ports::memory::Memory;
use ports::{Message, Ports, Sql, Statement, Vault, ready};
use serde_json::{Value, json};
use web::{Request, Response};

/// When every test begins.
pub(crate) const BEGIN_MS: i64 = 1_800_000_000_000;
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct House {
    pub(crate) memory: Memory,
}

/// Ana's pair of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::on(|memory| memory)
    }

    /// A house whose deployer has set variables.
    pub(crate) fn on(set_up: impl FnOnce(Memory) -> Memory) -> Self {
        let memory = set_up(Memory::new("identity", Timestamp::from_ms(BEGIN_MS)));
        ready(identity_service::migrate(&memory)).unwrap();
        Self { memory }
    }

    pub(crate) fn later(&self, ms: i64) {
        let now = ports::Clock::now(&self.memory).plus_ms(ms);
        self.memory.advance_to(now);
    }

    pub(crate) fn send(&self, request: Request) -> Response {
        ready(identity_service::handle(&self.memory, request))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.send(request("POST", path, None, Some(body)))
    }

    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Response {
        self.send(request(method, path, Some(token), body))
    }

    /// Hands the messages of the service back to it; answers those for others.
    pub(crate) fn deliver(&self) -> Vec<Message> {
        let sent = self.memory.take_messages();
        let (letters, others): (Vec<_>, Vec<_>) =
            sent.into_iter().partition(|message| message.topic == "identity.letter-due.v1");
        ready(identity_service::consume(&self.memory, letters));
        others
    }

    /// The code in the newest letter to an address.
    pub(crate) fn code(&self, email: &str) -> String {
        self.deliver();
        code_in(&self.memory.mail.to(email).last().unwrap().text).unwrap()
    }

    pub(crate) fn sign_up(&self, email: &str, password: &str) -> Response {
        let body = json!({"email": email, "password": password, "display_name": "Ana"});
        self.post("/v1/accounts", &body)
    }

    /// An account that is confirmed.
    pub(crate) fn settle(&self, email: &str) {
        assert_eq!(self.sign_up(email, PASSWORD).status, 202);
        let body = json!({"email": email, "code": self.code(email)});
        assert_eq!(self.post("/v1/accounts/confirm", &body).status, 204);
    }

    pub(crate) fn try_sign_in(&self, email: &str, password: &str) -> Response {
        self.post("/v1/sessions", &json!({"email": email, "password": password}))
    }

    pub(crate) fn sign_in(&self, email: &str) -> Pair {
        pair(&self.try_sign_in(email, PASSWORD), 201)
    }

    pub(crate) fn refresh(&self, token: &str) -> Response {
        self.post("/v1/sessions/refresh", &json!({"refresh_token": token}))
    }

    /// A confirmed account that is signed in.
    pub(crate) fn resident(&self, email: &str) -> Pair {
        self.settle(email);
        self.sign_in(email)
    }

    pub(crate) fn roles(&self, access: &str) -> Vec<String> {
        ready(self.memory.verify_access_token(access)).unwrap().roles
    }

    pub(crate) fn user_id(&self, access: &str) -> String {
        ready(self.memory.verify_access_token(access)).unwrap().subject
    }

    /// One number out of the tables.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        number(&self.memory, sql)
    }
}

fn number(ports: &impl Ports, sql: &str) -> i64 {
    let rows = ready(Sql::query(ports, Statement::new(sql, []))).unwrap().rows;
    rows[0][0].as_integer().unwrap()
}

pub(crate) fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Request {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("x-client-address", "203.0.113.7")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(body.map(|_| ("content-type", "application/json")));
    Request {
        method: method.to_owned(),
        target: path.to_owned(),
        headers: headers.into_iter().collect(),
        body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
    }
}

/// The same request from elsewhere.
pub(crate) fn from(address: &str, mut request: Request) -> Request {
    let others: Vec<_> = request.headers.iter().collect();
    let others = others.into_iter().filter(|(name, _)| *name != "x-client-address");
    request.headers = others.chain([("x-client-address", address)]).collect();
    request
}

pub(crate) fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    let others: Vec<_> = request.headers.iter().collect();
    request.headers = others.into_iter().chain([(name, value)]).collect();
    request
}

pub(crate) fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_default()
}

/// Status and code of an answer.
pub(crate) fn said(response: &Response) -> (u16, String) {
    let code = json_of(response)["code"].as_str().unwrap_or_default().to_owned();
    (response.status, code)
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub(crate) fn pair(response: &Response, status: u16) -> Pair {
    assert_eq!(response.status, status, "{}", json_of(response));
    let body = json_of(response);
    assert_eq!(body["token_type"], "Bearer");
    let word = |name: &str| body[name].as_str().unwrap().to_owned();
    Pair { access: word("access_token"), refresh: word("refresh_token") }
}

/// The code in a letter: six code_in, or 26 letters of base32.
pub(crate) fn code_in(text: &str) -> Option<String> {
    let mut words = text.split(|char: char| !char.is_ascii_alphanumeric());
    let is_code = |word: &&str| match word.len() {
        6 => word.bytes().all(|byte| byte.is_ascii_digit()),
        26 => word.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')),
        _ => false,
    };
    words.find(is_code).map(str::to_owned)
}

/// Another code of the same form.
pub(crate) fn wrong(code: &str) -> String {
    let first = if code.starts_with('2') { "3" } else { "2" };
    format!("{first}{}", &code[1..])
}
