//! Mail addresses: which are taken, and which are the same.

use web::Problem;

/// The one form of an address: trimmed, lower case. None when it is no address that a person would
/// have: `atext` with single dots before the sign, a host name with a dot after it (RFC 5321
/// without quoted parts, address literals and non-ASCII).
pub(crate) fn normalised(text: &str) -> Option<String> {
    let text = text.trim_matches(' ');
    let (local, domain) = text.rsplit_once('@')?;
    let fits = text.len() <= EMAIL_MAX_BYTES
        && (1..=LOCAL_MAX_BYTES).contains(&local.len())
        && local.split('.').all(|part| !part.is_empty() && part.bytes().all(is_atext))
        && domain.contains('.')
        && domain.split('.').all(is_label);
    fits.then(|| text.to_ascii_lowercase())
}

/// The same, or 400 for the member `email`.
pub(crate) fn parsed(text: &str) -> Result<String, Problem> {
    normalised(text).ok_or_else(|| {
        let detail = "An address is name@host.domain, at most 254 characters of ASCII.";
        Problem::field("invalid_request", "/email".to_owned(), detail)
    })
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Longest address that mail servers must take (RFC 5321, erratum 1690).
const EMAIL_MAX_BYTES: usize = 254;
const LOCAL_MAX_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_are_taken_in_one_form() {
        for (text, form) in [
            ("ana@example.test", "ana@example.test"),
            (" Ana.Lopez+bids@Mail.Example.TEST ", "ana.lopez+bids@mail.example.test"),
            ("o'neil_1@a-b.co", "o'neil_1@a-b.co"),
        ] {
            assert_eq!(normalised(text).as_deref(), Some(form), "{text}");
        }
        let longest = format!("{}@{}.{}.ab", "a".repeat(64), "b".repeat(63), "c".repeat(122));
        assert_eq!(normalised(&longest), None, "a label has at most 63 characters");
        let labels = format!("{}.{}.{}", "b".repeat(63), "c".repeat(63), "d".repeat(61));
        let longest = format!("{}@{labels}", "a".repeat(64));
        assert_eq!(longest.len(), 254);
        assert!(normalised(&longest).is_some());
        assert!(normalised(&format!("{longest}d")).is_none());
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "@",
            "ana",
            "ana@",
            "@example.test",
            "ana@localhost",
            "ana@example..test",
            "a..b@example.test",
            ".a@example.test",
            "a.@example.test",
            "a b@example.test",
            "a@b@example.test",
            "\"a b\"@example.test",
            "ana@[127.0.0.1]",
            "ana@-a.test",
            "ana@a-.test",
            "änä@example.test",
            "ana@exämple.test",
            "ana@example.test\r\nBcc: x@y.z",
            "ana\u{0}@example.test",
            "<ana@example.test>",
            "ana@example.test,ben@example.test",
        ] {
            assert_eq!(normalised(text), None, "{text:?}");
        }
    }
}
