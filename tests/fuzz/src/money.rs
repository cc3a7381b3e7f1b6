//! Money as text, against a checker that was written from RFC 8259 and rules.md B9 alone.

use kernel::{Currency, Minor, Money};

/// Reads the text as an amount, a currency and money.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    let amount = serde_json::from_str::<Minor>(text).ok();
    assert_eq!(amount.map(Minor::get), strict_amount(text.trim_matches(SPACE)), "{text:?}");
    if let Ok(currency) = text.parse() {
        is_a_currency(text, currency);
    }
    let money = serde_json::from_str::<Money>(text).ok();
    let strict = strict_money(text);
    let read = money.map(|money| (money.amount.get(), money.currency.to_string()));
    assert_eq!(read, strict, "{text:?}");
    if let Some(money) = money {
        survives(money);
        let other = Money::new(amount_of_len(text), money.currency);
        let rest = Minor::MAX.minus(money.amount);
        for other in [other.amount, rest, rest.plus(Minor::new(1).unwrap()), Minor::MAX] {
            adds_up(money.amount, other);
        }
        survives(other);
    }
}

/// Something else to add: any number will do.
fn amount_of_len(text: &str) -> Minor {
    let len = i64::try_from(text.len()).unwrap_or(0);
    Minor::new((len * 7_919_777_777_777) % (1 << 53)).unwrap()
}

fn is_a_currency(text: &str, currency: Currency) {
    assert!(text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase()), "{text:?}");
    assert_eq!(currency.as_str(), text);
    assert_eq!(currency.exponent(), exponent(text), "{text}");
    survives(Money::new(Minor::MAX, currency));
}

/// Text and bytes lead back to the same money; the decimals shown are the currency's.
fn survives(money: Money) {
    let json = serde_json::to_string(&money).unwrap();
    assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    let binary = postcard::to_allocvec(&money).unwrap();
    assert_eq!(postcard::from_bytes::<Money>(&binary).unwrap(), money);
    let shown = money.to_string();
    let (digits, code) = shown.split_once(' ').unwrap();
    assert_eq!(code.parse(), Ok(money.currency));
    let (major, minor) = digits.split_once('.').unwrap_or((digits, ""));
    assert_eq!(minor.len(), exponent(code) as usize, "{shown}");
    assert!(major == "0" || !major.starts_with('0'), "{shown}");
    assert_eq!(format!("{major}{minor}").parse(), Ok(money.amount.get()), "{shown}");
}

/// Sums and differences stop at the bounds.
fn adds_up(a: Minor, b: Minor) {
    let (wide_a, wide_b) = (i128::from(a.get()), i128::from(b.get()));
    assert_eq!(i128::from(a.plus(b).get()), (wide_a + wide_b).min(MOST));
    assert_eq!(i128::from(a.minus(b).get()), (wide_a - wide_b).max(0));
}

/// Plain digits without a sign or a leading zero, in bounds.
fn strict_amount(text: &str) -> Option<i64> {
    let plain = !text.is_empty()
        && text.len() <= 16
        && text.bytes().all(|digit| digit.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    let amount: i128 = text.parse().ok().filter(|_| plain)?;
    i64::try_from(amount).ok().filter(|_| amount <= MOST)
}

/// An object with exactly the members `amount` and `currency`.
fn strict_money(text: &str) -> Option<(i64, String)> {
    let mut rest = Rest(text.trim_matches(SPACE));
    rest.take("{")?;
    let (mut amount, mut currency) = (None, None);
    for end in [",", "}"] {
        let name = rest.string()?;
        rest.take(":")?;
        match name.as_str() {
            "amount" if amount.is_none() => amount = Some(rest.amount()?),
            "currency" if currency.is_none() => currency = Some(rest.string()?),
            _ => return None,
        }
        rest.take(end)?;
    }
    let currency = currency.filter(|code| rest.0.is_empty() && code.parse::<Currency>().is_ok())?;
    Some((amount?, currency))
}

/// What is still to be read.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn take(&mut self, mark: &str) -> Option<()> {
        let rest = self.0.trim_start_matches(SPACE).strip_prefix(mark)?;
        self.0 = rest.trim_start_matches(SPACE);
        Some(())
    }

    fn amount(&mut self) -> Option<i64> {
        let end = self.0.find(|symbol| SPACE.contains(&symbol) || ",}".contains(symbol))?;
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        strict_amount(digits)
    }

    /// A string; names and codes are ASCII, so that no other escape than that of ASCII matters.
    fn string(&mut self) -> Option<String> {
        let mut rest = self.0.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let symbol = rest.chars().next()?;
            rest = &rest[symbol.len_utf8()..];
            match symbol {
                '"' => break,
                '\\' => {
                    let digits = rest.strip_prefix('u')?.get(..4)?;
                    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                    let code = u32::from_str_radix(digits, 16).ok().filter(|_| plain)?;
                    text.push(char::from_u32(code).filter(char::is_ascii)?);
                    rest = &rest[5..];
                }
                symbol => text.push(symbol),
            }
        }
        self.0 = rest;
        Some(text)
    }
}

/// Rules.md B9.
fn exponent(code: &str) -> u32 {
    match code {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "XAF" | "XOF" | "XPF" | "PYG" | "RWF" | "UGX"
        | "BIF" | "DJF" | "GNF" | "KMF" | "VUV" | "UYI" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// White space of JSON.
const SPACE: &[char] = &[' ', '\t', '\n', '\r'];
/// 2^53 − 1.
const MOST: i128 = (1 << 53) - 1;
