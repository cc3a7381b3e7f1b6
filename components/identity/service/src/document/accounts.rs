//! Accounts and their mail.

use serde_json::json;
use web::document::Description;

use super::bodies;

pub(super) const TAG: &str = "Accounts";

pub(super) fn sign_up() -> Description {
    let notes = "The answer is the same whether the address has an account or not; a letter says \
        how to go on. A password has 8 to 128 characters of any kind and is not one of the first \
        that anybody would try. Each sign-up has a code of its own; what it came with is what the \
        code confirms.";
    let example = json!({"email": "ana@example.test", "password": "correct horse battery",
        "display_name": "Ana"});
    Description::new(TAG, "Sign up")
        .notes(notes)
        .takes::<bodies::SignUp>(example)
        .answers_object(202, "A letter is on its way.")
        .refuses(422, PASSWORDS)
        .refuses(429, &["rate_limited"])
}

pub(super) fn confirm() -> Description {
    Description::new(TAG, "Prove the mail address of an account")
        .notes(
            "The account gets the password and the name of the sign-up that the code was mailed \
            for. A code counts once, for ten minutes; five tries for all codes of an address.",
        )
        .takes::<bodies::MailedCode>(json!({"email": "ana@example.test", "code": "123456"}))
        .answers_empty(204, "The account is confirmed.")
        .refuses(422, &["invalid_code"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn resend() -> Description {
    let notes = "The newer code takes the older one's place. It is for the sign-up from the same \
        client address, or for the only one that there is; else it proves the mail address and \
        sets no password.";
    Description::new(TAG, "Ask for the letter again")
        .notes(notes)
        .takes::<bodies::MailAddress>(json!({"email": "ana@example.test"}))
        .answers_object(202, "If there is an account, a letter is on its way.")
        .refuses(429, &["rate_limited"])
}

pub(super) fn forget_password() -> Description {
    Description::new(TAG, "Ask for a letter about a new password")
        .takes::<bodies::MailAddress>(json!({"email": "ana@example.test"}))
        .answers_object(202, "If there is an account, a letter is on its way.")
        .refuses(429, &["rate_limited"])
}

pub(super) fn reset_password() -> Description {
    let example = json!({"email": "ana@example.test", "code": "ABCDEFGHIJKLMNOPQRSTUVWX27",
        "password": "correct horse battery"});
    Description::new(TAG, "Set a new password with a mailed code")
        .notes(
            "Ends every session of the account. The code proves the mail address, too; it has \
            five tries at each client address.",
        )
        .takes::<bodies::NewPassword>(example)
        .answers_empty(204, "The password is set.")
        .refuses(422, &["invalid_code"])
        .refuses(422, PASSWORDS)
        .refuses(429, &["rate_limited"])
}

/// What is wrong with a password.
pub(super) const PASSWORDS: &[&str] =
    &["password_too_common", "password_too_long", "password_too_weak"];
