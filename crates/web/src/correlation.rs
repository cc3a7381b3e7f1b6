//! Request ids: the caller's when it is a UUID or ULID, else one of our own (api.md §1).

use kernel::Timestamp;
use ports::Random;

use crate::Request;

/// The id under which the request is known in answers and logs.
pub(crate) fn request_id(random: &impl Random, now: Timestamp, request: &Request) -> String {
    match request.header("x-request-id") {
        Some(id) if is_uuid(id) || is_ulid(id) => id.to_owned(),
        Some(_) | None => {
            let ms = u64::try_from(now.as_ms()).unwrap_or(0);
            let uuid = uuid::Builder::from_unix_timestamp_millis(ms, &random.id_bytes());
            uuid.into_uuid().to_string()
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// 26 characters of Crockford's base 32, of which the first carries three bits.
fn is_ulid(text: &str) -> bool {
    text.len() == 26
        && text.starts_with(|first: char| ('0'..='7').contains(&first))
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                && !matches!(byte.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U')
        })
}

#[cfg(test)]
mod tests {
    use super::{is_ulid, is_uuid};

    #[test]
    fn uuids_and_ulids_are_accepted_and_nothing_else() {
        assert!(is_uuid("018f4d2e-7c1a-7def-8123-456789abcdef"));
        assert!(is_uuid("018F4D2E-7C1A-7DEF-8123-456789ABCDEF"));
        assert!(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        for wrong in [
            "",
            "1",
            "018f4d2e7c1a7def8123456789abcdef",
            "018f4d2e-7c1a-7def-8123-456789abcdeg",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAU",
            "018f4d2e-7c1a-7def-8123-456789abcde\r",
        ] {
            assert!(!is_uuid(wrong) && !is_ulid(wrong), "{wrong:?}");
        }
    }
}
