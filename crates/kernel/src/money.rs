//! Money is an integer count of minor units and a currency (rules.md B9). No float exists here.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::AMOUNT_MAX_MINOR;

/// A count of minor units of some currency, in `[0, 2^53 − 1]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Minor(i64);

/// An amount and its currency: `{"amount": 1234, "currency": "USD"}`.
///
/// ```
/// let price: kernel::Money = serde_json::from_str(r#"{"amount":1234,"currency":"USD"}"#).unwrap();
/// assert_eq!(price.to_string(), "12.34 USD");
/// assert!(serde_json::from_str::<kernel::Money>(r#"{"amount":12.5,"currency":"USD"}"#).is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Money {
    /// Minor units.
    pub amount: Minor,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// An ISO 4217 alphabetic code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// The amount is not an integer in `[0, 2^53 − 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount is an integer count of minor units from 0 to 9007199254740991")]
pub struct MoneyError;

/// The text is not the code of a currency in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 4217 currency code")]
pub struct CurrencyError;

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(AMOUNT_MAX_MINOR);

    /// Checks the bounds.
    pub const fn new(minor_units: i64) -> Result<Self, MoneyError> {
        if minor_units < 0 || minor_units > AMOUNT_MAX_MINOR {
            Err(MoneyError)
        } else {
            Ok(Self(minor_units))
        }
    }

    /// The count.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or the largest amount where the sum is above it.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        let sum = self.0.saturating_add(other.0);
        if sum > AMOUNT_MAX_MINOR { Self::MAX } else { Self(sum) }
    }

    /// The difference, or nothing where `other` is larger.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        if other.0 > self.0 { Self::ZERO } else { Self(self.0 - other.0) }
    }
}

impl fmt::Debug for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Currency {
    /// How many decimals the minor unit stands for (rules.md B9).
    pub fn exponent(self) -> u32 {
        let is_in = |codes: &[&str]| codes.iter().any(|code| code.as_bytes() == self.0);
        if is_in(ZERO_DECIMALS) {
            0
        } else if is_in(THREE_DECIMALS) {
            3
        } else if is_in(FOUR_DECIMALS) {
            4
        } else {
            2
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        // Infallible: only ASCII letters get in.
        core::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        let listed = [TWO_DECIMALS, ZERO_DECIMALS, THREE_DECIMALS, FOUR_DECIMALS]
            .iter()
            .any(|codes| codes.binary_search(&text).is_ok());
        if listed { Ok(Self(bytes)) } else { Err(CurrencyError) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Money {
    /// That many minor units of a currency.
    pub const fn new(amount: Minor, currency: Currency) -> Self {
        Self { amount, currency }
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_map(Members);
        }
        let (amount, currency) = Deserialize::deserialize(deserializer)?;
        Ok(Self { amount, currency })
    }
}

/// Reads an object. What serde derives would read a list of the two as well.
struct Members;

impl<'de> de::Visitor<'de> for Members {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with amount and currency")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, members: A) -> Result<Money, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            amount: Minor,
            currency: Currency,
        }
        let named = Named::deserialize(de::value::MapAccessDeserializer::new(members))?;
        Ok(Money { amount: named.amount, currency: named.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let scale = 10_i64.pow(exponent);
        let (major, minor) = (self.amount.0 / scale, self.amount.0 % scale);
        if exponent == 0 {
            write!(f, "{major} {}", self.currency)
        } else {
            write!(f, "{major}.{minor:0width$} {}", self.currency, width = exponent as usize)
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Each list is in alphabetical order: codes are looked up by halving.
const ZERO_DECIMALS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
const THREE_DECIMALS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const FOUR_DECIMALS: &[&str] = &["CLF", "UYW"];
const TWO_DECIMALS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
    "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE",
    "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP",
    "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD",
    "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
    "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP",
    "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR",
    "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD",
    "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL",
    "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU", "UZS",
    "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn money(json: &str) -> Option<Money> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn every_listed_currency_is_found_and_has_its_exponent() {
        let lists = [ZERO_DECIMALS, TWO_DECIMALS, THREE_DECIMALS, FOUR_DECIMALS];
        for (codes, exponent) in lists.into_iter().zip([0, 2, 3, 4]) {
            assert!(codes.is_sorted());
            for code in codes {
                assert_eq!(code.parse::<Currency>().unwrap().exponent(), exponent, "{code}");
            }
        }
        for wrong in ["", "usd", "US", "USDX", "XXX", "ZZZ", "U\u{e9}"] {
            assert!(wrong.parse::<Currency>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_integers_in_bounds_are_amounts() {
        let largest = r#"{"amount":9007199254740991,"currency":"USD"}"#;
        assert_eq!(money(largest).unwrap().amount, Minor::MAX);
        assert_eq!(money(r#"{"amount":0,"currency":"USD"}"#).unwrap().amount, Minor::ZERO);
        for wrong in
            ["-1", "9007199254740992", "1.0", "1e3", "\"5\"", "null", "99999999999999999999", "+1"]
        {
            assert_eq!(
                money(&format!(r#"{{"amount":{wrong},"currency":"USD"}}"#)),
                None,
                "{wrong}"
            );
        }
        assert_eq!(money(r#"{"amount":1}"#), None);
        assert_eq!(money(r#"[1,"USD"]"#), None);
        assert_eq!(money(r#"{"amount":1,"currency":"USD","more":1}"#), None);
    }

    #[test]
    fn money_is_shown_with_the_decimals_of_its_currency() {
        for (units, code, text) in [
            (5, "USD", "0.05 USD"),
            (1_234, "EUR", "12.34 EUR"),
            (1_234, "JPY", "1234 JPY"),
            (1_234, "KWD", "1.234 KWD"),
            (1, "CLF", "0.0001 CLF"),
        ] {
            let money = Money::new(Minor::new(units).unwrap(), code.parse().unwrap());
            assert_eq!(money.to_string(), text);
        }
    }

    #[test]
    fn sums_and_differences_stay_in_bounds() {
        let minor = |units| Minor::new(units).unwrap();
        assert_eq!(minor(2).plus(minor(3)), minor(5));
        assert_eq!(Minor::MAX.plus(minor(1)), Minor::MAX);
        assert_eq!(minor(5).minus(minor(3)), minor(2));
        assert_eq!(minor(3).minus(minor(5)), Minor::ZERO);
        assert!(Minor::new(-1).is_err());
    }
}
