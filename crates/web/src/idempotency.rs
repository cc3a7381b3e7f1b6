//! The `Idempotency-Key` header (rules.md B11).

use kernel::limits::IDEMPOTENCY_KEY_MAX_CHARS;

use crate::{Problem, Request, Response};

/// The key: 400 when it is missing, sent twice, or not 1 to 255 visible ASCII characters.
pub fn key(request: &Request) -> Result<&str, Problem> {
    let key = request.header("idempotency-key").ok_or_else(|| {
        let detail = "Send an Idempotency-Key, so that a retry cannot act twice.";
        Problem::new(400, "idempotency_key_required", detail)
    })?;
    let fits = (1..=IDEMPOTENCY_KEY_MAX_CHARS).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic())
        && request.header_count("idempotency-key") == 1;
    if fits {
        Ok(key)
    } else {
        let detail = "An Idempotency-Key is 1 to 255 visible ASCII characters, sent once.";
        Err(Problem::new(400, "invalid_idempotency_key", detail))
    }
}

/// 422: the key was used with another body.
pub fn reused() -> Problem {
    let detail = "This Idempotency-Key was used with another body; take a new key.";
    Problem::new(422, "idempotency_key_reused", detail)
}

/// 409: the first request with this key is still running.
pub fn in_progress(retry_after_seconds: i64) -> Problem {
    let detail = "The first request with this Idempotency-Key is still running.";
    Problem::new(409, "idempotency_in_progress", detail)
        .with_header("retry-after", retry_after_seconds.max(1).to_string())
}

/// Marks an answer that repeats an earlier one.
pub fn replayed(response: Response) -> Response {
    response.with("idempotent-replayed", "true")
}
