//! Every bound of the engine in one place. Names end in their unit.

/// Largest amount of money in minor units: 2^53 − 1, exact in every JSON reader (rules.md B9).
pub const AMOUNT_MAX_MINOR: i64 = 9_007_199_254_740_991;
/// Longest title of an auction.
pub const TITLE_MAX_CHARS: usize = 200;
/// Longest description of an auction.
pub const DESCRIPTION_MAX_CHARS: usize = 20_000;
/// Longest category name.
pub const CATEGORY_MAX_CHARS: usize = 64;
/// Most bands of an increment ladder.
pub const LADDER_MAX_BANDS: usize = 64;
/// Shortest run of an auction (api.md §3).
pub const RUN_MIN_MS: i64 = 5_000;
/// Longest run of an auction (api.md §3).
pub const RUN_MAX_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
/// Longest soft-close window or extension.
pub const SOFT_CLOSE_MAX_SECONDS: i64 = 24 * 60 * 60;
/// Longest idempotency key (rules.md B11).
pub const IDEMPOTENCY_KEY_MAX_CHARS: usize = 255;
/// How long idempotency keys are kept after the end of the auction (rules.md B11).
pub const IDEMPOTENCY_KEEP_MS: i64 = 24 * 60 * 60 * 1_000;
/// Most items of a page (api.md §1).
pub const PAGE_MAX_ITEMS: u32 = 100;
/// Items of a page when the caller does not say (api.md §1).
pub const PAGE_DEFAULT_ITEMS: u32 = 20;
/// Deepest nesting of a JSON body (reliability.md 3.3).
pub const JSON_MAX_DEPTH: usize = 32;
/// Most parameters of an SQL statement.
pub const SQL_MAX_PARAMETERS: usize = 100;
