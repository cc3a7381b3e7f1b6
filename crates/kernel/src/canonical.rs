//! Canonical JSON (RFC 8785) for what enters hashes.
//!
//! RFC 8785 asks for members sorted by UTF-16 code units, ECMAScript numbers and minimal string
//! escapes. Our bodies use a subset in which a plain compact writer already gives that form:
//!
//! - every key is ASCII and is written from a struct whose fields stand in byte order, which is
//!   UTF-16 order for ASCII;
//! - every number is an integer within ±(2^53 − 1), which ECMAScript prints as plain digits;
//! - strings are Rust strings, hence well-formed Unicode, and the writer escapes `"`, `\` and
//!   control characters exactly as the RFC does (`\b \t \n \f \r`, else `\u00xx` in lower case).
//!
//! No generic sorter runs on the hot path; [`canonicalize`] is the slow way round, and tests
//! compare the two for every event.

use serde::Serialize;
use serde_json::Value;

use crate::Timestamp;

mod writer;

/// The body of one public event: what the hash chain covers (api.md §5).
#[derive(Debug, Serialize)]
struct EventBody<'a, T> {
    data: &'a T,
    event: &'a str,
    seq: u64,
    time: Timestamp,
}

/// Writes a value whose fields stand in byte order.
///
/// # Panics
/// When the value is outside of the subset (a map, a floating point number): a bug.
pub fn to_vec<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(REPLY_BYTES_TYPICAL);
    write(value, &mut out);
    out
}

/// Appends the canonical form of `{data, event, seq, time}`. The fields of `data` stand in byte
/// order.
///
/// # Panics
/// As [`to_vec`].
pub fn write_event<T: Serialize>(
    data: &T,
    event: &str,
    seq: u64,
    time: Timestamp,
    out: &mut Vec<u8>,
) {
    write(&EventBody { data, event, seq, time }, out);
}

/// The canonical form of any JSON text of our subset: parses, sorts, writes. None for what is not
/// JSON or has a number that is not an integer within ±(2^53 − 1).
pub fn canonicalize(json: &[u8]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let mut out = Vec::with_capacity(json.len());
    write_sorted(&value, &mut out)?;
    Some(out)
}

fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    if let Err(error) = value.serialize(writer::Writer(out)) {
        panic!("a value of our own cannot be written as JSON: {error}");
    }
}

fn write_sorted(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => write(value, out),
        Value::Number(number) => {
            let count = number.as_i64().filter(|count| count.unsigned_abs() < 1 << 53)?;
            out.extend_from_slice(count.to_string().as_bytes());
        }
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_sorted(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            out.push(b'{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(name, out);
                out.push(b':');
                write_sorted(member, out)?;
            }
            out.push(b'}');
        }
    }
    Some(())
}

/// Most replies fit: growing in steps would copy them and leave holes of every size behind.
const REPLY_BYTES_TYPICAL: usize = 1_280;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[derive(Serialize)]
    struct Sample {
        amount: i64,
        bid_count: u64,
        bid_id: String,
        bidder: Option<bool>,
        texts: Vec<String>,
    }

    /// Everything of serde's data model that the subset has.
    #[derive(Debug, Clone, Serialize)]
    enum Shape {
        Nothing,
        One(i64),
        Pair(u8, char),
        Named { deep: Option<Box<Shape>>, list: Vec<Shape> },
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Wrapped(u64);

    fn shapes() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Nothing),
            any::<i64>().prop_map(Shape::One),
            any::<(u8, char)>().prop_map(|(count, symbol)| Shape::Pair(count, symbol)),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let deep = prop::option::of(inner.clone().prop_map(Box::new));
            (deep, prop::collection::vec(inner, 0..4))
                .prop_map(|(deep, list)| Shape::Named { deep, list })
        })
    }

    /// RFC 8785 strings, written from the RFC's text alone.
    fn naive_string(text: &str) -> String {
        let escaped: String = text
            .chars()
            .map(|symbol| match symbol {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\t' => "\\t".to_owned(),
                '\n' => "\\n".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '\r' => "\\r".to_owned(),
                control if control < ' ' => format!("\\u{:04x}", control as u32),
                other => other.to_string(),
            })
            .collect();
        format!("\"{escaped}\"")
    }

    #[test]
    fn the_example_of_the_rfc_for_strings_and_order() {
        let json = br#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Dalet","1":"One",
            "\ud83d\ude00":"Smiley","\u0080":"Control","\u00f6":"o"}"#;
        let sorted = String::from_utf8(canonicalize(json).unwrap()).unwrap();
        let expected = concat!(
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"o\",",
            "\"€\":\"Euro Sign\",\"😀\":\"Smiley\",\"\u{fb33}\":\"Dalet\"}"
        );
        assert_eq!(sorted, expected);
        let string = to_vec(&"\u{20ac}$\u{f}\nA'B\"\\\"/");
        assert_eq!(string, "\"€$\\u000f\\nA'B\\\"\\\\\\\"/\"".as_bytes());
    }

    #[test]
    fn numbers_outside_the_subset_have_no_canonical_form() {
        for wrong in ["1.5", "9007199254740992", "-9007199254740992", "1e3", "{", ""] {
            assert_eq!(canonicalize(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(canonicalize(b" [ 9007199254740991 , -1 ] ").unwrap(), b"[9007199254740991,-1]");
    }

    #[test]
    fn what_has_no_fixed_form_is_a_bug() {
        let map = std::collections::BTreeMap::from([("a", 1)]);
        assert!(std::panic::catch_unwind(|| to_vec(&map)).is_err());
        assert!(std::panic::catch_unwind(|| to_vec(&1.5)).is_err());
    }

    proptest! {
        #[test]
        fn the_writer_writes_what_serde_json_writes(
            shape in shapes(),
            text in any::<String>(),
            numbers in any::<(i8, i16, i32, u16, u32, u64)>(),
            flag in any::<bool>(),
        ) {
            let value = ((shape, text), numbers, flag, (), Unit, Wrapped(numbers.5));
            prop_assert_eq!(to_vec(&value), serde_json::to_vec(&value).unwrap());
        }

        #[test]
        fn structs_in_byte_order_equal_the_sorted_value(
            amount in -(1_i64 << 53) + 1..1 << 53,
            bid_count in 0_u64..1 << 53,
            bid_id in any::<String>(),
            bidder in any::<Option<bool>>(),
            texts in prop::collection::vec(any::<String>(), 0..4),
        ) {
            let sample = Sample { amount, bid_count, bid_id, bidder, texts };
            let direct = to_vec(&sample);
            prop_assert_eq!(&canonicalize(&direct).unwrap(), &direct);
            let texts: Vec<_> = sample.texts.iter().map(|text| naive_string(text)).collect();
            let bidder = sample.bidder.map_or("null".to_owned(), |flag| flag.to_string());
            let naive = format!(
                "{{\"amount\":{amount},\"bid_count\":{bid_count},\"bid_id\":{},\"bidder\":{bidder},\
                 \"texts\":[{}]}}",
                naive_string(&sample.bid_id),
                texts.join(",")
            );
            prop_assert_eq!(String::from_utf8(direct).unwrap(), naive);
        }
    }
}
