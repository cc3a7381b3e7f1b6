//! Values of SQLite and of JavaScript.

use ports::Value;
use worker::js_sys::{Array, ArrayBuffer, Uint8Array};
use worker::wasm_bindgen::{JsCast as _, JsValue};

/// A parameter. Integers are numbers there: beyond 2^53 they lose digits, and none of ours is.
#[allow(clippy::cast_precision_loss, reason = "JavaScript has no other numbers")]
pub(crate) fn outward(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Integer(integer) => JsValue::from_f64(*integer as f64),
        Value::Real(real) => JsValue::from_f64(*real),
        Value::Text(text) => JsValue::from_str(text),
        Value::Blob(bytes) => Uint8Array::from(bytes.as_slice()).into(),
    }
}

/// A column's value. D1 gives bytes as a list of numbers.
pub(crate) fn inward(value: JsValue) -> Value {
    if let Some(number) = value.as_f64() {
        return number_of(number);
    }
    if let Some(text) = value.as_string() {
        return Value::Text(text);
    }
    if let Some(truth) = value.as_bool() {
        return Value::Integer(truth.into());
    }
    if let Some(buffer) = value.dyn_ref::<ArrayBuffer>() {
        return Value::Blob(Uint8Array::new(buffer).to_vec());
    }
    if value.is_instance_of::<Uint8Array>() || Array::is_array(&value) {
        return Value::Blob(Uint8Array::new(&value).to_vec());
    }
    Value::Null
}

#[allow(clippy::cast_possible_truncation, reason = "it was compared")]
fn number_of(number: f64) -> Value {
    let integer = number as i64;
    if number.fract() == 0.0 && integer.unsigned_abs() <= SAFE_MAX {
        Value::Integer(integer)
    } else {
        Value::Real(number)
    }
}

/// 2^53 - 1, up to which every integer is a number.
const SAFE_MAX: u64 = (1 << 53) - 1;
