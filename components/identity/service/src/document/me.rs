//! The caller's own account.

use serde_json::json;
use web::document::Description;

use super::accounts::PASSWORDS;
use super::bodies;

pub(super) const TAG: &str = "Account";

pub(super) fn read() -> Description {
    Description::new(TAG, "Show the caller's account")
        .answers::<bodies::Account>(200, "The account.")
        .tagged()
}

pub(super) fn change() -> Description {
    Description::new(TAG, "Change the caller's name")
        .notes("Access tokens carry the old name until they expire.")
        .changes_what_was_seen()
        .takes::<bodies::AccountChange>(json!({"display_name": "Ana López"}))
        .answers::<bodies::Account>(200, "The account.")
        .tagged()
}

pub(super) fn erase() -> Description {
    Description::new(TAG, "Erase the caller's account")
        .notes(PROOF)
        .may_take::<bodies::IdentityProof>(json!({"password": "correct horse battery"}))
        .answers_empty(204, "All that is personal is gone; the id is never given again.")
        .refuses(403, &["reauthentication_required"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn export() -> Description {
    Description::new(TAG, "Download all that is kept about the caller")
        .answers_object(200, "Everything that identity keeps, secrets apart.")
}

pub(super) fn change_password() -> Description {
    let example =
        json!({"current_password": "correct horse battery", "password": "a staple is no battery"});
    Description::new(TAG, "Change the password")
        .notes("Ends every other session. Who has no password sets one with a mailed code.")
        .takes::<bodies::PasswordChange>(example)
        .answers_empty(204, "The password is set.")
        .refuses(401, &["invalid_credentials"])
        .refuses(422, PASSWORDS)
        .refuses(429, &["rate_limited"])
}

pub(super) fn offer_totp() -> Description {
    Description::new(TAG, "Ask for a second factor")
        .notes("It is in force once a code of it was typed (`confirmTotp`); the newest one counts.")
        .may_take::<bodies::IdentityProof>(json!({"password": "correct horse battery"}))
        .answers::<bodies::TotpSecret>(200, "A secret for an authenticator.")
        .refuses(403, &["reauthentication_required"])
        .refuses(409, &["second_factor_on"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn confirm_totp() -> Description {
    Description::new(TAG, "Put the second factor in force")
        .takes::<bodies::TotpCode>(json!({"code": "123456"}))
        .answers::<bodies::RecoveryCodes>(200, "Ten codes for a lost phone, shown this once.")
        .refuses(409, &["second_factor_on"])
        .refuses(422, &["invalid_code"])
        .refuses(429, &["rate_limited"])
}

pub(super) fn remove_totp() -> Description {
    Description::new(TAG, "Switch the second factor off")
        .notes(PROOF)
        .may_take::<bodies::IdentityProof>(json!({"otp": "123456"}))
        .answers_empty(204, "It is off, as it may have been before.")
        .refuses(403, &["reauthentication_required"])
        .refuses(429, &["rate_limited"])
}

const PROOF: &str = "Who signed in more than ten minutes ago sends `password` or `otp` along, or \
    signs in again.";
