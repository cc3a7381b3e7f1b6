//! Signing in with a provider.

use serde_json::json;

use crate::house::{House, PASSWORD, code_in, json_of, pair, refused, request, said, wrong};
use crate::provider::{Browser, SHOP, house};

const ANA: &str = "ana@example.test";

#[test]
fn the_way_to_a_provider_is_tied_to_the_browser() {
    let house = house();
    let mut browser = Browser::of(&house);
    let response = browser.get("/v1/oauth/google/start?return_to=/a");
    let location = response.header("location").unwrap();
    assert!(location.starts_with("https://google.test/auth?hd=x&response_type=code&"));
    let cookie = response.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-ecomauction-oauth="), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age=600"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let parameters = browser.start("google", "/a");
    let callback = format!("{SHOP}/v1/oauth/google/callback");
    for (name, value) in [
        ("client_id", "our-id"),
        ("redirect_uri", callback.as_str()),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameters[name], value);
    }
    assert!(!format!("{parameters:?}").contains("secret"));
    let plain = House::on(|memory| {
        let memory = memory.with_variable("public_base_url", "http://127.0.0.1:8080");
        ["client_id", "client_secret", "authorization_url", "token_url", "issuer"]
            .iter()
            .fold(memory, |memory, name| {
                memory.with_variable(&format!("google_{name}"), "http://x")
            })
    });
    let response = plain.send(request("GET", "/v1/oauth/google/start", None, None));
    let cookie = response.header("set-cookie").unwrap();
    assert!(cookie.starts_with("ecomauction-oauth=") && !cookie.contains("Secure"), "{cookie}");
}

#[test]
fn a_provider_that_is_not_set_up_does_not_exist() {
    let bare = House::new();
    let house = house();
    for provider in ["google", "facebook", "github", "Google"] {
        for end in ["start", "callback?state=a&code=b"] {
            let path = format!("/v1/oauth/{provider}/{end}");
            let response = bare.send(request("GET", &path, None, None));
            assert_eq!(said(&response), refused(404, "not_found"), "{path}");
        }
    }
    let response = house.send(request("GET", "/v1/oauth/github/start", None, None));
    assert_eq!(said(&response), refused(404, "not_found"));
}

#[test]
fn browsers_are_not_sent_elsewhere() {
    let house = house();
    let browser = Browser::of(&house);
    for elsewhere in [
        "https://evil.test/",
        "//evil.test",
        "/%5Cevil.test",
        "x",
        "%2F%09%2Fevil",
        "%2Fwelcome%3Fticket%3Dx",
    ] {
        let path = format!("/v1/oauth/google/start?return_to={elsewhere}");
        let response = browser.get(&path);
        assert_eq!(said(&response), refused(400, "invalid_request"), "{elsewhere}");
        assert_eq!(json_of(&response)["errors"][0]["pointer"], "?return_to");
    }
    let unknown = browser.get("/v1/oauth/google/start?next=/");
    assert_eq!(said(&unknown), refused(400, "unknown_field"));
}

#[test]
fn a_new_person_with_a_verified_address_has_an_account() {
    let house = house();
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("ticket").unwrap();
    let tokens = pair(&browser.pick_up(&ticket), 201);
    assert_eq!(said(&browser.pick_up(&ticket)), refused(401, "invalid_ticket"), "once");
    let me = json_of(&house.call("GET", "/v1/me", &tokens.access, None));
    assert_eq!((&me["email"], &me["display_name"]), (&json!(ANA), &json!("Ana of Google")));
    let news = house.deliver();
    assert_eq!((news.len(), news[0].topic.as_str()), (1, "identity.user-changed.v1"));
    let again = browser.round("google").remove("ticket").unwrap();
    let again = pair(&browser.pick_up(&again), 201);
    assert_eq!(house.user_id(&again.access), house.user_id(&tokens.access));
    assert!(house.deliver().is_empty());
    // There is no password to guess; a mailed code sets one.
    assert_eq!(house.try_sign_in(ANA, "").status, 401);
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    let body = json!({"email": ANA, "code": house.code(ANA), "password": PASSWORD});
    assert_eq!(house.post("/v1/passwords/reset", &body).status, 204);
    let tokens = house.sign_in(ANA);
    let export = json_of(&house.call("GET", "/v1/me/export", &tokens.access, None));
    assert_eq!(export["providers"][0]["subject"], "g-1");
    assert_eq!(house.call("DELETE", "/v1/me", &tokens.access, None).status, 204);
    assert_eq!(house.count("SELECT count(*) FROM identity_links"), 0);
}

