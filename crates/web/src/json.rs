//! Strict JSON bodies: one shape, no unknown or repeated members, no arrays in place of objects.

mod money;
mod object;

use kernel::limits::JSON_MAX_DEPTH;
use serde::Deserialize;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::{Problem, Request};

pub use money::{Amount, Price};
pub use object::Object;

/// The body as a `T`, which should be an [`Object`] of a struct with `deny_unknown_fields`.
///
/// 415 `unsupported_media_type`; 400 `invalid_json`, `unknown_field`, `invalid_money` and
/// `invalid_request`, the last three with a pointer.
pub fn body<'r, T: Deserialize<'r>>(request: &'r Request) -> Result<T, Problem> {
    check_media_type(request)?;
    check_depth(&request.body)?;
    serde_json::from_slice(&request.body).or_else(|error| match error.classify() {
        Category::Data => explained(&request.body),
        Category::Syntax | Category::Eof | Category::Io => Err(invalid_json(&error)),
    })
}

/// Parses again with its path in mind. Only wrong bodies pay for that.
fn explained<'r, T: Deserialize<'r>>(body: &'r [u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        if error.classify() == Category::Data {
            wrong_value(pointer, &without_position(&error))
        } else {
            invalid_json(&error)
        }
    })
}

fn wrong_value(mut pointer: String, message: &str) -> Problem {
    if let Some(name) = quoted(message, "unknown field `") {
        let detail = format!("`{name}` is not known here.");
        // The path ends before a member that could not be entered.
        if !pointer.ends_with(&format!("/{}", escaped(name))) {
            push(&mut pointer, name);
        }
        return Problem::field("unknown_field", pointer, detail);
    }
    if let Some(name) = quoted(message, "missing field `") {
        push(&mut pointer, name);
        return Problem::field("invalid_request", pointer, format!("`{name}` is missing."));
    }
    if let Some(name) = quoted(message, "duplicate field `") {
        push(&mut pointer, name);
        return Problem::field("invalid_request", pointer, format!("`{name}` comes twice."));
    }
    let code = if money::is_about_money(message) { "invalid_money" } else { "invalid_request" };
    Problem::field(code, pointer, message)
}

fn quoted<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    message.strip_prefix(start)?.split_once('`').map(|(name, _)| name)
}

fn invalid_json(error: &serde_json::Error) -> Problem {
    Problem::new(400, "invalid_json", format!("The body is not JSON: {error}."))
}

/// serde_json ends its messages with " at line L column C", which means nothing in a pointer's
/// company.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message.get(..end).unwrap_or(&message).to_owned(),
        None => message,
    }
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    pointer
}

fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&escaped(name));
}

/// RFC 6901 §3.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn check_media_type(request: &Request) -> Result<(), Problem> {
    let unsupported = |detail| Err(Problem::new(415, "unsupported_media_type", detail));
    let declared = request.header("content-type").unwrap_or_default();
    let (media_type, parameters) = declared.split_once(';').unwrap_or((declared, ""));
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return unsupported("Send the body as Content-Type: application/json.");
    }
    let charset = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let mut charset = charset.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    if charset.any(|(_, value)| !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return unsupported("Send the body in UTF-8.");
    }
    match request.header("content-encoding") {
        None => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case("identity") => Ok(()),
        Some(_) => unsupported("Send the body without Content-Encoding."),
    }
}

/// Brackets outside strings, counted before anything recurses.
fn check_depth(body: &[u8]) -> Result<(), Problem> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in body {
        match (in_string, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (true | false, _) => {}
        }
        if depth > JSON_MAX_DEPTH {
            let detail = format!("The body is nested deeper than {JSON_MAX_DEPTH} levels.");
            return Err(Problem::new(400, "invalid_json", detail));
        }
    }
    Ok(())
}
