//! What the way out for letters promises.

use ports::{HttpResponse, OutboundError};

use super::*;
use crate::bench::{Bench, File};

struct Stage {
    _folder: tempfile::TempDir,
    bench: Bench,
    store: Store<File>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::over(folder.path());
        let store = bench.store();
        Self { _folder: folder, bench, store }
    }

    fn with_service() -> Self {
        let stage = Self::new();
        stage.bench.set("mail_url", "https://mail.test/send");
        stage.bench.set("mail_from", "Auctions <no-reply@auctions.test>");
        stage
    }

    fn answer(&self, answer: Result<u16, OutboundError>) {
        let response = |status| HttpResponse { status, ..HttpResponse::default() };
        self.bench.answers.borrow_mut().push_back(answer.map(response));
    }

    fn send(&self, key: &str, letter: &Letter) -> Result<(), MailError> {
        ports::ready(send(&self.bench, &self.store, key, letter))
    }

    fn requests(&self) -> usize {
        self.bench.requests.borrow().len()
    }

    fn subjects(&self, to: Option<&str>, limit: u32) -> Vec<String> {
        let captured = captured(&self.bench, &self.store, to, limit).unwrap();
        captured.into_iter().map(|one| one.letter.subject).collect()
    }
}

fn letter(to: &str, subject: &str) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: "Überboten".to_owned(),
        html: Some("<p>Überboten</p>".to_owned()),
        headers: vec![("list-unsubscribe".to_owned(), "<https://x.test/u>".to_owned())],
    }
}

#[test]
fn a_letter_is_handed_over_once_with_its_key_and_its_token() {
    let stage = Stage::with_service();
    stage.bench.set("mail_token", "secret");
    stage.answer(Ok(202));
    assert_eq!(stage.send("k", &letter("ana@x.test", "Hello")), Ok(()));
    assert_eq!(stage.send("k", &letter("ana@x.test", "Hello")), Ok(()));
    let requests = stage.bench.requests.borrow();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://mail.test/send"));
    for (name, value) in [
        ("content-type", "application/json"),
        ("idempotency-key", "k"),
        ("authorization", "Bearer secret"),
    ] {
        assert!(request.headers.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let digest = Digest::of(&[b"k"]).to_hex();
    let expected = json!({
        "key": "k",
        "message_id": format!("<{}@auctions.test>", &digest[..32]),
        "from": "Auctions <no-reply@auctions.test>",
        "to": "ana@x.test",
        "subject": "Hello",
        "text": "Überboten",
        "html": "<p>Überboten</p>",
        "headers": [["list-unsubscribe", "<https://x.test/u>"]],
    });
    assert_eq!(body, expected);
    assert_eq!(stage.subjects(None, 10), [""; 0]);
}

#[test]
fn answers_about_the_letter_are_for_good_and_others_are_not() {
    let forbidden = || Err(OutboundError::Forbidden("mail.test".to_owned()));
    let absent = || Err(OutboundError::Unavailable("nobody listens".to_owned()));
    let wrong = [400, 406, 409, 410, 413, 422, 451].map(|status| (Ok(status), true));
    let later = [401, 402, 403, 404, 405, 407, 408, 425, 429, 302, 500, 502, 503, 504];
    let later = later.map(|status| (Ok(status), false));
    let none = [(forbidden(), false), (absent(), false)];
    for (answer, is_for_good) in wrong.into_iter().chain(later).chain(none) {
        let stage = Stage::with_service();
        stage.answer(answer.clone());
        let sent = stage.send("k", &letter("ana@x.test", "Hello"));
        assert_eq!(matches!(sent, Err(MailError::Rejected(_))), is_for_good, "{answer:?}");
        assert_eq!(matches!(sent, Err(MailError::Unavailable(_))), !is_for_good, "{answer:?}");
        stage.answer(Ok(200));
        assert_eq!(stage.send("k", &letter("ana@x.test", "Hello")), Ok(()));
        assert_eq!(stage.requests(), 2, "what failed is not remembered as sent");
    }
}

#[test]
fn attempts_of_a_key_share_their_message_id() {
    let ids = ["a@x.test", "A <a@x.test>", "A <a@x.test> "].map(|from| message_id("k", from));
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], message_id("other", "a@x.test"));
    assert!(ids[0].ends_with("@x.test>") && message_id("k", "nobody").ends_with("@localhost>"));
}

#[test]
fn without_a_service_letters_are_kept_once_and_the_newest_come_first() {
    let stage = Stage::new();
    for (key, to, subject) in [
        ("k1", "a@x", "first"),
        ("k1", "a@x", "again"),
        ("k2", "b@x", "second"),
        ("k3", "a@x", "third"),
    ] {
        stage.bench.pass(1);
        stage.send(key, &letter(to, subject)).unwrap();
    }
    assert_eq!(stage.subjects(None, 10), ["third", "second", "first"]);
    assert_eq!(stage.subjects(Some("a@x"), 1), ["third"]);
    assert_eq!(stage.subjects(Some("c@x"), 1), [""; 0]);
    let kept = captured(&stage.bench, &stage.store, Some("b@x"), 1).unwrap().remove(0);
    assert_eq!(kept.letter, letter("b@x", "second"));
    assert_eq!(kept.sent_at, stage.bench.now_ms.get() - 1);
    let plain = Letter { to: "d@x".to_owned(), ..Letter::default() };
    stage.send("k4", &plain).unwrap();
    assert_eq!(captured(&stage.bench, &stage.store, None, 1).unwrap()[0].letter, plain);
    stage.bench.set("mail_url", "https://mail.test/send");
    assert_eq!(stage.subjects(None, 10), [""; 0]);
    assert_eq!(stage.requests(), 0);
}

#[test]
fn a_letter_waits_where_nobody_says_how_it_is_sent() {
    let stage = Stage::new();
    stage.bench.is_mute.set(true);
    let sent = stage.send("k1", &letter("a@x", "first"));
    assert!(matches!(sent, Err(MailError::Unavailable(_))), "{sent:?}");
    stage.bench.is_mute.set(false);
    assert_eq!(stage.subjects(None, 10), [""; 0]);
    stage.send("k1", &letter("a@x", "first")).unwrap();
    assert_eq!(stage.subjects(None, 10), ["first"]);
}

#[test]
fn old_letters_and_old_keys_are_forgotten() {
    let stage = Stage::new();
    stage.send("k1", &letter("a@x", "first")).unwrap();
    let far = "update edge_letters set id = id - ?1";
    let far = |connection: &File| connection.execute(far, &[KEPT_MAX.into()]);
    stage.store.write(far).unwrap();
    stage.send("k2", &letter("a@x", "second")).unwrap();
    assert_eq!(stage.subjects(None, 10), ["second"]);
    stage.bench.pass(KEYS_KEPT_MS + 1);
    stage.send("k3", &letter("a@x", "third")).unwrap();
    stage.send("k1", &letter("a@x", "fourth")).unwrap();
    assert_eq!(stage.subjects(None, 10), ["fourth", "third", "second"]);
}
