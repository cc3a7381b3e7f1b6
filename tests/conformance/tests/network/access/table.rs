//! The table: a route, where it is possible, what is sent, and what each column gets.

use super::stage::Place;

pub(super) struct Row {
    /// Method and path template as in the API document.
    pub(super) route: &'static str,
    pub(super) place: Place,
    /// Body with `{placeholders}`; the document's example when empty.
    pub(super) body: &'static str,
    /// Owner, other, seller, admin, anonymous, suspended.
    pub(super) expected: [u16; 6],
}

const fn row(route: &'static str, place: Place, expected: [u16; 6]) -> Row {
    Row { route, place, body: "", expected }
}

const fn sends(route: &'static str, place: Place, body: &'static str, expected: [u16; 6]) -> Row {
    Row { route, place, body, expected }
}

/// For everybody alike, token or not.
const fn all(status: u16) -> [u16; 6] {
    [status; 6]
}

/// For everybody with an account: of their own, so that nobody is another.
const fn own(status: u16) -> [u16; 6] {
    [status, status, status, status, 401, status]
}

/// The same where something changes.
const fn own_change(status: u16) -> [u16; 6] {
    [status, status, status, status, 401, 403]
}

/// For the seller of the auction.
const fn sellers(status: u16) -> [u16; 6] {
    [status, 403, status, 403, 401, 403]
}

/// For one person other than the seller.
const fn owners(status: u16) -> [u16; 6] {
    [status, 403, 403, 403, 401, 403]
}

/// For everybody but the seller.
const fn bidders(status: u16) -> [u16; 6] {
    [status, status, 403, status, 401, 403]
}

/// For administrators alone.
pub(super) const ADMINS: [u16; 6] = [403, 403, 403, 204, 401, 403];

/// What a suspended account may change: it may leave.
pub(super) const OPEN_TO_SUSPENDED: &[&str] =
    &["DELETE /v1/sessions", "DELETE /v1/sessions/current", "DELETE /v1/sessions/{id}"];