#[test]
fn a_state_is_good_once_in_its_browser_for_ten_minutes() {
    let house = house();
    let mut browser = Browser::of(&house);
    let state = browser.start("google", "/").remove("state").unwrap();
    let invalid = refused(400, "invalid_state");
    assert_eq!(said(&browser.back("facebook", &state)), invalid, "another provider");
    assert_eq!(browser.back("google", &state).status, 303);
    assert_eq!(said(&browser.back("google", &state)), invalid, "twice");
    assert_eq!(said(&browser.get("/v1/oauth/google/callback?code=c-1")), invalid);
    assert_eq!(said(&browser.back("google", "made-up")), invalid);
    let state = browser.start("google", "/").remove("state").unwrap();
    let cookie = browser.cookie.replace("__Host-ecomauction-oauth=of-somebody-else".to_owned());
    assert_eq!(said(&browser.back("google", &state)), invalid, "another browser");
    browser.cookie = None;
    let state = browser.start("google", "/").remove("state").unwrap();
    browser.cookie = None;
    assert_eq!(said(&browser.back("google", &state)), invalid, "no cookie");
    browser.cookie = cookie;
    let (first, second) = (browser.start("google", "/a"), browser.start("google", "/b"));
    for (tab, place) in [(second, "/b?ticket="), (first, "/a?ticket=")] {
        let back = browser.back("google", &tab["state"]);
        assert!(back.header("location").unwrap().starts_with(place), "two tabs");
    }
    let state = browser.start("google", "/").remove("state").unwrap();
    house.later(600_000);
    assert_eq!(said(&browser.back("google", &state)), invalid, "too late");
}

#[test]
fn an_id_token_that_does_not_hold_signs_nobody_in() {
    let house = house();
    let mut browser = Browser::of(&house);
    let now = crate::house::BEGIN_MS / 1_000;
    for (claims, error) in [
        (json!({"iss": "https://evil.test"}), "provider_refused"),
        (json!({"aud": "their-id"}), "provider_refused"),
        (json!({"aud": ["our-id", "their-id"]}), "provider_refused"),
        (json!({"aud": ["our-id", "their-id"], "azp": "their-id"}), "provider_refused"),
        (json!({"azp": "their-id"}), "provider_refused"),
        (json!({"exp": now - 60}), "provider_refused"),
        (json!({"iat": now - 601}), "provider_refused"),
        (json!({"iat": now + 61}), "provider_refused"),
        (json!({"nonce": "another"}), "provider_refused"),
        (json!({"nonce": null}), "provider_refused"),
        (json!({"sub": ""}), "provider_refused"),
        (json!({"sub": 7}), "provider_refused"),
        (json!({"email_verified": false}), "mail_not_verified"),
        (json!({"email_verified": "false"}), "mail_not_verified"),
        (json!({"email_verified": null}), "mail_not_verified"),
        (json!({"email": null}), "mail_not_verified"),
        (json!({"email": "nonsense"}), "mail_not_verified"),
    ] {
        browser.says(claims.clone());
        let answer = browser.round("google");
        assert_eq!(answer.get("error").map(String::as_str), Some(error), "{claims}");
        assert_eq!(answer.len(), 1);
    }
    assert_eq!(house.count("SELECT count(*) FROM identity_accounts"), 0);
    for claims in [
        json!({"aud": ["our-id"]}),
        json!({"aud": ["our-id", "b"], "azp": "our-id"}),
        json!({"email_verified": "true"}),
    ] {
        browser.says(claims.clone());
        assert!(browser.round("google").contains_key("ticket"), "{claims}");
    }
}

#[test]
fn what_goes_wrong_at_the_provider_comes_back_in_a_word() {
    let house = house();
    let mut browser = Browser::of(&house);
    let state = browser.start("google", "/welcome?a=b%23c").remove("state").unwrap();
    let denied =
        browser.get(&format!("/v1/oauth/google/callback?state={state}&error=access_denied"));
    let location = "/welcome?a=b&error=access_denied#c";
    assert_eq!((denied.status, denied.header("location")), (303, Some(location)));
    for (breaks, error) in [
        (Ok(400), "provider_refused"),
        (Ok(401), "provider_refused"),
        (Ok(302), "provider_refused"),
        (Ok(200), "provider_refused"),
        (Ok(503), "provider_unavailable"),
        (Ok(429), "provider_unavailable"),
        (Err(ports::OutboundError::Unavailable("x".into())), "provider_unavailable"),
        (Err(ports::OutboundError::Forbidden("x".into())), "provider_unavailable"),
    ] {
        browser.provider.borrow_mut().breaks = Some(breaks.clone());
        assert_eq!(browser.round("google")["error"], error, "{breaks:?}");
    }
    let state = browser.start("google", "/").remove("state").unwrap();
    let bare = browser.get(&format!("/v1/oauth/google/callback?state={state}"));
    assert_eq!(bare.header("location"), Some("/?error=provider_refused"));
}

