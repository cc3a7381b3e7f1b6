//! The account's page of forms.

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, header, location, text};

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
    let page = browser.get("/account");
    assert_eq!(page.status, 200);
    assert!(text(&page).contains("cannot be shown now"));
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
    browser.refuses("GET /v1/me", 401, "unauthenticated");
    assert_eq!(location(&browser.get("/account")), "/sign-in?next=%2Faccount");
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
