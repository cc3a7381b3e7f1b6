//! Signing in with another provider: a redirect there, a redirect back, a code exchanged behind the
//! browser's back, and proof before an account is linked.

use std::collections::BTreeMap;

use conformance::people::{Mailbox, address};
use conformance::provider::{Kind, Person, Provider, Wrong};
use conformance::{Client, Platform, Reply, Setup, User};
use serde_json::{Value, json};

use super::{another, post};

/// Keeps one cookie and follows redirects, to the platform wherever it listens.
struct Browser {
    client: Client,
    cookie: String,
}

impl Browser {
    fn of(platform: &Platform) -> Self {
        Self { client: platform.client(), cookie: String::new() }
    }

    async fn gets(&self, path: &str) -> Reply {
        self.client.call("GET", path).header("cookie", &self.cookie).send().await.unwrap()
    }

    async fn posts(&self, path: &str, body: Value) -> Reply {
        self.client.post(path, &body).header("cookie", &self.cookie).send().await.unwrap()
    }

    /// Leaves for the provider; where to.
    async fn leaves(&mut self, name: &str, return_to: &str) -> String {
        let return_to: String = form_urlencoded(return_to);
        let path = format!("/v1/oauth/{name}/start?return_to={return_to}");
        let reply = self.gets(&path).await.expect(302);
        let cookie = reply.header("set-cookie").expect("a cookie binds the browser");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{attribute}: {cookie}");
        }
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        location(&reply)
    }

    /// Goes to the provider and comes back; the path of the callback.
    async fn is_sent_back(&mut self, provider: &Provider, name: &str) -> String {
        let there = self.leaves(name, RETURN_TO).await;
        assert!(provider.is_at(&there), "{there}");
        let back = provider.client().get(&path_of(&there)).await.expect(302);
        path_of(&location(&back))
    }

    /// The whole way; what the page that was returned to is told.
    async fn signs_in(&mut self, provider: &Provider, name: &str) -> BTreeMap<String, String> {
        let callback = self.is_sent_back(provider, name).await;
        told(&self.gets(&callback).await.expect(303))
    }
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn location(reply: &Reply) -> String {
    reply.header("location").expect("a redirect says where to").to_owned()
}

/// Path and query of an absolute URL.
fn path_of(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or_else(|| panic!("{url} is not absolute"));
    let at = rest.find('/').unwrap_or_else(|| panic!("{url} has no path"));
    rest[at..].to_owned()
}

