//! What people open: the link below a letter, and captured mail.

use crate::house::{House, address};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ports::{Letter, Mail, ready};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use web::Response;

const HOSTILE: &str = "\"><script>alert(1)</script> & 'x' </style></title></iframe>\u{7}";

fn outbid(title: &str) -> House {
    let house = House::open();
    house.list(&json!({"title": title}));
    house.bid("ana", 5_000);
    house.bid("ben", 6_000);
    house
}

/// Path of the link in the header of ana's letter.
fn link(house: &House) -> String {
    let letter = &house.memory.mail.to(&address("ana"))[0];
    let url = letter.headers[0].1.trim_matches(['<', '>']);
    assert!(letter.text.contains(url) && letter.html.as_ref().unwrap().contains(url));
    url.strip_prefix("https://shop.example").unwrap().to_owned()
}

fn text(response: &Response) -> &str {
    core::str::from_utf8(&response.body).unwrap()
}

/// Every style of the page, and of documents in it, is allowed by its hash; nothing else is.
fn check_policy(response: &Response, styles: &[&str]) {
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let own = text(response).split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    for style in styles.iter().chain([&own]) {
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&hash), "{policy}");
    }
    assert!(!text(response).contains("style="));
}

#[test]
fn one_click_switches_one_kind_off_and_looking_does_not() {
    let house = outbid("A watch");
    let link = link(&house);
    let preferences = || {
        let (_, all) = house.ask_as("ana", "GET", "/v1/me/notifications/preferences", "");
        let off = all.as_object().unwrap().iter().filter(|(_, is_on)| **is_on == json!(false));
        off.map(|(kind, _)| kind.clone()).collect::<Vec<_>>()
    };
    let page = house.ask("GET", &link, &[], "");
    assert_eq!((page.status, preferences()), (200, vec![]));
    assert!(text(&page).contains("<form method=\"post\">") && text(&page).contains("being outbid"));
    check_policy(&page, &[]);
    for wrong in ["", "List-Unsubscribe=", "One-Click", "list=One-Click"] {
        let refused = house.ask("POST", &link, &[], wrong);
        assert_eq!((refused.status, preferences()), (400, vec![]), "{wrong}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let done = house.ask("POST", &link, &form, "List-Unsubscribe=One-Click");
    assert_eq!((done.status, preferences()), (200, vec!["outbid".to_owned()]));
    check_policy(&done, &[]);
    assert_eq!(house.ask("POST", &link, &form, "List-Unsubscribe=One-Click").status, 200);
    house.bid("ana", 7_000);
    house.bid("ben", 8_000);
    assert_eq!(house.statuses("ana"), ["outbid sent 1", "outbid suppressed 0"]);
}

#[test]
fn a_mail_program_may_send_the_other_kind_of_form() {
    let house = outbid("A watch");
    let body = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
        One-Click\r\n--b--\r\n";
    let form = [("content-type", "multipart/form-data; boundary=b")];
    assert_eq!(house.ask("POST", &link(&house), &form, body).status, 200);
    house.bid("ana", 7_000);
    house.bid("ben", 8_000);
    assert_eq!(house.subjects("ana").len(), 1);
}

#[test]
fn a_token_that_was_not_made_here_is_nothing() {
    let house = outbid("A watch");
    let link = link(&house);
    let (path, token) = link.rsplit_once('/').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    let mut wrong: Vec<Vec<u8>> = (0..bytes.len())
        .map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            bytes
        })
        .collect();
    wrong.push(bytes[..bytes.len() - 1].to_vec());
    wrong.push(Vec::new());
    let named = core::str::from_utf8(&bytes[..bytes.len() - 32]).unwrap();
    let other = named.replace("outbid", "won").into_bytes();
    wrong.push([&other, &bytes[bytes.len() - 32..]].concat());
    for bytes in wrong {
        let target = format!("{path}/{}", URL_SAFE_NO_PAD.encode(bytes));
        for (method, body) in [("GET", ""), ("POST", "List-Unsubscribe=One-Click")] {
            let response = house.ask(method, &target, &[], body);
            assert_eq!(response.status, 404, "{method} {target}");
        }
    }
    let (_, all) = house.ask_as("ana", "GET", "/v1/me/notifications/preferences", "");
    assert!(all.as_object().unwrap().values().all(|is_on| *is_on == json!(true)));
}

