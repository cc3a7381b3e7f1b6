//! Letters about auctions (S2, reliability.md I17), kept by the platform as in development: who is
//! told what, once, whatever is killed.

use conformance::letters::scene::{
    by_capture, has_been_told, has_been_told_of_an_opening, preferences, prefers,
};
use conformance::people::{Mailbox, address};
use conformance::{Setup, User, closed, id_of, usd};
use serde_json::{Value, json};

#[tokio::test]
async fn everybody_hears_once_of_what_concerns_them_over_kills() {
    let mut scene = by_capture().await;
    let mut lots = Vec::new();
    for _ in 0..4 {
        lots.push(scene.contested(8).await);
        scene.platform.kill().await;
        scene.platform.start().await;
    }
    let unsold = id_of(&scene.ana.lists(json!({"duration_seconds": 5})).await);
    for auction in lots.iter().chain([&unsold]) {
        closed(&scene.platform.client(), auction).await;
    }
    scene.platform.kill().await;
    scene.platform.start().await;
    let mut openings = 0;
    for auction in &lots {
        let sold = has_been_told_of_an_opening(&scene.ana, auction, ("sold", "sent")).await;
        openings += usize::from(sold);
        has_been_told(&scene.ben, auction, &[("lost", "sent"), ("outbid", "sent")]).await;
        has_been_told(&scene.cat, auction, &[("won", "sent")]).await;
    }
    let unsold = has_been_told_of_an_opening(&scene.ana, &unsold, ("unsold", "sent")).await;
    openings += usize::from(unsold);
    // The kept letters are those and the code, and none of them twice.
    for (user, count) in
        [(&scene.ana, 1 + openings + 4 + 1), (&scene.ben, 1 + 4 * 2), (&scene.cat, 1 + 4)]
    {
        let letters = Mailbox::of(&scene.platform.client(), &user.email()).letters().await;
        let subjects: Vec<_> = letters.iter().map(|letter| &letter["subject"]).collect();
        assert_eq!(letters.len(), count, "{}: {subjects:#?}", user.name);
    }
}

#[tokio::test]
async fn each_change_of_leadership_is_one_letter_to_who_lost_it() {
    let scene = by_capture().await;
    let auction = id_of(&scene.ana.lists(json!({})).await);
    scene.ben.bids(&auction, 2_000).await.expect(201);
    scene.ben.bids(&auction, 3_000).await.expect(201);
    scene.cat.bids(&auction, 2_500).await.expect(201);
    has_been_told(&scene.ana, &auction, &[("opened", "sent")]).await;
    scene.cat.bids(&auction, 4_000).await.expect(201);
    scene.ben.bids(&auction, 5_000).await.expect(201);
    scene.cat.bids(&auction, 6_000).await.expect(201);
    // Own raises and bids that are beaten at once cost nobody the lead.
    has_been_told(&scene.ben, &auction, &[("outbid", "sent"), ("outbid", "sent")]).await;
    has_been_told(&scene.cat, &auction, &[("outbid", "sent")]).await;
}

#[tokio::test]
async fn what_is_switched_off_is_not_sent_and_the_rest_is() {
    let scene = by_capture().await;
    let before = preferences(&scene.ben.client).await;
    let kinds = before.as_object().expect("kinds");
    for kind in ["opened", "outbid", "ending_soon", "extended", "won", "lost", "sold", "unsold"] {
        assert_eq!(kinds.get(kind), Some(&json!(true)), "{kind}: {before}");
    }
    let after = prefers(&scene.ben, json!({"outbid": false})).await;
    assert_eq!((&after["outbid"], &after["lost"]), (&json!(false), &json!(true)));
    assert_eq!(preferences(&scene.ben.client).await, after);
    assert_eq!(preferences(&scene.cat.client).await["outbid"], true, "one's own only");
    for (odd, code) in [
        (json!({"spam": false}), "unknown_field"),
        (json!({"outbid": "no"}), "invalid_request"),
        (json!({"outbid": null}), "invalid_request"),
    ] {
        let call = scene.ben.client.call("PATCH", "/v1/me/notifications/preferences").json(&odd);
        call.send().await.unwrap().refused(400, code);
    }
    let auction = scene.contested(5).await;
    closed(&scene.platform.client(), &auction).await;
    has_been_told(&scene.ben, &auction, &[("lost", "sent"), ("outbid", "suppressed")]).await;
    let letters = Mailbox::of(&scene.platform.client(), &scene.ben.email()).letters().await;
    assert_eq!(letters.len(), 2, "the code and the end: {letters:#?}");
}

