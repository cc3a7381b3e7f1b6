//! Letters that were kept instead of sent, for people who try things out. In development only.

use askama::Template;
use kernel::Timestamp;
use ports::{Captured, Mail, Ports};
use serde::Serialize;
use web::{Exchange, Problem, Query, Response};

use crate::page;

/// Is this development? `up --dev` says so.
pub(crate) fn is_on<P: Ports>(ports: &P) -> bool {
    ports.variable("development").as_deref() == Some("true")
}

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    html: Option<&'a str>,
    sent_at: Timestamp,
}

/// `GET /_dev/mail?to=`: newest first, as JSON or as a page.
pub(crate) async fn mail<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let query = Query::parse(exchange.request.query(), &["to", "letter"])?;
    // As accounts keep addresses, however they were typed.
    let to = query.get("to").map(|to| to.trim().to_ascii_lowercase());
    let to = to.as_deref().filter(|to| !to.is_empty());
    let captured = Mail::captured(ports, to, LETTERS_MAX).await;
    if exchange.request.wants_page() {
        return shown(&captured, to, query.get("letter"));
    }
    let items = captured.iter().map(|captured| Item {
        id: &captured.id,
        to: &captured.letter.to,
        subject: &captured.letter.subject,
        text: &captured.letter.text,
        html: captured.letter.html.as_deref(),
        sent_at: Timestamp::from_ms(captured.sent_at),
    });
    Response::json(200, &Items { items: items.collect() })
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage<'a> {
    style: &'static str,
    to: &'a str,
    rows: Vec<Row<'a>>,
    open: Option<Open<'a>>,
}

/// A letter in the list.
struct Row<'a> {
    link: String,
    is_open: bool,
    subject: &'a str,
    to: &'a str,
    sent_at: String,
}

/// The letter that is read.
struct Open<'a> {
    captured: &'a Captured,
    sent_at: String,
    codes: Vec<&'a str>,
    text: Vec<Piece<'a>>,
}

/// A word of a letter, or what stands between two.
struct Piece<'a> {
    text: &'a str,
    is_link: bool,
}

fn shown(
    captured: &[Captured],
    to: Option<&str>,
    wanted: Option<&str>,
) -> Result<Response, Problem> {
    let wanted = captured.iter().find(|captured| Some(captured.id.as_str()) == wanted);
    let open = wanted.or_else(|| captured.first());
    let page = MailPage {
        style: page::STYLE,
        to: to.unwrap_or_default(),
        rows: captured.iter().map(|captured| Row::new(captured, to, open)).collect(),
        open: open.map(Open::new),
    };
    let html = open.and_then(|open| open.letter.html.as_deref()).unwrap_or_default();
    page::page(200, &page, &page::styles_of(html))
}

impl<'a> Row<'a> {
    fn new(captured: &'a Captured, to: Option<&str>, open: Option<&Captured>) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(to.map(|to| ("to", to)));
        query.append_pair("letter", &captured.id);
        Self {
            link: format!("/_dev/mail?{}", query.finish()),
            is_open: open.is_some_and(|open| open.id == captured.id),
            subject: &captured.letter.subject,
            to: &captured.letter.to,
            sent_at: Timestamp::from_ms(captured.sent_at).to_string(),
        }
    }
}

impl<'a> Open<'a> {
    fn new(captured: &'a Captured) -> Self {
        let text = captured.letter.text.as_str();
        Self {
            captured,
            sent_at: Timestamp::from_ms(captured.sent_at).to_string(),
            codes: text.split(|letter: char| !letter.is_alphanumeric()).filter(is_code).collect(),
            text: pieces(text),
        }
    }
}

fn is_code(word: &&str) -> bool {
    word.len() == CODE_DIGITS && word.bytes().all(|digit| digit.is_ascii_digit())
}

/// The text again, links apart.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let parts = text.split_inclusive(char::is_whitespace).flat_map(|part| {
        let word = part.trim_end();
        [word, part.get(word.len()..).unwrap_or_default()]
    });
    let is_link = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    parts.map(|text| Piece { text, is_link: is_link(text) }).collect()
}

/// Letters that are looked back at.
const LETTERS_MAX: u32 = 100;
/// Digits of a code that identity mails.
const CODE_DIGITS: usize = 6;
