//! Money in bodies: an object with an integer amount, or a problem of its own (api.md §1).

use core::fmt;

use kernel::{Currency, CurrencyError, Minor, Money};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Money as it must be sent: `{"amount": 1234, "currency": "USD"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(pub Money);

/// Minor units as they must be sent: an integer in `[0, 2^53 − 1]`, written without fraction,
/// exponent or sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Minor);

const WANTED_MONEY: &str = "money like {\"amount\": 1234, \"currency\": \"USD\"}";
const WANTED_AMOUNT: &str = "an integer count of minor units from 0 to 9007199254740991";

/// Is a message of serde about a value that should have been money?
pub(super) fn is_about_money(message: &str) -> bool {
    message.ends_with(WANTED_MONEY)
        || message.ends_with(WANTED_AMOUNT)
        || message.ends_with(&CurrencyError.to_string())
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PriceVisitor)
    }
}

struct PriceVisitor;

/// The members of money; it reads objects only, because [`PriceVisitor`] has seen one.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    amount: Amount,
    currency: Currency,
}

impl<'de> Visitor<'de> for PriceVisitor {
    type Value = Price;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(WANTED_MONEY)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Price, A::Error> {
        let Members { amount, currency } = Members::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Price(Money::new(amount.0, currency)))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(AmountVisitor).map_err(|error| {
            // 1e309 is JSON, but serde_json's parser gives up before any visitor sees it.
            let is_number = error.to_string().starts_with("number out of range");
            if is_number { D::Error::custom(WANTED_AMOUNT) } else { error }
        })
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(WANTED_AMOUNT)
    }

    fn visit_i64<E: Error>(self, amount: i64) -> Result<Amount, E> {
        Minor::new(amount).map(Amount).map_err(|_| E::custom(WANTED_AMOUNT))
    }

    fn visit_u64<E: Error>(self, amount: u64) -> Result<Amount, E> {
        i64::try_from(amount)
            .map_err(|_| E::custom(WANTED_AMOUNT))
            .and_then(|amount| self.visit_i64(amount))
    }
}
