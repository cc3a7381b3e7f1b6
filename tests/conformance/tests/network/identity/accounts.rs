//! Accounts: made, confirmed, changed, forgotten about, erased.

use conformance::people::{Mailbox, PASSWORD, address, code_in};
use conformance::{Setup, User, id_of, ms_of, now_ms};
use serde_json::json;

use super::{another, asks_for_account, confirms, post, refreshes, signs_in};

#[tokio::test]
async fn an_account_goes_from_sign_up_to_sign_out() {
    let platform = Setup::development().logging_as_in_production().start().await;
    let public = platform.client();
    let email = address("ana");
    let mut mailbox = asks_for_account(&public, &email).await;
    let letter = mailbox.next().await;
    let code = code_in(letter["text"].as_str().unwrap()).expect("a code");
    assert!(
        !letter["subject"].as_str().unwrap().contains(&code),
        "a subject shows on lock screens"
    );
    signs_in(&public, &email, PASSWORD).await.refused(403, "account_not_confirmed");
    signs_in(&public, &email, "a wrong password").await.refused(401, "invalid_credentials");
    confirms(&public, &email, &code).await.expect(204);
    confirms(&public, &email, &code).await.refused(422, "invalid_code");

    let pair = signs_in(&public, " ANA@Example.test ", PASSWORD).await.expect(201);
    let cache = pair.header("cache-control").unwrap_or_default();
    assert!(cache.contains("no-store"), "tokens may be kept: {cache:?}");
    let shown = pair.json();
    assert_eq!(shown["token_type"], "Bearer");
    assert!((1..=600).contains(&shown["expires_in"].as_i64().unwrap()), "{shown}");
    let ana = User::of_pair(&public, "ana", &pair).await;
    assert!(ana.id.starts_with("usr_"), "{}", ana.id);
    let me = ana.client.get("/v1/me").await.expect(200).json();
    assert_eq!((&me["email"], &me["display_name"]), (&json!(email), &json!("Somebody")));
    assert_eq!(me["roles"], json!(["user"]));
    assert!((now_ms() - ms_of(&me["created_at"]).unwrap()).abs() < 60_000, "{me}");

    let second = User::sign_in(&public, "ana").await;
    let out = ana.client.call("DELETE", "/v1/sessions/current").send().await.unwrap();
    out.expect(204);
    refreshes(&public, &ana.refresh_token).await.refused(401, "invalid_token");
    let pair = refreshes(&public, &second.refresh_token).await.expect(200);
    let second = User::of_pair(&public, "ana", &pair).await;
    let third = User::sign_in(&public, "ana").await;
    let out = third.client.call("DELETE", "/v1/sessions").send().await.unwrap();
    out.expect(204);
    for user in [&second, &third] {
        refreshes(&public, &user.refresh_token).await.refused(401, "invalid_token");
    }
    let log = platform.log();
    for secret in [&code, PASSWORD, &ana.refresh_token, &third.refresh_token] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn a_code_has_five_tries_and_only_the_newest_counts() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let email = address("ana");
    let mut mailbox = asks_for_account(&public, &email).await;
    let first = mailbox.code().await;
    for _ in 0..5 {
        confirms(&public, &email, &another(&first)).await.refused(422, "invalid_code");
    }
    confirms(&public, &email, &first).await.refused(422, "invalid_code");
    post(&public, "/v1/accounts/resend", json!({"email": email})).await.expect(202);
    let second = mailbox.code().await;
    post(&public, "/v1/accounts/resend", json!({"email": email})).await.expect(202);
    let third = mailbox.code().await;
    if second != third {
        confirms(&public, &email, &second).await.refused(422, "invalid_code");
    }
    for odd in ["", "12345", "1234567", "abcdef", "１２３４５６"] {
        let reply = confirms(&public, &email, odd).await;
        assert!([400, 422].contains(&reply.status), "{odd:?}: {} {}", reply.status, reply.text());
    }
    // A code is for one address.
    asks_for_account(&public, &address("ben")).await.code().await;
    confirms(&public, &address("ben"), &third).await.refused(422, "invalid_code");
}

