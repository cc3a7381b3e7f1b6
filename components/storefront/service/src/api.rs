//! The API, asked as anybody would ask it: over HTTP, with the token of whoever visits. Inside the
//! platform the names of components carry it (docs/adr/0049).

mod refusal;
mod shapes;

use ports::{HttpRequest, HttpResponse, Outbound};
use serde::de::DeserializeOwned;
use serde_json::Value;
use web::{Problem, Request};

pub(crate) use refusal::Refusal;
pub(crate) use shapes::{
    Auction, Bidding, Blocked, Clock, Event, Me, Offer, OnePrice, PastBid, Placed, Receipt,
    RecoveryCodes, Rule, Session, Step, Terms, TotpSecret, Underbid,
};

/// Asks the API for somebody.
pub(crate) struct Api<'a, P> {
    ports: &'a P,
    request: &'a Request,
    token: Option<&'a str>,
}

/// What changes something.
pub(crate) struct Change<'a> {
    pub(crate) method: &'static str,
    pub(crate) target: &'a str,
    /// `Idempotency-Key`.
    pub(crate) key: Option<&'a str>,
    /// `If-Match`.
    pub(crate) matching: Option<&'a str>,
    pub(crate) body: Body<'a>,
}

/// What is sent along.
pub(crate) enum Body<'a> {
    None,
    Json(&'a Value),
    /// A picture, whose kind the API finds out.
    Bytes(&'a [u8]),
}

/// What the API said.
pub(crate) struct Answer(HttpResponse);

/// A page of a list.
#[derive(serde::Deserialize)]
pub(crate) struct Items<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

impl<'a, P: Outbound> Api<'a, P> {
    /// For whoever holds the token, or for anybody.
    pub(crate) fn of(ports: &'a P, request: &'a Request, token: Option<&'a str>) -> Self {
        Self { ports, request, token }
    }

    /// Reads something; what the API refuses is a problem of the page.
    pub(crate) async fn read<T: DeserializeOwned>(&self, target: &str) -> Result<T, Problem> {
        let answer = self.get(target).await?;
        if answer.is_done() { answer.json() } else { Err(answer.refusal().into_problem()) }
    }

    /// Asks for something.
    pub(crate) async fn get(&self, target: &str) -> Result<Answer, Problem> {
        self.send("GET", target, Vec::new(), Vec::new()).await
    }

    /// Changes something.
    pub(crate) async fn change(&self, change: Change<'_>) -> Result<Answer, Problem> {
        let mut headers = Vec::new();
        let mut header =
            |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if let Some(key) = change.key {
            header("idempotency-key", key);
        }
        if let Some(tag) = change.matching {
            header("if-match", tag);
        }
        let body = match change.body {
            Body::None => Vec::new(),
            Body::Json(value) => {
                header("content-type", "application/json");
                value.to_string().into_bytes()
            }
            Body::Bytes(bytes) => {
                header("content-type", "application/octet-stream");
                bytes.to_vec()
            }
        };
        self.send(change.method, change.target, headers, body).await
    }

    /// Sends JSON to an address that wants neither a key nor a tag.
    pub(crate) async fn post(&self, target: &str, body: &Value) -> Result<Answer, Problem> {
        let body = Body::Json(body);
        self.change(Change { method: "POST", target, key: None, matching: None, body }).await
    }

    /// As [`Api::post`], with the cookie of a browser that comes back from a provider: tickets are
    /// good in that browser alone. No other cookie goes on.
    pub(crate) async fn post_from_browser(
        &self,
        target: &str,
        body: &Value,
    ) -> Result<Answer, Problem> {
        let cookies = self.request.header("cookie").unwrap_or_default();
        let is_of_the_way = |cookie: &&str| {
            let name = cookie.split('=').next().unwrap_or_default();
            matches!(name, "ecomauction-oauth" | "__Host-ecomauction-oauth")
        };
        let cookies: Vec<&str> = cookies.split(';').map(str::trim).filter(is_of_the_way).collect();
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("cookie".to_owned(), cookies.join("; ")),
        ];
        self.send("POST", target, headers, body.to_string().into_bytes()).await
    }

    async fn send(
        &self,
        method: &str,
        target: &str,
        mut headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<Answer, Problem> {
        let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
        header("accept", "application/json".to_owned());
        if let Some(token) = self.token {
            header("authorization", format!("Bearer {token}"));
        }
        // Rates count who visits, not the storefront.
        header("x-client-address", self.request.client_address().to_owned());
        // A session is known by the browser in which it was begun.
        for name in ["user-agent", "x-request-id"] {
            if let Some(value) = self.request.header(name) {
                header(name, value.to_owned());
            }
        }
        let url = format!("http://{}.spin.internal{target}", owner(target));
        let request = HttpRequest { method: method.to_owned(), url, headers, body };
        let answer = self.ports.send(&request).await;
        answer.map(Answer).map_err(|_| Problem::unavailable())
    }
}

impl Answer {
    /// Did it do what was asked?
    pub(crate) fn is_done(&self) -> bool {
        (200..300).contains(&self.0.status)
    }

    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.0.status
    }

    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body, read as what it should be.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.0.body).map_err(|_| Problem::internal())
    }

    /// Why it was not done.
    pub(crate) fn refusal(&self) -> Refusal {
        Refusal::read(self.0.status, &self.0.body)
    }

    /// The body.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.0.body
    }
}

/// The component that serves a path of the API.
fn owner(target: &str) -> &'static str {
    let path = target.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    match segments.as_slice() {
        ["auctions", _, "pictures", ..] => "pictures",
        ["auctions" | "live-tickets", ..] | ["me", "bids" | "auctions" | "watches", ..] => {
            "auctions"
        }
        ["me", "notifications", ..] => "notifications",
        _ => "identity",
    }
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn every_path_is_asked_of_whoever_serves_it() {
        for (target, component) in [
            ("/v1/auctions?status=open", "auctions"),
            ("/v1/auctions/auc_1/bids", "auctions"),
            ("/v1/auctions/auc_1/blocked-bidders", "auctions"),
            ("/v1/auctions/auc_1/pictures/1", "pictures"),
            ("/v1/live-tickets", "auctions"),
            ("/v1/me/watches/auc_1", "auctions"),
            ("/v1/me/notifications/preferences", "notifications"),
            ("/v1/me", "identity"),
            ("/v1/me/totp", "identity"),
            ("/v1/sessions", "identity"),
        ] {
            assert_eq!(owner(target), component, "{target}");
        }
    }
}
