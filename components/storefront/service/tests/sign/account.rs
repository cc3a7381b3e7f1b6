//! The account's page of forms.

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, PHONE, header, location, text};

#[test]
fn the_account_is_its_owners() {
    let browser = Browser::new();
    browser.get("/sign-up");
    for target in ["/account", "/account/export"] {
        assert_eq!(location(&browser.get(target)), "/sign-in?next=%2Faccount");
    }
    let answer = browser.post("/account", &[("do", "everywhere")]);
    assert_eq!(location(&answer), "/sign-in?next=%2Faccount");
    assert_eq!(browser.heard(), []);
}

#[test]
fn the_account_is_shown_even_without_its_letters() {
    let browser = Browser::resident();
    let page = text(&browser.get("/account?done=letters"));
    assert!(page.contains("ana@x.test") && page.contains("value=\"Ana\""), "{page}");
    assert!(page.contains("name=\"tag\" value=\"&#34;tag-1&#34;\""), "{page}");
    assert!(page.contains("name=\"outbid\" value=\"yes\" checked"), "{page}");
    assert!(page.contains("name=\"won\" value=\"yes\">"), "{page}");
    assert!(page.contains("Your letters are set."), "{page}");
    assert_eq!(page.matches("<form class=\"form\"").count(), 6, "{page}");
    let ids: Vec<_> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next()).collect();
    let once: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), once.len(), "{ids:?}");
    browser.breaks("GET /v1/me/notifications/preferences");
    browser.breaks("GET /v1/sessions");
    let page = browser.get("/account");
    assert_eq!(page.status, 200);
    let page = text(&page);
    assert_eq!(page.matches("cannot be shown now").count(), 2, "{page}");
    assert!(page.contains("Sign out everywhere"), "{page}");
}

#[test]
fn devices_are_listed_and_each_other_one_has_a_button_of_its_own() {
    let browser = Browser::resident();
    let page = text(&browser.get("/account"));
    let list = page.split_once("<ul class=\"rows\">").unwrap().1.split_once("</ul>").unwrap().0;
    let rows: Vec<_> = list.split("<li>").skip(1).collect();
    assert_eq!(rows.len(), 3, "{list}");
    let [phone, this, unknown] = rows[..] else { panic!() };
    for (row, name, button) in [
        (phone, "Safari on iPhone", "Safari on iPhone, signed in 2026-11-24 14:00:00 UTC"),
        (unknown, "Unknown device", "Unknown device, signed in 2026-11-24 12:00:00 UTC"),
    ] {
        assert!(row.contains(&format!("<strong>{name}</strong>")), "{row}");
        assert!(row.contains(&format!("aria-label=\"Sign out there: {button}\"")), "{row}");
        assert!(row.contains("name=\"form_token\"") && !row.contains("this one"), "{row}");
    }
    assert!(phone.contains("14:30:00 UTC</time>"), "when it was used last: {phone}");
    assert!(phone.contains(&format!("name=\"session\" value=\"{PHONE}\"")), "{phone}");
    assert!(this.contains("Firefox on Windows") && this.contains("this one"), "{this}");
    assert!(!this.contains("<form"), "signing out here has its button in the frame: {this}");
}

#[test]
fn another_device_is_signed_out() {
    let browser = Browser::resident();
    let ends = format!("DELETE /v1/sessions/{PHONE}");
    browser.api(&ends, 204, &Value::Null);
    browser.token();
    browser.asked();
    let fields = [("do", "device"), ("session", PHONE)];
    assert_eq!(location(&browser.post("/account", &fields)), "/account?done=device");
    assert_eq!(browser.heard(), [(ends.clone(), Value::Null)]);
    assert!(text(&browser.get("/account?done=device")).contains("That device is signed out."));

    // What is no id goes nowhere; whether it is somebody else's the API does not say.
    for session in ["", "current", "..", "ses_", "x/../../me", "ses_01jd6s6y8zfz2v5r3k8t9w0zzz"] {
        browser.asked();
        let answer = browser.post("/account", &[("do", "device"), ("session", session)]);
        assert_eq!(answer.status, 404, "{session}");
        assert!(text(&answer).contains("That device is not signed in any more."), "{session}");
        let ended = browser.heard().into_iter().filter(|(what, _)| what.starts_with("DELETE "));
        assert_eq!(ended.count(), usize::from(session.len() == PHONE.len()), "{session}");
    }
    browser.refuses(&ends, 401, "unauthenticated");
    let answer = browser.post("/account", &fields);
    assert_eq!(location(&answer), "/sign-in?next=%2Faccount", "it was this one that was ended");
}