#[tokio::test]
async fn codes_count_their_tries_when_they_come_together() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let email = address("ana");
    let code = asks_for_account(&public, &email).await.code().await;
    let mut guesses = tokio::task::JoinSet::new();
    for n in 1..=10_u32 {
        let (public, email) = (public.clone(), email.clone());
        let guess = format!("{:06}", (code.parse::<u32>().unwrap() + n) % 1_000_000);
        guesses.spawn(async move { confirms(&public, &email, &guess).await.status });
    }
    let statuses = guesses.join_all().await;
    assert!(statuses.iter().all(|status| [422, 429].contains(status)), "{statuses:?}");
    let right = confirms(&public, &email, &code).await;
    assert!([422, 429].contains(&right.status), "ten guesses were free: {}", right.status);
}

#[tokio::test]
async fn a_name_is_changed_by_who_saw_it() {
    let platform = Setup::development().start().await;
    let ana = platform.user("ana").await;
    let seen = ana.client.get("/v1/me").await.expect(200);
    let tag = seen.header("etag").expect("a tag").to_owned();
    let known = ana.client.call("GET", "/v1/me").header("if-none-match", &tag);
    known.send().await.unwrap().expect(304);
    let change =
        |name: &str| ana.client.call("PATCH", "/v1/me").json(&json!({"display_name": name}));
    change("Anna").send().await.unwrap().refused(428, "precondition_required");
    let stale = change("Anna").header("if-match", "\"x\"").send().await.unwrap();
    stale.refused(412, "precondition_failed");
    let changed = change("Anna").header("if-match", &tag).send().await.unwrap().expect(200);
    assert_eq!(changed.json()["display_name"], "Anna");
    let late = change("Annie").header("if-match", &tag).send().await.unwrap();
    late.refused(412, "precondition_failed");
    let tag = changed.header("etag").expect("a tag").to_owned();
    for name in ["", " ", &"x".repeat(65), "a\u{0}b", "a\nb"] {
        let reply = change(name).header("if-match", &tag).send().await.unwrap();
        assert!([400, 422].contains(&reply.status), "{name:?}: {}", reply.text());
    }
    // Nothing else can be changed, least of all who one is.
    for (member, value) in [
        ("roles", json!(["admin"])),
        ("id", json!("usr_x")),
        ("email", json!("ben@example.test")),
        ("confirmed", json!(true)),
        ("suspended", json!(false)),
    ] {
        let mut body = json!({"display_name": "Anna"});
        body[member] = value;
        let call = ana.client.call("PATCH", "/v1/me").json(&body).header("if-match", &tag);
        call.send().await.unwrap().refused(400, "unknown_field");
    }
    let account = json!({"email": address("eve"), "password": PASSWORD, "display_name": "Eve",
        "roles": ["admin"]});
    post(&platform.client(), "/v1/accounts", account).await.refused(400, "unknown_field");
}

