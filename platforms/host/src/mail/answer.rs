//! What the server's answer means for a letter.

use std::error::Error as _;

use lettre::transport::smtp::Error;

use super::MailError;

/// An answer that speaks of the recipient is for good. All others are for now: who wrote, from
/// where, and with which password are the operator's to mend, and the letter waits for that.
pub(super) fn meaning(error: &Error) -> MailError {
    let Some(code) = error.status() else { return MailError::Unavailable(error.to_string()) };
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    let enhanced = text.split_whitespace().next().filter(|word| is_enhanced(word));
    if is_about_recipient(code.into(), enhanced) {
        // Without the text: it may name the address.
        let enhanced = enhanced.map(|enhanced| format!(" {enhanced}")).unwrap_or_default();
        return MailError::Rejected(format!("the mail server answered {code}{enhanced}"));
    }
    let said = without_addresses(&text);
    MailError::Unavailable(format!("the mail server answered {code} {said}"))
}

/// RFC 5321, 4.2.3: 550, 551 and 553 are about the mailbox. They are used for policy and for
/// senders as well; where the server says more (RFC 3463), that decides: addresses of recipients
/// are 5.1.1 to 5.1.6 and 5.1.10, a mailbox that is closed is 5.2.1. One that is full (552, 5.2.2)
/// may be emptied.
fn is_about_recipient(code: u16, enhanced: Option<&str>) -> bool {
    match enhanced {
        Some(enhanced) => {
            let about = ["5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1"];
            code >= 500 && about.contains(&enhanced)
        }
        None => matches!(code, 550 | 551 | 553),
    }
}

/// `5.1.1`?
fn is_enhanced(word: &str) -> bool {
    let is_number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit())
    };
    word.split('.').count() == 3 && word.split('.').all(is_number)
}

/// Servers like to repeat addresses, which no log needs.
fn without_addresses(text: &str) -> String {
    let words = text.split_whitespace().take(WORDS_MAX);
    let words = words.map(|word| if word.contains('@') { "<…>" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Words of an answer that are kept.
const WORDS_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_about_the_recipient_are_for_good_and_others_are_not() {
        for (code, enhanced, is_final) in [
            (550, Some("5.1.1"), true),
            (553, Some("5.1.3"), true),
            (501, Some("5.1.3"), true),
            (550, Some("5.1.10"), true),
            (550, Some("5.2.1"), true),
            (550, None, true),
            (551, None, true),
            (553, None, true),
            // Policy, sender, sign-in, room, size, protocol.
            (550, Some("5.7.1"), false),
            (554, Some("5.7.1"), false),
            (550, Some("5.7.25"), false),
            (553, Some("5.1.8"), false),
            (553, Some("5.1.7"), false),
            (535, Some("5.7.8"), false),
            (535, None, false),
            (530, None, false),
            (552, Some("5.2.2"), false),
            (552, None, false),
            (552, Some("5.3.4"), false),
            (501, None, false),
            (554, None, false),
            (503, Some("5.5.1"), false),
            (450, Some("4.2.1"), false),
            (450, Some("5.1.1"), false),
        ] {
            assert_eq!(is_about_recipient(code, enhanced), is_final, "{code} {enhanced:?}");
        }
    }

    #[test]
    fn a_status_is_three_numbers() {
        for (word, is_one) in [
            ("5.1.1", true),
            ("5.7.125", true),
            ("5.1", false),
            ("10.0.0.1", false),
            ("5.1.x", false),
        ] {
            assert_eq!(is_enhanced(word), is_one, "{word}");
        }
        assert!(!is_enhanced("5.1.1234") && !is_enhanced(".."));
    }

    #[test]
    fn addresses_are_left_out() {
        let said = without_addresses("5.7.1 <Ana@x.test>: relay  denied (ana@x.test)");
        assert_eq!(said, "5.7.1 <…> relay denied <…>");
    }
}