#[test]
fn no_page_of_others_signs_a_device_out() {
    let browser = Browser::resident();
    let token = browser.token();
    browser.asked();
    let fields = [("do", "device"), ("session", PHONE)];
    for (site, token) in [("same-origin", "x"), ("cross-site", token.as_str())] {
        let fields = [fields[0], fields[1], ("form_token", token)];
        let headers = [("sec-fetch-site", site)];
        let answer = browser.send(browser.request("POST", "/account", &headers, &fields));
        assert_eq!(answer.status, 403, "{site}");
    }
    assert_eq!(browser.heard(), []);
}

#[test]
fn the_api_hears_what_the_browser_calls_itself() {
    let browser = Browser::new();
    browser.api("POST /v1/sessions", 201, &browser.pair("rt_first"));
    let token = browser.token();
    let fields = [("email", "ana@x.test"), ("password", PASSWORD), ("form_token", token.as_str())];
    let headers = [("sec-fetch-site", "same-origin"), ("user-agent", "Firefox/145.0")];
    browser.asked();
    let answer = browser.send(browser.request("POST", "/sign-in", &headers, &fields));
    assert_eq!(answer.status, 303, "{}", text(&answer));
    let asked = browser.asked();
    assert!(asked[0].url.ends_with("/v1/sessions"), "{}", asked[0].url);
    assert_eq!(header(&asked[0], "user-agent"), Some("Firefox/145.0"));
    let answer = browser.get("/account");
    assert_eq!(answer.status, 404);
    let asked = browser.asked();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|request| header(request, "user-agent").is_none()));
}

