//! The route table.

use web::{Auth, Method, Route};

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Make an account.
    SignUp,
    /// Prove its mail address.
    ConfirmAccount,
    /// Ask for the letter again.
    ResendCode,
    /// Sign in.
    SignIn,
    /// The next pair of tokens.
    RefreshSession,
    /// End the session of the access token.
    EndSession,
    /// The sessions that are alive.
    ListSessions,
    /// End one of them.
    EndNamedSession,
    /// End all sessions.
    EndSessions,
    /// Ask for a letter about a new password.
    ForgetPassword,
    /// Set one with the code in it.
    ResetPassword,
    /// Set one with the old one.
    ChangePassword,
    /// The caller's account.
    ReadMe,
    /// Rename it.
    ChangeMe,
    /// Erase it.
    EraseMe,
    /// All that is kept about it.
    ExportMe,
    /// A secret for one-time codes.
    OfferTotp,
    /// Put it in force.
    ConfirmTotp,
    /// No more one-time codes.
    RemoveTotp,
    /// Go to a provider.
    StartOauth,
    /// Come back from it.
    FinishOauth,
    /// Sign in with a ticket.
    SignInByTicket,
    /// Link a provider's account, and sign in.
    LinkProvider,
    /// Public keys.
    ReadKeys,
    /// Show the public keys of proofs.
    ReadProofKeys,
    /// Suspend an account.
    Suspend,
    /// End that.
    Unsuspend,
    /// An access token for a name, in development only.
    DevelopmentToken,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

const fn route(
    method: Method,
    path: &'static str,
    operation: &'static str,
    auth: Auth,
    body_max_bytes: usize,
    handler: Operation,
) -> Route<Operation> {
    Route { method, path, operation, auth, body_max_bytes, handler }
}

const ROUTES: &[Route<Operation>] = {
    use Auth::{Active, Admin, Ignored, Required};
    use Method::{Delete, Get, Patch, Post, Put};
    use Operation as O;
    &[
        route(Post, "/v1/accounts", "signUp", Ignored, BODY, O::SignUp),
        route(Post, "/v1/accounts/confirm", "confirmAccount", Ignored, BODY, O::ConfirmAccount),
        route(Post, "/v1/accounts/resend", "resendCode", Ignored, BODY, O::ResendCode),
        route(Post, "/v1/sessions", "signIn", Ignored, BODY, O::SignIn),
        route(Post, "/v1/sessions/refresh", "refreshSession", Ignored, BODY, O::RefreshSession),
        route(Delete, "/v1/sessions/current", "endSession", Required, 0, O::EndSession),
        route(Get, "/v1/sessions", "listSessions", Required, 0, O::ListSessions),
        // Behind `current`, which is no id.
        route(Delete, "/v1/sessions/{id}", "endNamedSession", Required, 0, O::EndNamedSession),
        route(Delete, "/v1/sessions", "endSessions", Required, 0, O::EndSessions),
        route(Post, "/v1/passwords/forgot", "forgetPassword", Ignored, BODY, O::ForgetPassword),
        route(Post, "/v1/passwords/reset", "resetPassword", Ignored, BODY, O::ResetPassword),
        route(Post, "/v1/me/password", "changePassword", Active, BODY, O::ChangePassword),
        route(Get, "/v1/me", "readMe", Required, 0, O::ReadMe),
        route(Patch, "/v1/me", "changeMe", Active, BODY, O::ChangeMe),
        route(Delete, "/v1/me", "eraseMe", Active, BODY, O::EraseMe),
        route(Get, "/v1/me/export", "exportMe", Required, 0, O::ExportMe),
        route(Post, "/v1/me/totp", "offerTotp", Active, BODY, O::OfferTotp),
        route(Post, "/v1/me/totp/confirm", "confirmTotp", Active, BODY, O::ConfirmTotp),
        route(Delete, "/v1/me/totp", "removeTotp", Active, BODY, O::RemoveTotp),
        route(Get, "/v1/oauth/{provider}/start", "startOauth", Ignored, 0, O::StartOauth),
        route(Get, "/v1/oauth/{provider}/callback", "finishOauth", Ignored, 0, O::FinishOauth),
        route(Post, "/v1/oauth/sessions", "signInByTicket", Ignored, BODY, O::SignInByTicket),
        route(Post, "/v1/oauth/links", "linkProvider", Ignored, BODY, O::LinkProvider),
        route(Get, "/.well-known/jwks.json", "readKeys", Ignored, 0, O::ReadKeys),
        route(Get, PROOF_KEYS, "readProofKeys", Ignored, 0, O::ReadProofKeys),
        route(Put, "/v1/admin/users/{id}/suspension", "suspend", Admin, 0, O::Suspend),
        route(Delete, "/v1/admin/users/{id}/suspension", "unsuspend", Admin, 0, O::Unsuspend),
        route(Post, DEVELOPMENT, "developmentToken", Ignored, BODY, O::DevelopmentToken),
    ]
};

/// Where everybody finds the keys of proofs.
const PROOF_KEYS: &str = "/.well-known/proof-keys.json";
/// The path that exists in development only.
pub(crate) const DEVELOPMENT: &str = "/_dev/token";
/// Room for an address, a password of 128 characters and a name, all of them written in escapes.
const BODY: usize = 8 * 1_024;
