//! Nouns of every capability as schemas: money, instants, ids, problems.

use std::borrow::Cow;

use kernel::limits::AMOUNT_MAX_MINOR;
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::Schemas;

/// Schemas that stand for a value without members.
macro_rules! values {
    ($($(#[$doc:meta])* $name:ident: $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                written($schema)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

values! {
    /// `auc_…`.
    AuctionId: id("auc", "The id of an auction.");
    /// `bid_…`.
    BidId: id("bid", "The id of a bid.");
    /// `off_…`.
    OfferId: id("off", "The id of an offer.");
    /// `ses_…`.
    SessionId: id("ses", "The id of a session.");
    /// `usr_…`.
    UserId: id("usr", "The id of a user.");
    /// An instant as it is answered.
    Instant: json!({"type": "string", "format": "date-time",
        "pattern": r"^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$",
        "description": "RFC 3339, UTC, with milliseconds.",
        "examples": ["2026-11-24T12:00:00.000Z"]});
    /// An instant as it may be sent.
    Moment: json!({"type": "string", "format": "date-time",
        "description": "RFC 3339 with any offset; finer than milliseconds is cut off.",
        "examples": ["2026-11-24T12:00:00.000Z"]});
    /// Minor units.
    Minor: json!({"type": "integer", "minimum": 0, "maximum": AMOUNT_MAX_MINOR,
        "description": "A count of minor units: cents, yen, fils. Written as an integer."});
    /// The code of a currency.
    Currency: json!({"type": "string", "enum": currencies(),
        "description": "ISO 4217 code of a currency in use."});
}

/// Money: an integer count of minor units and a currency.
#[derive(Debug, Clone, Copy, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"amount": 1234, "currency": "USD"})))]
#[allow(dead_code, reason = "a shape: it exists for its schema")]
pub struct Money {
    amount: Minor,
    currency: Currency,
}

/// An error (RFC 9457).
#[derive(Debug, Clone, ToSchema)]
#[allow(dead_code, reason = "a shape: it exists for its schema")]
struct Problem {
    /// Address of a page about the code.
    #[schema(format = "uri", pattern = "^https://ecomauction\\.dev/errors/[a-z_]+$")]
    r#type: String,
    /// The code in words.
    title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A sentence for the person.
    detail: String,
    /// The path that was asked for.
    instance: String,
    /// What clients decide by.
    #[schema(pattern = "^[a-z_]+$")]
    code: String,
    /// Equal to `X-Request-Id`.
    request_id: String,
    /// What is wrong with the request, where a place can be named.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
}

/// One wrong field.
#[derive(Debug, Clone, ToSchema)]
#[allow(dead_code, reason = "a shape: it exists for its schema")]
struct FieldError {
    /// JSON pointer into the body, or `?name` for a query parameter.
    pointer: String,
    /// What is wrong.
    #[schema(pattern = "^[a-z_]+$")]
    code: String,
    /// A sentence for the person.
    detail: String,
}

/// What every document defines.
pub(super) fn schemas() -> Schemas {
    let mut schemas = Schemas::default();
    schemas.named::<Problem>();
    schemas
}

fn id(prefix: &str, text: &str) -> Value {
    json!({"type": "string", "description": text,
        "pattern": format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"),
        "examples": [format!("{prefix}_01kb0xjh00f2dah4fvkbxz0q5m")]})
}

/// Every currency that the kernel knows, found by asking it.
fn currencies() -> Vec<String> {
    let letters = || (b'A'..=b'Z').map(char::from);
    let codes = letters().flat_map(|first| {
        letters().flat_map(move |second| {
            letters().map(move |third| String::from_iter([first, second, third]))
        })
    });
    codes.filter(|code| code.parse::<kernel::Currency>().is_ok()).collect()
}

fn written(schema: Value) -> RefOr<Schema> {
    // Infallible: the schemas above are valid, as the test of the document shows.
    serde_json::from_value(schema).unwrap_or_default()
}