#[test]
fn a_name_is_changed_as_it_was_seen() {
    let browser = Browser::resident();
    browser.api("PATCH /v1/me", 200, &json!({}));
    let mut pair = browser.pair("rt_2");
    pair["access_token"] = json!(browser.access("Anna", 600));
    browser.api("POST /v1/sessions/refresh", 200, &pair);
    browser.token();
    browser.asked();
    let fields = [("do", "name"), ("tag", "\"tag-1\""), ("display_name", " Anna ")];
    assert_eq!(location(&browser.post("/account", &fields)), "/account?done=name");
    let asked = browser.asked();
    assert_eq!(asked[0].method, "PATCH");
    assert_eq!(header(&asked[0], "if-match"), Some("\"tag-1\""));
    assert_eq!(asked[0].body, br#"{"display_name":"Anna"}"#);
    let page = text(&browser.get("/account"));
    assert!(page.contains("<a href=\"/account\">Anna</a>"), "the new name is in the new token");
    browser.refuses("PATCH /v1/me", 412, "precondition_failed");
    let answer = browser.post("/account", &fields);
    assert_eq!(answer.status, 412);
    let page = text(&answer);
    assert!(page.contains("changed elsewhere") && page.contains("value=\"Anna\""), "{page}");
}

#[test]
fn a_password_is_changed_by_who_knows_it() {
    let browser = Browser::resident();
    browser.refuses("POST /v1/me/password", 401, "invalid_credentials");
    let fields = [("do", "password"), ("current_password", "old"), ("password", PASSWORD)];
    let answer = browser.post("/account", &fields);
    assert_eq!(answer.status, 403);
    assert!(text(&answer).contains("It says invalid_credentials."));
    browser.api("POST /v1/me/password", 204, &Value::Null);
    browser.asked();
    assert_eq!(location(&browser.post("/account", &fields)), "/account?done=new-password");
    let (_, body) = browser.heard().pop().unwrap();
    assert_eq!(body, json!({"current_password": "old", "password": PASSWORD}));
}

#[test]
fn who_was_signed_out_elsewhere_signs_in_again() {
    let browser = Browser::resident();
    browser.refuses("DELETE /v1/sessions", 401, "unauthenticated");
    let answer = browser.post("/account", &[("do", "everywhere")]);
    assert_eq!(location(&answer), "/sign-in?next=%2Faccount");
    // The token is good for minutes still: with it the form would lead straight back.
    browser.refuses("POST /v1/sessions/refresh", 401, "invalid_token");
    assert_eq!(browser.get("/sign-in?next=%2Faccount").status, 200);
    browser.sign_in();
    browser.refuses("GET /v1/me", 401, "unauthenticated");
    assert_eq!(location(&browser.get("/account")), "/sign-in?next=%2Faccount");
    assert_eq!(browser.get("/sign-in?next=%2Faccount").status, 200);
}

#[test]
fn letters_are_switched_one_by_one() {
    let browser = Browser::resident();
    browser.api("PATCH /v1/me/notifications/preferences", 200, &json!({}));
    let fields = [("do", "letters"), ("won", "yes"), ("sold", "yes")];
    assert_eq!(location(&browser.post("/account", &fields)), "/account?done=letters");
    let asked = browser.asked();
    let patch = asked.last().unwrap();
    assert!(patch.url.starts_with("http://notifications.spin.internal/"), "{}", patch.url);
    let body: Value = serde_json::from_slice(&patch.body).unwrap();
    let expected = json!({
        "opened": false, "outbid": false, "ending_soon": false, "extended": false, "won": true,
        "lost": false, "sold": true, "unsold": false, "cancelled": false,
    });
    assert_eq!(body, expected);
}

#[test]
fn the_second_factor_is_set_up_and_its_codes_are_shown_once() {
    let browser = Browser::resident();
    let uri = "otpauth://totp/EcomAuction:a?secret=ABCDEFGH&issuer=EcomAuction";
    browser.api("POST /v1/me/totp", 200, &json!({"secret": "ABCDEFGH", "otpauth_uri": uri}));
    let page = text(&browser.post("/account", &[("do", "factor"), ("password", PASSWORD)]));
    assert!(page.contains("ABCDEFGH") && page.contains("href=\"otpauth://totp/"), "{page}");
    let (_, body) = browser.heard().pop().unwrap();
    assert_eq!(body, json!({"password": PASSWORD, "otp": null}));
    let fields = [("do", "factor-code"), ("code", "12 3"), ("secret", "ABCDEFGH"), ("uri", uri)];
    browser.refuses("POST /v1/me/totp/confirm", 422, "invalid_code");
    let answer = browser.post("/account", &fields);
    assert_eq!(answer.status, 422);
    assert!(text(&answer).contains("ABCDEFGH"), "nobody has to begin anew for a slip");
    let codes = json!({"recovery_codes": ["aaaaa-bbbbb", "ccccc-ddddd"]});
    browser.api("POST /v1/me/totp/confirm", 200, &codes);
    browser.asked();
    let answer = browser.post("/account", &fields);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(text(&answer).contains("ccccc-ddddd"));
    let (_, body) = browser.heard().pop().unwrap();
    assert_eq!(body, json!({"code": "123"}));
    browser.refuses("POST /v1/me/totp/confirm", 409, "second_factor_on");
    let answer = browser.post("/account", &fields);
    assert_eq!(answer.status, 409);
    assert!(!text(&answer).contains("ABCDEFGH"), "a secret in force is not shown");
    browser.api("DELETE /v1/me/totp", 204, &Value::Null);
    let answer = browser.post("/account", &[("do", "factor-off"), ("otp", "654 321")]);
    assert_eq!(location(&answer), "/account?done=no-second-factor");
    let (_, body) = browser.heard().pop().unwrap();
    assert_eq!(body, json!({"password": null, "otp": "654321"}));
}

#[test]
fn an_account_is_erased_by_who_is_sure() {
    let browser = Browser::resident();
    browser.api("DELETE /v1/me", 204, &Value::Null);
    let answer = browser.post("/account", &[("do", "erase"), ("password", PASSWORD)]);
    assert_eq!(answer.status, 422);
    assert!(text(&answer).contains("Tick the box"));
    assert!(browser.heard().iter().all(|(what, _)| what.starts_with("GET ")));
    let fields = [("do", "erase"), ("password", PASSWORD), ("sure", "yes")];
    assert_eq!(location(&browser.post("/account", &fields)), "/?done=erased");
    let (what, body) = browser.heard().pop().unwrap();
    assert_eq!(what, "DELETE /v1/me");
    assert_eq!(body, json!({"password": PASSWORD, "otp": null}));
    assert_eq!(browser.cookie("ecomauction-access"), None);
    assert_eq!(browser.cookie("ecomauction-refresh"), None);
}

#[test]
fn everywhere_is_here_too() {
    let browser = Browser::resident();
    browser.api("DELETE /v1/sessions", 204, &Value::Null);
    let answer = browser.post("/account", &[("do", "everywhere")]);
    assert_eq!(location(&answer), "/?done=everywhere");
    assert_eq!(browser.cookie("ecomauction-refresh"), None);
    assert_eq!(browser.post("/account", &[("do", "dance")]).status, 303, "nobody is signed in");
}

#[test]
fn a_form_that_is_not_known_is_refused() {
    let browser = Browser::resident();
    browser.token();
    browser.asked();
    assert_eq!(browser.post("/account", &[("do", "dance")]).status, 400);
    assert_eq!(browser.heard(), []);
}

#[test]
fn what_is_kept_can_be_taken_along() {
    let browser = Browser::resident();
    browser.api("GET /v1/me/export", 200, &json!({"account": {"id": "x"}}));
    let answer = browser.get("/account/export");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let kept = answer.header("content-disposition").unwrap();
    assert!(kept.starts_with("attachment; filename="), "{kept}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(text(&answer), r#"{"account":{"id":"x"}}"#);
}
