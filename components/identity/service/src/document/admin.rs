//! What administrators do.

use web::document::{Description, Parameter, UserId, schema};

pub(super) const TAG: &str = "Administration";

pub(super) fn suspend() -> Description {
    Description::new(TAG, "Suspend an account")
        .notes("Ends its sessions. Signed in again it can look, and change nothing.")
        .path(user())
        .answers_empty(204, "It is suspended, as it may have been before.")
}

pub(super) fn unsuspend() -> Description {
    Description::new(TAG, "End the suspension of an account")
        .notes("Ends its sessions, too: the next sign-in shows it as it is.")
        .path(user())
        .answers_empty(204, "It is not suspended, as it may not have been before.")
}

fn user() -> Parameter {
    Parameter::new("id", "The account.", schema::<UserId>())
}