#[tokio::test]
async fn letters_hide_what_is_hidden_and_titles_cannot_harm() {
    const TITLE: &str = "<img src=x onerror=alert(1)>\"'&amp; {{ 7*7 }}";
    let scene = by_capture().await;
    let terms = json!({"title": TITLE, "start_price": usd(10_000), "reserve_price": usd(7_654_321),
        "duration_seconds": 5});
    let auction = id_of(&scene.ana.lists(terms).await);
    scene.ben.bids(&auction, 6_543_217).await.expect(201);
    scene.cat.bids(&auction, 6_000_000).await.expect(201);
    closed(&scene.platform.client(), &auction).await;
    has_been_told(&scene.ana, &auction, &[("opened", "sent"), ("unsold", "sent")]).await;
    has_been_told(&scene.ben, &auction, &[("lost", "sent")]).await;
    has_been_told(&scene.cat, &auction, &[("lost", "sent")]).await;
    let mut count = 0;
    for user in [&scene.ana, &scene.ben, &scene.cat] {
        for letter in Mailbox::of(&scene.platform.client(), &user.email()).letters().await {
            let told = letter.to_string();
            for secret in ["7654321", "76543.21", "76,543.21", "6543217", "65432.17", "65,432.17"] {
                assert!(!told.contains(secret), "{secret} in a letter to {}: {told}", user.name);
            }
            let Some(html) = letter["html"].as_str().filter(|html| html.contains("onerror")) else {
                continue;
            };
            assert!(!html.contains("<img"), "{html}");
            assert!(!html.contains("<script") && !html.contains("http-equiv"), "{html}");
            assert!(letter["text"].as_str().unwrap().contains(TITLE), "{letter}");
            count += 1;
        }
    }
    assert_eq!(count, 4, "letters that show the title");
}

#[tokio::test]
async fn captured_mail_is_a_page_as_well_and_only_in_development() {
    let scene = by_capture().await;
    let public = scene.platform.client();
    let page = public.call("GET", "/_dev/mail").header("accept", "text/html,*/*;q=0.8");
    let page = page.send().await.unwrap().expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-"), "{policy}");
    let html = page.text();
    assert!(!html.contains("<script"), "{html}");
    for user in [&scene.ana, &scene.ben, &scene.cat] {
        assert!(html.contains(&user.email()), "{} is not on the page", user.email());
    }
    let all = public.get("/_dev/mail").await.expect(200).json();
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    let times: Vec<_> = items.iter().map(|item| item["sent_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    for member in ["id", "to", "subject", "text", "html", "sent_at"] {
        assert!(items[0].get(member).is_some(), "{member}: {}", items[0]);
    }
    let none = public.get("/_dev/mail?to=nobody%40example.test").await.expect(200).json();
    assert_eq!(none, json!({"items": []}));
    let production = Setup::production().start().await;
    production.client().get("/_dev/mail").await.refused(404, "not_found");
}

#[tokio::test]
async fn an_erased_account_gets_no_letters() {
    let scene = by_capture().await;
    let auction = id_of(&scene.ana.lists(json!({"duration_seconds": 8})).await);
    scene.ben.bids(&auction, 5_000).await.expect(201);
    has_been_told(&scene.ana, &auction, &[("opened", "sent")]).await;
    let proof = json!({"password": conformance::people::PASSWORD});
    let erase = scene.ben.client.call("DELETE", "/v1/me").json(&proof);
    erase.send().await.unwrap().expect(204);
    scene.cat.bids(&auction, 9_000).await.expect(201);
    closed(&scene.platform.client(), &auction).await;
    has_been_told(&scene.cat, &auction, &[("won", "sent")]).await;
    has_been_told(&scene.ana, &auction, &[("opened", "sent"), ("sold", "sent")]).await;
    let letters = Mailbox::of(&scene.platform.client(), &address("ben")).letters().await;
    let about: Vec<&Value> =
        letters.iter().filter(|letter| letter.to_string().contains(&auction)).collect();
    assert!(about.is_empty(), "{about:#?}");
    // Whoever has the address next hears nothing of it either.
    let next = User::sign_up(&scene.platform.client(), "ben").await;
    has_been_told(&next, &auction, &[]).await;
}
