//! Whole auctions in virtual time, for people who want to see how bidding goes before they bid or
//! list: bidders of a few habits on the machine that decides real auctions.
//!
//! No rule lives here. What is accepted and why, what a price is and when it ends is said by the
//! machine; bidders know what the public view shows and what they would pay. The same request gives
//! the same bytes everywhere.
//!
//! ```
//! let request = br#"{
//!     "terms": {"title": "A watch", "format": "english", "increments": "ebay_us",
//!         "start_price": {"amount": 1000, "currency": "USD"}, "duration_seconds": 60},
//!     "bidders": [
//!         {"name": "Ana", "strategy": "proxy", "limit": 5000, "at_ms": 1000},
//!         {"name": "Ben", "strategy": "proxy", "limit": 3200, "at_ms": 2000}
//!     ]
//! }"#;
//! let story: serde_json::Value =
//!     serde_json::from_slice(&auction_sandbox::simulate(request)).unwrap();
//! assert_eq!(story["result"]["hammer_price"]["amount"], 3300);
//! assert_eq!(story["people"]["bidder-1"], "Ana");
//! ```

mod bidder;
mod chance;
mod game;
mod request;
mod stage;
mod story;

use request::Unplayable;
use serde::Serialize;

/// Plays an auction. The request is JSON:
///
/// - `terms`: as `POST /v1/auctions` takes them, but it begins at once, at [`START`], which is what
///   `ends_at` and `hard_stop_at` are told by;
/// - `bidders`: `[{name, strategy, limit, at_ms}]`. Two by one name are one person. `limit` counts
///   minor units; `at_ms` is when, after the start, for a `sniper` how long before the end; where
///   it is left out, the seed says when. Strategies: `early` (its limit at the very start), `proxy`
///   (its limit, once), `step` (the least that is taken, whenever it does not lead), `sniper` (its
///   limit in the last seconds), `buy_now`. Clocks are taken when they come down to the limit;
/// - `seed`: a number; 0 when left out.
///
/// The answer is JSON: `timeline`, `points` (the price over time), `people` (names by alias),
/// `result`, `rules` and more; or `{"error": {"code", "detail", "errors"}}`. All times in it are
/// milliseconds after the start.
pub fn simulate(request: &[u8]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Failed {
        error: Unplayable,
    }
    let played = request::read(request).and_then(game::play);
    // Texts, integers and lists: there is nothing that JSON cannot say.
    match played {
        Ok(story) => serde_json::to_vec(&story),
        Err(error) => serde_json::to_vec(&Failed { error }),
    }
    .unwrap_or_default()
}

pub use stage::START;
