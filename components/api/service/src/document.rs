//! What the API document says of its own routes.

use web::document::{Description, Section};

use crate::Operation;

/// The operations of the service.
pub fn document() -> Section {
    let tags = &[(SERVICE, "The platform about itself.")];
    Section::new(tags, crate::routes(), |operation| Some(describe(operation)))
}

const SERVICE: &str = "Service";

fn describe(operation: Operation) -> Description {
    match operation {
        Operation::ReadDocument => {
            Description::new(SERVICE, "This document").answers_object(200, "OpenAPI 3.1.").tagged()
        }
        Operation::ReadLiveDocument => {
            Description::new(SERVICE, "What is said on sockets and in event streams")
                .answers_object(200, "AsyncAPI 3.0.")
                .tagged()
        }
        Operation::ReadPage => Description::new(SERVICE, "This document as a page")
            .answers_text(200, "HTML without scripts.", "text/html")
            .tagged(),
        Operation::ReadHealth => {
            Description::new(SERVICE, "Is the platform up?").answers_object(200, "It is.")
        }
        Operation::ReadReadiness => Description::new(SERVICE, "Can it answer?")
            .answers_object(200, "Its stores do.")
            .answers_object(503, "They do not, or the platform is about to stop."),
    }
}
