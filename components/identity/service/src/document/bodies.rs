//! Bodies as the document shows them; what is read and written is in the modules of each route.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use utoipa::ToSchema;
use web::document::{Instant, SessionId, UserId};

/// Somebody new.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUp {
    /// `name@host.domain`, in ASCII; upper and lower case are the same.
    #[schema(max_length = 254, format = "email")]
    email: String,
    #[schema(min_length = 8, max_length = 128)]
    password: String,
    /// What others see, without invisible characters.
    #[schema(min_length = 1, max_length = 64, pattern = r"\S")]
    display_name: String,
}

/// An address to write to.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MailAddress {
    #[schema(max_length = 254, format = "email")]
    email: String,
}

/// A code out of a letter.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MailedCode {
    #[schema(max_length = 254, format = "email")]
    email: String,
    /// Six digits.
    code: String,
}

/// A code out of a letter, and what it is for.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    #[schema(max_length = 254, format = "email")]
    email: String,
    /// 26 letters of base32, in either case; dashes and spaces between them do not count.
    code: String,
    #[schema(min_length = 8, max_length = 128)]
    password: String,
}

/// The old password and the new one.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    current_password: String,
    #[schema(min_length = 8, max_length = 128)]
    password: String,
}

/// Who signs in, and proof of it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    #[schema(max_length = 254, format = "email")]
    email: String,
    password: String,
    /// A one-time code or a recovery code.
    otp: Option<String>,
}

/// A refresh token that was not spent yet.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshToken {
    refresh_token: String,
}

/// A session: a token for now, and one for the next pair.
#[derive(ToSchema)]
pub(super) struct TokenPair {
    /// A JWT, for `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    #[schema(pattern = "^Bearer$")]
    token_type: String,
    /// Seconds that the access token lives.
    #[schema(minimum = 1, maximum = 600)]
    expires_in: u64,
    /// Good once, within 30 days.
    #[schema(pattern = "^rt_[A-Za-z0-9_-]{43}$")]
    refresh_token: String,
}

/// The sessions of an account that are alive.
#[derive(ToSchema)]
pub(super) struct Sessions {
    #[schema(max_items = 100)]
    items: Vec<Session>,
}

/// A session as its owner sees it.
#[derive(ToSchema)]
struct Session {
    id: SessionId,
    /// Client and system, as in `Firefox on Windows`; null where nothing is known of them.
    #[schema(required, max_length = 40)]
    device: Option<String>,
    created_at: Instant,
    last_used_at: Instant,
    /// It is the one that the access token belongs to.
    current: bool,
}

/// What came back from a provider.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    ticket: String,
    /// A one-time code or a recovery code.
    otp: Option<String>,
}

/// What came back from a provider, and the code that was mailed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkTicket {
    ticket: String,
    /// Six digits.
    code: String,
    /// A one-time code or a recovery code.
    otp: Option<String>,
}

/// An account as its owner sees it.
#[derive(ToSchema)]
pub(super) struct Account {
    id: UserId,
    /// Null for the names of development mode.
    #[schema(required)]
    email: Option<String>,
    display_name: String,
    roles: Vec<Role>,
    /// One-time codes are asked for.
    second_factor: bool,
    created_at: Instant,
}

/// `suspended` stands alone: signed in, and nothing can be changed.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Admin,
    Suspended,
}

/// What can be changed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountChange {
    #[schema(min_length = 1, max_length = 64, pattern = r"\S")]
    display_name: String,
}

/// That the caller is who signed in: one of the two.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityProof {
    password: Option<String>,
    /// A one-time code or a recovery code.
    otp: Option<String>,
}

/// The secret of a second factor, as text and as an address that authenticators read.
#[derive(ToSchema)]
pub(super) struct TotpSecret {
    /// Base32.
    #[schema(pattern = "^[A-Z2-7]{32}$")]
    secret: String,
    #[schema(format = "uri")]
    otpauth_uri: String,
}

/// What the authenticator shows.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TotpCode {
    /// Six digits.
    code: String,
}

/// Each is good once, in place of a one-time code.
#[derive(ToSchema)]
pub(super) struct RecoveryCodes {
    #[schema(min_items = 10, max_items = 10)]
    recovery_codes: Vec<String>,
}
