//! Numbers as people say them.

use kernel::Timestamp;

/// An instant, or a dash.
pub(super) fn instant(ms: Option<i64>) -> String {
    ms.map_or_else(|| NOTHING.to_owned(), |ms| Timestamp::from_ms(ms).to_string())
}

/// A time that has passed, in one number.
pub(super) fn age(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A short time.
pub(super) fn duration(us: u64) -> String {
    match us {
        ..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", short(us)),
        _ => format!("{} s", short(us / 1_000)),
    }
}

/// How often in a second, of thousandths.
pub(super) fn rate(thousandths: u64) -> String {
    format!("{}/s", short(thousandths))
}

/// Bytes, or that nobody knows.
pub(super) fn bytes(bytes: Option<u64>) -> String {
    let Some(bytes) = bytes else { return UNKNOWN.to_owned() };
    let scaled = |unit: u64| short((bytes / unit) * 1_000 + (bytes % unit) * 1_000 / unit);
    match bytes {
        ..KIB => format!("{bytes} bytes"),
        KIB..MIB => format!("{} KiB", scaled(KIB)),
        MIB..GIB => format!("{} MiB", scaled(MIB)),
        _ => format!("{} GiB", scaled(GIB)),
    }
}

/// Thousandths with as many places as somebody reads.
fn short(thousandths: u64) -> String {
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    match whole {
        _ if rest == 0 => whole.to_string(),
        ..10 => format!("{whole}.{:02}", rest / 10),
        10..100 => format!("{whole}.{}", rest / 100),
        _ => whole.to_string(),
    }
}

/// Where there is nothing to say.
pub(super) const NOTHING: &str = "–";
/// Where there is something and nobody knows it.
pub(super) const UNKNOWN: &str = "not known";
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_one_number() {
        let told = [-5_000, 0, 59_999, 60_000, 7_200_000, 200_000_000].map(age);
        assert_eq!(told, ["0 s", "0 s", "59 s", "1 min", "2 h", "2 days"]);
    }

    #[test]
    fn numbers_have_as_many_places_as_somebody_reads() {
        let told = [0, 999, 1_000, 1_230, 12_340, 123_400, 2_000_000, 61_500_000].map(duration);
        let said = ["0 µs", "999 µs", "1 ms", "1.23 ms", "12.3 ms", "123 ms", "2 s", "61.5 s"];
        assert_eq!(told, said);
        assert_eq!([0, 40, 2_500, 1_234_567].map(rate), ["0/s", "0.04/s", "2.50/s", "1234/s"]);
        let told = [0, 1_023, 1_024, 1_536, 5 << 20, 3 << 40].map(|n| bytes(Some(n)));
        assert_eq!(told, ["0 bytes", "1023 bytes", "1 KiB", "1.50 KiB", "5 MiB", "3072 GiB"]);
        assert_eq!(
            (bytes(None).as_str(), bytes(Some(u64::MAX)).as_str()),
            ("not known", "17179869183 GiB")
        );
    }
}
