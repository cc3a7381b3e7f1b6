//! The machine's refusals as problems: one exhaustive table from code to status (api.md §3).

use auction_machine::contract::Refused;
use kernel::Timestamp;
use web::{FieldError, Problem, idempotency};

/// The problem that a refusal is, with the current facts, so that the client can repair itself.
pub(crate) fn problem(refused: Refused, server_time: Timestamp) -> Problem {
    let Refused { code, detail, errors, now } = refused;
    let status = match code.as_str() {
        "auction_not_found" | "bid_not_found" | "bidder_not_found" | "offer_not_found" => {
            return Problem::not_found();
        }
        "idempotency_key_reused" => return idempotency::reused(),
        "bid_too_low"
        | "own_max_not_raised"
        | "ask_too_high"
        | "reserve_not_lower"
        | "currency_mismatch"
        | "invalid_quantity"
        | "validation_failed"
        | "format_not_allowed"
        | "increments_required" => 422,
        "seller_cannot_bid" | "bidder_blocked" | "forbidden" => 403,
        "auction_not_started"
        | "auction_closed"
        | "confirmation_required"
        | "buy_now_unavailable"
        | "retraction_not_allowed"
        | "frozen_after_bid"
        | "has_bids"
        | "reserve_already_met"
        | "too_late"
        | "offer_unavailable"
        | "offer_closed" => 409,
        "precondition_failed" => 412,
        // A code that this service does not know, or one that says that it spoke wrongly.
        _ => return Problem::internal(),
    };
    let mut problem = Problem::new(status, code, detail);
    for error in errors {
        problem = problem.with_error(FieldError {
            pointer: error.pointer,
            code: error.code.into(),
            detail: error.detail,
        });
    }
    let Some(standing) = now else { return problem };
    if standing.next_maximum.is_some() {
        problem = problem.with_member("next_maximum", &standing.next_maximum);
    }
    problem
        .with_member("price", &standing.price)
        .with_member("next_minimum", &standing.next_minimum)
        .with_member("ends_at", &standing.ends_at)
        .with_member("seq", &standing.seq)
        .with_member("server_time", &server_time)
}