#[test]
fn a_hostile_title_stays_text_everywhere() {
    let title = HOSTILE.trim_end_matches('\u{7}');
    let house = outbid(title);
    let letter = &house.memory.mail.to(&address("ana"))[0];
    assert!(!letter.subject.chars().any(char::is_control));
    assert!(letter.text.contains(title), "{}", letter.text);
    let html = letter.html.as_ref().unwrap();
    assert!(!html.contains("<script") && !html.contains("</iframe>"), "{html}");
    assert_eq!(html.matches("</style>").count(), 1);
    assert_eq!(html.matches("</title>").count(), 1);
    let page = house.ask("GET", "/_dev/mail", &[("accept", "text/html")], "");
    let page = text(&page);
    assert!(!page.contains("<script"), "{page}");
    assert_eq!(page.matches("</iframe>").count(), 1);
    // The attribute ends where the letter does.
    let srcdoc = page.split("srcdoc=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!srcdoc.contains('<') && srcdoc.contains("html"), "{srcdoc}");
}

#[test]
fn captured_mail_is_listed_newest_first() {
    let house = outbid("A watch");
    house.at(60);
    house.bid("ana", 7_000);
    let all = house.ask("GET", "/_dev/mail", &[], "");
    let all: Value = serde_json::from_slice(&all.body).unwrap();
    let to: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| &item["to"]).collect();
    assert_eq!(to, ["ben@example.test", "ana@example.test", "sam@example.test"]);
    let target = "/_dev/mail?to=Ana%40example.TEST";
    let own = house.ask("GET", target, &[("accept", "application/json")], "");
    let own: Value = serde_json::from_slice(&own.body).unwrap();
    let [item] = own["items"].as_array().unwrap().as_slice() else { panic!("{own}") };
    let mut names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["html", "id", "sent_at", "subject", "text", "to"]);
    assert_eq!(item["subject"], "You were outbid: A watch");
    assert_eq!(item["sent_at"], "2026-11-24T12:00:00.000Z");
}

#[test]
fn the_page_of_captured_mail_shows_letters_codes_and_links() {
    let house = outbid("A watch");
    let style = "p { color: red }";
    let letter = Letter {
        to: "new@example.test".to_owned(),
        subject: "Your code".to_owned(),
        text: "Your code is 042137.\nOr follow https://shop.example/x?a=1&b=2 now.".to_owned(),
        html: Some(format!("<style>{style}</style><p>042137</p>")),
        headers: Vec::new(),
    };
    ready(Mail::send(&house.memory, "code", &letter)).unwrap();
    let page = house.ask("GET", "/_dev/mail", &[("accept", "text/html,*/*")], "");
    check_policy(&page, &[style]);
    let shown = text(&page);
    assert!(shown.contains("<span class=\"code\">042137</span>"), "{shown}");
    assert!(shown.contains("sandbox=\"\"") && shown.contains("lang=\"en\""));
    let link = "<a href=\"https://shop.example/x?a=1&#38;b=2\" rel=\"noreferrer\">";
    assert!(shown.contains(link), "{shown}");
    assert_eq!(shown.matches("aria-current").count(), 2, "the style and the open letter");
    // Another letter of the list.
    let href = shown.split("<a href=\"").nth(2).unwrap().split('"').next().unwrap();
    let other = house.ask("GET", &href.replace("&#38;", "&"), &[("accept", "text/html")], "");
    assert!(text(&other).contains("<h2 id=\"subject\">You were outbid: A watch</h2>"));
    let nobody = house.ask("GET", "/_dev/mail?to=x", &[("accept", "text/html")], "");
    assert!(text(&nobody).contains("No letter to x yet"));
    assert!(text(&nobody).contains("http-equiv=\"refresh\""), "whoever asks for it waits for it");
}

#[test]
fn outside_of_development_captured_mail_is_no_route() {
    for value in ["false", "", "TRUE"] {
        let memory = ports::memory::Memory::new("notifications", crate::house::start())
            .with_variable("development", value);
        let request = web::Request {
            method: "GET".to_owned(),
            target: "/_dev/mail".to_owned(),
            ..web::Request::default()
        };
        assert_eq!(ready(notifications_service::handle(&memory, request)).status, 404);
    }
}
