//! Letters that leave by a mail server, which is not always well (reliability.md I17), and how
//! people stop them.

use std::time::Duration;

use conformance::letters::scene::{
    BASE_URL, LETTERS_MAX, Scene, before_long, by_mail, has_been_told, preferences,
};
use conformance::letters::{
    Facts, against, auction_of, facts_of, kind_of, people_of, repeated, unequal_twins,
    unsubscribe_link,
};
use conformance::smtp::{Letter, Sink};
use conformance::{Client, Host, User, closed, id_of};
use serde_json::json;

/// What the log of a contested auction says has to be told.
async fn facts(scene: &Scene<Host>, auction: &str) -> Facts {
    let log = scene.platform.client().log(auction).await;
    let people = people_of(&log, &scene.bids.lock().unwrap());
    facts_of(auction, &log, &scene.ana.email(), &people)
}

async fn all_told(sink: &Sink, facts: &Facts) {
    before_long("every fact is told once", async || {
        let wrong = against(&sink.letters(), facts);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    })
    .await;
}

/// The letter of a kind to somebody, when it comes.
async fn letter(sink: &Sink, kind: &str, to: &User) -> Letter {
    let what = format!("{kind} to {}", to.name);
    sink.until(&what, LETTERS_MAX, |letters| {
        let is_it = |letter: &&Letter| {
            letter.to == [to.email()] && kind_of(letter).as_deref() == Some(kind)
        };
        letters.iter().find(is_it).cloned()
    })
    .await
}

