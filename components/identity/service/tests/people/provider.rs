//! A stand-in for Google and Facebook.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Digest;
use ports::{HttpRequest, HttpResponse, OutboundError};
use serde_json::{Value, json};
use web::{Request, Response};

use crate::house::{House, from, request, with_header};

pub(crate) const SHOP: &str = "https://shop.test";

/// What the provider knows, and what it was asked.
#[derive(Default)]
pub(crate) struct Provider {
    /// Claims of the next ID token, over the right ones.
    pub(crate) claims: Value,
    /// The next profile.
    pub(crate) profile: Value,
    /// In place of an answer.
    pub(crate) breaks: Option<Result<u16, OutboundError>>,
    pub(crate) asked: Vec<HttpRequest>,
    /// Nonce and challenge of each way, by its code.
    ways: BTreeMap<String, (String, String)>,
}

/// A browser with its cookie.
pub(crate) struct Browser<'a> {
    pub(crate) house: &'a House,
    pub(crate) provider: Rc<RefCell<Provider>>,
    pub(crate) cookie: Option<String>,
}

pub(crate) fn house() -> House {
    House::on(|memory| {
        let mut memory = memory.with_variable("sign_ins_per_minute", "1000");
        for (name, value) in [
            ("public_base_url", SHOP),
            ("google_client_id", "our-id"),
            ("google_client_secret", "our-secret"),
            ("google_authorization_url", "https://google.test/auth?hd=x"),
            ("google_token_url", "https://google.test/token"),
            ("google_issuer", "https://google.test"),
            ("facebook_client_id", "fb-id"),
            ("facebook_client_secret", "fb-secret"),
            ("facebook_authorization_url", "https://facebook.test/auth"),
            ("facebook_token_url", "https://facebook.test/token"),
            ("facebook_profile_url", "https://facebook.test/me?fields=id,name,email"),
        ] {
            memory = memory.with_variable(name, value);
        }
        memory
    })
}

impl<'a> Browser<'a> {
    pub(crate) fn of(house: &'a House) -> Self {
        let provider = Rc::new(RefCell::new(Provider::default()));
        let answering = Rc::clone(&provider);
        let now = ports::Clock::now(&house.memory).as_ms() / 1_000;
        house.memory.outbound.serve(move |request| answering.borrow_mut().answer(request, now));
        Self { house, provider, cookie: None }
    }

    pub(crate) fn says(&self, claims: Value) -> &Self {
        self.provider.borrow_mut().claims = claims;
        self
    }

    /// Goes to the provider; answers the parameters that it is sent there with.
    pub(crate) fn start(&mut self, provider: &str, return_to: &str) -> BTreeMap<String, String> {
        let path = format!("/v1/oauth/{provider}/start?return_to={return_to}");
        let response = self.get(&path);
        assert_eq!(response.status, 302, "{}", String::from_utf8_lossy(&response.body));
        let cookie = response.header("set-cookie").unwrap();
        self.cookie = cookie.split(';').next().map(str::to_owned);
        let parameters = query(response.header("location").unwrap());
        let way = (parameters["nonce"].clone(), parameters["code_challenge"].clone());
        self.provider.borrow_mut().ways.insert(format!("c-{}", parameters["state"]), way);
        parameters
    }

    /// Comes back from it.
    pub(crate) fn back(&self, provider: &str, state: &str) -> Response {
        self.get(&format!(
            "/v1/oauth/{provider}/callback?state={state}&code=c-{state}&scope=x&hd=y"
        ))
    }

    /// There and back; answers what stands in the address at the end.
    pub(crate) fn round(&mut self, provider: &str) -> BTreeMap<String, String> {
        let state = self.start(provider, "/welcome").remove("state").unwrap();
        let response = self.back(provider, &state);
        assert_eq!(response.status, 303, "{}", String::from_utf8_lossy(&response.body));
        let location = response.header("location").unwrap();
        assert!(location.starts_with("/welcome?"), "{location}");
        query(location)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send(from("203.0.113.8", request("GET", path, None, None)))
    }

    /// What the page does that the browser returned to.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.send(with_header(request("POST", path, None, Some(body)), "user-agent", "curl/8.5.0"))
    }

    pub(crate) fn pick_up(&self, ticket: &str) -> Response {
        self.post("/v1/oauth/sessions", &json!({"ticket": ticket}))
    }

    pub(crate) fn link_up(&self, ticket: &str, code: &str) -> Response {
        self.post("/v1/oauth/links", &json!({"ticket": ticket, "code": code}))
    }

    fn send(&self, request: Request) -> Response {
        self.house.send(match &self.cookie {
            Some(cookie) => with_header(request, "cookie", &format!("a=b; {cookie}; c=d")),
            None => request,
        })
    }
}

impl Provider {
    fn answer(&mut self, request: &HttpRequest, now: i64) -> Result<HttpResponse, OutboundError> {
        self.asked.push(request.clone());
        if let Some(breaks) = self.breaks.clone() {
            return breaks.map(|status| answer(status, &json!({"error": "broken"})));
        }
        if request.url.contains("/me?") {
            let bearer = ("authorization".to_owned(), "Bearer access-1".to_owned());
            assert!(request.headers.contains(&bearer));
            return Ok(answer(200, &self.profile));
        }
        let form: BTreeMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
        let challenge = Digest::of(&[form["code_verifier"].as_bytes()]);
        let (nonce, expected) = self.ways.remove(&form["code"]).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(challenge.as_bytes()), expected, "PKCE");
        assert_eq!(request.method, "POST");
        assert_eq!(form["grant_type"], "authorization_code");
        assert!(
            form["redirect_uri"].starts_with(SHOP) && form["client_secret"].ends_with("secret")
        );
        let mut claims = json!({"iss": "https://google.test", "aud": "our-id", "sub": "g-1",
            "exp": now + 3_600, "iat": now, "nonce": nonce, "email": "Ana@Example.test",
            "email_verified": true, "name": "Ana of Google"});
        for (name, value) in self.claims.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let token = json!({"access_token": "access-1", "id_token": format!("e30.{payload}.c2ln")});
        Ok(answer(200, &token))
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

pub(crate) fn query(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
