//! Instants as text, against a reader of RFC 3339 with days counted by hand.

use kernel::Timestamp;

/// Reads the text as an instant; the bytes are milliseconds as well.
pub(crate) fn run(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        reads(text);
    }
    if let Some((first, rest)) = bytes.split_first_chunk::<8>() {
        let ms = i64::from_be_bytes(*first);
        stays_inside(ms);
        if let Some((second, _)) = rest.split_first_chunk::<8>() {
            moves(ms, i64::from_be_bytes(*second));
        }
    }
}

/// Reads the text as an instant.
fn reads(text: &str) {
    let read = text.parse::<Timestamp>().ok();
    match strict(text) {
        // A leap second is read as the second before or after; which one is nobody's promise.
        Strict::Leap => {}
        Strict::Instant(ms) => {
            let inside = (FIRST_MS..=LAST_MS).contains(&ms);
            assert_eq!(read.map(Timestamp::as_ms), inside.then_some(ms), "{text:?}");
        }
        Strict::Wrong => assert_eq!(read, None, "{text:?}"),
    }
    if let Some(at) = read {
        survives(at);
    }
}

/// Text and bytes lead back to the same instant, and text is as long as ever.
pub(crate) fn survives(at: Timestamp) {
    let text = at.to_string();
    assert_eq!(text.len(), 24);
    assert_eq!(text.parse(), Ok(at));
    match strict(&text) {
        Strict::Instant(ms) => assert_eq!(ms, at.as_ms()),
        Strict::Leap | Strict::Wrong => panic!("{text} is no instant of RFC 3339"),
    }
    let binary = postcard::to_allocvec(&at).unwrap();
    assert_eq!(postcard::from_bytes::<Timestamp>(&binary).unwrap(), at);
}

/// Any number of milliseconds is the nearest instant that there is.
fn stays_inside(ms: i64) {
    let at = Timestamp::from_ms(ms);
    assert_eq!(at.as_ms(), ms.clamp(FIRST_MS, LAST_MS));
    let binary = postcard::to_allocvec(&ms).unwrap();
    assert_eq!(postcard::from_bytes::<Timestamp>(&binary), Ok(at), "{ms}");
    survives(at);
}

/// Instants move by milliseconds, stop at the bounds, and sort as their texts do.
fn moves(ms: i64, by: i64) {
    let from = Timestamp::from_ms(ms);
    let to = from.plus_ms(by);
    let exact = i128::from(from.as_ms()) + i128::from(by);
    let bounded = exact.clamp(i128::from(FIRST_MS), i128::from(LAST_MS));
    assert_eq!(i128::from(to.as_ms()), bounded, "{from} and {by} ms");
    assert_eq!(i128::from(to.ms_since(from)), bounded - i128::from(from.as_ms()));
    assert_eq!(to.cmp(&from), to.to_string().cmp(&from.to_string()));
}

enum Strict {
    Instant(i64),
    Leap,
    Wrong,
}

/// `YYYY-MM-DDTHH:MM:SS[.d+](Z|±HH:MM)`; T, Z in either case, a space for T as RFC 3339 allows.
fn strict(text: &str) -> Strict {
    read(text).unwrap_or(Strict::Wrong)
}

fn read(text: &str) -> Option<Strict> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        let plain = digits.iter().all(u8::is_ascii_digit);
        core::str::from_utf8(digits).ok()?.parse().ok().filter(|_| plain)
    };
    for (at, marks) in [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")] {
        marks.contains(char::from(*bytes.get(at)?)).then_some(())?;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    let mut at = 19;
    let mut nanos = 0;
    if bytes.get(at) == Some(&b'.') {
        let decimals = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        // RFC 3339 knows no longest fraction; nine digits are what is read.
        (1..=9).contains(&decimals).then_some(())?;
        nanos = digits(at + 1, at + 1 + decimals)? * 10_i64.pow(9 - u32::try_from(decimals).ok()?);
        at += 1 + decimals;
    }
    let offset = match bytes.get(at..)? {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(at + 1, at + 3)?, digits(at + 4, at + 6)?);
            (hours < 24 && minutes < 60).then_some(())?;
            let minutes = hours * 60 + minutes;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let exists = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    (exists && hour < 24 && minute < 60 && second <= 60).then_some(())?;
    if second == 60 {
        return Some(Strict::Leap);
    }
    let seconds = days_before(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    // Before the epoch a fraction counts towards it, as milliseconds that are cut off do.
    let total = i128::from(seconds - offset * 60) * 1_000_000_000 + i128::from(nanos);
    i64::try_from(total / 1_000_000).ok().map(Strict::Instant)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01, counted year by year.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let of_year = |year: i64| (1..=12).map(|month| days_of(year, month)).sum::<i64>();
    let years: i64 = if year >= 1970 {
        (1970..year).map(of_year).sum()
    } else {
        -(year..1970).map(of_year).sum::<i64>()
    };
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

/// 0000-01-01T00:00:00.000Z.
const FIRST_MS: i64 = -62_167_219_200_000;
/// 9999-12-30T22:00:00.000Z.
const LAST_MS: i64 = 253_402_207_200_000;
