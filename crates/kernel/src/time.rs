//! Instants on the wire and in logs: milliseconds, UTC, RFC 3339.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970-01-01T00:00:00Z, from the year 0000 to 9999-12-30T22:00:00Z.
///
/// Shown as RFC 3339 with exactly three decimals (`2026-11-23T13:05:00.000Z`, api.md §1).
///
/// ```
/// let end: kernel::Timestamp = "2026-11-23T14:05:00+01:00".parse().unwrap();
/// assert_eq!(end.to_string(), "2026-11-23T13:05:00.000Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 instant in the years 0000 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 instant with an offset, like 2026-11-23T13:05:00.000Z")]
pub struct TimestampError;

const MS_MIN: i64 = -62_167_219_200_000;
// Where jiff's range ends, 26 hours before the year does.
const MS_MAX: i64 = 253_402_207_200_000;

impl Timestamp {
    /// The instant that many milliseconds after the epoch, clamped to the years 0000 to 9999.
    pub const fn from_ms(ms: i64) -> Self {
        if ms < MS_MIN {
            Self(MS_MIN)
        } else if ms > MS_MAX {
            Self(MS_MAX)
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The instant `ms` later (earlier when negative), clamped.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative when `self` is the earlier one.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The 24 characters of an instant. Its digits are set one by one: through `fmt` they took longer
/// than the rest of the event around them.
struct Text([u8; 24]);

impl Timestamp {
    fn text(self) -> Text {
        // Infallible: MS_MIN..=MS_MAX lies within jiff's range.
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        let civil = jiff::tz::Offset::UTC.to_datetime(instant);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [
            (4, i32::from(civil.year())),
            (7, civil.month().into()),
            (10, civil.day().into()),
            (13, civil.hour().into()),
            (16, civil.minute().into()),
            (19, civil.second().into()),
            (23, civil.millisecond().into()),
        ];
        for (end, mut number) in parts {
            let digits = text.get_mut(..end).unwrap_or_default().iter_mut().rev();
            for digit in digits.take_while(|digit| digit.is_ascii_digit()) {
                *digit = b'0' + u8::try_from(number.rem_euclid(10)).unwrap_or(0);
                number /= 10;
            }
        }
        Text(text)
    }
}

impl Text {
    fn as_str(&self) -> &str {
        // Infallible: only ASCII was written.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if !is_rfc_3339(text) {
            return Err(TimestampError);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        let ms = instant.as_millisecond();
        if (MS_MIN..=MS_MAX).contains(&ms) { Ok(Self(ms)) } else { Err(TimestampError) }
    }
}

/// Has the text the form of RFC 3339? jiff, which reads the numbers, also takes annotations of
/// RFC 9557, basic forms, missing seconds, commas and longer offsets.
fn is_rfc_3339(text: &str) -> bool {
    let Some((front, rest)) = text.split_at_checked(FRONT.len()) else { return false };
    let front = front.bytes().zip(FRONT.bytes()).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        mark => byte == mark,
    });
    let offset = match rest.strip_prefix('.') {
        None => Some(rest),
        Some(decimals) => {
            let rest = decimals.trim_start_matches(|symbol: char| symbol.is_ascii_digit());
            (rest.len() < decimals.len()).then_some(rest)
        }
    };
    front
        && match offset.unwrap_or_default().as_bytes() {
            [b'Z' | b'z'] => true,
            [b'+' | b'-', hours @ .., b':', minute, last] => {
                let digits = hours.iter().chain([minute, last]).all(u8::is_ascii_digit);
                digits && hours.len() == 2 && hours <= b"23".as_slice()
            }
            _ => false,
        }
}

const FRONT: &str = "0000-00-00T00:00:00";

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.text().as_str())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            text.parse().map_err(de::Error::custom)
        } else {
            Ok(Self::from_ms(i64::deserialize(deserializer)?))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_written_with_three_decimals_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_763_903_100_007, "2025-11-23T13:05:00.007Z"),
            (MS_MAX, "9999-12-30T22:00:00.000Z"),
            (MS_MIN, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(ms)));
        }
    }

    #[test]
    fn offsets_and_other_decimals_are_read() {
        let at = Timestamp(1_763_903_100_000);
        for text in [
            "2025-11-23T13:05:00Z",
            "2025-11-23t13:05:00z",
            "2025-11-23T14:05:00+01:00",
            "2025-11-23T13:05:00.0000Z",
        ] {
            assert_eq!(text.parse(), Ok(at), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "now",
            "2025-11-23",
            "2025-11-23T13:05:00",
            "2025-13-23T13:05:00Z",
            "2025-02-30T13:05:00Z",
            "2025-11-23T25:05:00Z",
            "20251123T130500.000Z0000",
            "2025-11-23T13:05:00Z[Europe/Paris]",
            "-000001-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "9999-12-30T22:00:01Z",
            "2025-11-2\u{e9}T13:05:00Z",
            "2025-11-23T13:05:0\u{e9}Z",
            "2025-11-23T13:05+01:00",
            "2025-11-23T130500+01:00",
            "2025-11-23T13:05:00+01",
            "2025-11-23T13:05:00+0100",
            "2025-11-23T13:05:00+01:00:30",
            "2025-11-23T13:05:00+24:00",
            "2025-11-23T13:05:00,5Z",
            "2025-11-23T13:05:00.Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_survives_text_and_binary(ms in MS_MIN..=MS_MAX) {
            let at = Timestamp(ms);
            prop_assert_eq!(at.to_string().parse(), Ok(at));
            prop_assert_eq!(at.to_string().len(), 24);
            let binary = postcard::to_allocvec(&at).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Timestamp>(&binary).unwrap(), at);
        }

        #[test]
        fn arithmetic_never_leaves_the_years(ms in any::<i64>(), by in any::<i64>()) {
            let at = Timestamp::from_ms(ms).plus_ms(by);
            prop_assert!((MS_MIN..=MS_MAX).contains(&at.as_ms()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = text.parse::<Timestamp>();
        }
    }
}
