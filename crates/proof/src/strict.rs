//! JSON that says one thing: a member that stands twice would be read in one way here and in
//! another one elsewhere.

use core::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Reads JSON in which no object has a member twice.
pub fn read(json: &[u8]) -> Result<Value, String> {
    let Strict(value) = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok(value)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Err(E::custom("a number that is no integer of at most 2^53 - 1"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Strict(member) = members.next_value()?;
            if all.contains_key(&name) {
                return Err(A::Error::custom(format!("the member {name:?} stands twice")));
            }
            all.insert(name, member);
        }
        Ok(all.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let json = br#"{"a":[1,{"b":null,"c":"x"}],"d":true}"#;
        assert_eq!(read(json).unwrap(), serde_json::from_slice::<Value>(json).unwrap());
        for wrong in [r#"{"a":1,"a":1}"#, r#"[{"a":{"b":1,"b":2}}]"#, "1.0", "1e2", "{} {}", "-0"] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