#[test]
fn an_account_with_the_same_address_is_linked_by_a_mailed_code_only() {
    let house = house();
    house.settle(ANA);
    let id = house.user_id(&house.sign_in(ANA).access);
    house.deliver();
    let mut browser = Browser::of(&house);
    let answer = browser.round("google");
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["link"]);
    let ticket = &answer["link"];
    assert_eq!(said(&browser.pick_up(ticket)), refused(401, "invalid_ticket"));
    let code = house.code(ANA);
    assert_eq!(said(&browser.link_up(ticket, &wrong(&code))), refused(422, "invalid_code"));
    assert_eq!(said(&browser.link_up("made-up", &code)), refused(401, "invalid_ticket"));
    let tokens = pair(&browser.link_up(ticket, &code), 201);
    assert_eq!(house.user_id(&tokens.access), id);
    assert_eq!(house.deliver().len(), 1, "others hear of it");
    assert_eq!(said(&browser.link_up(ticket, &code)), refused(401, "invalid_ticket"));
    let answer = browser.round("google");
    pair(&browser.pick_up(&answer["ticket"]), 201);
    house.sign_in(ANA);
}

#[test]
fn a_code_to_link_has_five_tries_and_goes_with_its_ticket() {
    let house = house();
    house.settle(ANA);
    let mut browser = Browser::of(&house);
    let first = browser.round("google").remove("link").unwrap();
    let old = house.code(ANA);
    let second = browser.round("google").remove("link").unwrap();
    let code = house.code(ANA);
    assert_eq!(said(&browser.link_up(&first, &old)), refused(422, "invalid_code"));
    assert_eq!(said(&browser.link_up(&first, &code)), refused(422, "invalid_code"));
    for _ in 0..5 {
        assert_eq!(said(&browser.link_up(&second, &wrong(&code))), refused(422, "invalid_code"));
    }
    assert_eq!(said(&browser.link_up(&second, &code)), refused(422, "invalid_code"));
    assert_eq!(house.count("SELECT count(*) FROM identity_links"), 0);
}

#[test]
fn who_signed_up_with_somebody_elses_address_does_not_keep_a_password() {
    let house = house();
    house.sign_up(ANA, "what somebody else chose");
    house.deliver();
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("link").unwrap();
    pair(&browser.link_up(&ticket, &house.code(ANA)), 201);
    let strange = house.try_sign_in(ANA, "what somebody else chose");
    assert_eq!(said(&strange), refused(403, "account_not_confirmed"), "as for any address");
}

#[test]
fn facebook_does_not_say_who_reads_an_address_so_a_code_does() {
    let house = house();
    let mut browser = Browser::of(&house);
    let profile = json!({"id": "f-1", "name": "Ana of Facebook", "email": ANA});
    browser.provider.borrow_mut().profile = profile;
    let ticket = browser.round("facebook").remove("link").unwrap();
    assert_eq!(house.count("SELECT count(*) FROM identity_links"), 0);
    let tokens = pair(&browser.link_up(&ticket, &house.code(ANA)), 201);
    let me = json_of(&house.call("GET", "/v1/me", &tokens.access, None));
    assert_eq!((&me["email"], &me["display_name"]), (&json!(ANA), &json!("Ana of Facebook")));
    let ticket = browser.round("facebook").remove("ticket").unwrap();
    pair(&browser.pick_up(&ticket), 201);
    browser.provider.borrow_mut().profile = json!({"id": "f-2", "name": "No Mail"});
    assert_eq!(browser.round("facebook")["error"], "mail_not_verified");
    browser.provider.borrow_mut().profile = json!({"name": "Nobody", "email": "n@a.test"});
    assert_eq!(browser.round("facebook")["error"], "provider_refused");
}

#[test]
fn a_ticket_waits_a_minute() {
    let house = house();
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("ticket").unwrap();
    house.later(60_000);
    assert_eq!(said(&browser.pick_up(&ticket)), refused(401, "invalid_ticket"));
    assert_eq!(said(&browser.pick_up("")), refused(401, "invalid_ticket"));
}

