//! The pages, by forms and cookies alone: the same ones on every platform.

use std::collections::BTreeMap;

use conformance::people::{Mailbox, PASSWORD, address};
use conformance::{Client, Reply, Setup, User, id_of};
use serde_json::json;

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// A browser without scripts: cookies, and the page that it shows.
struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
    page: String,
}

impl Browser {
    fn of(client: &Client) -> Self {
        Self { client: client.clone(), cookies: BTreeMap::new(), page: String::new() }
    }

    async fn load(&mut self, path: &str) -> Reply {
        let call = self.client.call("GET", path).header("cookie", &self.cookies());
        let call = call.header("user-agent", FIREFOX);
        let reply = call.send().await.unwrap();
        self.keep(&reply);
        reply
    }

    /// Sends a form of the page that is shown.
    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.token();
        self.submit_with(path, fields, &token, ("sec-fetch-site", "same-origin")).await
    }

    /// With a header by which browsers say whence a form comes.
    async fn submit_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        token: &str,
        (name, value): (&str, &str),
    ) -> Reply {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).append_pair("form_token", token);
        let call = self.client.call("POST", path).header("cookie", &self.cookies());
        let call = call.header(name, value).header("accept", "text/html");
        let call = call.bytes("application/x-www-form-urlencoded", form.finish());
        let call = call.header("user-agent", FIREFOX);
        let reply = call.send().await.unwrap();
        self.keep(&reply);
        reply
    }

    fn keep(&mut self, reply: &Reply) {
        for cookie in reply.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            self.page = reply.text();
        }
    }

    fn cookies(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn token(&self) -> String {
        self.value("form_token")
    }

    /// The value of the first field of that name.
    fn value(&self, name: &str) -> String {
        let (_, rest) = self.page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    async fn sign_up(client: &Client, name: &str) -> Self {
        let mut browser = Self::of(client);
        let (email, mut mailbox) = (address(name), Mailbox::of(client, &address(name)));
        browser.load("/sign-up").await.expect(200);
        let account = [("email", email.as_str()), ("password", PASSWORD), ("display_name", name)];
        browser.submit("/sign-up", &account).await.expect(303);
        browser.load("/confirm").await.expect(200);
        let code = mailbox.code().await;
        let confirmation = [("email", email.as_str()), ("code", code.as_str())];
        browser.submit("/confirm", &confirmation).await.expect(303);
        browser.load("/sign-in").await.expect(200);
        let session = [("email", email.as_str()), ("password", PASSWORD)];
        let gone = browser.submit("/sign-in", &session).await.expect(303);
        assert_eq!(gone.header("location"), Some("/"));
        browser
    }
}

#[tokio::test]
async fn people_sign_up_and_bid_by_forms_alone() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let id = id_of(&ana.lists(json!({"title": "A <i>lamp</i>"})).await);
    let room = format!("/auctions/{id}");
    let mut browser = Browser::sign_up(&public, "ben").await;
    let page = browser.load(&room).await.expect(200).text();
    assert!(page.contains("A &#60;i&#62;lamp&#60;/i&#62;"), "{page}");
    let key = browser.value("key");
    let bid = |amount| [("amount", amount), ("currency", "USD"), ("key", key.as_str())];
    let bids = format!("{room}/bids");
    let low = browser.submit(&bids, &bid("9.99")).await.expect(422).text();
    assert!(low.contains("10.00"), "{low}");
    let placed = browser.submit(&bids, &bid("50.00")).await.expect(201).text();
    assert!(placed.contains("You lead.") && placed.contains("B2.4"), "{placed}");
    // Loaded again, the same form bids nothing more.
    browser.submit(&bids, &bid("50.00")).await.expect(201);
    let view = public.view(&id).await;
    assert_eq!((&view["bid_count"], &view["price"]["amount"]), (&json!(1), &json!(1_000)));
    let mine = browser.load("/my/bids").await.expect(200).text();
    assert!(mine.contains("You lead."), "{mine}");
    browser.submit("/sign-out", &[]).await.expect(303);
    let away = browser.load("/my/bids").await.expect(303);
    assert_eq!(away.header("location"), Some("/sign-in?next=%2Fmy%2Fbids"));
}

