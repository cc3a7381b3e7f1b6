//! Instants on the wire and in logs: milliseconds, UTC, RFC 3339.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999.
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
const MS_MAX: i64 = 253_402_300_799_999;

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

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Infallible: MS_MIN..=MS_MAX lies within jiff's range.
        let instant = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{instant:.3}")
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
        // jiff also reads RFC 9557 annotations and basic forms, which RFC 3339 does not know.
        let shaped = text.len() >= 20
            && text.is_char_boundary(10)
            && text.bytes().nth(4) == Some(b'-')
            && matches!(text.bytes().nth(10), Some(b'T' | b't' | b' '))
            && !text.contains('[');
        if !shaped {
            return Err(TimestampError);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        let ms = instant.as_millisecond();
        if (MS_MIN..=MS_MAX).contains(&ms) { Ok(Self(ms)) } else { Err(TimestampError) }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
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
