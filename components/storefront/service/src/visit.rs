//! Who visits. Tokens stand in cookies that no script reads; a spent access token is renewed on the
//! way, so that a person stays signed in for as long as the API lets a session live.

mod cookies;

use ports::{Claims, Ports};
use serde_json::json;
use web::{Exchange, Problem, Request, Response};

use crate::api::{Api, Session};
use crate::form;
use cookies::Cookies;

/// A visit: one request, and what it knows of the ones before it.
pub(crate) struct Visit {
    /// Who it is; none for somebody who only looks.
    pub(crate) person: Option<Person>,
    /// Goes into every form: that a form is one of ours.
    pub(crate) form_token: String,
    /// Cookies that change.
    set: Vec<String>,
    cookies: Cookies,
}

/// Somebody who signed in.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) token: String,
}

impl Visit {
    /// Reads the cookies of a request, renews the session where that is due.
    pub(crate) async fn of<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Self, Problem> {
        Self::begun(ports, exchange.request).await
    }

    /// As [`Visit::of`], also where no route was found.
    pub(crate) async fn begun<P: Ports>(ports: &P, request: &Request) -> Result<Self, Problem> {
        let is_secure = base_url(ports).starts_with("https://");
        let cookies = Cookies::read(request, is_secure);
        let mut set = Vec::new();
        let visitor = match &cookies.visitor {
            Some(visitor) => visitor.clone(),
            None => {
                let visitor = form::secret(ports);
                set.push(cookies.visitor_is(&visitor));
                visitor
            }
        };
        let form_token = form::token(ports, &visitor).await;
        let mut visit = Self { person: None, form_token, set, cookies };
        let known = match visit.cookies.access.clone() {
            Some(token) => ports.verify_access_token(&token).await.map(|claims| (claims, token)),
            None => None,
        };
        match known {
            Some((claims, token)) => visit.person = Some(Person::of(claims, token)),
            None => visit.renew(ports, request).await?,
        }
        Ok(visit)
    }

    /// The next pair of tokens for the refresh token. The API answers a second request within some
    /// seconds with the same pair, so pages that load at once do not sign each other out.
    pub(crate) async fn renew<P: Ports>(
        &mut self,
        ports: &P,
        request: &Request,
    ) -> Result<(), Problem> {
        let Some(refresh) = self.cookies.refresh.clone() else { return Ok(()) };
        let api = Api::of(ports, request, None);
        let body = json!({ "refresh_token": refresh });
        let Ok(answer) = api.post("/v1/sessions/refresh", &body).await else { return Ok(()) };
        if answer.is_done() {
            self.hold(ports, &answer.json()?).await;
        } else if answer.status() == 401 {
            self.forget();
        }
        // Anything else passes: a page can be looked at meanwhile.
        Ok(())
    }

    /// From now on as whoever this pair of tokens is for.
    pub(crate) async fn sign_in<P: Ports>(&mut self, ports: &P, session: &Session) {
        self.begin_anew(ports).await;
        self.hold(ports, session).await;
    }

    /// From now on as somebody who only looks.
    pub(crate) async fn sign_out<P: Ports>(&mut self, ports: &P) {
        self.begin_anew(ports).await;
        self.forget();
    }

    /// The API takes the token no longer: the session is renewed, or over.
    pub(crate) async fn lapse<P: Ports>(
        &mut self,
        ports: &P,
        request: &Request,
    ) -> Result<(), Problem> {
        let refresh = self.cookies.refresh.clone();
        self.forget();
        self.cookies.refresh = refresh;
        self.renew(ports, request).await
    }

    /// Is there a session, as far as anybody could find out? Somebody without a name may have one
    /// that could not be renewed just now.
    pub(crate) fn has_session(&self) -> bool {
        self.person.is_some() || self.cookies.refresh.is_some()
    }

    /// Forms of before are void: whoever had this browser before knows none of what comes.
    async fn begin_anew<P: Ports>(&mut self, ports: &P) {
        let visitor = form::secret(ports);
        self.form_token = form::token(ports, &visitor).await;
        self.put(self.cookies.visitor_is(&visitor));
    }

    async fn hold<P: Ports>(&mut self, ports: &P, session: &Session) {
        let Session { access_token, expires_in, refresh_token } = session;
        self.put(self.cookies.access_is(access_token, *expires_in));
        self.put(self.cookies.refresh_is(refresh_token));
        let claims = ports.verify_access_token(access_token).await;
        self.person = claims.map(|claims| Person::of(claims, access_token.clone()));
    }

    fn forget(&mut self) {
        for cookie in self.cookies.none() {
            self.put(cookie);
        }
        self.cookies.refresh = None;
        self.person = None;
    }

    fn put(&mut self, cookie: String) {
        put(&mut self.set, cookie);
    }

    /// The API, asked for whoever visits.
    pub(crate) fn api<'a, P: Ports>(&'a self, ports: &'a P, request: &'a Request) -> Api<'a, P> {
        let token = self.person.as_ref().map(|person| person.token.as_str());
        Api::of(ports, request, token)
    }

    /// Is the visitor this user?
    pub(crate) fn is(&self, user: &str) -> bool {
        self.person.as_ref().is_some_and(|person| person.id == user)
    }

    /// The response, with the cookies that change.
    pub(crate) fn keep(&self, response: Response) -> Response {
        self.set.iter().cloned().fold(response, with_cookie)
    }

    /// The same without the access token, if there is one: by the next request the session is
    /// renewed, or over.
    pub(crate) fn keep_but_token(&self, response: Response) -> Response {
        let mut set = self.set.clone();
        if self.person.is_some() {
            put(&mut set, self.cookies.no_access());
        }
        set.into_iter().fold(response, with_cookie)
    }
}

/// Of two cookies by one name the last counts; the other is not sent (RFC 6265, 4.1.1).
fn put(set: &mut Vec<String>, cookie: String) {
    let name = cookie.split_inclusive('=').next().unwrap_or_default();
    set.retain(|known| !known.starts_with(name));
    set.push(cookie);
}

fn with_cookie(response: Response, cookie: String) -> Response {
    response.with("set-cookie", cookie)
}

impl Person {
    fn of(claims: Claims, token: String) -> Self {
        Self { id: claims.subject, name: claims.name, token }
    }
}

/// Where people find this platform.
pub(crate) fn base_url<P: Ports>(ports: &P) -> String {
    let url = ports.variable("public_base_url").unwrap_or_default();
    url.trim_end_matches('/').to_owned()
}