#[tokio::test]
async fn every_fact_is_one_letter_over_kills_and_lost_answers() {
    let (mut scene, sink) = by_mail().await;
    let mut lots = Vec::new();
    for n in 0..6 {
        lots.push(scene.contested(7).await);
        if n % 2 == 0 {
            // The mail server has the letter, and nobody was told so.
            sink.cuts(2);
        }
        scene.platform.kill().await;
        scene.platform.start().await;
    }
    let mut all = Facts::new();
    for auction in &lots {
        closed(&scene.platform.client(), auction).await;
        all.extend(facts(&scene, auction).await);
    }
    assert_eq!(all.values().sum::<usize>(), lots.len() * 5, "{all:#?}");
    scene.platform.kill().await;
    scene.platform.start().await;
    all_told(&sink, &all).await;
    let letters = sink.letters();
    let cut = letters.iter().filter(|letter| !letter.is_acknowledged).count();
    println!("{} letters, {cut} without an answer, {} again", letters.len(), repeated(&letters));
    assert!(cut > 0, "no answer was lost: the test proves nothing");
    assert!(repeated(&letters) > 0, "a letter without an answer was not sent again");
    assert_eq!(unequal_twins(&letters), [""; 0]);
    assert_eq!(sink.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_letter_says_what_where_and_how_to_stop_it() {
    let (scene, sink) = by_mail().await;
    let auction = scene.contested(3_600).await;
    let letter = letter(&sink, "outbid", &scene.ben).await;
    assert_eq!(auction_of(&letter), Some(auction.clone()));
    let link = format!("{BASE_URL}/auctions/{auction}");
    assert!(letter.text.contains(&link) && letter.html.contains(&link), "{letter:#?}");
    for part in [&letter.text, &letter.html] {
        assert!(part.contains("A watch"), "the title is missing: {part}");
        assert!(!part.contains("9000") && !part.contains("90.00"), "Cat's maximum: {part}");
    }
    for remote in ["<img", "src=", "@import", "url(", "<script", "<link"] {
        assert!(!letter.html.contains(remote), "{remote} in {}", letter.html);
    }
    assert_eq!(letter.header_from, "auctions@example.test");
    assert!(!letter.subject.is_empty() && !letter.subject.contains('\n'), "{:?}", letter.subject);
    let stop = unsubscribe_link(&letter).expect("one click stops it");
    assert!(stop.starts_with(&format!("{BASE_URL}/v1/unsubscribe/")), "{stop}");
    for header in ["date", "mime-version", "message-id", "content-type"] {
        assert!(letter.header(header).is_some(), "no {header}, or several");
    }
}

/// A click as a mail program makes it: no cookie, no token.
async fn clicks(client: &Client, path: &str, body: &'static str) -> u16 {
    let call = client.call("POST", path).bytes("application/x-www-form-urlencoded", body);
    call.send().await.unwrap().status
}

#[tokio::test]
async fn one_click_stops_letters_of_one_kind() {
    let (scene, sink) = by_mail().await;
    let public = scene.platform.client();
    let first = scene.contested(3_600).await;
    let outbid = letter(&sink, "outbid", &scene.ben).await;
    let link = unsubscribe_link(&outbid).expect("one click");
    let path = link.strip_prefix(BASE_URL).expect("a link to the platform").to_owned();
    // Mail programs fetch links before anybody clicks.
    let page = public.get(&path).await.expect(200);
    assert!(page.header("content-type").unwrap_or_default().starts_with("text/html"));
    assert!(page.text().contains("<form"), "{}", page.text());
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(preferences(&scene.ben.client).await["outbid"], true, "a GET changes nothing");
    for body in ["", "List-Unsubscribe=no"] {
        let status = clicks(&public, &path, body).await;
        assert!((400..500).contains(&status), "{body:?}: {status}");
    }
    let token = path.rsplit('/').next().unwrap();
    for at in [0, token.len() / 2, token.len() - 2] {
        let mut tampered = token.to_owned().into_bytes();
        tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
        let tampered = path.replace(token, std::str::from_utf8(&tampered).unwrap());
        assert_eq!(clicks(&public, &tampered, ONE_CLICK).await, 404, "a changed letter at {at}");
    }
    assert_eq!(preferences(&scene.ben.client).await["outbid"], true);
    assert_eq!(clicks(&public, &path, ONE_CLICK).await, 200);
    assert_eq!(clicks(&public, &path, ONE_CLICK).await, 200, "twice is once");
    let after = preferences(&scene.ben.client).await;
    assert_eq!((&after["outbid"], &after["lost"]), (&json!(false), &json!(true)));
    assert_eq!(preferences(&scene.cat.client).await["outbid"], true);
    let second = scene.contested(3_600).await;
    has_been_told(&scene.ben, &second, &[("outbid", "suppressed")]).await;
    has_been_told(&scene.ben, &first, &[("outbid", "sent")]).await;
}

#[tokio::test]
async fn a_busy_mail_server_gets_the_letters_later() {
    let (mut scene, sink) = by_mail().await;
    sink.is_busy(true);
    let auction = scene.contested(5).await;
    has_been_told(&scene.ben, &auction, &[("outbid", "queued")]).await;
    closed(&scene.platform.client(), &auction).await;
    before_long("it was tried", async || {
        let deferred = sink.deferred();
        if deferred >= 3 { Ok(()) } else { Err(format!("{deferred} tries")) }
    })
    .await;
    // It is not forgotten over a kill, and nobody waits for it.
    scene.platform.kill().await;
    scene.platform.start().await;
    scene.ben.bids(&id_of(&scene.ana.lists(json!({})).await), 5_000).await.expect(201);
    let early = sink.letters().into_iter().filter(|letter| auction_of(letter).is_some()).count();
    assert_eq!(early, 0);
    // Only when the end is known the opening is told to nobody.
    has_been_told(&scene.ben, &auction, &[("lost", "queued"), ("outbid", "queued")]).await;
    sink.is_busy(false);
    let mut facts = facts(&scene, &auction).await;
    // Nobody is called to an auction that is over.
    facts.retain(|fact, _| fact.kind != "opened");
    all_told(&sink, &facts).await;
    has_been_told(&scene.ben, &auction, &[("lost", "sent"), ("outbid", "sent")]).await;
    has_been_told(&scene.ana, &auction, &[("opened", "suppressed"), ("sold", "sent")]).await;
    assert_eq!(sink.complaints(), [""; 0]);
}

#[tokio::test]
async fn an_address_that_is_refused_delays_nobody() {
    let (scene, sink) = by_mail().await;
    sink.refuses(&scene.ben.email());
    let auction = scene.contested(5).await;
    closed(&scene.platform.client(), &auction).await;
    has_been_told(&scene.ben, &auction, &[("lost", "failed"), ("outbid", "failed")]).await;
    has_been_told(&scene.cat, &auction, &[("won", "sent")]).await;
    has_been_told(&scene.ana, &auction, &[("opened", "sent"), ("sold", "sent")]).await;
    tokio::time::timeout(Duration::from_secs(20), letter(&sink, "won", &scene.cat)).await.unwrap();
    let told = sink.to(&scene.ben.email());
    assert!(told.iter().all(|letter| auction_of(letter).is_none()), "{told:?}");
}

#[tokio::test]
async fn a_slow_mail_server_gets_each_letter_once() {
    let (scene, sink) = by_mail().await;
    // Longer than a request may take.
    sink.is_slow(2, Duration::from_secs(12));
    let auction = scene.contested(3_600).await;
    letter(&sink, "outbid", &scene.ben).await;
    has_been_told(&scene.ben, &auction, &[("outbid", "queued")]).await;
    has_been_told(&scene.ben, &auction, &[("outbid", "sent")]).await;
    has_been_told(&scene.ana, &auction, &[("opened", "sent")]).await;
    let letters = sink.letters();
    let about = letters.iter().filter(|letter| auction_of(letter).as_ref() == Some(&auction));
    assert_eq!((about.count(), repeated(&letters)), (2, 0), "{letters:#?}");
    assert_eq!(sink.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_letter_that_is_refused_at_its_end_is_not_taken_for_sent() {
    let (scene, sink) = by_mail().await;
    sink.refuses_at_end(&scene.ben.email());
    let auction = scene.contested(5).await;
    closed(&scene.platform.client(), &auction).await;
    has_been_told(&scene.ben, &auction, &[("lost", "failed"), ("outbid", "failed")]).await;
    has_been_told(&scene.cat, &auction, &[("won", "sent")]).await;
    has_been_told(&scene.ana, &auction, &[("opened", "sent"), ("sold", "sent")]).await;
    letter(&sink, "won", &scene.cat).await;
    assert!(sink.to(&scene.ben.email()).iter().all(|letter| auction_of(letter).is_none()));
    assert!(sink.refused_again() > 0, "no connection was used again: the test proves nothing");
    assert_eq!(sink.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_wrong_password_delays_letters_and_loses_none() {
    let (scene, sink) = by_mail().await;
    sink.is_locked(true);
    let auction = scene.contested(3_600).await;
    before_long("it was tried", async || {
        let tries = sink.locked_out();
        if tries >= 3 { Ok(()) } else { Err(format!("{tries} tries")) }
    })
    .await;
    has_been_told(&scene.ben, &auction, &[("outbid", "queued")]).await;
    sink.is_locked(false);
    all_told(&sink, &facts(&scene, &auction).await).await;
    has_been_told(&scene.ben, &auction, &[("outbid", "sent")]).await;
    has_been_told(&scene.ana, &auction, &[("opened", "sent")]).await;
}

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
