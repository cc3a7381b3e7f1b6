//! Every bound of the engine in one place. Names end in their unit.

/// Largest amount of money in minor units: 2^53 − 1, exact in every JSON reader (rules.md B9).
pub const AMOUNT_MAX_MINOR: i64 = 9_007_199_254_740_991;
/// Longest title of an auction.
pub const TITLE_MAX_CHARS: usize = 200;
/// Longest description of an auction.
pub const DESCRIPTION_MAX_CHARS: usize = 20_000;
/// Longest category name.
pub const CATEGORY_MAX_CHARS: usize = 64;
/// Longest addition to a description.
pub const ADDITION_MAX_CHARS: usize = 5_000;
/// Most additions to a description.
pub const ADDITIONS_MAX: usize = 20;
/// Longest reason for a cancellation.
pub const REASON_MAX_CHARS: usize = 500;
/// Most bidders that a seller can block on one auction.
pub const BLOCKED_MAX: usize = 1_000;
/// Most second-chance offers of one auction.
pub const OFFERS_MAX: usize = 1_000;
/// Most units of an auction.
pub const QUANTITY_MAX: u32 = 1_000_000;
/// Longest tick and longest dwell of a falling clock.
pub const CLOCK_MAX_SECONDS: u32 = 24 * 60 * 60;
/// A bid of that many times the least one needs a confirmation.
pub const CONFIRM_TIMES: i64 = 1_000;
/// Amounts below that many major units never need a confirmation.
pub const CONFIRM_FROM_MAJOR: i64 = 10_000;
/// For a bid of that many times the least one a preview advises to ask the person again.
pub const CONFIRM_ADVISED_TIMES: i64 = 10;
/// A reserve can be lowered while that much is left (rules.md B3.4).
pub const RESERVE_LOWERING_LEFT_MS: i64 = 12 * 60 * 60 * 1_000;
/// With that much left a retraction voids all bids of the bidder, later its last one (B5).
pub const RETRACTION_LEFT_MS: i64 = 12 * 60 * 60 * 1_000;
/// How old a bid may be that is retracted late (B5).
pub const RETRACTION_AGE_MS: i64 = 60 * 60 * 1_000;
/// How long after the end second-chance offers can be made (B7).
pub const OFFER_WITHIN_MS: i64 = 60 * 24 * 60 * 60 * 1_000;
/// Most bands of an increment ladder.
pub const LADDER_MAX_BANDS: usize = 64;
/// Shortest run of an auction (api.md §3).
pub const RUN_MIN_MS: i64 = 5_000;
/// Longest run of an auction (api.md §3).
pub const RUN_MAX_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
/// Longest soft-close window or extension.
pub const SOFT_CLOSE_MAX_SECONDS: i64 = 24 * 60 * 60;
/// Longest outage that is declared at once.
pub const OUTAGE_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Most grace beyond the lost time.
pub const OUTAGE_GRACE_MAX_SECONDS: i64 = 24 * 60 * 60;
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
/// How long an access token lives (api.md §2).
pub const ACCESS_TOKEN_SECONDS: i64 = 600;
/// Most pictures of an auction (api.md §3).
pub const PICTURES_MAX: u8 = 12;
/// Largest picture that is taken (api.md §3).
pub const PICTURE_MAX_BYTES: usize = 10 << 20;
/// Most pixels of a picture that is taken (api.md §3).
pub const PICTURE_MAX_PIXELS: u64 = 16_000_000;
/// Largest object: the largest rendition of a picture fits however little it compresses.
pub const OBJECT_MAX_BYTES: usize = 11 << 20;
/// Longest name of an object.
pub const OBJECT_KEY_MAX_CHARS: usize = 200;
