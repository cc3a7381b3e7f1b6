//! What letters say. One set of words, shown as text and as HTML by the two templates, so that
//! neither says less than the other.

mod sentences;

use askama::Template;
use kernel::{Minor, Money, Timestamp};
use ports::{Letter, Ports};

use crate::facts::{Facts, Units};
use crate::kind::Kind;
use crate::unsubscribe;
use sentences::sentences;

/// Who gets a letter.
pub(crate) struct Reader<'a> {
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) user: &'a str,
}

/// A letter before it has a shape.
struct Words {
    subject: String,
    heading: &'static str,
    paragraphs: Vec<String>,
    /// Label and value.
    rows: Vec<(&'static str, String)>,
    /// Words of the link to the auction; none where there is nothing to see.
    link: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Html<'a> {
    it: &'a Shown<'a>,
}

#[derive(Template)]
#[template(path = "letter.txt")]
struct Text<'a> {
    it: &'a Shown<'a>,
}

struct Shown<'a> {
    words: &'a Words,
    name: &'a str,
    title: &'a str,
    auction_url: String,
    about: &'static str,
    is_contract: bool,
    unsubscribe_url: &'a str,
}

/// The letter as it goes to the platform.
pub(crate) async fn letter<P: Ports>(
    ports: &P,
    kind: Kind,
    auction: &str,
    facts: &Facts,
    reader: &Reader<'_>,
) -> Result<Letter, String> {
    let base = base_url(ports)?;
    let token = unsubscribe::token(ports, reader.user, kind).await;
    let unsubscribe_url = format!("{base}/v1/unsubscribe/{token}");
    let mut words = sentences(kind, facts);
    words.rows.iter_mut().for_each(|(_, value)| *value = one_line(value));
    let (name, title) = (one_line(reader.name), one_line(&facts.title));
    let shown = Shown {
        words: &words,
        name: &name,
        title: &title,
        auction_url: format!("{base}/auctions/{auction}"),
        about: kind.about(),
        is_contract: matches!(kind, Kind::Won | Kind::Sold),
        unsubscribe_url: &unsubscribe_url,
    };
    let unrendered = |error: askama::Error| format!("the letter cannot be rendered: {error}");
    let html = Html { it: &shown }.render().map_err(unrendered)?;
    let text = Text { it: &shown }.render().map_err(unrendered)?;
    let one_click = "List-Unsubscribe=One-Click".to_owned();
    Ok(Letter {
        to: reader.email.to_owned(),
        subject: one_line(&words.subject),
        text,
        html: Some(html),
        headers: vec![
            ("List-Unsubscribe".to_owned(), format!("<{unsubscribe_url}>")),
            // RFC 8058.
            ("List-Unsubscribe-Post".to_owned(), one_click),
            // RFC 3834: nobody's holiday answers it.
            ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
        ],
    })
}

/// Where links point to, without a slash at the end.
pub(crate) fn base_url<P: Ports>(ports: &P) -> Result<String, String> {
    let base = ports.variable("public_base_url").unwrap_or_default();
    let base = base.trim_end_matches('/');
    if base.is_empty() {
        return Err("the variable public_base_url is not set: letters cannot link".to_owned());
    }
    Ok(base.to_owned())
}

/// People write any characters that they like; a header has one line, and in plain text a line of
/// theirs would look like one of ours.
fn one_line(text: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    text.chars().map(|letter| if breaks(letter) { ' ' } else { letter }).collect()
}

/// `24 November 2026, 12:00 UTC`; seconds where there are some.
fn plainly(at: Timestamp) -> String {
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month =
        part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let (day, month) = (part(8, 10).trim_start_matches('0'), month.copied().unwrap_or_default());
    let time = if part(17, 19) == "00" { part(11, 16) } else { part(11, 19) };
    format!("{day} {month} {}, {time} UTC", part(0, 4))
}

/// `3 × 28.00 USD`; the price alone for a single unit.
fn counted(units: &Units) -> String {
    match units.quantity {
        1 => units.unit_price.to_string(),
        quantity => format!("{quantity} × {}", units.unit_price),
    }
}

/// What all units cost together; none where that is one number already, or no amount.
fn total(units: &[Units]) -> Option<Money> {
    let first = units.first()?;
    if units.len() == 1 && first.quantity == 1 {
        return None;
    }
    let cost = |units: &Units| units.unit_price.amount.get().checked_mul(units.quantity.into());
    let sum = units.iter().try_fold(0_i64, |sum, units| sum.checked_add(cost(units)?))?;
    Some(Money::new(Minor::new(sum).ok()?, first.unit_price.currency))
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn units(quantity: u32, amount: i64, currency: &str) -> Units {
        let currency = currency.parse().unwrap();
        Units { quantity, unit_price: Money::new(Minor::new(amount).unwrap(), currency) }
    }

    #[test]
    fn times_are_said_plainly() {
        for (at, said) in [
            ("2026-11-24T12:00:00.000Z", "24 November 2026, 12:00 UTC"),
            ("2026-01-01T00:00:07.250Z", "1 January 2026, 00:00:07 UTC"),
            ("2026-12-09T23:59:00.000Z", "9 December 2026, 23:59 UTC"),
        ] {
            assert_eq!(plainly(at.parse().unwrap()), said);
        }
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        assert_eq!(counted(&units(1, 1_234, "USD")), "12.34 USD");
        assert_eq!(counted(&units(3, 1_234, "JPY")), "3 × 1234 JPY");
        assert_eq!(counted(&units(2, 1_234, "KWD")), "2 × 1.234 KWD");
        assert_eq!(total(&[units(1, 5, "USD")]), None);
        let sum = total(&[units(2, 500, "USD"), units(1, 7, "USD")]).unwrap();
        assert_eq!(sum.to_string(), "10.07 USD");
        assert_eq!(total(&[units(u32::MAX, Minor::MAX.get(), "USD")]), None);
    }
}
