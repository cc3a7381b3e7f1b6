//! Forgetting what has expired.

use kernel::Timestamp;
use ports::{Ports, SWEEP_MAX_ROWS, Statement, Value};

use crate::sign_ups::PENDING_KEPT_MS;

/// Runs a job of the manifest.
pub(crate) async fn run<P: Ports>(ports: &P, job: &str) -> Result<(), String> {
    if job != "identity.sweep" {
        return Err(format!("there is no job {job}"));
    }
    ports::sweep(ports, round).await.map_err(|error| error.to_string())
}

fn round(now: Timestamp) -> Vec<Statement> {
    let all = [codes(now), sessions(now), accounts(now)];
    all.into_iter().flatten().collect()
}

fn delete(sql: &str, before: Timestamp) -> Statement {
    let values: [Value; 2] = [before.as_ms().into(), SWEEP_MAX_ROWS.into()];
    Statement::new(sql, values)
}

fn older(now: Timestamp, ms: i64) -> Timestamp {
    now.plus_ms(ms.saturating_neg())
}

/// What was mailed and never typed.
fn codes(now: Timestamp) -> Vec<Statement> {
    vec![
        delete(
            "DELETE FROM identity_codes WHERE id IN
            (SELECT id FROM identity_codes WHERE expires_at <= ?1 LIMIT ?2)",
            now,
        ),
        delete(
            "DELETE FROM identity_tries WHERE expires_at <= ?1 AND (code_id, place) IN
            (SELECT code_id, place FROM identity_tries WHERE expires_at <= ?1 LIMIT ?2)",
            now,
        ),
        // A sign-up that was asked for again lives on with its new code.
        delete(
            "DELETE FROM identity_sign_ups WHERE code_id IN (SELECT code_id
            FROM identity_sign_ups WHERE expires_at <= ?1 AND signed_up_at <= ?1 LIMIT ?2)",
            older(now, PENDING_KEPT_MS),
        ),
        // Nobody's, and those of addresses alone, which are nothing but a code.
        delete(
            "DELETE FROM identity_sign_ups WHERE code_id IN (SELECT code_id
            FROM identity_sign_ups WHERE expires_at <= ?1 AND password IS NULL LIMIT ?2)",
            now,
        ),
    ]
}

/// Ways to a provider, and sessions.
fn sessions(now: Timestamp) -> Vec<Statement> {
    vec![
        delete(
            "DELETE FROM identity_states WHERE hash IN
            (SELECT hash FROM identity_states WHERE expires_at <= ?1 LIMIT ?2)",
            now,
        ),
        delete(
            "DELETE FROM identity_tickets WHERE hash IN
            (SELECT hash FROM identity_tickets WHERE expires_at <= ?1 LIMIT ?2)",
            now,
        ),
        // A spent token is known as long as it would have lived: that is how a copy of it is found
        // out. A family goes with the last of its tokens.
        delete(
            "DELETE FROM identity_families WHERE id IN (SELECT family_id FROM identity_tokens
            WHERE expires_at <= ?1 ORDER BY expires_at, hash LIMIT ?2)
            AND NOT EXISTS (SELECT 1 FROM identity_tokens t
            WHERE t.family_id = identity_families.id AND t.expires_at > ?1)",
            now,
        ),
        delete(
            "DELETE FROM identity_tokens WHERE hash IN (SELECT hash FROM identity_tokens
            WHERE expires_at <= ?1 ORDER BY expires_at, hash LIMIT ?2)",
            now,
        ),
    ]
}

/// Accounts that nobody proved, and where others were signed in to.
fn accounts(now: Timestamp) -> Vec<Statement> {
    vec![
        delete(
            "DELETE FROM identity_places WHERE place IN
            (SELECT place FROM identity_places WHERE seen_at <= ?1 LIMIT ?2)",
            older(now, PLACES_KEPT_MS),
        ),
        // Whoever holds an address without proving it does not hold it for ever.
        delete(
            "DELETE FROM identity_accounts WHERE id IN (SELECT id FROM identity_accounts
            WHERE created_at <= ?1 AND email IS NOT NULL AND confirmed_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM identity_codes c WHERE c.owner = identity_accounts.id)
            AND NOT EXISTS (SELECT 1 FROM identity_sign_ups s WHERE s.owner = identity_accounts.id)
            LIMIT ?2)",
            older(now, PENDING_KEPT_MS),
        ),
    ]
}

const PLACES_KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
