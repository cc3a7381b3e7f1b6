//! A letter as it came over the wire.

use mail_parser::MessageParser;

/// A letter, its envelope, and what it says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// `Message-ID` without brackets; empty without one.
    pub message_id: String,
    /// Address in `To`.
    pub header_to: String,
    /// Address in `From`.
    pub header_from: String,
    /// `Subject`, decoded.
    pub subject: String,
    /// Every header field as it was written, unfolded, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The part in plain text, decoded.
    pub text: String,
    /// The part in HTML, decoded.
    pub html: String,
    /// Was its sender told 250?
    pub is_acknowledged: bool,
    /// All of it, dots unstuffed.
    pub raw: Vec<u8>,
}

impl Letter {
    /// Reads a letter.
    pub(super) fn read(from: &str, to: &[String], raw: Vec<u8>) -> Self {
        let parsed = MessageParser::default().parse(&raw).unwrap_or_default();
        let address = |address: Option<&mail_parser::Address<'_>>| {
            let address = address.and_then(|address| address.first());
            address.and_then(|address| address.address()).unwrap_or_default().to_owned()
        };
        Self {
            from: from.to_owned(),
            to: to.to_vec(),
            message_id: parsed.message_id().unwrap_or_default().to_owned(),
            header_to: address(parsed.to()),
            header_from: address(parsed.from()),
            subject: parsed.subject().unwrap_or_default().to_owned(),
            headers: headers(&parsed),
            text: part(parsed.body_text(0)),
            html: if has_html(&parsed) { part(parsed.body_html(0)) } else { String::new() },
            is_acknowledged: false,
            raw,
        }
    }

    /// A header field, if there is exactly one of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// A line about it, for failures.
    pub fn summary(&self) -> String {
        let told = if self.is_acknowledged { "" } else { ", cut" };
        format!("<{}> to {:?}: {}{told}", self.message_id, self.to, self.subject)
    }
}

fn part(body: Option<std::borrow::Cow<'_, str>>) -> String {
    body.unwrap_or_default().replace("\r\n", "\n")
}

/// The library makes HTML of plain text where there is none.
fn has_html(message: &mail_parser::Message<'_>) -> bool {
    message.html_bodies().any(|part| part.is_text_html())
}

fn headers(message: &mail_parser::Message<'_>) -> Vec<(String, String)> {
    let fields = message.headers_raw();
    let unfolded = |value: &str| value.replace(['\r', '\n'], "").trim().to_owned();
    fields.map(|(name, value)| (name.to_ascii_lowercase(), unfolded(value))).collect()
}
