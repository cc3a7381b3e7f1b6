//! What the API document says of the routes: one arm for each operation.

use serde_json::json;
use web::document::{Description, Parameter, Section};

use crate::{Operation, list, preferences};

/// The operations of the service.
pub fn document() -> Section {
    Section::new(TAGS, crate::routes(), describe)
}

/// None for what exists in development only.
fn describe(operation: Operation) -> Option<Description> {
    Some(match operation {
        Operation::ListNotifications => {
            Description::new(TAG, "Page through the caller's letters and what became of them")
                .answers_page::<list::Notification>("Letters, newest first.")
        }
        Operation::ReadPreferences => Description::new(TAG, "Read which letters the caller gets")
            .answers::<Switches>(200, "Every kind, on or off."),
        Operation::ChangePreferences => Description::new(TAG, "Switch kinds of letters on or off")
            .notes("Kinds that are left out stay as they are.")
            .takes::<preferences::Wanted>(json!({"extended": false}))
            .answers::<Switches>(200, "Every kind, on or off."),
        Operation::AskUnsubscribe => {
            Description::new(TAG, "Show the page behind the link below a letter")
                .notes("It changes nothing: its button does.")
                .path(token())
                .answers_text(200, "A page with a button.", "text/html")
        }
        Operation::Unsubscribe => {
            Description::new(TAG, "Switch a kind of letters off without signing in")
                .notes("What mail programs send for `List-Unsubscribe-Post` (RFC 8058).")
                .path(token())
                .takes_form::<OneClick>(json!({"List-Unsubscribe": "One-Click"}))
                .answers_text(200, "It is switched off, as it may have been before.", "text/html")
        }
        Operation::ReadCapturedMail => return None,
    })
}

fn token() -> Parameter {
    let text = "As it stands in the letter; good for ever.";
    Parameter::new("token", text, json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}))
}

/// Every kind of letter, on or off.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "a shape")]
struct Switches {
    opened: bool,
    outbid: bool,
    ending_soon: bool,
    extended: bool,
    won: bool,
    lost: bool,
    sold: bool,
    unsold: bool,
    cancelled: bool,
}

/// The form of RFC 8058.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "a shape")]
struct OneClick {
    #[schema(rename = "List-Unsubscribe", pattern = "^One-Click$")]
    list_unsubscribe: String,
}

const TAG: &str = "Notifications";
const TAGS: &[(&str, &str)] = &[(TAG, "Letters about auctions, and which of them one gets.")];