/// The parameters that a return brings along.
fn told(reply: &Reply) -> BTreeMap<String, String> {
    let location = location(reply);
    let (to, query) = location.split_once('?').unwrap_or_else(|| panic!("{location}"));
    assert_eq!(to, RETURN_TO);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn person(subject: &str, name: &str) -> Person {
    Person { subject: subject.to_owned(), email: address(name), name: name.to_owned() }
}

async fn scene(kind: Kind) -> (Platform, Provider) {
    let provider = Provider::open(kind).await;
    let base = Setup::development().variable(format!("public_base_url={BASE_URL}"));
    let setup = provider.variables().into_iter().fold(base, Setup::variable);
    (setup.start().await, provider)
}

/// Signs in with the ticket of a return, by the first code ever mailed where one is asked for.
async fn enters(browser: &Browser, name: &str, told: &BTreeMap<String, String>) -> User {
    let reply = if let Some(ticket) = told.get("link") {
        let code = Mailbox::of(&browser.client, &address(name)).code().await;
        browser.posts("/v1/oauth/links", json!({"ticket": ticket, "code": code})).await
    } else {
        let ticket =
            told.get("ticket").unwrap_or_else(|| panic!("neither ticket nor link: {told:?}"));
        browser.posts("/v1/oauth/sessions", json!({"ticket": ticket})).await
    };
    User::of_pair(&browser.client, name, &reply.expect(201)).await
}

#[tokio::test]
async fn who_is_new_gets_an_account_and_is_known_the_next_time() {
    for (kind, name) in [(Kind::Google, "google"), (Kind::Facebook, "facebook")] {
        let (platform, provider) = scene(kind).await;
        provider.signs_in(&person("subject-1", "ana"));
        let mut browser = Browser::of(&platform);
        let told = browser.signs_in(&provider, name).await;
        let ana = enters(&browser, "ana", &told).await;
        let me = ana.client.get("/v1/me").await.expect(200).json();
        assert_eq!(
            (&me["email"], &me["roles"]),
            (&json!(address("ana")), &json!(["user"])),
            "{name}"
        );

        let told = browser.signs_in(&provider, name).await;
        assert!(told.contains_key("ticket"), "{name}: a known link needs no proof: {told:?}");
        let again = enters(&browser, "ana", &told).await;
        assert_eq!(again.id, ana.id, "{name}");
        // A ticket is for one session.
        let twice = browser.posts("/v1/oauth/sessions", json!({"ticket": told["ticket"]})).await;
        assert_eq!(twice.status, 401, "{name}: {}", twice.text());

        // The address may change at the provider; the subject tells who it is.
        provider.signs_in(&person("subject-1", "anna"));
        let told = browser.signs_in(&provider, name).await;
        assert_eq!(enters(&browser, "anna", &told).await.id, ana.id, "{name}");
        // And the same address under another subject is not the same person.
        provider.signs_in(&person("subject-2", "ana"));
        let told = browser.signs_in(&provider, name).await;
        assert!(told.contains_key("link") && !told.contains_key("ticket"), "{name}: {told:?}");
        assert_eq!(provider.complaints(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn an_account_is_linked_after_proof_only() {
    let (platform, provider) = scene(Kind::Google).await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let mut mailbox = Mailbox::of(&public, &ana.email());
    mailbox.next().await;
    provider.signs_in(&person("subject-1", "ana"));
    let mut browser = Browser::of(&platform);
    let told = browser.signs_in(&provider, "google").await;
    assert!(!told.contains_key("ticket"), "linked without proof: {told:?}");
    let ticket = &told["link"];
    let early = browser.posts("/v1/oauth/sessions", json!({"ticket": ticket})).await;
    assert_eq!(early.status, 401, "{}", early.text());
    let code = mailbox.code().await;
    let link = async |ticket: &str, code: &str| {
        browser.posts("/v1/oauth/links", json!({"ticket": ticket, "code": code})).await
    };
    // Not in a browser that did not go the way.
    let elsewhere = json!({"ticket": ticket, "code": code});
    let elsewhere = post(&public, "/v1/oauth/links", elsewhere).await;
    elsewhere.refused(401, "invalid_ticket");
    link(ticket, &another(&code)).await.refused(422, "invalid_code");
    assert_eq!(link("x", &code).await.status, 401);
    let linked = User::of_pair(&public, "ana", &link(ticket, &code).await.expect(201)).await;
    assert_eq!(linked.id, ana.id);
    let twice = link(ticket, &code).await;
    assert!([401, 422].contains(&twice.status), "{}", twice.text());
    let mut browser = Browser::of(&platform);
    let told = browser.signs_in(&provider, "google").await;
    assert_eq!(enters(&browser, "ana", &told).await.id, ana.id);
    User::sign_in(&public, "ana").await;
    assert_eq!(provider.complaints(), [""; 0]);
}

#[tokio::test]
async fn whatever_is_wrong_at_the_provider_lets_nobody_in() {
    for (kind, name, wrongs) in [
        (Kind::Google, "google", Wrong::ALL.as_slice()),
        (Kind::Facebook, "facebook", Wrong::OF_OAUTH.as_slice()),
    ] {
        let (platform, provider) = scene(kind).await;
        let mut browser = Browser::of(&platform);
        let mut wrong = Vec::new();
        for (n, lie) in wrongs.iter().enumerate() {
            provider.signs_in(&person(&format!("subject-{n}"), &format!("user-{n}")));
            provider.is_wrong(Some(*lie));
            let callback = browser.is_sent_back(&provider, name).await;
            let reply = browser.gets(&callback).await;
            let is_refused = match lie {
                Wrong::State => reply.status == 400 && reply.code() == "invalid_state",
                _ => reply.status == 303 && told(&reply).keys().eq(["error"]),
            };
            if !is_refused {
                let location = reply.header("location").unwrap_or_default();
                wrong.push(format!("{name} {lie:?}: {} {location} {}", reply.status, reply.text()));
            }
        }
        assert!(wrong.is_empty(), "let in, or not told:\n{}", wrong.join("\n"));
        provider.is_wrong(None);
        let told = browser.signs_in(&provider, name).await;
        assert!(!told.contains_key("error"), "{name} without anything wrong: {told:?}");
        assert_eq!(provider.complaints(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn a_state_is_for_one_browser_and_one_return() {
    let (platform, provider) = scene(Kind::Google).await;
    provider.signs_in(&person("subject-1", "ana"));
    let refused = |reply: Reply| reply.refused(400, "invalid_state");
    // Without a cookie.
    let mut browser = Browser::of(&platform);
    let callback = browser.is_sent_back(&provider, "google").await;
    refused(platform.client().get(&callback).await);
    // In the browser of somebody else, who is on the way, too: signing a victim in as oneself.
    let mut victim = Browser::of(&platform);
    victim.leaves("google", RETURN_TO).await;
    let callback = browser.is_sent_back(&provider, "google").await;
    refused(victim.gets(&callback).await);
    // Twice.
    let callback = browser.is_sent_back(&provider, "google").await;
    let first = told(&browser.gets(&callback).await.expect(303));
    assert!(first.contains_key("ticket"), "{first:?}");
    // With the end of somebody else's way.
    let foreign = json!({"ticket": first["ticket"]});
    victim.posts("/v1/oauth/sessions", foreign.clone()).await.refused(401, "invalid_ticket");
    post(&platform.client(), "/v1/oauth/sessions", foreign).await.refused(401, "invalid_ticket");
    let exchanged = provider.exchanged();
    refused(browser.gets(&callback).await);
    assert_eq!(provider.exchanged(), exchanged, "a code was exchanged for a state that was used");
    // At another provider's callback.
    let callback = browser.is_sent_back(&provider, "google").await;
    let reply = browser.gets(&callback.replace("/google/", "/facebook/")).await;
    assert_eq!(reply.status, 404, "facebook is not configured: {}", reply.text());
    for odd in ["", "?code=x", "?state=x", "?state=x&code=x", "?error=access_denied&state=x"] {
        refused(browser.gets(&format!("/v1/oauth/google/callback{odd}")).await);
    }
}

#[tokio::test]
async fn nobody_is_sent_anywhere_else() {
    let (platform, _provider) = scene(Kind::Google).await;
    let public = platform.client();
    for elsewhere in [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "http://ecomauction.test.evil.test/",
        "http://ecomauction.test@evil.test/",
        "javascript:alert(1)",
        "/a\r\nset-cookie: a=b",
        "/welcome?ticket=of-somebody-else",
        "/welcome#link=of-somebody-else",
    ] {
        let path = format!("/v1/oauth/google/start?return_to={}", form_urlencoded(elsewhere));
        let reply = public.get(&path).await;
        assert_eq!(reply.status, 400, "{elsewhere:?}: {:?}", reply.header("location"));
    }
    for unknown in ["facebook", "github", ".."] {
        public
            .get(&format!("/v1/oauth/{unknown}/start?return_to=/"))
            .await
            .refused(404, "not_found");
    }
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let provider = Provider::open(Kind::Google).await;
    let base = Setup::development().variable("public_base_url=https://ecomauction.test");
    let setup = provider.variables().into_iter().fold(base, Setup::variable);
    let platform = setup.start().await;
    let reply = platform.client().get("/v1/oauth/google/start?return_to=/").await.expect(302);
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), "{cookie}");
    assert!(!cookie.to_ascii_lowercase().contains("domain="), "{cookie}");
    let to = form_urlencoded("https://ecomauction.test/v1/oauth/google/callback");
    let there = location(&reply);
    let plain = "https%3A%2F%2Fecomauction.test%2Fv1%2Foauth%2Fgoogle%2Fcallback";
    assert!(there.contains(plain) || there.contains(&to), "{there}");
}

const BASE_URL: &str = "http://ecomauction.test";
const RETURN_TO: &str = "/after/sign-in";
