use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;

use super::*;
use crate::data::Room;
use crate::machines::{Census, Touched};
use crate::operator::health::{About, Readiness};
use crate::queues::{DeadLetter, Event, Stats};
use crate::telemetry::Told;
use crate::timers::Alarm;

const POISON: &str = "<script>alert('1')</script>\"&";
const TOKEN: &str = "the-token";

fn about(composition: &str) -> About {
    About {
        started_at: 0,
        composition: composition.to_owned(),
        machines: vec![("auction".to_owned(), "abcd".to_owned())],
        data: PathBuf::new(),
    }
}

fn quiet(about: &About) -> Seen<'_> {
    let condition =
        Condition { about, readiness: Readiness::Ready, memory: None, room: Room::default() };
    Seen {
        now: 7_500_000,
        condition,
        queues: Some(Vec::new()),
        plans: Plans { count: 0, next: Vec::new() },
        population: Population::default(),
        journal: ::journal::Stats::default(),
        log: Kept::default(),
        samples: Vec::new(),
    }
}

fn letter(seq: i64, text: &str) -> DeadLetter {
    DeadLetter {
        seq,
        event: Event {
            id: text.to_owned(),
            source: text.to_owned(),
            topic: "b".to_owned(),
            key: text.to_owned(),
            time: 0,
            body: serde_json::to_vec(text).unwrap(),
        },
        receives: 8,
        redrives: 0,
        first_at: Some(0),
        last_at: None,
        error: Some(text.to_owned()),
        dead_at: 0,
    }
}

/// Everything that can stand on the page, with this text wherever a text comes from elsewhere.
fn busy<'a>(about: &'a About, text: &str) -> Seen<'a> {
    let dead = Stats { name: "a/b".to_owned(), dead: 2, depth: 3, ..Stats::default() };
    let told = Told {
        at: 5,
        times: 3,
        is_error: true,
        message: text.to_owned(),
        fields: vec![("error", text.to_owned())],
    };
    let wake = Alarm { at: 1_000, machine: text.into(), key: text.into() };
    let census = Census { machine: text.to_owned(), loaded: 4, ..Census::default() };
    let touched =
        Touched { machine: text.into(), key: text.into(), at: 1, wake: Some(9), tail: 12 };
    Seen {
        queues: Some(vec![(dead, vec![letter(1, text)])]),
        plans: Plans { count: 40, next: vec![wake] },
        population: Population { machines: vec![(census, None)], touched: vec![touched] },
        log: Kept { told: VecDeque::from([told]), errors: 3, warnings: 0 },
        samples: vec![Sample { span_ms: 10_000, requests: 5, ..Sample::default() }],
        ..quiet(about)
    }
}

/// The values of an attribute.
fn values<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    let parts = html.split(opening.as_str()).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[test]
fn nothing_that_was_sent_or_logged_becomes_markup() {
    let about = about(POISON);
    let html = page(&busy(&about, POISON), TOKEN, None).unwrap();
    assert!(!html.contains("<script") && !html.contains("alert('"), "{html}");
    let escaped = html.matches("&#60;script&#62;").count();
    assert!(escaped >= 12, "{escaped}: {html}");
    let clean = page(&busy(&about, "harmless"), TOKEN, None).unwrap();
    let tags = |html: &str| html.matches('<').count();
    assert_eq!(tags(&html), tags(&clean), "text changes no structure");
}

#[test]
fn the_page_says_what_there_is() {
    let about = about("shop 1.2");
    let html = page(&busy(&about, "k"), TOKEN, Some(Outcome::Redriven(2))).unwrap();
    for words in [
        "2 dead letters wait for you.",
        "2 dead letters went back into their queue.",
        "Ready: it takes commands.",
        "shop 1.2",
        "SHA-256 abcd",
        "1970-01-01T00:00:00.000Z, 2 h",
        "The oldest 1 of 2 are shown",
        "40 planned; the next 1 of them",
        "overdue by 2 h",
        "4 in memory",
        "not known",
        "3 errors, 0 warnings",
        "the last of 3",
        "0.50/s",
        "<polyline points=\"359,2 360,2\"/>",
        "lang=\"en\"",
        "<a href=\"/\">Reload</a>",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
}

#[test]
fn a_page_of_nothing_says_so() {
    let about = about("shop");
    let mut seen = quiet(&about);
    let html = page(&seen, TOKEN, None).unwrap();
    for words in ["No dead letters.", "no queues", "No entity wants", "No samples yet", "0 errors"]
    {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(!html.contains("<svg") && !html.contains("<form"), "{html}");
    seen.queues = None;
    seen.condition.readiness = Readiness::Unwritable;
    let html = page(&seen, TOKEN, None).unwrap();
    for words in ["The queues do not answer.", "the journal refuses", "<title>Not ready"] {
        assert!(html.contains(words), "{words}: {html}");
    }
}

#[test]
fn every_form_is_a_post_with_the_token_and_every_purge_asks() {
    let about = about("shop");
    let html = page(&busy(&about, "k"), TOKEN, None).unwrap();
    let forms: Vec<&str> =
        html.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()).collect();
    assert_eq!(forms.len(), 4);
    for form in forms {
        assert!(form.starts_with(" method=\"post\" action=\"/queues/a/b/"), "{form}");
        assert!(form.contains("name=\"token\" value=\"the-token\""), "{form}");
        let asks = form.contains("type=\"checkbox\" name=\"sure\" value=\"yes\" required");
        assert_eq!(form.contains("/purge\""), asks, "{form}");
    }
}

#[test]
fn what_is_pointed_at_is_there_once() {
    let about = about("shop");
    let html = page(&busy(&about, "k"), TOKEN, None).unwrap();
    let ids = values(&html, "id");
    let once: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), once.len(), "{ids:?}");
    let links = values(&html, "href").into_iter().filter_map(|link| link.strip_prefix('#'));
    let named = ["aria-labelledby", "aria-describedby"].map(|name| values(&html, name));
    for id in links.chain(named.iter().flatten().flat_map(|ids| ids.split(' '))) {
        assert!(once.contains(id), "{id}");
    }
}

#[test]
fn the_policy_allows_the_style_of_the_page_and_nothing_else() {
    let about = about("shop");
    let html = page(&busy(&about, "k"), TOKEN, None).unwrap();
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = format!("style-src 'sha256-{}'", STANDARD.encode(Sha256::digest(style)));
    assert!(!html.contains(" style=") && !html.contains("<img") && !html.contains("<link"));
    let shown = response(StatusCode::OK, html);
    let policy = shown.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
    assert!(policy.contains(&hash) && policy.contains("form-action 'self'"), "{policy}");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let referrers = shown.headers().get(header::REFERRER_POLICY).unwrap();
    assert_eq!(referrers, "same-origin", "else forms come from nowhere");
}

#[test]
fn the_page_says_what_a_form_did_and_nothing_that_a_link_makes_up() {
    for outcome in [Outcome::Redriven(0), Outcome::Redriven(3), Outcome::Purged(1)] {
        let place = outcome.place();
        assert_eq!(Outcome::of(place.strip_prefix("/?").unwrap()), Some(outcome));
    }
    for query in ["", "redriven", "redriven=", "redriven=-1", "redriven=<b>", "purged=1&x", "x=1"] {
        assert_eq!(Outcome::of(query), None, "{query}");
    }
}
