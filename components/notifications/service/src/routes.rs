//! The route table.

use web::{Auth, Method, Route};

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The caller's letters and what became of them.
    ListNotifications,
    /// Which letters the caller gets.
    ReadPreferences,
    /// Other ones.
    ChangePreferences,
    /// The page behind the link below a letter.
    AskUnsubscribe,
    /// No more letters of that kind, without signing in.
    Unsubscribe,
    /// Letters that were kept instead of sent, in development only.
    ReadCapturedMail,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

/// The routes that exist here: the last one does in development only.
pub(crate) fn open(in_development: bool) -> &'static [Route<Operation>] {
    match ROUTES.split_last() {
        Some((_, shipped)) if !in_development => shipped,
        _ => ROUTES,
    }
}

const ROUTES: &[Route<Operation>] = &[
    Route {
        method: Method::Get,
        path: "/v1/me/notifications",
        operation: "listNotifications",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ListNotifications,
    },
    Route {
        method: Method::Get,
        path: "/v1/me/notifications/preferences",
        operation: "readNotificationPreferences",
        auth: Auth::Required,
        body_max_bytes: 0,
        handler: Operation::ReadPreferences,
    },
    Route {
        method: Method::Patch,
        path: "/v1/me/notifications/preferences",
        operation: "changeNotificationPreferences",
        auth: Auth::Active,
        body_max_bytes: 1_024,
        handler: Operation::ChangePreferences,
    },
    Route {
        method: Method::Get,
        path: "/v1/unsubscribe/{token}",
        operation: "askUnsubscribe",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::AskUnsubscribe,
    },
    Route {
        method: Method::Post,
        path: "/v1/unsubscribe/{token}",
        operation: "unsubscribe",
        auth: Auth::Ignored,
        body_max_bytes: 1_024,
        handler: Operation::Unsubscribe,
    },
    Route {
        method: Method::Get,
        path: "/_dev/mail",
        operation: "readCapturedMail",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadCapturedMail,
    },
];
