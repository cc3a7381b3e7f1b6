//! What others hear: messages that leave with the change that they tell of.

use ports::Outgoing;
use serde_json::{Value, json};

/// An account's name or address is new: `{user_id, email, display_name}`.
pub(crate) const USER_CHANGED: &str = "identity.user-changed.v1";
/// An account was erased: `{user_id}`. Whoever keeps something about it forgets it.
pub(crate) const USER_ERASED: &str = "identity.user-erased.v1";
/// A letter is due: `{letter}`, the id of a row. For this service itself.
pub(crate) const LETTER_DUE: &str = "identity.letter-due.v1";

/// An account is new or has changed.
pub(crate) fn user_changed(id: &str, email: Option<&str>, display_name: &str) -> Outgoing {
    let body = json!({"user_id": id, "email": email, "display_name": display_name});
    outgoing(USER_CHANGED, id, &body)
}

/// A message of a topic.
pub(crate) fn outgoing(topic: &'static str, key: &str, body: &Value) -> Outgoing {
    Outgoing { topic, key: key.to_owned(), body: body.to_string().into_bytes() }
}