#[tokio::test]
async fn a_reset_makes_a_new_password_and_ends_all_sessions() {
    const NEW: &str = "eight brown owls count lots";
    let platform = Setup::development().start().await;
    let public = platform.client();
    let ana = platform.user("ana").await;
    let other = User::sign_in(&public, "ana").await;
    let email = ana.email();
    let mut mailbox = Mailbox::of(&public, &email);
    mailbox.next().await;
    let forgot = public.post("/v1/passwords/forgot", &json!({"email": email}));
    // A letter must not lead where the request says that it came to.
    forgot.header("x-forwarded-host", "evil.test").send().await.unwrap().expect(202);
    let letter = mailbox.next().await;
    assert!(!letter.to_string().contains("evil.test"), "{letter}");
    let code = code_in(letter["text"].as_str().unwrap()).expect("a code");
    assert!(code.len() >= 26, "a code for a password has 128 bits: {code}");
    let reset = async |code: &str, password: &str| {
        let body = json!({"email": email, "code": code, "password": password});
        post(&public, "/v1/passwords/reset", body).await
    };
    reset(&another(&code), NEW).await.refused(422, "invalid_code");
    for (weak, named) in [
        ("short", "password_too_weak"),
        ("12345678", "password_too_common"),
        ("", "password_too_weak"),
    ] {
        let refused = reset(&code, weak).await.refused(422, named).json();
        assert_eq!(refused["errors"][0]["pointer"], "/password", "{refused}");
    }
    confirms(&public, &email, &code).await.refused(422, "invalid_code");
    let typed = format!("{}-{}", &code[..13], code[13..].to_lowercase());
    reset(&typed, NEW).await.expect(204);
    reset(&code, "another of these long ones").await.refused(422, "invalid_code");
    for user in [&ana, &other] {
        refreshes(&public, &user.refresh_token).await.refused(401, "invalid_token");
    }
    signs_in(&public, &email, PASSWORD).await.refused(401, "invalid_credentials");
    signs_in(&public, &email, NEW).await.expect(201);
    // What was signed in before can still look for minutes, and change nothing.
    let erase = ana.client.call("DELETE", "/v1/me").send().await.unwrap();
    erase.refused(401, "unauthenticated");
    post(&ana.client, "/v1/me/totp", json!({})).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn passwords_are_taken_whole_whatever_they_are_made_of() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    for (n, password) in
        ["ünïcödé 🦀🦀", "        8 spaces", &"🦀".repeat(128), "quote\" and \\ and \u{7f}"]
            .into_iter()
            .enumerate()
    {
        let email = address(&format!("user-{n}"));
        let mut mailbox = Mailbox::of(&public, &email);
        let account = json!({"email": email, "password": password, "display_name": "U"});
        post(&public, "/v1/accounts", account).await.expect(202);
        confirms(&public, &email, &mailbox.code().await).await.expect(204);
        let cut: String = password.chars().take(password.chars().count() - 1).collect();
        signs_in(&public, &email, &cut).await.refused(401, "invalid_credentials");
        signs_in(&public, &email, password).await.expect(201);
    }
    let long = json!({"email": address("long"), "password": "x".repeat(129), "display_name": "L"});
    assert_eq!(post(&public, "/v1/accounts", long).await.status, 422);
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    const NEW: &str = "eight brown owls count lots";
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, other) = (platform.user("ana").await, platform.user("ana").await);
    let change = async |current: &str, password: &str| {
        let body = json!({"current_password": current, "password": password});
        post(&ana.client, "/v1/me/password", body).await
    };
    change("a wrong password", NEW).await.refused(401, "invalid_credentials");
    change(PASSWORD, "12345678").await.refused(422, "password_too_common");
    change(PASSWORD, NEW).await.expect(204);
    refreshes(&public, &other.refresh_token).await.refused(401, "invalid_token");
    refreshes(&public, &ana.refresh_token).await.expect(200);
    signs_in(&public, &ana.email(), PASSWORD).await.refused(401, "invalid_credentials");
    signs_in(&public, &ana.email(), NEW).await.expect(201);
}

#[tokio::test]
async fn an_erased_account_is_gone_and_its_export_told_what_there_was() {
    let platform = Setup::development().start().await;
    let public = platform.client();
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let auction = id_of(&ana.lists(json!({})).await);
    let export = ana.client.get("/v1/me/export").await.expect(200).text();
    for told in [ana.id.as_str(), &ana.email(), "created_at"] {
        assert!(export.contains(told), "{told} is not in {export}");
    }
    for secret in [PASSWORD, "argon2", &ana.refresh_token, &ben.email()] {
        assert!(!export.contains(secret), "{secret} is in {export}");
    }
    let erase = ana.client.call("DELETE", "/v1/me").json(&json!({"password": PASSWORD}));
    erase.send().await.unwrap().expect(204);
    assert_eq!(ana.client.get("/v1/me").await.status, 401);
    signs_in(&public, &ana.email(), PASSWORD).await.refused(401, "invalid_credentials");
    assert_eq!(refreshes(&public, &ana.refresh_token).await.status, 401);
    // What others have to do with stays.
    ben.bids(&auction, 5_000).await.expect(201);
    // The address is free again, and who takes it is somebody else.
    let again = User::sign_up(&public, "ana").await;
    assert_ne!(again.id, ana.id);
    let sold = again.client.get("/v1/me/auctions").await.expect(200).json();
    assert_eq!(sold["items"], json!([]));
}