#[tokio::test]
async fn another_device_is_seen_and_signed_out_on_a_page() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let mut browser = Browser::sign_up(&public, "ana").await;
    let lost = User::sign_in(&public, "ana").await;
    let page = browser.load("/account").await.expect(200).text();
    // The browser's own word, by way of the storefront.
    assert!(page.contains("<strong>Firefox on Windows</strong> <em>this one</em>"), "{page}");
    assert_eq!(page.matches("Sign out there:").count(), 1, "{page}");
    let session = browser.value("session");
    assert_eq!(session, lost.session().await);
    let fields = [("do", "device"), ("session", session.as_str())];
    let gone = browser.submit("/account", &fields).await.expect(303);
    assert_eq!(gone.header("location"), Some("/account?done=device"));
    let body = json!({"refresh_token": lost.refresh_token});
    let refused = public.post("/v1/sessions/refresh", &body).send().await.unwrap();
    refused.refused(401, "invalid_token");
    let page = browser.load("/account?done=device").await.expect(200).text();
    assert!(page.contains("That device is signed out."), "{page}");
    assert!(!page.contains("Sign out there:"), "{page}");
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let id = id_of(&ana.lists(json!({})).await);
    let mut browser = Browser::sign_up(&public, "ben").await;
    browser.load(&format!("/auctions/{id}")).await.expect(200);
    let (path, token) = (format!("/auctions/{id}/bids"), browser.token());
    let bid = [("amount", "50.00"), ("currency", "USD"), ("key", "a-key")];
    for (token, name, value) in [
        (token.as_str(), "sec-fetch-site", "cross-site"),
        (&token, "sec-fetch-site", "same-site"),
        ("", "sec-fetch-site", "same-origin"),
        ("x", "sec-fetch-site", "none"),
        (&token, "origin", "http://evil.example"),
        (&token, "origin", "null"),
    ] {
        let refused = browser.submit_with(&path, &bid, token, (name, value)).await.expect(403);
        assert!(refused.header("content-type").unwrap().starts_with("text/html"));
    }
    assert_eq!(public.view(&id).await["bid_count"], 0);
    // Over plain HTTP browsers say their origin alone, under whatever name they know the place.
    let here = format!("http://{}", public.address());
    browser.submit_with(&path, &bid, &token, ("origin", &here)).await.expect(201);
}

/// A picture in a form is larger than what everyone may send.
#[tokio::test]
async fn large_bodies_are_taken_of_who_is_signed_in() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let id = id_of(&platform.user("ana").await.lists(json!({})).await);
    let browser = Browser::sign_up(&public, "ben").await;
    let sends = async |cookies: &str| {
        let call = public.call("POST", &format!("/sell/{id}/pictures"));
        let call = call.header("cookie", cookies).header("sec-fetch-site", "same-origin");
        call.bytes("image/png", vec![0xff; 1 << 20]).send().await.unwrap().status
    };
    assert_eq!(sends("").await, 401);
    assert_eq!(sends("ecomauction-access=eyJhbGciOiJFZERTQSJ9.e30.AAAA").await, 401);
    assert_eq!(sends(&browser.cookies()).await, 403, "heard, and without the word of its page");
}

#[tokio::test]
async fn a_page_loads_what_it_names_and_says_what_it_may_do() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let id = id_of(&platform.user("ana").await.lists(json!({})).await);
    for path in ["/", "/search", "/sandbox", "/sign-in", &format!("/auctions/{id}")] {
        let page = public.get(path).await.expect(200);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        let text = page.text();
        let assets = text.split('"').filter(|part| part.starts_with("/assets/"));
        let mut count = 0;
        for asset in assets {
            let asset = public.get(asset).await.expect(200);
            assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
            count += 1;
        }
        assert!(count >= 2, "{path} names {count} assets");
    }
    let missing = public.get("/auctions/auc_01m8dh4qtsf4g99vw45jgr0hdr").await.expect(404);
    assert!(missing.text().contains("<!doctype html>"), "a person reads it");
}