#[test]
fn the_second_factor_is_asked_of_who_comes_from_a_provider() {
    let house = house();
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("ticket").unwrap();
    let tokens = pair(&browser.pick_up(&ticket), 201);
    let offer = json_of(&house.call("POST", "/v1/me/totp", &tokens.access, None));
    let secret = totp_rs::Secret::try_from_base32(offer["secret"].as_str().unwrap()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = (crate::house::BEGIN_MS / 1_000).unsigned_abs();
    let code = |steps: u64| totp.generate(now + 30 * steps).to_string();
    let body = json!({"code": code(0)});
    let on = house.call("POST", "/v1/me/totp/confirm", &tokens.access, Some(&body));
    assert_eq!(on.status, 200);
    let ticket = browser.round("google").remove("ticket").unwrap();
    assert_eq!(said(&browser.pick_up(&ticket)), refused(401, "otp_required"));
    let with =
        |otp: &str| browser.post("/v1/oauth/sessions", &json!({"ticket": ticket, "otp": otp}));
    assert_eq!(said(&with(&wrong(&code(1)))), refused(401, "invalid_credentials"));
    pair(&with(&code(1)), 201);
    assert_eq!(said(&with(&code(1))), refused(401, "invalid_ticket"));
}

#[test]
fn a_suspended_person_who_comes_from_a_provider_can_look_only() {
    let house = house();
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("ticket").unwrap();
    pair(&browser.pick_up(&ticket), 201);
    let suspend = "UPDATE identity_accounts SET suspended_at = 1, version = version + 1";
    let suspend = vec![ports::Statement::new(suspend, [])];
    ports::ready(ports::Sql::batch(&house.memory, suspend)).unwrap();
    let ticket = browser.round("google").remove("ticket").unwrap();
    assert_eq!(house.roles(&pair(&browser.pick_up(&ticket), 201).access), ["suspended"]);
}

#[test]
fn letters_about_providers_have_one_code() {
    let house = house();
    house.settle(ANA);
    Browser::of(&house).round("google");
    house.deliver();
    let letters = house.memory.mail.to(ANA);
    let text = &letters.last().unwrap().text;
    assert!(code_in(text).is_some() && text.contains("another provider"));
}

/// Somebody signs in at the provider as themselves and gives the end of the way to a victim, who
/// would go on in somebody else's account.
#[test]
fn a_ticket_is_for_the_browser_that_went_the_way() {
    let house = house();
    house.settle("ben@example.test");
    let mut stranger = Browser::of(&house);
    let ticket = stranger.round("google").remove("ticket").unwrap();
    stranger.says(json!({"sub": "g-2", "email": "ben@example.test"}));
    let link = stranger.round("google").remove("link").unwrap();
    let code = house.code("ben@example.test");
    let mut victim = Browser { cookie: None, ..Browser::of(&house) };
    for on_the_way in [false, true] {
        if on_the_way {
            victim.start("google", "/welcome");
        }
        assert_eq!(said(&victim.pick_up(&ticket)), refused(401, "invalid_ticket"));
        assert_eq!(said(&victim.link_up(&link, &code)), refused(401, "invalid_ticket"));
    }
    pair(&stranger.pick_up(&ticket), 201);
    pair(&stranger.link_up(&link, &code), 201);
}

#[test]
fn the_cookie_lives_on_while_the_letter_is_looked_for() {
    let house = house();
    house.settle(ANA);
    let mut browser = Browser::of(&house);
    let state = browser.start("google", "/welcome").remove("state").unwrap();
    let back = browser.back("google", &state);
    let cookie = back.header("set-cookie").unwrap();
    assert!(cookie.starts_with(browser.cookie.as_deref().unwrap()), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age=600"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
}

#[test]
fn codes_to_link_are_counted_for_the_account_as_all_typed_codes_are() {
    let house = house();
    house.settle(ANA);
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("link").unwrap();
    let tried = (0..20).map(|_| browser.link_up(&ticket, "not-a-code").status);
    assert_eq!(tried.filter(|status| *status == 422).count(), 15);
}

#[test]
fn the_name_of_an_account_is_who_proves_its_address() {
    let house = house();
    let body = json!({"email": ANA, "password": PASSWORD, "display_name": "Eve"});
    assert_eq!(house.post("/v1/accounts", &body).status, 202);
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("link").unwrap();
    let tokens = pair(&browser.link_up(&ticket, &house.code(ANA)), 201);
    let me = json_of(&house.call("GET", "/v1/me", &tokens.access, None));
    assert_eq!(me["display_name"], "Ana of Google");
    let news = house.deliver();
    let told: serde_json::Value = serde_json::from_slice(&news[0].body).unwrap();
    assert_eq!((news.len(), &told["display_name"]), (1, &json!("Ana of Google")));
}
