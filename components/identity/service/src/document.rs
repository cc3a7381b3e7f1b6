//! What the API document says of the routes: one arm for each operation, so that a route without
//! words does not compile. What follows from a route by itself is not repeated here
//! (`web::document`).

mod accounts;
mod admin;
mod bodies;
mod me;
mod providers;
mod sessions;

use web::document::{Description, Section};

use crate::Operation;

/// The operations of the service.
pub fn document() -> Section {
    Section::new(TAGS, crate::routes(), describe)
}

/// None for what exists in development only.
fn describe(operation: Operation) -> Option<Description> {
    Some(match operation {
        Operation::SignUp => accounts::sign_up(),
        Operation::ConfirmAccount => accounts::confirm(),
        Operation::ResendCode => accounts::resend(),
        Operation::ForgetPassword => accounts::forget_password(),
        Operation::ResetPassword => accounts::reset_password(),
        Operation::SignIn => sessions::sign_in(),
        Operation::RefreshSession => sessions::refresh(),
        Operation::EndSession => sessions::end_this(),
        Operation::ListSessions => sessions::list(),
        Operation::EndNamedSession => sessions::end_named(),
        Operation::EndSessions => sessions::end_all(),
        Operation::ReadKeys => sessions::keys(),
        Operation::ReadProofKeys => sessions::proof_keys(),
        Operation::StartOauth => providers::start(),
        Operation::FinishOauth => providers::finish(),
        Operation::SignInByTicket => providers::sign_in(),
        Operation::LinkProvider => providers::link(),
        Operation::ReadMe => me::read(),
        Operation::ChangeMe => me::change(),
        Operation::EraseMe => me::erase(),
        Operation::ExportMe => me::export(),
        Operation::ChangePassword => me::change_password(),
        Operation::OfferTotp => me::offer_totp(),
        Operation::ConfirmTotp => me::confirm_totp(),
        Operation::RemoveTotp => me::remove_totp(),
        Operation::Suspend => admin::suspend(),
        Operation::Unsuspend => admin::unsuspend(),
        Operation::DevelopmentToken => return None,
    })
}

const TAGS: &[(&str, &str)] = &[
    (accounts::TAG, "Sign up, prove a mail address, get a new password."),
    (sessions::TAG, "Sign in and out, and the tokens between."),
    (providers::TAG, "Sign in with Google or Facebook."),
    (me::TAG, "The caller's own account."),
    (admin::TAG, "What only administrators do."),
];