pub(super) const ROWS: &[Row] = &[
    row("GET /openapi.json", Place::Nowhere, all(200)),
    row("GET /asyncapi.json", Place::Nowhere, all(200)),
    row("GET /docs", Place::Nowhere, all(200)),
    row("GET /healthz", Place::Nowhere, all(200)),
    row("GET /readyz", Place::Nowhere, all(200)),
    row("GET /.well-known/jwks.json", Place::Nowhere, all(200)),
    row("GET /.well-known/proof-keys.json", Place::Nowhere, all(200)),
    // Auctions.
    row("GET /v1/auctions", Place::Nowhere, all(200)),
    row("POST /v1/auctions", Place::Nowhere, own_change(201)),
    row("GET /v1/auctions/{id}", Place::Open, all(200)),
    row("PATCH /v1/auctions/{id}", Place::Open, sellers(200)),
    row("DELETE /v1/auctions/{id}", Place::Open, sellers(204)),
    row("POST /v1/auctions/{id}/cancellation", Place::Open, sellers(200)),
    row("PATCH /v1/auctions/{id}/reserve", Place::Reserve, sellers(200)),
    row("PUT /v1/auctions/{id}/blocked-bidders/{bidder}", Place::Blockable, sellers(204)),
    row("DELETE /v1/auctions/{id}/blocked-bidders/{bidder}", Place::Blockable, sellers(204)),
    row("GET /v1/auctions/{id}/blocked-bidders", Place::Blockable, sellers(200)),
    row("GET /v1/auctions/{id}/bids", Place::Bid, all(200)),
    row("GET /v1/auctions/{id}/events", Place::Bid, all(200)),
    row("GET /v1/auctions/{id}/rules", Place::Bid, all(200)),
    row("PUT /v1/auctions/{id}/pictures/{n}", Place::Open, sellers(201)),
    row("DELETE /v1/auctions/{id}/pictures/{n}", Place::Pictured, sellers(204)),
    row("GET /pictures/{picture_id}", Place::Pictured, all(200)),
    row("GET /pictures/{picture_id}/{size}", Place::Pictured, all(200)),
    row("GET /v1/auctions/{id}/qr.png", Place::Coded, all(200)),
    row("GET /v1/auctions/{id}/qr.svg", Place::Coded, all(200)),
    row("GET /v1/auctions/{id}/proof", Place::Bid, all(200)),
    // Nobody asks for a socket here.
    row("GET /v1/auctions/{id}/live", Place::Bid, all(426)),
    row("POST /v1/live-tickets", Place::Nowhere, own_change(201)),
    // Bids.
    row("POST /v1/auctions/{id}/bids:preview", Place::Open, all(200)),
    row("POST /v1/auctions/{id}/bids", Place::Bid, bidders(201)),
    row("POST /v1/auctions/{id}/buy-now", Place::BuyNow, bidders(201)),
    // Who has not bid there learns nothing; the seller sees the reserve's salt.
    row("GET /v1/auctions/{id}/bidding", Place::Bid, [200, 404, 200, 404, 401, 404]),
    row("POST /v1/auctions/{id}/bids/{bid_id}/retraction", Place::Bid, owners(200)),
    row("DELETE /v1/auctions/{id}/bids/{bid_id}", Place::Sealed, owners(204)),
    row("POST /v1/auctions/{id}/second-chance-offers", Place::Bought, sellers(201)),
    row(
        "POST /v1/auctions/{id}/second-chance-offers/{offer_id}/acceptance",
        Place::Offer,
        owners(200),
    ),
    row(
        "POST /v1/auctions/{id}/second-chance-offers/{offer_id}/decline",
        Place::Offer,
        owners(200),
    ),
    // Dashboards.
    row("GET /v1/me/bids", Place::Nowhere, own(200)),
    row("GET /v1/me/auctions", Place::Nowhere, own(200)),
    row("GET /v1/me/watches", Place::Nowhere, own(200)),
    row("GET /v1/me/watches/{auction_id}", Place::Watched, [200, 404, 404, 404, 401, 404]),
    row("PUT /v1/me/watches/{auction_id}", Place::Open, own_change(204)),
    row("DELETE /v1/me/watches/{auction_id}", Place::Open, own_change(204)),
    // Accounts. Whoever has a token may still sign up, in or with another provider.
    sends(
        "POST /v1/accounts",
        Place::Nowhere,
        r#"{"email": "{fresh}@example.test", "password": "{password}", "display_name": "New"}"#,
        all(202),
    ),
    sends(
        "POST /v1/accounts/confirm",
        Place::Nowhere,
        r#"{"email": "{fresh}@example.test", "code": "000000"}"#,
        all(422),
    ),
    sends(
        "POST /v1/accounts/resend",
        Place::Nowhere,
        r#"{"email": "{fresh}@example.test"}"#,
        all(202),
    ),
    sends(
        "POST /v1/passwords/forgot",
        Place::Nowhere,
        r#"{"email": "{fresh}@example.test"}"#,
        all(202),
    ),
    sends(
        "POST /v1/passwords/reset",
        Place::Nowhere,
        r#"{"email": "{fresh}@example.test", "code": "000000", "password": "{password}"}"#,
        all(422),
    ),
    sends(
        "POST /v1/sessions",
        Place::Guest,
        r#"{"email": "{guest}", "password": "{password}"}"#,
        all(201),
    ),
    sends(
        "POST /v1/sessions/refresh",
        Place::Guest,
        r#"{"refresh_token": "{refresh_token}"}"#,
        all(200),
    ),
    row("DELETE /v1/sessions/current", Place::Account, own(204)),
    row("DELETE /v1/sessions", Place::Account, own(204)),
    row("GET /v1/sessions", Place::Nowhere, own(200)),
    // Others learn nothing of it.
    row("DELETE /v1/sessions/{id}", Place::Session, [204, 404, 404, 404, 401, 404]),
    row("GET /v1/oauth/{provider}/start", Place::Nowhere, all(302)),
    row("GET /v1/oauth/{provider}/callback", Place::Nowhere, all(400)),
    sends("POST /v1/oauth/sessions", Place::Nowhere, r#"{"ticket": "x"}"#, all(401)),
    sends("POST /v1/oauth/links", Place::Nowhere, r#"{"ticket": "x", "code": "000000"}"#, all(401)),
    row("GET /v1/me", Place::Nowhere, own(200)),
    row("GET /v1/me/export", Place::Nowhere, own(200)),
    sends("PATCH /v1/me", Place::Account, r#"{"display_name": "Another"}"#, own_change(200)),
    sends("DELETE /v1/me", Place::Account, r#"{"password": "{password}"}"#, own_change(204)),
    sends(
        "POST /v1/me/password",
        Place::Account,
        r#"{"current_password": "{password}", "password": "nine red foxes run home"}"#,
        own_change(204),
    ),
    sends("POST /v1/me/totp", Place::Account, r#"{"password": "{password}"}"#, own_change(200)),
    // Without an offer there is no right code.
    sends("POST /v1/me/totp/confirm", Place::Account, r#"{"code": "000000"}"#, own_change(422)),
    sends("DELETE /v1/me/totp", Place::Account, r#"{"password": "{password}"}"#, own_change(204)),
    row("PUT /v1/admin/users/{id}/suspension", Place::Guest, ADMINS),
    row("DELETE /v1/admin/users/{id}/suspension", Place::Guest, ADMINS),
    // Letters. Tokens of unsubscribe links are keys: who has none finds nothing.
    row("GET /v1/me/notifications", Place::Nowhere, own(200)),
    row("GET /v1/me/notifications/preferences", Place::Nowhere, own(200)),
    sends(
        "PATCH /v1/me/notifications/preferences",
        Place::Account,
        r#"{"outbid": true}"#,
        own_change(200),
    ),
    row("GET /v1/unsubscribe/{token}", Place::Nowhere, all(404)),
    sends("POST /v1/unsubscribe/{token}", Place::Nowhere, "List-Unsubscribe=One-Click", all(404)),
];
