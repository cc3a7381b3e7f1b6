//! How amounts and instants read.

use kernel::{Money, Timestamp};

/// `1,250.00 USD`.
pub(crate) fn money(money: &Money) -> String {
    let text = money.to_string();
    let (amount, currency) = text.split_once(' ').unwrap_or((&text, ""));
    let (whole, part) = amount.split_once('.').map_or((amount, None), |(a, b)| (a, Some(b)));
    let mut grouped = String::with_capacity(text.len() + 6);
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(part) = part {
        grouped.push('.');
        grouped.push_str(part);
    }
    format!("{grouped}\u{a0}{currency}")
}

/// An amount of minor units in the currency of another.
pub(crate) fn minor(amount: &i64, like: &Money) -> String {
    let amount = kernel::Minor::new(*amount).unwrap_or_default();
    money(&Money { amount, currency: like.currency })
}

/// `2026-11-27 04:14:22 UTC`.
pub(crate) fn instant(at: &Timestamp) -> String {
    let text = at.to_string();
    let (date, time) = (text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default());
    format!("{date} {time} UTC")
}

/// `2 d 3 h`, `14 min`, `9 s`; `over` when nothing is left.
pub(crate) fn left(end: &Timestamp, now: &Timestamp) -> String {
    let seconds = end.ms_since(*now).max(0).saturating_add(999) / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        0 => "over".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The name of a format.
pub(crate) fn format_name(format: &str) -> &'static str {
    FORMATS.iter().find(|(known, ..)| *known == format).map_or("Auction", |(_, name, _)| name)
}

/// One sentence on how a format goes.
pub(crate) fn format_sentence(format: &str) -> &'static str {
    FORMATS.iter().find(|(known, ..)| *known == format).map_or("", |(.., sentence)| sentence)
}

/// Formats: code, name, one sentence.
pub(crate) const FORMATS: &[(&str, &str, &str)] = &[
    (
        "english",
        "Automatic bidding",
        "Say the most you would pay. The platform bids for you, no more than is needed to \
         lead.",
    ),
    ("open_outcry", "Open ascending", "What you bid is the price, until somebody bids more."),
    ("dutch", "Falling clock", "The price falls with time. The first to take it has it."),
    (
        "sealed_first_price",
        "Sealed, first price",
        "Nobody sees bids before the end. The highest wins and pays what it \
         said.",
    ),
    (
        "vickrey",
        "Sealed, second price",
        "Nobody sees bids before the end. The highest wins and pays what the second \
         said.",
    ),
    ("reverse", "Falling offers", "Sellers compete: the lowest ask wins."),
    (
        "uniform_price",
        "Many units, one price",
        "Bid a price for each of several units. All winners pay the \
         same.",
    ),
];

/// As a query carries it.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// `leading`, `not_met` …, for people.
pub(crate) fn words(code: &str) -> String {
    code.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_groups_of_digits() {
        for (json, text) in [
            (r#"{"amount":5,"currency":"USD"}"#, "0.05\u{a0}USD"),
            (r#"{"amount":99999,"currency":"USD"}"#, "999.99\u{a0}USD"),
            (r#"{"amount":123456789,"currency":"USD"}"#, "1,234,567.89\u{a0}USD"),
            (r#"{"amount":1234567,"currency":"JPY"}"#, "1,234,567\u{a0}JPY"),
        ] {
            assert_eq!(serde_json::from_str(json).map(|it| money(&it)).ok().as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_left_is_never_less_than_it_says() {
        let now = Timestamp::from_ms(0);
        for (ms, text) in [
            (-1, "over"),
            (0, "over"),
            (1, "1 s"),
            (59_001, "1 min 0 s"),
            (3_600_000, "1 h 0 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(left(&Timestamp::from_ms(ms), &now), text, "{ms}");
        }
    }
}
